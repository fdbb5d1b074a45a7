/**
 * The form of a step that is carried out by hand, on one conversation or on many.
 */

import { post } from "../api.js";
import { clear, field, h, say } from "../dom.js";
import { input, submits } from "./forms.js";
import { VERBS, stepOf } from "./verbs.js";

/**
 * @param options `chosen`: a function that gives the ids of the conversations by vendor; `profile`: the vendor's profile where it is
 *   known, for which verbs send something; `agents`: keys of agents; `done(results)`: called after it was carried out
 */
export function stepForm({ chosen, profile, agents = [], done }) {
  const verb = verbSelect(profile);
  const names = h(
    "datalist",
    { id: "step-agents" },
    ["visitor", ...agents].map((name) => h("option", { value: name })),
  );
  const fields = h("div", { class: "form whole" });
  const outcome = h("div", { class: "whole", role: "status" });
  const button = h("button", { type: "submit", class: "primary", dataset: { test: "carry-out" } }, "Carry out");
  let controls = [];

  function draw() {
    clear(outcome);
    controls = VERBS[verb.value].fields.map((spec) => ({ spec, control: controlOf(spec, agents) }));
    clear(fields).append(...controls.map(({ spec, control }) => wrapped(spec, control)));
    fields.hidden = !controls.length;
  }

  async function send() {
    clear(outcome);
    const step = stepOf(verb.value, Object.fromEntries(controls.map(({ spec, control }) => [spec.name, control.value])));
    const results = [];
    for (const [vendor, conversations] of Object.entries(chosen())) {
      results.push(...(await post("steps", { vendor, conversations, step })).results);
    }
    outcome.append(told(verb.value, results));
    say(
      summary(verb.value, results),
      results.some((one) => !one.done),
    );
    await done(results);
    if (results.every((one) => one.done)) ready();
  }

  /** Empties what was written, so that nothing is sent twice, and puts the cursor where the next step is written. */
  function ready() {
    for (const { spec, control } of controls) if (spec.kind === "long" && spec.name !== "step") control.value = "";
    (controls.find(({ spec }) => spec.kind === "long")?.control ?? verb).focus({ preventScroll: true });
  }

  /** Enter sends a text, as in a chat; Shift-Enter begins a new line. An empty text is sent by the button only. */
  function keydown(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || !event.target.matches("textarea.sends")) return;
    event.preventDefault();
    if (event.target.value.trim() && !button.disabled) form.requestSubmit(button);
  }

  verb.addEventListener("change", draw);
  draw();
  const form = h(
    "form",
    { class: "form", dataset: { test: "step-form" }, on: { keydown } },
    field("Step", verb),
    fields,
    names,
    h("p", { class: "actions whole" }, button),
    outcome,
  );
  return submits(form, send);
}

function verbSelect(profile) {
  const silent = new Set(profile?.silent_verbs ?? []);
  const option = (name) => h("option", { value: name }, VERBS[name].label);
  const all = Object.keys(VERBS);
  if (!profile) return h("select", { id: "step-verb", dataset: { pointer: "/step" } }, all.map(option));
  const group = (label, found) => (found.length ? h("optgroup", { label }, found.map(option)) : null);
  return h(
    "select",
    { id: "step-verb", dataset: { pointer: "/step" } },
    group(
      "May send events",
      all.filter((name) => !silent.has(name)),
    ),
    group(
      "Sends nothing here",
      all.filter((name) => silent.has(name)),
    ),
  );
}

function controlOf(spec, agents) {
  const id = `step-${spec.name}`;
  const required = Boolean(spec.required);
  if (spec.kind === "choice")
    return h(
      "select",
      { id },
      spec.options.map((value) => h("option", { value }, value)),
    );
  if (spec.kind === "long") {
    const sends = spec.name === "text";
    return h("textarea", { id, rows: spec.rows ?? 2, required, spellcheck: "false", class: sends ? "sends" : null });
  }
  const first = spec.kind === "agent" && required ? (agents[0] ?? "agent") : "";
  const kinds = { agent: { list: "step-agents" }, number: { inputmode: "numeric" } };
  return input(id, { type: "text", required, value: first, ...kinds[spec.kind] });
}

function wrapped(spec, control) {
  const keys = spec.name === "text" ? "Enter sends it, Shift-Enter begins a new line." : "";
  const line = field(spec.label, control, [keys, spec.hint].filter(Boolean).join(" ") || null);
  if (spec.kind === "long") line.classList.add("whole");
  return line;
}

function summary(verb, results) {
  const done = results.filter((one) => one.done).length;
  return done === results.length
    ? `${verb}: done` + (done > 1 ? ` for ${done} conversations.` : ".")
    : `${verb}: done for ${done} of ${results.length}.`;
}

function told(verb, results) {
  const failed = results.filter((one) => !one.done);
  if (!failed.length) return h("p", { class: "note" }, summary(verb, results));
  const lines = failed.slice(0, 20).map((one) => h("li", {}, h("code", {}, one.conversation), `: ${one.reason}`));
  return h("div", { class: "problem" }, h("p", {}, summary(verb, results)), h("ul", {}, lines));
}
