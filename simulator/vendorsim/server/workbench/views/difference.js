/** The difference of two attempts: of their requests, and of what was answered. */

import { get } from "../api.js";
import { badge, h, time } from "../dom.js";
import { difference } from "../diff.js";
import { pretty } from "../json-lines.js";

export const title = ({ a, b }) => `Difference of ${a} and ${b}`;

/** Equal lines that are shown around a difference. */
const AROUND = 3;

export async function show(place, { a, b }) {
  const [one, other] = await Promise.all([a, b].map((id) => get(`deliveries/${encodeURIComponent(id)}`)));
  const swap = h("a", { class: "button", href: `#/difference/${other.id}/${one.id}` }, "Swap");
  place.append(
    h("div", { class: "heading" }, h("h1", {}, `Difference of ${one.id} and ${other.id}`), h("div", { class: "actions" }, swap)),
    h("div", { class: "columns" }, side("−", one), side("+", other)),
    part("Request head", one.request?.head.trimEnd(), other.request?.head.trimEnd()),
    part("Request body", text(one.request?.body), text(other.request?.body)),
    part("Answer", answer(one), answer(other)),
  );
  return () => {};
}

function side(sign, attempt) {
  return h("section", { class: "panel", "aria-label": `Attempt ${attempt.id}` },
    h("p", {}, h("strong", { class: "mono" }, `${sign} `), h("a", { href: `#/deliveries/${attempt.id}` }, `${attempt.id} ${attempt.event}`), " ", badge(attempt.verdict), attempt.faults.map((fault) => [" ", h("span", { class: "badge" }, fault)])),
    h("p", { class: "muted" }, `attempt ${attempt.attempt} to ${attempt.target}, sent `, time(attempt.sent_at)));
}

const text = (body) => (body === undefined ? undefined : body.encoding ? body.text : pretty(body.text));

function answer(attempt) {
  if (attempt.answer === null) return undefined;
  const lines = attempt.answer.headers.map(([name, value]) => `${name}: ${value}`);
  return [String(attempt.status), ...lines, "", text(attempt.answer.body)].join("\n");
}

function part(name, before, after) {
  const steps = difference(before?.split(/\r?\n/) ?? [], after?.split(/\r?\n/) ?? []);
  const changed = steps.filter(({ kind }) => kind !== "same").length;
  const told = before === undefined && after === undefined ? "neither has one" : changed ? `${changed} line${changed === 1 ? "" : "s"} differ` : "equal";
  const heading = h("div", { class: "heading" }, h("h2", {}, name), h("span", { class: changed ? "badge badge-warn" : "badge" }, told));
  return h("section", { class: "panel flush", dataset: { test: "difference" } }, heading, steps.length ? h("ol", { class: "code lines", tabindex: "0" }, shown(steps)) : null);
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
