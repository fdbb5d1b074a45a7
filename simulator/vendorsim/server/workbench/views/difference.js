/** The difference of two attempts: of their requests, and of what was answered. */

import { get } from "../api.js";
import { badge, h, time } from "../dom.js";
import { pretty } from "../json-lines.js";
import { differencePanel } from "./lines.js";

export const title = ({ a, b }) => `Difference of ${a} and ${b}`;

export async function show(place, { a, b }) {
  const [one, other] = await Promise.all([a, b].map((id) => get(`deliveries/${encodeURIComponent(id)}`)));
  const swap = h("a", { class: "button", href: `#/difference/${other.id}/${one.id}` }, "Swap");
  place.append(
    h("div", { class: "heading" }, h("h1", {}, `Difference of ${one.id} and ${other.id}`), h("div", { class: "actions" }, swap)),
    h("div", { class: "columns" }, side("−", one), side("+", other)),
    differencePanel("Request body", text(one.request?.body), text(other.request?.body)),
    differencePanel("Answer", answer(one), answer(other)),
    differencePanel("Request head", one.request?.head.trimEnd(), other.request?.head.trimEnd()),
  );
  return () => {};
}

function side(sign, attempt) {
  return h("section", { class: "panel", "aria-label": `Attempt ${attempt.id}` },
    h("p", {}, h("strong", { class: "mono" }, `${sign} `), h("a", { href: `#/deliveries/${attempt.id}` }, `${attempt.id} ${attempt.event}`), " ", badge(attempt.verdict), attempt.faults.map((fault) => [" ", h("span", { class: "badge" }, fault)])),
    attempt.said ? h("p", {}, `${attempt.said.by}: “${attempt.said.text}”`) : null,
    attempt.reason ? h("p", { class: "tone-bad" }, attempt.reason) : null,
    h("p", { class: "muted" }, `attempt ${attempt.attempt} to ${attempt.target}, sent `, time(attempt.sent_at)));
}

const text = (body) => (body === undefined ? undefined : body.encoding ? body.text : pretty(body.text));

function answer(attempt) {
  if (attempt.answer === null) return undefined;
  const lines = attempt.answer.headers.map(([name, value]) => `${name}: ${value}`);
  return [String(attempt.status), ...lines, "", text(attempt.answer.body)].join("\n");
}
