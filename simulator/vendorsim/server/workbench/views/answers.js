/**
 * Forced answers of `end_user`: the choice of an answer, and the answers for the next calls of any session.
 */

import { put } from "../api.js";
import { badge, busy, field, h, say } from "../dom.js";
import { submits } from "./forms.js";

/** The answers there are: short names first, then the documented messages in full. */
export function answerSelect(id, known, none, label) {
  const option = (value) => h("option", { value }, value);
  const names = known.filter((one) => /^[a-z-]+$/.test(one));
  return h(
    "select",
    { id, "aria-label": label },
    h("option", { value: "" }, none),
    h("optgroup", { label: "by name" }, names.map(option)),
    h("optgroup", { label: "the messages in full" }, known.filter((one) => !names.includes(one)).map(option)),
  );
}

/** The panel for calls of any session. Returns its `panel`, and `update(answers)` for the answers that wait. */
export function nextAnswers({ answers, known }) {
  const choice = answerSelect("next-answer", known, "choose an answer");
  choice.dataset.pointer = "/answers";
  const waiting = h("p", { dataset: { test: "forced" } });
  let now = answers;
  const force = async (changed) => update((await put("end-user/answers", { answers: changed })).answers);
  const none = h(
    "button",
    { type: "button", dataset: { test: "forget-answers" }, on: { click: () => busy(none, () => force([])) } },
    "Clear them",
  );
  const form = submits(
    h(
      "form",
      { class: "inline" },
      field("Answer", choice),
      h("button", { type: "submit", class: "primary", dataset: { test: "force" } }, "Force this answer"),
    ),
    async () => {
      if (!choice.value) throw new Error("Choose an answer first.");
      await force([...now, choice.value]);
      say(`The next call of end_user is answered: ${now[0]}.`);
    },
  );
  choice.removeAttribute("aria-label");
  function update(to) {
    now = to;
    waiting.replaceChildren(
      ...(to.length
        ? ["Waiting for the next calls: ", ...to.flatMap((one) => [badge(one), " "])]
        : ["No answer is forced: each call is answered by the vendor's rules."]),
    );
    none.hidden = !to.length;
  }
  update(answers);
  const panel = h(
    "section",
    { class: "panel stack" },
    h("h2", {}, "Force the next answers of end_user"),
    form,
    waiting,
    h("p", { class: "actions" }, none),
  );
  return { panel, update };
}
