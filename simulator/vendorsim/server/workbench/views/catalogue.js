/**
 * What there is to play, asked for once: vendors, with their profiles, events and verbs.
 */

import { get } from "../api.js";
import { h } from "../dom.js";

let asked = null;

/** All vendors, as `GET vendors` tells. */
export function vendors() {
  asked ??= get("vendors").catch((error) => {
    asked = null;
    throw error;
  });
  return asked;
}

/** The profile of that name, or undefined. */
export function profileOf(all, vendor, profile) {
  return all.find((one) => one.name === vendor)?.profiles.find((one) => one.name === profile);
}

/** A link to the run, or the recording, that a conversation belongs to. */
export function runLink(run, recorded) {
  return h("a", { href: `#/${recorded ? "captures" : "runs"}/${run}` }, recorded ? `capture ${run}` : String(run));
}

/** The address of a conversation's page. */
export function conversationAddress(vendor, conversation, run) {
  const path = `#/conversations/${encodeURIComponent(vendor)}/${encodeURIComponent(conversation)}`;
  return run === undefined || run === null ? path : `${path}?run=${run}`;
}
