/**
 * The list of the keys, in a dialog.
 */

import { h } from "./dom.js";

/** What is shown in the list: keys, and what they do. */
const TOLD = [
  [["/", "Ctrl K"], "Search: views, actions, scenarios, runs, conversations, deliveries"],
  [["?"], "This list"],
  [["j", "k"], "The next row of a list, the row before"],
  [["Enter"], "Open what has the focus"],
  [["Escape"], "Close what is open"],
  [["Tab", "Shift Tab"], "The next control, the one before"],
];

/** Opens it; the focus returns to where it was when it is closed. */
export function openKeys() {
  const close = h("button", { type: "button", class: "primary", on: { click: () => dialog.close() } }, "Close");
  const dialog = h("dialog", { "aria-labelledby": "keys-title", on: { close: () => dialog.remove() } },
    h("h2", { id: "keys-title" }, "Keys"),
    h("dl", { class: "keys" }, TOLD.map(([keys, what]) => [
      h("dt", {}, keys.map((key, i) => [i ? " " : null, h("kbd", {}, key)])), h("dd", {}, what)])),
    h("p", { class: "actions" }, close));
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
}
