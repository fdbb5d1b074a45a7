/**
 * Draws a conversation as a sequence diagram: the vendor on the left, the integration right of it, then the sinks; time
 * goes downwards. What was sent goes to the right, calls of the vendors' APIs to the left, calls of sinks to their own
 * lifeline. Each arrow is a link. A bar on the integration's lifeline shows how long it worked on a delivery; bars that
 * stand side by side were requests in flight together.
 *
 * It is HTML on a grid, so that labels take the lines that they need: an entry has three rows (words, line, notes).
 */

import { h } from "./dom.js";
import { between, directed, keyOf, moment, notes, outcome, result, retriedOf, said, spoken, what } from "./entries.js";

/** From so many milliseconds on, a pause between two arrows is shown. */
const PAUSE = 5_000;
/** Bars that are drawn side by side at most; further ones share the last place. */
const MOST_LANES = 8;
/** Columns of the grid: time, vendor, between vendor and integration, integration, between it and the sinks, sinks. */
const VENDOR = 2;
const TALK = 3;
const INTEGRATION = 4;
const BEYOND = 5;
const SINKS = 6;

/**
 * The diagram of these entries (attempts and calls, the oldest first).
 *
 * @param entries what happened
 * @param options `vendor`: its name; `clock`: `sent` (when it really happened) or `story`; `open(entry, event)`: called
 *   for a click on an arrow; `opened`: the key of the entry that stands open; `fresh`: keys of entries to mark
 */
export function sequence(entries, { vendor, clock, open, opened, fresh = new Set() }) {
  const sinks = [...new Set(entries.filter(isSink).map((entry) => entry.operation))];
  const place = h("div", {
    class: sinks.length ? "sequence has-sinks" : "sequence",
    role: "group",
    "aria-label": `Sequence diagram of ${entries.length} arrows between ${vendor} and the integration. Arrow keys go from arrow to arrow.`,
    on: { keydown: walk },
  });
  const bars = barsOf(entries);
  const retried = retriedOf(entries);
  place.style.setProperty("--lanes", String(Math.max(1, ...bars.map(({ lane }) => lane + 1))));
  place.append(...names(vendor, sinks));
  const lines = [];
  let row = 2;
  let before = null;
  for (const entry of entries) {
    const now = moment(entry, clock);
    if (now !== null && before !== null && now - before >= PAUSE) {
      place.append(at(h("p", { class: "pause" }, `${between(now - before)} later`), row, 1, TALK, TALK + 1));
      row += 1;
    }
    place.append(arrow(entry, row, { clock, open, opened, fresh, sinks, retried }));
    lines.push(row + 1);
    row += 3;
    before = now ?? before;
  }
  for (const { entry, from, to, lane } of bars) {
    const bar = h("span", { class: `bar is-${outcome(entry)}`, "aria-hidden": "true" });
    bar.style.setProperty("--lane", String(lane));
    place.append(at(bar, lines[from], lines[to] - lines[from] + (to === from ? 2 : 1), INTEGRATION, INTEGRATION + 1));
  }
  for (const column of sinks.length ? [VENDOR, INTEGRATION, SINKS] : [VENDOR, INTEGRATION]) {
    place.append(at(h("span", { class: "lifeline", "aria-hidden": "true" }), 2, Math.max(row - 2, 1), column, column + 1));
  }
  return place;
}

function isSink(entry) {
  return entry.type === "call" && entry.vendor === "sink";
}

/** Puts an element into the grid: from a row on, over so many rows, between two columns' lines. */
function at(element, row, rows, from, to) {
  element.style.gridRow = `${row} / span ${rows}`;
  element.style.gridColumn = `${from} / ${to}`;
  return element;
}

function names(vendor, sinks) {
  const name = (text, column, side) => at(h("p", { class: `party is-${side}` }, text), 1, 1, column, column + 1);
  const found = [name(vendor, TALK, "left"), name("integration", TALK, "right")];
  if (sinks.length) found.push(name(sinks.length > 1 ? `sinks ${sinks.join(", ")}` : `sink ${sinks[0]}`, BEYOND, "right"));
  return found;
}

