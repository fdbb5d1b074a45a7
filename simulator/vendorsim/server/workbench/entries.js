/**
 * What the journal tells of a conversation, in words: attempts of deliveries, and calls of the vendor's API.
 */

import { duration } from "./dom.js";

const LOST = new Set(["unreachable", "not sent", "given up", "dropped", "lost"]);
/** Keys under which APIs take what is written to somebody. */
const WORDS = ["text", "content", "message", "body", "comment"];
const LONGEST = 300;

/** Milliseconds since 1970 of an entry, by the wall clock (`sent`) or the scenario's (`story`); null: not known. */
export function moment(entry, clock) {
  const iso =
    clock === "sent" ? (entry.type === "call" ? entry.at : entry.sent_at) : entry.type === "call" ? null : entry.at;
  return iso ? Date.parse(iso) : null;
}

/** What tells an entry from others. */
export function keyOf(entry) {
  return `${entry.type} ${entry.id}`;
}

/** What was sent or called. */
export function what(entry) {
  return entry.type === "call" ? `${entry.method} ${entry.path}` : entry.event;
}

/** What somebody wrote, `{by, text}`: `by` is empty for calls, which the integration makes. Null: nothing. */
export function said(entry) {
  if (entry.type === "attempt") return entry.said ?? null;
  const text = wordsIn(entry.body);
  return text ? { by: "", text } : null;
}

function wordsIn(body) {
  let document;
  try {
    document = JSON.parse(body ?? "");
  } catch {
    return null;
  }
  for (const within of [document, ...Object.values(document ?? {})]) {
    if (within === null || typeof within !== "object") continue;
    const found = WORDS.map((name) => within[name]).find((value) => typeof value === "string" && value.trim());
    if (found) return found.length > LONGEST ? `${found.slice(0, LONGEST - 1)}…` : found;
  }
  return null;
}

/** How it went, in a few words. */
export function result(entry) {
  if (entry.type === "call") return `${entry.status || "no answer"} ${entry.message}`.trim();
  const parts = [entry.verdict === "delivered" ? "" : entry.verdict, entry.status ?? ""].filter(Boolean).join(" ");
  return [parts, entry.milliseconds === null ? "" : duration(entry.milliseconds)].filter(Boolean).join(" · ");
}

/** What the other side did with it: `taken`, `refused`, `lost` (it never got there), `planned` (so on purpose). */
export function outcome(entry) {
  if (entry.type === "call") return entry.status > 0 && entry.status < 400 ? "taken" : "refused";
  if (entry.verdict === "delivered") return "taken";
  if (["dropped", "spoiled", "lost"].includes(entry.verdict)) return "planned";
  return LOST.has(entry.verdict) ? "lost" : "refused";
}

/** Which attempts were followed by another one of their delivery, by `keyOf`. */
export function retriedOf(entries) {
  const last = new Map();
  const delivery = (one) => `${one.delivery} ${one.copy} ${one.target}`;
  const attempts = entries.filter((one) => one.type === "attempt" && one.sent_at);
  for (const one of attempts) last.set(delivery(one), Math.max(one.attempt, last.get(delivery(one)) ?? 0));
  return new Set(attempts.filter((one) => one.attempt < last.get(delivery(one))).map(keyOf));
}

/**
 * What is out of the ordinary: retries, duplicates, faults, requests in flight together, why it failed. `retried` has the
 * keys of the attempts that were followed by another one.
 */
export function notes(entry, retried = new Set()) {
  if (entry.type === "call") return [];
  const beside = entry.in_flight_with?.length ?? 0;
  return [
    entry.attempt > 1 ? `retry: attempt ${entry.attempt}` : "",
    entry.copy > 0 ? `sent again on purpose: copy ${entry.copy}` : "",
    entry.faults.length ? `fault: ${entry.faults.join(", ")}` : "",
    beside ? `in flight together with ${beside} other${beside > 1 ? "s" : ""}` : "",
    entry.reason ?? "",
    entry.verdict === "delivered" || entry.final || (entry.recorded && !retried.has(keyOf(entry))) ? "" : retried.has(keyOf(entry)) ? "tried again below" : "a retry is scheduled",
  ].filter(Boolean);
}

/** Whether a delivery got to the integration: `arrives` or `lost`. */
export function directed(entry) {
  return LOST.has(entry.verdict) ? "lost" : "arrives";
}

/** The entry as a sentence, for screen readers. */
export function spoken(entry, retried) {
  const start = entry.type === "call" ? `Call ${what(entry)}` : `Delivery ${what(entry)}`;
  const word = entry.type === "call" || entry.verdict !== "delivered" ? "" : "delivered ";
  const words = said(entry);
  return [`${start}: ${word}${result(entry)}`, words ? `“${words.text}”` : "", ...notes(entry, retried)].filter(Boolean).join(", ");
}

/** A span of time in words. */
export function between(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 72 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}
