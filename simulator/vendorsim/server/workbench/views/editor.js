/**
 * The editor of a scenario: problems as one types, start it, save it, load one from a file.
 */

import { get, post, save } from "../api.js";
import { clear, h, say } from "../dom.js";
import { codeEditor, problemList } from "../editor.js";
import { scenarioCompleter } from "../scenario-completion.js";
import { draft, dropDraft, keepDraft } from "./drafts.js";

/** The name of a scenario that begins empty. */
export const NEW = "new";
const PAUSE = 300;
const TEMPLATE = `scenario: My scenario
cast:
  visitor: {name: Dana Kessler, email: dana@example.com}
  agents:
    ana: {name: Ana Novak, email: ana@example.com}
steps:
  - say: Hello
  - join: ana
    after: 5s
  - say: {by: ana, text: "Hi, how can I help?"}
    after: 10s
  - close: ana
    after: 1m
`;

export const title = ({ name }) => (name === NEW ? "New scenario" : name);

export async function show(place, { name }) {
  const original =
    name === NEW
      ? TEMPLATE
      : (
          await get(`scenarios/${encodeURIComponent(name)}`).catch((error) => {
            if (draft(name) === null) throw error;
            return { yaml: null };
          })
        ).yaml;
  const outcome = h("section", { class: "found", "aria-label": "Problems", hidden: true, dataset: { test: "problems" } });
  const head = h("p", { role: "status", dataset: { test: "lint" } });
  const start = h(
    "button",
    { type: "button", class: "primary", dataset: { test: "start-this" }, on: { click: () => begin() } },
    "Start this …",
  );
  const revert = h(
    "button",
    { type: "button", dataset: { test: "revert" }, on: { click: () => editor.set(original) } },
    "Undo all changes",
  );
  let waiting;
  let asked = 0;
  let complete = () => null;
  scenarioCompleter().then(
    (found) => (complete = found),
    () => say("The names of steps and faults can't be completed: the server does not answer.", true),
  );

  const editor = await codeEditor({
    id: "yaml",
    label: "Text of the scenario",
    value: draft(name) ?? original,
    language: "yaml",
    complete: (text, at) => complete(text, at),
    changed: (text) => {
      keep(text);
      clearTimeout(waiting);
      waiting = setTimeout(lint, PAUSE);
    },
  });

  function keep(text) {
    revert.hidden = original === null || text === original;
    if (text === original) dropDraft(name);
    else if (!keepDraft(name, text)) say("There is no more room to keep this text in the tab: download it.", true);
  }

  async function lint() {
    const turn = (asked += 1);
    let found;
    try {
      found = await post("lint", { yaml: editor.value() });
    } catch (error) {
      if (turn === asked) tell(`Not checked: ${error.detail ?? error.message}`, []);
      return;
    }
    if (turn === asked) tell(verdict(found), found.problems, found.valid ? "is-good" : "is-bad");
  }

  function tell(sentence, problems, mood = "") {
    head.textContent = sentence;
    head.className = `lint ${mood}`;
    editor.mark(problems);
    outcome.hidden = !problems.length;
    clear(outcome).append(problemList(problems.map((one) => ({ ...one, place: `${one.line}:${one.column}` })), editor));
  }

  function begin() {
    const text = editor.value();
    if (text !== original) keepDraft(name, text);
    location.hash =
      text === original ? `#/runs/new?scenario=${encodeURIComponent(name)}` : `#/runs/new?text=${encodeURIComponent(name)}`;
  }

  const file = h("input", {
    type: "file",
    id: "load-file",
    accept: ".yaml,.yml,.json",
    class: "unseen",
    on: {
      change: async () => {
        if (!file.files.length) return;
        editor.set((await file.files[0].text()).replaceAll("\r\n", "\n"));
        file.value = "";
      },
    },
  });
  const load = h("label", { class: "button", for: "load-file" }, "Load a file …");
  const download = h(
    "button",
    {
      type: "button",
      dataset: { test: "download" },
      on: { click: () => save(new Blob([editor.value()], { type: "application/yaml" }), `${name}.yaml`) },
    },
    "Download",
  );
  keep(editor.value());
  place.append(
    h(
      "div",
      { class: "heading" },
      h("h1", {}, name === NEW ? "New scenario" : ["Scenario ", h("span", { class: "mono" }, name)]),
      h("div", { class: "actions" }, revert, file, load, download, start),
    ),
    head,
    h("div", { class: "editing" }, outcome, editor.element),
    h("p", { class: "muted" }, "Changes are kept in this tab until it is closed. Download the text to keep it."),
  );
  await lint();
  return () => {
    clearTimeout(waiting);
    asked += 1;
    editor.end();
  };
}

function verdict({ valid, problems, title: named, vendors, steps }) {
  if (!valid) return `${problems.length} problem${problems.length > 1 ? "s" : ""}`;
  return `No problems: “${named}”, ${steps} step${steps > 1 ? "s" : ""}, for ${vendors.join(", ")}`;
}