function arrow(entry, row, { clock, open, opened, fresh, sinks, retried }) {
  const call = entry.type === "call";
  const key = keyOf(entry);
  const towards = isSink(entry) ? "sink" : call ? "vendor" : directed(entry) === "lost" ? "nobody" : "integration";
  const words = said(entry);
  const notesBelow = [isSink(entry) && sinks.length > 1 ? `sink ${entry.operation}` : "", ...notes(entry, retried)].filter(Boolean);
  const column = towards === "sink" ? BEYOND : TALK;
  const part = (element, line) => at(element, line, 1, column, column + 1);
  const stamp = at(h("span", { class: "stamp" }, clockText(entry, clock)), 1, 1, 1, 2);
  const label = h("span", { class: "label" },
    h("span", { class: "when" }, clockText(entry, clock)),
    h("span", { class: "what" }, what(entry)),
    h("span", { class: "told" }, h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[outcome(entry)]), result(entry)),
    words ? h("span", { class: "said" }, words.by ? h("span", { class: "by" }, `${words.by}: `) : null, `“${words.text}”`) : null);
  const below = notesBelow.length ? h("span", { class: "below" }, notesBelow.map((note) => h("span", { class: "chip" }, note))) : null;
  const link = h(
    "a",
    {
      id: `arrow-${key.replaceAll(" ", "-")}`,
      class: ["arrow", `is-${outcome(entry)}`, `to-${towards}`, fresh.has(key) ? "is-new" : ""].filter(Boolean).join(" "),
      href: `#/${call ? "calls" : "deliveries"}/${entry.id}`,
      "aria-label": spoken(entry, retried),
      "aria-current": opened === key ? "true" : null,
      dataset: { key },
      on: { click: (event) => plain(event) && (event.preventDefault(), open(entry)) },
    },
    stamp,
    part(label, 1),
    part(h("span", { class: "shaft", "aria-hidden": "true" }, h("span", { class: "point" })), 2),
    below ? part(below, 3) : null,
  );
  return at(link, row, 3, 1, -1);
}

const SIGNS = { taken: "✓ ", refused: "✕ ", lost: "⇥ ", planned: "– " };

/** A click that wants the address in another tab is left alone. */
function plain(event) {
  return event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
}

/** Arrow keys go from arrow to arrow. */
function walk(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const from = event.target.closest?.(".arrow");
  if (!step || !from || event.altKey || event.ctrlKey || event.metaKey) return;
  const all = [...event.currentTarget.querySelectorAll(".arrow")];
  const to = all[all.indexOf(from) + step];
  if (!to) return;
  event.preventDefault();
  to.focus();
}

/**
 * Where the bars stand: `{entry, from, to, lane}`; `from` and `to` are numbers of entries. A bar ends at the last entry
 * that began while the request was under way.
 */
export function barsOf(entries) {
  const places = new Map(entries.map((entry, i) => [entry.type === "attempt" ? idOf(entry) : null, i]));
  const ends = [];
  const bars = [];
  for (const [from, entry] of entries.entries()) {
    if (entry.type !== "attempt" || directed(entry) === "lost") continue;
    let to = Math.max(from, ...(entry.in_flight_with ?? []).map((other) => places.get(idOf(other)) ?? from));
    // What the integration called while it worked on this.
    const over = Date.parse(entry.sent_at) + (entry.milliseconds ?? 0);
    while (entries[to + 1]?.type === "call" && Date.parse(entries[to + 1].at) < over) to += 1;
    const free = ends.findIndex((end) => end < from);
    const lane = Math.min(free < 0 ? ends.length : free, MOST_LANES - 1);
    ends[lane] = Math.max(to, ends[lane] ?? to);
    bars.push({ entry, from, to, lane });
  }
  return bars;
}

const idOf = ({ delivery, copy, attempt }) => `${delivery} ${copy} ${attempt}`;

function clockText(entry, clock) {
  const now = moment(entry, clock);
  if (now === null) return "–";
  const time = new Date(now);
  const part = (number, digits = 2) => String(number).padStart(digits, "0");
  const seconds = `${part(time.getHours())}:${part(time.getMinutes())}:${part(time.getSeconds())}`;
  return [seconds, h("span", { class: "millis" }, `.${part(time.getMilliseconds(), 3)}`)];
}
