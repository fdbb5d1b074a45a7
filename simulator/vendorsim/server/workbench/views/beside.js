/** A delivery or a call that stands open beside the diagram of its conversation. */

import { get } from "../api.js";
import { bodyView } from "../body.js";
import { badge, duration, h, problem, time } from "../dom.js";
import { said, spoken, what } from "../entries.js";
import { facts, head } from "./exchange.js";

/**
 * The panel of an entry; `close()` closes it. It stands there at once and fills when the request has come. Returns
 * `{element, ready}`: `ready` is fulfilled when it is filled.
 */
export function besidePanel(entry, close, others) {
  const heading = h("h2", { tabindex: "-1", class: "mono" }, what(entry));
  const filled = h("div", {}, h("p", { class: "muted padded" }, "Loading …"));
  const element = h(
    "section",
    { class: "panel flush opened", "aria-label": spoken(entry), dataset: { test: "opened" }, on: { keydown: (event) => event.key === "Escape" && close() } },
    h("div", { class: "heading" }, heading, badge(entry.type === "call" ? entry.status : entry.verdict),
      h("button", { type: "button", dataset: { test: "close-opened" }, on: { click: close } }, "Close")),
    filled,
  );
  const fill = entry.type === "call" ? call : attempt;
  const ready = fill(entry, others)
    .then((parts) => filled.replaceChildren(...parts.filter(Boolean)))
    .catch((error) => filled.replaceChildren(problem(error)));
  return { element, heading, ready };
}

async function attempt(entry, others) {
  const path = `deliveries/${entry.id}`;
  const found = await get(path);
  const annotated = found.request && !found.request.body.encoding ? await get(`${path}/annotated`) : null;
  const accepted = others.filter((one) => one.type === "attempt" && one.id !== entry.id && one.event === entry.event && one.verdict === "delivered").at(-1);
  const compared = entry.verdict !== "delivered" && accepted ? accepted : others.filter((one) => one.type === "attempt" && one.delivery === entry.delivery && one.id < entry.id).at(-1);
  const link = (href, text, test) => h("a", { class: "button", href, dataset: { test } }, text);
  return [
    summary([
      ["Said", words(entry)],
      ["Answer", found.status === null ? "none" : `${found.status} in ${duration(found.milliseconds)}`],
      ["Reason", found.reason],
      ["Faults", found.faults.join(", ")],
      ["Sent", [time(found.sent_at), " (wall clock)"]],
      ["Story's time", time(found.at)],
      ["To", h("code", {}, found.target)],
    ]),
    h("p", { class: "actions" }, link(`#/${path}`, "Open, resend, edit", "open-page"),
      compared ? link(`#/difference/${Math.min(compared.id, entry.id)}/${Math.max(compared.id, entry.id)}`, compared === accepted ? "Difference to one that was accepted" : "Difference to the attempt before", "open-difference") : null),
    found.answer ? body("Answer", found.answer.body) : null,
    found.request ? folded("Request head", head(found.request.head)) : h("p", { class: "muted padded" }, "It was never sent."),
    found.request ? body("Request body", found.request.body, annotated) : null,
  ];
}

async function call(entry) {
  return [
    summary([
      ["Said", words(entry)],
      ["Answer", `${entry.status} ${entry.message}`],
      ["Credentials", entry.credentials ?? "none"],
      ["Came", [time(entry.at), " (wall clock)"]],
    ]),
    h("p", { class: "actions" }, h("a", { class: "button", href: `#/calls/${entry.id}`, dataset: { test: "open-page" } }, "Open")),
    entry.body === null ? h("p", { class: "muted padded" }, "It had no body.") : h("div", {}, h("h3", { class: "padded" }, "Body"), bodyView(entry.body)),
  ];
}

const summary = facts;

function words(entry) {
  const found = said(entry);
  return found ? `${found.by ? `${found.by}: ` : ""}“${found.text}”` : null;
}

function body(name, { text, encoding }, annotated = null) {
  return h("div", {}, h("h3", { class: "padded" }, name), encoding ? h("pre", { class: "code" }, text) : bodyView(text, annotated));
}

function folded(name, content) {
  return h("details", {}, h("summary", {}, name), content);
}
