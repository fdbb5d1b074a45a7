/**
 * A text field for YAML with line numbers and marks at the lines that have problems.
 */

import { clear, h } from "./dom.js";

const INDENT = "  ";

/**
 * @param options `id` of the text field; `label` for screen readers; `value`; `changed(text)`: called after each change
 * @returns `element`; `value()`; `set(text)`; `mark(problems)`, each with `line`, `column` (from 1) and `message`;
 *   `go(line, column)` puts the cursor there
 */
export function yamlEditor({ id, label, value, changed }) {
  const numbers = h("pre", { class: "numbers", "aria-hidden": "true" });
  const marks = h("div", { class: "marks", "aria-hidden": "true" });
  const text = h("textarea", {
    id,
    class: "yaml",
    wrap: "off",
    rows: 26,
    spellcheck: "false",
    autocapitalize: "off",
    autocomplete: "off",
    "aria-label": label,
    "aria-describedby": `${id}-problems`,
  });
  const gutter = h("div", { class: "gutter" }, numbers);
  const element = h("div", { class: "yaml-editor" }, gutter, h("div", { class: "paper" }, marks, text));
  let lines = 0;

  function count() {
    const now = text.value.split("\n").length;
    if (now === lines) return;
    lines = now;
    numbers.textContent = Array.from({ length: lines }, (_, index) => index + 1).join("\n");
  }

  function scroll() {
    numbers.style.transform = `translateY(${-text.scrollTop}px)`;
    marks.style.transform = `translateY(${-text.scrollTop}px)`;
  }

  function mark(problems) {
    const height = parseFloat(getComputedStyle(text).lineHeight);
    const padding = parseFloat(getComputedStyle(text).paddingTop);
    clear(marks).append(
      ...[...new Set(problems.map((one) => one.line))].slice(0, 500).map((line) => {
        const stripe = h("div", { class: "stripe", dataset: { line } });
        stripe.style.top = `${padding + (line - 1) * height}px`;
        stripe.style.height = `${height}px`;
        return stripe;
      }),
    );
    text.setAttribute("aria-invalid", String(problems.length > 0));
    scroll();
  }

  function go(line, column) {
    const before = text.value.split("\n").slice(0, line - 1);
    const at = before.reduce((sum, one) => sum + one.length + 1, 0) + column - 1;
    text.focus();
    text.setSelectionRange(at, at);
    const height = parseFloat(getComputedStyle(text).lineHeight);
    text.scrollTop = Math.max(0, (line - 4) * height);
    scroll();
  }

  function set(to) {
    text.value = to;
    count();
    scroll();
  }

  text.addEventListener("scroll", scroll);
  text.addEventListener("keydown", (event) => indent(event, text));
  text.addEventListener("input", () => {
    count();
    changed(text.value);
  });
  set(value);
  return { element, value: () => text.value, set, mark, go };
}

/** A new line begins where the one before did, or deeper after a colon. */
function indent(event, text) {
  if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const line = text.value.slice(text.value.lastIndexOf("\n", text.selectionStart - 1) + 1, text.selectionStart);
  const space = /^ */.exec(line)[0] + (/:\s*$/.test(line) ? INDENT : "");
  if (!space) return;
  event.preventDefault();
  // The only way to change a text field that the browser's own "undo" knows of.
  document.execCommand("insertText", false, `\n${space}`);
}
