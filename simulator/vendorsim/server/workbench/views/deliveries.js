/** What was sent: attempts, the newest first; new ones come by themselves. */

import { download } from "../api.js";
import { badge, busy, cell, duration, empty, field, h, minor, mood, select, time, wide } from "../dom.js";
import { vendors } from "./catalogue.js";
import { diagnosisPlace } from "./diagnosis.js";
import { filterRow } from "./filters.js";
import { liveList } from "./list.js";
import { welcome } from "./welcome.js";

export const title = "Deliveries";

const VERDICTS = ["delivered", "rejected", "timed out", "broken", "unreachable", "not sent", "given up", "dropped", "spoiled", "lost"];
/** Milliseconds after which what is wrong is asked for anew, when rows have come. */
const FOLLOWS = 400;

export async function show(place, params, query) {
  const all = await vendors();
  const chosen = new Set();
  const compare = h("button", { type: "button", id: "compare", disabled: true, on: { click: toDifference } }, "Compare two");
  const har = h("button", { type: "button", id: "har", on: { click: () => busy(har, saveHar) } }, "Export HAR");

  const list = liveList({
    path: "deliveries",
    caption: "Attempts, the newest first",
    headings: [h("span", { class: "unseen" }, "Compare"), "No.", "Sent (wall clock)", "Vendor", "Event", "Conversation", "Attempt", "Status", "Took", "Verdict"],
    row: (attempt) => {
      soon();
      return row(attempt, chosen, choose);
    },
    nothing,
  });
  const filters = filterRow("deliveries", fields(all), query, ["run", "conversation"], list.load);

  // What is wrong follows the list, some time after rows have come.
  const wrong = diagnosisPlace();
  let waiting = null;
  function soon() {
    waiting ??= setTimeout(() => {
      waiting = null;
      wrong.update(filters.values());
    }, FOLLOWS);
  }

  function choose(id, wanted) {
    if (wanted) chosen.add(id);
    else chosen.delete(id);
    compare.disabled = chosen.size !== 2;
    compare.textContent = chosen.size ? `Compare two (${chosen.size} chosen)` : "Compare two";
  }

  function toDifference() {
    const [a, b] = [...chosen].sort((one, other) => one - other);
    location.hash = `#/difference/${a}/${b}`;
  }

  const saveHar = () => download("deliveries.har", filters.values(), "vendorsim.har");

  const actions = h("div", { class: "actions" }, list.fresh, list.pause, compare, har);
  place.append(h("div", { class: "heading" }, h("h1", {}, "Deliveries"), actions), filters.form, filters.chips, wrong.place, list.place);
  await list.load(filters.values());
  return () => {
    clearTimeout(waiting);
    filters.stop();
    list.stop();
  };
}

function fields(all) {
  const vendor = select("filter-vendor", [["", "All"], ...all.map(({ name }) => name)]);
  const verdict = select("filter-verdict", [["", "All"], ...VERDICTS]);
  const names = new Set(all.flatMap(({ profiles }) => profiles.flatMap(({ events }) => events.map(({ name }) => name))));
  const known = h("datalist", { id: "known-events" }, [...names].sort().map((name) => h("option", { value: name })));
  const event = h("input", { id: "filter-event", type: "text", list: known.id, autocomplete: "off", spellcheck: "false" });
  const text = h("input", { id: "filter-text", type: "search", placeholder: "names, targets, reasons, bodies" });
  Object.assign(vendor, { name: "vendor" });
  Object.assign(verdict, { name: "verdict" });
  Object.assign(event, { name: "event" });
  Object.assign(text, { name: "q" });
  return [field("Vendor", vendor), field("Event", event), field("Verdict", verdict), wide(field("Text", text)), known];
}

function row(attempt, chosen, choose) {
  const { id } = attempt;
  const box = h("input", {
    type: "checkbox", checked: chosen.has(id), "aria-label": `Compare ${id}`, on: { change: () => choose(id, box.checked) },
  });
  const conversation = `#/conversations/${encodeURIComponent(attempt.vendor)}/${encodeURIComponent(attempt.conversation)}?run=${attempt.run}`;
  return h(
    "tr",
    { dataset: { id, test: "delivery" } },
    cell("Compare", box),
    minor(cell("No.", h("span", { class: "number muted" }, String(id)))),
    cell("Sent (wall clock)", time(attempt.sent_at)),
    minor(cell("Vendor", attempt.vendor)),
    cell("Event", h("a", { href: `#/deliveries/${id}` }, attempt.event || "no event"), attempt.said ? minor(h("span", { class: "opening" }, `“${shortened(attempt.said.text)}”`)) : null),
    attempt.conversation === "" ? minor(cell("Conversation", "–")) : cell("Conversation", h("a", { href: conversation }, attempt.visitor ? `${attempt.visitor} ` : "", h("span", { class: attempt.visitor ? "mono minor" : "mono" }, attempt.conversation))),
    minor(cell("Attempt", h("span", { class: "number" }, String(attempt.attempt)), attempt.copy ? ` copy ${attempt.copy}` : null, attempt.final || attempt.recorded || attempt.verdict === "delivered" ? null : h("span", { class: "muted" }, " a retry follows"))),
    cell("Status", attempt.status === null ? h("span", { class: "muted" }, "–") : h("span", { class: `number tone-${mood(attempt.status)}` }, String(attempt.status))),
    minor(cell("Took", h("span", { class: "number nowrap" }, duration(attempt.milliseconds)))),
    cell("Verdict", badge(attempt.verdict), " ", attempt.recorded ? minor(badge("recorded")) : null, attempt.faults.map((fault) => minor(h("span", { class: "badge" }, fault))), attempt.reason ? minor(h("span", { class: "reason" }, attempt.reason)) : null),
  );
}

const LONGEST = 80;

function shortened(text) {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

function nothing(filtered) {
  if (filtered) return empty("Nothing fits these filters", "Remove a filter, or search for less text. New deliveries that fit appear here.");
  return welcome();
}
