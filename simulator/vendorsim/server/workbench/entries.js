/**
 * What the journal tells of a conversation, in words: attempts of deliveries, and calls of the vendor's API.
 */

import { duration } from "./dom.js";

const LOST = new Set(["unreachable", "not sent", "dropped", "lost"]);

/** Milliseconds since 1970 of an entry, by the wall clock (`sent`) or the scenario's (`story`); null: not known. */
export function moment(entry, clock) {
  const iso =
    clock === "sent" ? (entry.type === "call" ? entry.at : entry.sent_at) : entry.type === "call" ? null : entry.at;
  return iso ? Date.parse(iso) : null;
}

/** What was sent or called. */
export function what(entry) {
  return entry.type === "call" ? `${entry.method} ${entry.path}` : entry.event;
}

/** How it went, in a few words. */
export function result(entry) {
  if (entry.type === "call") return `${entry.status} ${entry.message}`.trim();
  const parts = [entry.verdict === "delivered" ? "" : entry.verdict, entry.status ?? ""].filter(Boolean).join(" ");
  return [parts, entry.milliseconds === null ? "" : duration(entry.milliseconds)].filter(Boolean).join(" · ");
}

/** What is out of the ordinary: retries, duplicates, faults, why it failed. */
export function notes(entry) {
  if (entry.type === "call") return [];
  return [
    entry.attempt > 1 ? `try ${entry.attempt}` : "",
    entry.copy > 0 ? `duplicate ${entry.copy}` : "",
    entry.faults.length ? `fault: ${entry.faults.join(", ")}` : "",
    entry.verdict !== "delivered" && !entry.final ? "will be tried again" : "",
    entry.reason ?? "",
  ].filter(Boolean);
}

/** Whether a delivery got to the integration: `arrives` or `lost`. */
export function directed(entry) {
  return LOST.has(entry.verdict) ? "lost" : "arrives";
}

/** The entry as a sentence, for screen readers and tooltips. */
export function spoken(entry) {
  const start = entry.type === "call" ? `Call ${what(entry)}` : `Delivery ${what(entry)}`;
  const word = entry.type === "call" || entry.verdict !== "delivered" ? "" : "delivered ";
  return [`${start}: ${word}${result(entry)}`, ...notes(entry)].join(", ");
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
