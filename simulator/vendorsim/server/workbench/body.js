/**
 * A body beside its contract: JSON as lines that can be folded, violations at their places, and for each field what it
 * is and where that is known from, on hover and on focus (arrow keys walk through the lines).
 */

import { badge, h } from "./dom.js";
import { linesOf } from "./json-lines.js";

/** A body of more lines is shown as it came. */
const MOST_LINES = 5_000;
let bodies = 0;

/** `annotated`: the answer of `deliveries/ID/annotated`, or null where nothing is known of the body. */
export function bodyView(text, annotated = null) {
  if (text === "") return h("p", { class: "muted padded" }, "Empty.");
  const raw = h("pre", { class: "code", hidden: true, dataset: { test: "raw" } });
  let lines;
  try {
    lines = linesOf(text);
  } catch (error) {
    raw.hidden = false;
    raw.textContent = text;
    const where = annotated?.line ? `line ${annotated.line}, column ${annotated.column}: ` : "";
    const why = annotated && !annotated.parsed ? `${where}${annotated.error}` : error.message;
    return h("div", {}, h("p", { class: "note padded" }, `This is no JSON: ${why}`), raw);
  }
  if (lines.length > MOST_LINES) {
    raw.hidden = false;
    raw.textContent = text;
    return h("div", {}, h("p", { class: "note padded" }, `${lines.length} lines: shown as it came.`), found(annotated, () => {}), raw);
  }
  const tree = treeOf(lines, annotated);
  const toggle = h("button", { type: "button", "aria-pressed": "false", dataset: { test: "raw-toggle" }, on: { click: toRaw } }, "Raw");
  function toRaw() {
    raw.hidden = !raw.hidden;
    tree.element.hidden = !raw.hidden;
    raw.textContent = raw.hidden ? "" : text;
    toggle.setAttribute("aria-pressed", String(!raw.hidden));
  }
  const goTo = (pointer) => {
    if (!raw.hidden) toRaw();
    tree.goTo(pointer);
  };
  const bar = h("div", { class: "actions padded" }, toggle, legend(annotated));
  return h("div", { class: "body" }, bar, found(annotated, goTo), tree.element, raw);
}

function legend(annotated) {
  const used = new Set((annotated?.fields ?? []).map(({ provenance }) => provenance));
  if (used.size === 0) return null;
  const known = ["documented", "captured", "reconstructed", "assumed"].filter((name) => used.has(name));
  return h("span", { class: "legend muted" }, known.map((name) => h("span", {}, h("i", { class: `dot dot-${name}` }), name)));
}

function found(annotated, goTo) {
  const violations = annotated?.violations ?? [];
  if (violations.length === 0) return null;
  const title = `${violations.length} violation${violations.length === 1 ? "" : "s"} of the contract`;
  const items = violations.slice(0, 50).map(({ pointer, message }) => {
    const link = h("button", { type: "button", class: "link mono", on: { click: () => goTo(pointer) } }, pointer || "the whole body");
    return h("li", {}, link, ` ${message}`);
  });
  return h("div", { class: "problem padded", dataset: { test: "violations" } }, h("h3", {}, title), h("ul", {}, items));
}

