/** Parts that a delivery and a call share: facts, heads and what is copied. */

import { h, say } from "../dom.js";

/** A list of facts: pairs of a name and nodes; pairs without a value are left out. */
export function facts(pairs) {
  const given = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("dl", { class: "facts" }, given.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** A head or headers as they stand on the wire. */
export function head(text) {
  return h("pre", { class: "code", tabindex: "0" }, text.trimEnd());
}

/** A panel with a heading. */
export function panel(title, ...children) {
  return h("section", { class: "panel flush" }, h("h2", {}, title), children);
}

/** Puts a text into the clipboard; where a browser does not allow it, `place` shows it, selected. */
export async function copied(text, place) {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied.");
  } catch {
    const shown = h("pre", { class: "code", tabindex: "0" }, text);
    place.replaceChildren(h("section", { class: "panel flush" }, h("h2", {}, "As curl"), shown));
    getSelection().selectAllChildren(shown);
    say("This browser lets no page use the clipboard here; the text is shown and selected.");
  }
}
