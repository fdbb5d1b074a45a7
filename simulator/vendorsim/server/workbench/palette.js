/**
 * The search for everything: a dialog with a field and a list of what fits, by keyboard (a combobox with a listbox).
 */

import { h } from "./dom.js";
import { atOnce, found } from "./palette-entries.js";

const WAIT = 150;
/** So many entries of one kind are shown. */
const MOST = 6;

/** Opens it; the focus returns to where it was when it is closed. */
export function openPalette() {
  if (document.querySelector(".palette[open]")) return;
  const list = h("ul", { id: "palette-list", role: "listbox", "aria-label": "What fits" });
  const told = h("p", { class: "told", role: "status" });
  const input = h("input", {
    type: "text", id: "palette-input", role: "combobox", autocomplete: "off", spellcheck: "false",
    placeholder: "What do you look for?", "aria-label": "Search everything", "aria-autocomplete": "list",
    "aria-controls": list.id, "aria-expanded": "true", on: { input: soon, keydown: pressed },
  });
  const dialog = h("dialog", { class: "palette", "aria-label": "Search", dataset: { test: "palette" }, on: { close: closed, click: outside } }, input, list, told);
  let entries = [];
  let at = 0;
  let turn = 0;
  let timer = null;

  function soon() {
    clearTimeout(timer);
    draw(atOnce(input.value), false);
    timer = setTimeout(search, WAIT);
  }

  /** Shows at once what the page knows, and then what the server finds. */
  async function search() {
    const mine = (turn += 1);
    const text = input.value;
    const { items, problem } = await found(text);
    if (mine !== turn || text !== input.value) return;
    draw([...atOnce(text), ...items], true, problem);
  }

  function draw(all, whole, problem) {
    const counted = new Map();
    entries = all.filter(({ kind }) => {
      counted.set(kind, (counted.get(kind) ?? 0) + 1);
      return counted.get(kind) <= MOST || !input.value.trim();
    });
    at = 0;
    input.setAttribute("aria-expanded", String(entries.length > 0));
    list.replaceChildren(...entries.map((entry, i) =>
      h("li", { role: "option", id: `palette-${i}`, "aria-selected": "false", on: { click: () => choose(i) } },
        h("span", { class: "kind" }, entry.kind), h("span", { class: "what" }, entry.what))));
    select(0);
    told.textContent = problem ?? (!entries.length && whole ? "Nothing fits. Look for less text, or for a number." : entries.length ? `${entries.length} found · ↑ ↓ choose · Enter opens · Escape closes` : "Searching …");
  }

  function select(index) {
    list.children[at]?.setAttribute("aria-selected", "false");
    at = index;
    const now = list.children[at];
    if (!now) return input.removeAttribute("aria-activedescendant");
    now.setAttribute("aria-selected", "true");
    now.scrollIntoView({ block: "nearest" });
    return input.setAttribute("aria-activedescendant", now.id);
  }

  function pressed(event) {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move && entries.length) {
      event.preventDefault();
      select((at + move + entries.length) % entries.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(at);
    }
  }

  function choose(index) {
    const entry = entries[index];
    if (!entry) return;
    dialog.close();
    entry.does();
  }

  function outside({ target }) {
    if (target === dialog) dialog.close();
  }

  function closed() {
    turn += 1;
    clearTimeout(timer);
    dialog.remove();
  }

  document.body.append(dialog);
  dialog.showModal();
  input.focus();
  soon();
}