function treeOf(lines, annotated) {
  const fields = new Map((annotated?.fields ?? []).map((one) => [one.pointer, one]));
  const violations = grouped(annotated?.violations ?? []);
  const tip = h("div", { class: "tip", role: "tooltip", id: `tip-${(bodies += 1)}`, hidden: true });
  const rows = lines.map((line, index) => row(line, index, fields.get(line.pointer), violations.get(line.pointer)));
  const list = h("ol", { class: "code lines", role: "tree", "aria-label": "Body", on: { click, keydown, focusin, focusout: hide, mouseover, mouseleave: hide } }, rows);
  const element = h("div", { class: "lines-box" }, list, tip);
  const folded = new Set();
  let current = rows.findIndex(isItem);
  rows[current].tabIndex = 0;

  function fold(index, wanted = !folded.has(index)) {
    if (lines[index].end === undefined) return;
    if (wanted) folded.add(index);
    else folded.delete(index);
    rows[index].setAttribute("aria-expanded", String(!wanted));
    let until = -1;
    lines.forEach((line, i) => {
      rows[i].hidden = i <= until;
      if (folded.has(i) && i > until) until = line.end;
    });
  }

  function move(index) {
    rows[current].tabIndex = -1;
    current = index;
    rows[current].tabIndex = 0;
    rows[current].focus();
  }

  function step(by) {
    let index = current + by;
    while (rows[index] && (rows[index].hidden || !isItem(rows[index]))) index += by;
    if (rows[index]) move(index);
  }

  function keydown(event) {
    const { key } = event;
    const inner = lines[current].end !== undefined;
    const does = {
      ArrowDown: () => step(1),
      ArrowUp: () => step(-1),
      Home: () => move(rows.findIndex(isItem)),
      End: () => move(rows.findLastIndex((one) => isItem(one) && !one.hidden)),
      ArrowRight: () => (inner && folded.has(current) ? fold(current, false) : step(1)),
      ArrowLeft: () => (inner && !folded.has(current) ? fold(current, true) : move(parent(current))),
      Enter: () => fold(current),
      Escape: hide,
    }[key];
    if (!does || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    does();
  }

  function parent(index) {
    const above = lines.slice(0, index).findLastIndex((line) => line.kind === "open" && line.depth < lines[index].depth);
    return above === -1 ? index : above;
  }

  const at = (event) => event.target.closest?.("li");
  function click(event) {
    const li = at(event);
    if (!li || !isItem(li)) return;
    move(Number(li.dataset.index));
    if (event.target.closest(".fold")) fold(current);
  }
  function focusin(event) {
    tell(at(event));
  }
  function mouseover(event) {
    tell(at(event));
  }

  function tell(li) {
    const known = li && fields.get(li.dataset.pointer);
    if (!known) return hide();
    tip.replaceChildren(h("p", {}, h("code", {}, known.pointer), " ", badge(known.provenance)));
    if (known.description) tip.append(h("p", {}, known.description));
    if (known.source) tip.append(h("p", { class: "muted" }, known.source));
    for (const other of list.querySelectorAll("[aria-describedby]")) other.removeAttribute("aria-describedby");
    li.setAttribute("aria-describedby", tip.id);
    tip.hidden = false;
    // Below the line, or above it where the window ends; lines are one after the other, so no other place is needed.
    const below = li.getBoundingClientRect().bottom + tip.offsetHeight < innerHeight;
    tip.style.top = `${below ? li.offsetTop + li.offsetHeight : li.offsetTop - tip.offsetHeight}px`;
  }

  function hide() {
    tip.hidden = true;
  }

  function goTo(pointer) {
    const index = Math.max(lines.findIndex((line) => line.pointer === pointer), 0);
    for (const outer of [...folded]) if (outer < index && lines[outer].end > index) fold(outer, false);
    move(index);
    rows[index].scrollIntoView({ block: "center" });
  }

  return { element, goTo };
}

const isItem = (li) => li.getAttribute("role") === "treeitem";

/** A line. Those that only close are no items of the tree: there is nothing to say of them. */
function row(line, index, known, violations) {
  const opens = line.end !== undefined;
  const closes = line.kind === "close";
  const text = h("span", { class: "text" },
    line.key === null ? null : [h("span", { class: "key" }, line.key), ": "],
    h("span", { class: `is-${line.kind}` }, line.text), line.comma ? "," : null,
    opens ? h("span", { class: "more" }, ` … ${line.text === "{" ? "}" : "]"}`) : null);
  text.style.paddingLeft = `${line.depth * 1.4}em`;
  const broken = closes ? null : violations;
  return h("li", {
    role: closes ? "none" : "treeitem", "aria-level": closes ? null : line.depth + 1, tabindex: closes ? null : "-1",
    "aria-expanded": opens ? "true" : null, class: broken ? "is-broken" : null, dataset: { index, ...(closes ? {} : { pointer: line.pointer }) },
  },
  h("span", { class: "no", "aria-hidden": "true" }, String(index + 1)),
  h("span", { class: known && !closes ? `dot dot-${known.provenance}` : "dot", "aria-hidden": "true" }),
  opens ? h("span", { class: "fold", "aria-hidden": "true" }) : h("span", { class: "no-fold" }),
  h("span", { class: "line" }, text, broken?.map(({ message }) => h("span", { class: "violation", dataset: { test: "violation" } }, message))));
}

function grouped(violations) {
  const groups = new Map();
  for (const one of violations) groups.set(one.pointer, [...(groups.get(one.pointer) ?? []), one]);
  return groups;
}
