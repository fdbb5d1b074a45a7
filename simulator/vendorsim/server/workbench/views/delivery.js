/** One attempt: what was sent, what came back, what the contract says of the body; sending it again. */

import { get, post, text } from "../api.js";
import { bodyView } from "../body.js";
import { badge, busy, duration, h, mood, say, time } from "../dom.js";
import { copied, facts, head, panel } from "./exchange.js";
import { resendForm } from "./resend.js";

export const title = ({ id }) => `Delivery ${id}`;

export async function show(place, { id }) {
  const path = `deliveries/${encodeURIComponent(id)}`;
  const attempt = await get(path);
  const [annotated, others] = await Promise.all([attempt.request ? get(`${path}/annotated`) : null, attemptsOf(attempt)]);
  const extra = h("div");
  let editing = null;
  const opened = (form) => {
    editing = form;
  };
  place.append(
    h("div", { class: "heading" }, h("h1", {}, attempt.event), badge(attempt.verdict), faults(attempt), actions(path, attempt, extra, opened)),
    extra,
    h("section", { class: "panel", "aria-label": "Summary" }, summary(attempt, others)),
    request(attempt, annotated),
    answer(attempt),
  );
  return () => editing?.end();
}

/** The other attempts of the same delivery, the oldest first. */
async function attemptsOf({ delivery, run, conversation, vendor }) {
  const { items } = await get("deliveries", { q: delivery, run, conversation, vendor, limit: 50 });
  return items.filter((one) => one.delivery === delivery).reverse();
}

function faults(attempt) {
  return attempt.faults.map((fault) => h("span", { class: "badge" }, fault));
}

function actions(path, attempt, extra, opened) {
  const again = button("resend", "Resend", async () => went(await post(`${path}/resend`)));
  const edit = button("edit", "Edit and resend", async () => {
    const form = await resendForm(attempt, async (wanted) => went(await post(`${path}/resend`, wanted)), () => {
      extra.replaceChildren();
      edit.focus();
    });
    opened(form);
    extra.replaceChildren(form.element);
    form.focus();
  });
  const curl = button("curl", "Copy as curl", async () => copied(await text(`${path}/curl`), extra));
  for (const one of [again, edit, curl]) one.disabled = attempt.request === null;
  return h("div", { class: "actions" }, again, edit, curl);
}

function button(id, label, does) {
  const made = h("button", { type: "button", id, on: { click: () => busy(made, does) } }, label);
  return made;
}

function went(attempt) {
  location.hash = `#/deliveries/${attempt.id}`;
  const answered = attempt.status === null ? "" : `, ${attempt.status} in ${duration(attempt.milliseconds)}`;
  // The status line is cleared when the view changes.
  setTimeout(() => say(`Sent again: ${attempt.verdict}${answered}.`), 300);
}

function summary(attempt, others) {
  const conversation = `#/conversations/${encodeURIComponent(attempt.vendor)}/${encodeURIComponent(attempt.conversation)}?run=${attempt.run}`;
  return facts([
    ["Answer", attempt.status === null ? null : [h("span", { class: `number tone-${mood(attempt.status)}` }, String(attempt.status)), ` in ${duration(attempt.milliseconds)}`]],
    ["Reason", attempt.reason],
    ["Target", h("code", {}, attempt.target)],
    ["Vendor", `${attempt.vendor}, profile ${attempt.profile}`],
    ["Recorded", attempt.recorded ? h("a", { href: `#/captures/${attempt.run}` }, `capture ${attempt.run}`) : null],
    ["Not kept", attempt.problem],
    ["Conversation", [attempt.conversation ? [h("a", { href: conversation, class: "mono" }, attempt.conversation), ", "] : "", h("a", { href: `#/deliveries?run=${attempt.run}` }, `run ${attempt.run}`)]],
    ["Said", attempt.said ? `${attempt.said.by}: “${attempt.said.text}”` : null],
    ["Sent", [time(attempt.sent_at), " (wall clock)"]],
    ["Story's time", time(attempt.at)],
    ["Delivery", h("code", {}, attempt.delivery)],
    ["Attempt", attemptInWords(attempt, others)],
    ["In flight with", attempt.in_flight_with.length ? `${attempt.in_flight_with.length} other request${attempt.in_flight_with.length > 1 ? "s" : ""} of this conversation` : null],
    ["All attempts", others.length > 1 ? attempts(attempt, others) : null],
    ["Difference to", compare(attempt, others)],
  ]);
}

/** Which attempt it is, of the delivery or of a duplicate, and whether another one follows. */
function attemptInWords({ attempt, copy, final, verdict, recorded, faults: notes }, others) {
  const byHand = notes.some((note) => note === "resent" || note === "edited") ? ", sent again by hand" : "";
  const which = attempt === 1 ? "The first attempt" : `Attempt ${attempt}`;
  const of = copy ? ` of duplicate ${copy}, which a fault sends` : "";
  const retried = others.some((one) => one.copy === copy && one.attempt > attempt && one.sent_at);
  const after = verdict === "delivered" ? "no retry is needed" : retried ? "it was tried again" : recorded ? "none was seen" : final ? "no retry follows" : "a retry is scheduled";
  return `${which}${of}${byHand}; ${after}`;
}

function attempts(attempt, others) {
  return h("ul", { class: "inline" }, others.map((one) => {
    const name = `${one.id}`;
    const shown = one.id === attempt.id ? h("strong", {}, name) : h("a", { href: `#/deliveries/${one.id}` }, name);
    return h("li", {}, shown, " ", badge(one.verdict), one.faults.includes("edited") ? " edited" : null);
  }));
}

function compare(attempt, others) {
  const nearest = others.filter(({ id }) => id < attempt.id).at(-1) ?? others.find(({ id }) => id > attempt.id);
  const other = h("input", { id: "compare-with", type: "number", min: 1, value: nearest?.id ?? "", required: true, "aria-label": "Number of the other attempt" });
  const go = (event) => {
    event.preventDefault();
    if (other.value) location.hash = `#/difference/${Math.min(other.value, attempt.id)}/${Math.max(other.value, attempt.id)}`;
  };
  return h("form", { class: "actions", on: { submit: go } }, other, h("button", { type: "submit", id: "compare" }, "Compare"));
}

function request(attempt, annotated) {
  if (attempt.request === null) return panel("Request", h("p", { class: "muted padded" }, "It was never sent."));
  const { body } = attempt.request;
  const shown = body.encoding ? raw(body.text) : bodyView(body.text, annotated);
  return panel("Request", head(attempt.request.head), h("h3", { class: "padded" }, "Body"), shown);
}

function answer(attempt) {
  if (attempt.answer === null) return panel("Answer", h("p", { class: "muted padded" }, attempt.request === null ? "Nothing was sent, so nothing came back." : "None came."));
  const { headers, body } = attempt.answer;
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  const shown = body.encoding ? raw(body.text) : bodyView(body.text);
  return panel(`Answer ${attempt.status}`, lines.length ? head(lines.join("\n")) : null, h("h3", { class: "padded" }, "Body"), shown);
}

function raw(base64) {
  return [h("p", { class: "note padded" }, "Not UTF-8; shown in base64."), h("pre", { class: "code" }, base64)];
}
