/**
 * Draws a conversation as a sequence diagram: the vendor on the left, the integration on the right, time downwards.
 * Deliveries go to the right, calls of the vendors' APIs and of sinks to the left; each arrow is a link.
 */

import { mood, svg } from "./dom.js";
import { between, directed, moment, notes, result, spoken, what } from "./entries.js";

const NARROW = 640;
const TOP = 54;
/** How wide a letter is, in pixels, on wide and on narrow screens (views.css has the sizes). */
const LETTER = 7.3;
const SMALL = 6.7;
const LONGEST = 60;
const HEAD = 8;
/** From so many milliseconds on, a pause between two arrows is shown. */
const PAUSE = 5_000;

/**
 * The diagram of these entries (attempts and calls of the API, the oldest first).
 *
 * @param entries what happened
 * @param options `width` in pixels; `vendor`, its name; `clock`: `sent` (when it really happened) or `story`
 */
export function sequence(entries, { width, vendor, clock }) {
  const frame = frameOf(width);
  const rows = [];
  let y = TOP;
  let before = null;
  for (const entry of entries) {
    const now = moment(entry, clock);
    if (now !== null && before !== null && now - before >= PAUSE) {
      rows.push(pause(now - before, frame, y + 12));
      y += 34;
    }
    const height = heightOf(entry, frame);
    rows.push(arrow(entry, frame, y, height, clock));
    y += height;
    before = now ?? before;
  }
  const bottom = y + 8;
  const label = `Sequence diagram of ${entries.length} arrows between ${vendor} and the integration`;
  return svg(
    "svg",
    {
      class: frame.narrow ? "sequence is-narrow" : "sequence",
      width,
      height: bottom + 4,
      viewBox: `0 0 ${width} ${bottom + 4}`,
      role: "group",
      "aria-label": label,
    },
    lifeline(frame.left, bottom, vendor, frame),
    lifeline(frame.right, bottom, "integration", frame),
    rows,
  );
}

/** Where the lifelines are. */
function frameOf(width) {
  const narrow = width < NARROW;
  const left = narrow ? 78 : 150;
  return { width, narrow, letter: narrow ? SMALL : LETTER, left, right: width - (narrow ? 22 : 64), stamp: narrow ? 4 : 14 };
}

function lifeline(x, bottom, name, frame) {
  const box = Math.min(Math.max(name.length * frame.letter + 22, 74), frame.narrow ? 110 : 160);
  const from = Math.min(Math.max(x - box / 2, 1), frame.width - box - 1);
  return svg(
    "g",
    { class: "lifeline", "aria-hidden": "true" },
    svg("line", { x1: x, y1: 30, x2: x, y2: bottom }),
    svg("rect", { x: from, y: 3, width: box, height: 27, rx: 5 }),
    svg("text", { x: from + box / 2, y: 21, "text-anchor": "middle" }, name),
  );
}

function heightOf(entry, frame) {
  return frame.narrow || notes(entry).length ? 47 : 34;
}

function pause(milliseconds, frame, y) {
  const middle = (frame.left + frame.right) / 2;
  return svg("text", { class: "pause", x: middle, y: y + 4, "text-anchor": "middle" }, `${between(milliseconds)} later`);
}

function arrow(entry, frame, y, height, clock) {
  const line = y + 18;
  const { narrow, left, right, letter } = frame;
  const told = cut(result(entry), LONGEST);
  const beside = narrow ? 0 : told.length * letter + 24;
  const room = Math.floor((right - left - 24 - beside) / letter);
  const at = clockText(entry, clock, narrow);
  const below = [narrow ? told : "", ...notes(entry)].filter(Boolean).join(" · ");
  return svg(
    "a",
    {
      class: `arrow is-${moodOf(entry)}`,
      href: `#/${entry.type === "call" ? "calls" : "deliveries"}/${entry.id}`,
      "aria-label": spoken(entry),
    },
    svg("title", {}, spoken(entry)),
    svg("rect", { class: "ground", x: 1, y: y + 1, width: frame.width - 2, height: height - 2, rx: 4 }),
    svg("text", { class: "stamp", x: frame.stamp, y: line + 4 }, at),
    svg("text", { class: "what", x: left + 12, y: line - 6 }, cut(what(entry), room)),
    narrow ? null : svg("text", { class: "told", x: right - 12, y: line - 6, "text-anchor": "end" }, told),
    stroke(entry, left, right, line, right - Math.max(beside, (right - left) * 0.14)),
    below
      ? svg("text", { class: "below", x: left + 12, y: line + 15 }, cut(below, Math.floor((right - left - 24) / letter)))
      : null,
  );
}

/** The line with its head; what never arrives ends in a cross before the integration. */
function stroke(entry, left, right, y, end) {
  if (entry.type === "call") {
    return [svg("line", { class: "shaft", x1: right, y1: y, x2: left + HEAD, y2: y }), head(left, y, 1)];
  }
  if (directed(entry) === "arrives") {
    return [svg("line", { class: "shaft", x1: left, y1: y, x2: right - HEAD, y2: y }), head(right, y, -1)];
  }
  const cross = `M ${end - 5} ${y - 5} l 10 10 m 0 -10 l -10 10`;
  return [
    svg("line", { class: "shaft is-lost", x1: left, y1: y, x2: end, y2: y }),
    svg("path", { class: "cross", d: cross }),
  ];
}

function head(x, y, towards) {
  return svg("path", { class: "head", d: `M ${x} ${y} l ${towards * HEAD} -4.5 v 9 z` });
}

function moodOf(entry) {
  if (entry.type === "call") return entry.status < 400 ? "accent" : mood(entry.status);
  return ["spoiled", "dropped", "lost"].includes(entry.verdict) ? "warn" : mood(entry.verdict);
}

function clockText(entry, clock, narrow) {
  const now = moment(entry, clock);
  if (now === null) return "–";
  const at = new Date(now);
  const part = (number, digits = 2) => String(number).padStart(digits, "0");
  const seconds = `${part(at.getHours())}:${part(at.getMinutes())}:${part(at.getSeconds())}`;
  return narrow ? seconds : `${seconds}.${part(at.getMilliseconds(), 3)}`;
}

function cut(text, most) {
  return text.length <= most ? text : `${text.slice(0, Math.max(most - 1, 1))}…`;
}
