/**
 * The form that sends an attempt again with another body, to another place or unsigned. The body is judged by its contract while
 * it is edited; a broken one can be sent, too.
 */

import { post } from "../api.js";
import { clear, field, h, problem, whileOff } from "../dom.js";
import { codeEditor, problemList } from "../editor.js";
import { oneLine, placesOf, pretty } from "../json-lines.js";

const PAUSE = 300;
/** A check that takes longer, in milliseconds, says that it is under way. */
const SLOW = 500;
/** The API takes bodies of so many characters. */
const LONGEST = 900_000;

/**
 * `send(wanted)` sends; what it throws is shown in the form. `close()` takes the form away. Returns `element`, `focus()`, and
 * `end()`, to be called when the form is gone by another way.
 */
export async function resendForm(attempt, send, close) {
  const { text, encoding } = attempt.request.body;
  const original = encoding ? "" : text;
  const shown = pretty(original);
  let waiting;
  let asked = 0;
  const editor = await codeEditor({
    id: "resend-body",
    label: "Body",
    value: shown,
    language: "json",
    changed: () => {
      clearTimeout(waiting);
      waiting = setTimeout(judge, PAUSE);
    },
  });
  const told = h("p", { id: "resend-told", role: "status" });
  const found = h("section", { class: "found", "aria-label": "Problems", hidden: true, dataset: { test: "resend-problems" } });
  const inOneLine = h("input", { id: "resend-one-line", type: "checkbox", checked: true });
  const to = h("input", { id: "resend-to", type: "url", placeholder: attempt.target });
  const sign = h("input", { id: "resend-sign", type: "checkbox", checked: true });
  const format = h("button", { type: "button", id: "resend-format", on: { click: () => editor.set(pretty(editor.value())) } }, "Indent");
  const sendIt = h("button", { type: "submit", class: "primary", id: "resend-send" }, "Send");
  const failed = h("div");
  const wasOneLine = original !== shown && !original.includes("\n");
  const element = h("form", { class: "panel stack", "aria-labelledby": "resend-title", on: { submit, keydown } },
    h("h2", { id: "resend-title" }, "Edit and resend"),
    encoding ? h("p", { class: "note" }, "The body is not UTF-8 and can't be edited here; what you write replaces it.") : null,
    told,
    h("div", { class: "editing" }, found, editor.element),
    wasOneLine ? h("p", {}, h("label", {}, inOneLine, " Send an edited body on one line, as the original was")) : null,
    field("To", to, "Empty: where it went before."),
    h("p", {}, h("label", {}, sign, " Sign it anew, where the target's secret is known")),
    failed,
    h("p", { class: "actions" }, sendIt, format, h("button", { type: "button", id: "resend-cancel", on: { click: leave } }, "Cancel")));

  const edited = () => editor.value() !== shown;

  async function judge() {
    const turn = (asked += 1);
    const draft = editor.value();
    if (!edited()) return tell("Not edited: the same bytes are sent again.", []);
    const body = oneLine(draft);
    if (body.length > LONGEST) {
      return tell(`${body.length.toLocaleString("en")} characters: more than the ${LONGEST.toLocaleString("en")} that can be sent.`, [], true);
    }
    const slow = setTimeout(() => {
      if (turn === asked) told.textContent = "Being checked …";
    }, SLOW);
    let answer;
    try {
      answer = await post(`deliveries/${attempt.id}/annotated`, { body });
    } catch (error) {
      if (turn === asked) tell(`Not checked: ${error.detail ?? error.message}`, [], true);
      return undefined;
    } finally {
      clearTimeout(slow);
    }
    if (turn !== asked) return undefined;
    const problems = problemsOf(answer, draft);
    if (!answer.parsed) return tell("This is no JSON. It can be sent all the same.", problems, true);
    const count = problems.length;
    return count
      ? tell(`${count} violation${count > 1 ? "s" : ""} of the contract of ${attempt.event}. It can be sent all the same.`, problems, true)
      : tell(`It fits the contract of ${attempt.event}.`, []);
  }

  function tell(sentence, problems, warns = false) {
    told.textContent = sentence;
    told.className = warns ? "tone-warn" : "";
    editor.mark(problems);
    found.hidden = !problems.length;
    clear(found).append(problemList(problems, editor));
  }

  async function submit(event) {
    event.preventDefault();
    const body = wasOneLine && inOneLine.checked ? oneLine(editor.value()) : editor.value();
    const wanted = { sign: sign.checked, ...(edited() ? { body } : {}), ...(to.value ? { to: to.value } : {}) };
    failed.replaceChildren();
    try {
      await whileOff(sendIt, () => send(wanted));
    } catch (error) {
      failed.replaceChildren(problem(error));
    }
  }

  /** Escape does not throw away what was written. */
  function keydown(event) {
    if (event.key === "Escape" && !event.defaultPrevented && !edited()) leave();
  }

  function end() {
    clearTimeout(waiting);
    asked += 1;
    editor.end();
  }

  function leave() {
    end();
    close();
  }

  await judge();
  return { element, focus: () => editor.focus(), end };
}

/** What is wrong with a draft, with its places in the text. A missing field is told at the object that lacks it. */
function problemsOf({ parsed, error, line, column, violations }, draft) {
  if (!parsed) return [line === null ? { message: error, place: "", from: 0, to: 0 } : { message: error, place: `${line}:${column}`, line, column }];
  const places = placesOf(draft);
  return violations.map(({ pointer, message }) => {
    const { from, to, keyFrom = from } = places.get(pointer) ?? { from: 0, to: 0 };
    return { message, place: pointer || "the body", from: keyFrom, to };
  });
}
