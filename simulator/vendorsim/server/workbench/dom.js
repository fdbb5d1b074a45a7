/**
 * Makes elements. What comes from payloads only ever becomes text nodes and attribute values, never markup.
 */

const SVG = "http://www.w3.org/2000/svg";
const PROPERTIES = new Set(["value", "checked", "selected", "indeterminate", "open"]);

/**
 * An element. `attributes`: names and values; `dataset` is an object; `on` maps events to functions; `true` is an
 * attribute without a value; `false`, `null` and `undefined` leave it out. Children: nodes, text, arrays, or nothing.
 */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for an element of SVG. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "on") {
      for (const [event, does] of Object.entries(value)) element.addEventListener(event, does);
    } else if (name === "dataset") {
      Object.assign(element.dataset, value);
    } else if (PROPERTIES.has(name)) {
      element[name] = value;
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  return element;
}

/** Takes all children away; returns the node. */
export function clear(node) {
  node.replaceChildren();
  return node;
}

/** A point in time as `<time>`, in the reader's zone, with milliseconds (not on a phone); the day only where it is another than today. */
export function time(iso) {
  if (!iso) return h("span", { class: "muted" }, "–");
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return h("span", {}, String(iso));
  return h("time", { datetime: iso, title: iso }, localTime(at), h("span", { class: "ms" }, `.${String(at.getMilliseconds()).padStart(3, "0")}`));
}

function localTime(at) {
  const two = (number) => String(number).padStart(2, "0");
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const today = new Date().toDateString() === at.toDateString();
  return today ? clock : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock}`;
}

/** Milliseconds, as people read them. */
export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "–";
  if (milliseconds >= 10_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}

/** What kind of thing a verdict is: good, bad, warn or quiet. Also knows the states of runs and HTTP statuses. */
export function mood(verdict) {
  if (typeof verdict === "number") return verdict < 400 ? "good" : verdict < 500 ? "warn" : "bad";
  return MOODS[verdict] ?? "quiet";
}

const MOODS = {
  delivered: "good", finished: "good", ok: "good", active: "good",
  rejected: "bad", "timed out": "bad", broken: "bad", unreachable: "bad", failed: "bad",
  failing: "bad", "stopped, failing": "bad", "broken off": "bad", "given up": "bad", missed: "bad",
  passed: "good", "as expected": "good",
  "not sent": "warn", stopped: "warn", degraded: "warn", incomplete: "warn", "not judged": "warn", lost: "warn", spoiled: "warn", dropped: "warn",
  running: "accent", recording: "accent", "by another process": "accent", recorded: "accent", documented: "good", captured: "accent", reconstructed: "warn", assumed: "quiet",
};

/** A word in a coloured box: a verdict, a status, a provenance. The word says it; the colour only helps. */
export function badge(verdict) {
  return h("span", { class: `badge badge-${mood(verdict)}` }, String(verdict));
}

/** A table with a caption for screen readers and these headings (text, or a node). Returns the table and its body. */
export function table(caption, headings) {
  const body = h("tbody");
  const head = h("tr", {}, headings.map((heading) => h("th", { scope: "col" }, heading)));
  const whole = h("table", { class: "cards" }, h("caption", { class: "unseen" }, caption), h("thead", {}, head), body);
  return { table: h("div", { class: "scroll" }, whole), body };
}

/**
 * A cell of a table. On a phone the cells of a row follow each other in a line or two without their headings; see `minor`,
 * `labelled` and `wide` for those that should not.
 */
export function cell(label, ...children) {
  return h("td", { dataset: { label } }, h("span", { class: "cell" }, children));
}

/** A cell that a phone leaves out: it is told where the row leads to. */
export function minor(element) {
  element.classList.add("minor");
  return element;
}

/** A cell that a phone shows with its heading, since its value alone says nothing. */
export function labelled(element) {
  element.classList.add("labelled");
  return element;
}

/** A field of a form: label, control and a hint. The control needs an id. */
export function field(label, control, hint) {
  const told = hint ? h("span", { class: "hint", id: `${control.id}-hint` }, hint) : null;
  if (told) control.setAttribute("aria-describedby", told.id);
  return h("p", { class: "field" }, h("label", { for: control.id }, label), control, told);
}

/** A select with these options: text, or [value, text]. */
export function select(id, options, chosen = "") {
  const pairs = options.map((option) => (Array.isArray(option) ? option : [option, option]));
  return h("select", { id }, pairs.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
}

/** What a list shows that has nothing: what it would show, and how to get there. */
export function empty(title, ...help) {
  return h("div", { class: "empty", dataset: { test: "empty" } }, h("h2", {}, title), h("p", {}, help));
}

/** A problem, said in place. `error` is a Problem of api.js or any Error. */
export function problem(error) {
  const places = (error.errors ?? []).map((one) => h("li", {}, one.pointer ? h("code", {}, one.pointer) : null, " ", one.detail));
  return h("div", { class: "problem", role: "alert" }, h("p", {}, error.detail ?? error.message), places.length > 1 ? h("ul", {}, places) : null);
}

/** How long good news stay in the status line, in milliseconds. Problems stay until something else is said. */
const NEWS = 8_000;
let newsTimer = null;

/** Says something in the status line, which screen readers read out. */
export function say(text, isProblem = false) {
  const line = document.getElementById("status");
  line.textContent = text;
  line.classList.toggle("is-problem", isProblem);
  clearTimeout(newsTimer);
  if (text && !isProblem) newsTimer = setTimeout(() => (line.textContent = ""), NEWS);
}

/** Does something that takes a while: the button is off meanwhile, a failure is said in the status line. */
export async function busy(button, action) {
  try {
    return await whileOff(button, action);
  } catch (error) {
    say(error.detail ?? error.message, true);
    return undefined;
  }
}

/** Does something while the button is off. A button that is off loses the focus, so it gets it back. */
export async function whileOff(button, action) {
  const focused = document.activeElement === button;
  button.disabled = true;
  try {
    return await action();
  } finally {
    button.disabled = false;
    if (focused && document.activeElement === document.body) button.focus();
  }
}

/** Gives a field the room that is left, and a cell a line of its own on a phone. */
export function wide(element) {
  element.classList.add("wide");
  return element;
}
