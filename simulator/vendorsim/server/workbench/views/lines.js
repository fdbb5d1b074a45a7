/** The difference of two texts, line by line. */

import { h } from "../dom.js";
import { difference } from "../diff.js";

/** Equal lines that are shown around a difference. */
const AROUND = 3;

/** A panel with the difference of two texts; undefined: there is none. */
export function differencePanel(name, before, after) {
  const steps = difference(before?.split(/\r?\n/) ?? [], after?.split(/\r?\n/) ?? []);
  const changed = steps.filter(({ kind }) => kind !== "same").length;
  const told = before === undefined && after === undefined ? "neither has one" : changed ? `${changed} line${changed === 1 ? "" : "s"} differ` : "equal";
  const heading = h("div", { class: "heading" }, h("h2", {}, name), h("span", { class: changed ? "badge badge-warn" : "badge" }, told));
  return h("section", { class: "panel flush", dataset: { test: "difference" } }, heading, steps.length ? h("ol", { class: "code lines" }, shown(steps)) : null);
}

/** The lines; long equal stretches behind a button. */
function shown(steps) {
  const near = steps.map(() => false);
  steps.forEach(({ kind }, i) => {
    if (kind === "same") return;
    for (let j = Math.max(i - AROUND, 0); j <= Math.min(i + AROUND, steps.length - 1); j += 1) near[j] = true;
  });
  const rows = [];
  for (let i = 0; i < steps.length; i += 1) {
    let end = i;
    while (end < steps.length && !near[end]) end += 1;
    if (end - i > 1) {
      rows.push(stretch(steps.slice(i, end)));
      i = end - 1;
    } else rows.push(line(steps[i]));
  }
  return rows;
}

function stretch(steps) {
  const open = () => row.replaceWith(...steps.map(line));
  const row = h("li", { class: "stretch" }, h("button", { type: "button", class: "link", on: { click: open } }, `${steps.length} equal lines`));
  return row;
}

const TAGS = { same: "span", gone: "del", new: "ins" };
const SIGNS = { same: " ", gone: "−", new: "+" };

function line({ kind, a, b, text: content }) {
  return h("li", { class: `is-${kind}` },
    h("span", { class: "no", "aria-hidden": "true" }, a === null ? "" : String(a)),
    h("span", { class: "no", "aria-hidden": "true" }, b === null ? "" : String(b)),
    h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[kind]),
    h(TAGS[kind], { class: "line" }, content));
}
