/**
 * The keys that work everywhere on the page; `key-list.js` shows them.
 */

import { openKeys } from "./key-list.js";
import { openPalette } from "./palette.js";

/** Begins to listen; called once. */
export function listenForKeys() {
  document.addEventListener("keydown", pressed);
  document.getElementById("search").addEventListener("click", openPalette);
  document.getElementById("keys").addEventListener("click", openKeys);
}

function pressed(event) {
  if (document.querySelector("dialog[open]") || event.defaultPrevented) return;
  const isPalette = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k";
  if (isPalette) return take(event, openPalette);
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return undefined;
  const does = { "/": openPalette, "?": openKeys, j: () => moveRow(1), k: () => moveRow(-1) }[event.key];
  return does && take(event, does);
}

function take(event, does) {
  event.preventDefault();
  does();
}

/** Whether letters go into a field. */
function isTyping(target) {
  return target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** Puts the focus on the link of the next row, or of the one before. */
function moveRow(by) {
  const links = [...document.querySelectorAll("main tbody tr")].map((row) => row.querySelector("a")).filter(Boolean);
  if (!links.length) return;
  const at = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
  const next = at < 0 ? links[by > 0 ? 0 : links.length - 1] : links[Math.min(Math.max(at + by, 0), links.length - 1)];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}
