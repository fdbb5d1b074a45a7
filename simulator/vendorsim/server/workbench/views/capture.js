/**
 * One recording: how it goes, its conversations, scenarios of them, and what drifts.
 */

import { download, get, post } from "../api.js";
import { badge, busy, cell, clear, empty, h, labelled, minor, problem, say, table, time } from "../dom.js";
import { repeat } from "../live.js";
import { stateOf } from "./captures.js";
import { conversationAddress, vendors } from "./catalogue.js";
import { driftPanel } from "./capture-drift.js";
import { keepDraft } from "./drafts.js";
import { facts } from "./exchange.js";
import { keepFocus } from "./forms.js";

/** So many places that break the contract are told while it is recorded. */
const MOST_PLACES = 8;
/** So many conversations are shown; fewer on a phone. */
const SHOWN = matchMedia("(max-width: 700px)").matches ? 5 : 25;

export const title = ({ id }) => `Capture ${id}`;

export async function show(place, { id }) {
  const [first, all] = await Promise.all([get(`captures/${encodeURIComponent(id)}`), vendors()]);
  const parts = {
    badge: h("span", {}),
    actions: h("p", { class: "actions" }),
    told: h("div", {}),
    about: h("section", { class: "panel", "aria-label": "Summary" }),
    live: h("div", {}),
    conversations: h("section", { class: "panel flush", "aria-label": "Conversations" }),
    made: h("div", { dataset: { test: "made" } }),
  };
  const profiles = (all.find((one) => one.name === first.vendor)?.profiles ?? []).filter((one) => one.events.length);
  const drift = driftPanel(first, profiles.map((one) => one.name));
  const scenarios = (conversation) => make(id, conversation, parts.made);
  let drawn = "";
  let counted = -1;

  async function draw(capture, signal) {
    const now = JSON.stringify(capture);
    if (now !== drawn) {
      const ends = drawn !== "" && capture.status !== "recording" && JSON.parse(drawn).status === "recording";
      drawn = now;
      clear(parts.badge).append(badge(stateOf(capture)));
      keepFocus(parts.actions, () => clear(parts.actions).append(...actions(capture, draw)));
      clear(parts.told).append(...told(capture));
      clear(parts.about).append(about(capture));
      clear(parts.live).append(...violations(capture));
      if (ends) await drift.load();
    }
    if (capture.webhooks + capture.calls === counted) return;
    const page = await get("conversations", { run: id, limit: SHOWN }, { signal });
    counted = capture.webhooks + capture.calls;
    keepFocus(parts.conversations, () => clear(parts.conversations).append(...conversations(id, page, scenarios)));
  }

  place.append(
    h("div", { class: "heading" }, h("h1", {}, `Capture ${id}`), parts.badge, parts.actions),
    parts.told,
    parts.about,
    parts.live,
    parts.made,
    parts.conversations,
    drift.element,
  );
  await draw(first);
  if (first.status !== "recording" && first.webhooks) await drift.load();
  return repeat(async (signal) => {
    const status = JSON.parse(drawn).status;
    if (status === "recording" || status === "elsewhere") await draw(await get(`captures/${id}`, {}, { signal }), signal);
  }, { first: 1_000 });
}

function actions(capture, draw) {
  const { id } = capture;
  const query = new URLSearchParams({ run: id });
  const button = (label, test, does, kind = "") => {
    const made = h("button", { type: "button", id: test, class: kind, dataset: { test }, on: { click: () => busy(made, does) } }, label);
    return made;
  };
  const stop = async () => {
    await draw(await post(`captures/${id}/stop`));
    say(`Capture ${id} has ended.`);
  };
  return [
    capture.status === "recording" ? button("Stop", "stop-capture", stop, "danger") : null,
    h("a", { class: "button", href: `#/deliveries?${query}` }, "Its deliveries"),
    capture.calls || capture.targets.length > 1 ? h("a", { class: "button", href: `#/calls?${query}` }, "Its calls") : null,
    button("Export HAR", "har", () => download("deliveries.har", { run: id }, `capture-${id}.har`)),
  ].filter(Boolean);
}

function told(capture) {
  if (capture.reason) return [problem({ detail: capture.reason })];
  if (notes.has(capture.id)) return [ofFile(notes.get(capture.id))];
  if (capture.status === "elsewhere")
    return [h("p", { class: "note" }, "Another process records this (vendorsim capture record), or it was killed. It is ended there, by Ctrl-C.")];
  if (capture.status === "recording" && !capture.webhooks)
    return [h("p", { class: "note" }, "Set the vendor's webhook to ", h("code", {}, capture.urls[0]), ", or let a tunnel lead there. What passes appears here by itself.")];
  return [];
}

/** What was said when a file was opened, by the number of its capture, until the page is loaded anew. */
const notes = new Map();

/** Keeps what was not read of a file that was just opened (`OpenedCapture`), to show it with its capture. */
export function keepNotes({ capture, skipped, truncated }) {
  if (skipped.length || truncated) notes.set(capture.id, { skipped, truncated });
}

function ofFile({ skipped, truncated }) {
  return h(
    "section",
    { class: "note", "aria-label": "What was not read", dataset: { test: "not-read" } },
    truncated ? h("p", {}, "The file has more than is kept: only its beginning was read.") : null,
    skipped.length ? h("p", {}, "Not everything in it was read:") : null,
    skipped.length ? h("ul", {}, skipped.map((one) => h("li", {}, one))) : null,
  );
}

