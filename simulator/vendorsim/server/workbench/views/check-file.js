/**
 * Opens a report that `vendorsim check --json` wrote: chosen, dropped or pasted. The server holds it to the published
 * schema.
 */

import { Problem, post } from "../api.js";
import { clear, h, problem } from "../dom.js";
import { forget, submits } from "./forms.js";

/** The most bytes that the server takes, with some room for the name. */
const MOST_BYTES = 1_000_000;

/** Opens the text of a report. Returns the run of checks that it is shown as; throws Problem. */
export async function opened(name, text) {
  const problems = (detail, errors = []) => new Problem(422, "Not opened", `${name}: ${detail}`, errors);
  if (!text.trim()) throw problems("there is nothing in it. vendorsim check --json writes a report.");
  if (new Blob([text]).size > MOST_BYTES)
    throw problems("it is larger than 1 MB. With --only, vendorsim check reports less.");
  let report;
  try {
    report = JSON.parse(text);
  } catch (error) {
    throw problems(`it is not one JSON document, as vendorsim check --json writes it (${error.message}).`);
  }
  try {
    return await post("checks/opened", { name: name.slice(0, 200), report });
  } catch (error) {
    if (error.status !== 422) throw error;
    const errors = (error.errors ?? []).map((one) => ({ pointer: one.pointer.replace(/^\/report/, "") || "/", detail: one.detail }));
    const first = errors[0] ? ` At ${errors[0].pointer}: ${errors[0].detail}` : ` ${error.detail}`;
    throw problems(`it is not a report of vendorsim check --json.${first}`, errors);
  }
}

/** A button that chooses a file and passes its name and text on. `onProblem` gets what went wrong. */
export function fileButton(id, label, onText, onProblem) {
  const input = h("input", { type: "file", id, accept: ".json,application/json", hidden: true });
  const button = h("button", { type: "button", dataset: { test: id }, on: { click: () => input.click() } }, label);
  input.addEventListener("change", async () => {
    const [file] = input.files;
    input.value = "";
    if (file) await read(file, onText).catch(onProblem);
  });
  return h("span", {}, input, button);
}

async function read(file, onText) {
  if (file.size > MOST_BYTES) {
    throw new Problem(422, "Not opened", `${file.name}: it is larger than 1 MB. With --only, vendorsim check reports less.`);
  }
  await onText(file.name, await file.text());
}

/** The panel that opens a report. A file may be dropped anywhere on `place`. */
export function openPanel(place) {
  const said = h("div", {});
  const go = async (name, text) => {
    clear(said);
    const check = await opened(name, text);
    location.hash = `#/checks/${check.id}`;
  };
  const refused = (error) => {
    clear(said).append(problem(error));
    said.scrollIntoView({ block: "nearest" });
  };
  const text = h("textarea", { id: "report-text", rows: 4, spellcheck: "false", autocomplete: "off" });
  const form = submits(
    h(
      "form",
      { class: "stack" },
      h("p", { class: "field" }, h("label", { for: "report-text" }, "The report"), text),
      h("p", { class: "actions" }, h("button", { type: "submit", dataset: { test: "open-pasted" } }, "Open this text")),
    ),
    async () => {
      forget(form);
      await go("pasted text", text.value).catch(refused);
    },
  );
  const panel = h(
    "section",
    { class: "panel stack drop", dataset: { test: "open-report" } },
    h("h2", {}, "Open a report"),
    h("p", { class: "muted" }, "What ", h("code", {}, "vendorsim check --json"), " printed. Choose its file, or drop it here."),
    h("p", { class: "actions" }, fileButton("report-file", "Choose a file", go, refused)),
    h("details", {}, h("summary", {}, "Paste it instead"), form),
    said,
  );
  place.addEventListener("dragover", (event) => {
    event.preventDefault();
    panel.classList.add("is-over");
  });
  place.addEventListener("dragleave", (event) => {
    if (!place.contains(event.relatedTarget)) panel.classList.remove("is-over");
  });
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    panel.classList.remove("is-over");
    const [file] = event.dataTransfer.files;
    if (file) read(file, go).catch(refused);
    else refused(new Problem(422, "Not opened", "No file was dropped. Choose one, or paste its text."));
  });
  return panel;
}