function about(capture) {
  const [webhooks, calls] = capture.targets;
  const way = (place, target) => {
    const from = capture.urls[place];
    return target ? [from ? [h("code", { dataset: { test: `url-${place}` } }, from), " → "] : "to ", h("code", {}, target)] : null;
  };
  const bad = (count, words) => (count ? h("span", { class: "tone-bad" }, `, ${count} ${words}`) : "");
  const refused = Object.entries(capture.judged?.refused ?? {}).map(([why, count]) => `${count} × ${why}`);
  return facts([
    ["Vendor", `${capture.vendor}, profile ${capture.profile}`],
    ["File", capture.file === null ? null : h("code", {}, capture.file)],
    ["Webhooks", way(0, webhooks)],
    ["Calls", way(1, calls)],
    ["Kept", [`${capture.webhooks} webhook${capture.webhooks === 1 ? "" : "s"}`, bad(capture.undelivered, "not accepted"), bad(capture.judged?.drifting, "drifting"), `; ${capture.calls} call${capture.calls === 1 ? "" : "s"}`]],
    ["Refused", refused.join(", ")],
    ["Began", [time(capture.began_at), " (wall clock)"]],
    ["Ended", capture.ended_at ? time(capture.ended_at) : null],
  ]);
}

/** What breaks the contract, while it is recorded. Afterwards the drift table says more. */
function violations({ judged, status }) {
  if (status !== "recording" || !judged?.violations.length) return [];
  const { table: whole, body } = table("Places that break the contract, the most frequent first", ["Event", "Field", "How often"]);
  const more = judged.violations.length - MOST_PLACES;
  for (const { event, pointer, count } of judged.violations.slice(0, MOST_PLACES))
    body.append(h("tr", {}, cell("Event", event), cell("Field", h("code", {}, pointer || "the whole body")), cell("How often", h("span", { class: "tone-bad" }, String(count)))));
  return [h("section", { class: "panel flush", dataset: { test: "violations" } }, h("h2", {}, "What breaks the contract"), whole, more > 0 ? h("p", { class: "muted padded" }, `And ${more} other places: the drift table has all.`) : null)];
}

function conversations(id, { items, next }, scenarios) {
  const named = items.filter((row) => row.conversation);
  const rest = items.find((row) => !row.conversation);
  const button = (label, attributes, conversation) => {
    const made = h("button", { type: "button", ...attributes, on: { click: () => busy(made, () => scenarios(conversation)) } }, label);
    return made;
  };
  const every = button("Make a scenario of each", { id: "make-all", dataset: { test: "make-all" } });
  const heading = h("div", { class: "heading" }, h("h2", {}, "Conversations"), named.length ? h("p", { class: "actions" }, every) : null);
  if (!items.length) return [heading, empty("None yet", "They appear when webhooks have passed.")];
  const { table: whole, body } = table("Conversations of this capture, the newest first", ["Conversation", "Webhooks", "Not accepted", "Last (wall clock)", "Scenario"]);
  for (const row of named) {
    body.append(
      h(
        "tr",
        { dataset: { test: "conversation" } },
        cell("Conversation", h("a", { href: conversationAddress(row.vendor, row.conversation, id), class: "mono" }, row.conversation)),
        labelled(cell("Webhooks", String(row.attempts))),
        row.failed ? labelled(cell("Not accepted", h("span", { class: "tone-bad" }, String(row.failed)))) : minor(cell("Not accepted", "–")),
        minor(cell("Last", time(row.last_at))),
        cell("Scenario", button("Make a scenario", { id: `make-${row.conversation}`, "aria-label": `Make a scenario of ${row.conversation}` }, row.conversation)),
      ),
    );
  }
  const more = [
    next ? h("a", { href: `#/conversations?run=${id}` }, "All conversations") : null,
    rest ? h("span", { class: "muted" }, `${rest.attempts} webhook${rest.attempts === 1 ? " names" : "s name"} no conversation.`) : null,
  ].filter(Boolean);
  return [heading, whole, more.length ? h("p", { class: "actions padded" }, more) : null].filter(Boolean);
}

/** Makes scenarios: one is opened in the editor at once, several are listed. They are drafts of this tab. */
async function make(id, conversation, place) {
  say("Looking for the steps …");
  const found = await post(`captures/${id}/scenarios`, conversation === undefined ? {} : { conversation });
  say("");
  for (const { name, yaml } of found.scenarios) if (!keepDraft(name, yaml)) throw Object.assign(new Error(), { detail: "There is no more room in this tab for these texts: make them one by one, and download them." });
  if (conversation !== undefined) {
    location.hash = `#/scenarios/${encodeURIComponent(found.scenarios[0].name)}`;
    return;
  }
  const { table: whole, body } = table("Scenarios that were made", ["Scenario", "Steps", "As they were", "Not explained"]);
  for (const one of found.scenarios)
    body.append(
      h(
        "tr",
        {},
        cell("Scenario", h("a", { href: `#/scenarios/${encodeURIComponent(one.name)}`, class: "mono" }, one.name)),
        labelled(cell("Steps", `${one.steps} for ${one.webhooks} webhooks`)),
        labelled(cell("As they were", one.raw ? `${one.raw} (emit)` : "–")),
        labelled(cell("Not explained", one.differing ? `fields of ${one.differing} steps` : "–")),
      ),
    );
  const notes = [found.truncated ? "The capture has more than one request looks at: make the others one by one." : "", ...found.left_out].filter(Boolean);
  const heading = h("h2", { tabindex: "-1" }, `${found.scenarios.length} scenario${found.scenarios.length === 1 ? "" : "s"}, kept in this tab`);
  place.replaceChildren(h("section", { class: "panel flush" }, heading, whole, notes.map((note) => h("p", { class: "muted padded" }, note))));
  heading.focus();
}
