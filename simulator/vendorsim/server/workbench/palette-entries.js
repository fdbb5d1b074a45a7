/**
 * What the search for everything finds: views and actions at once, and what the server knows.
 */

import { download, get, patch, post, put } from "./api.js";
import { say } from "./dom.js";
import { playExample } from "./example.js";
import { openKeys } from "./key-list.js";

/** So many of a list are asked for. */
const LIMIT = 6;

const goes = (hash) => () => {
  location.hash = hash;
};

/** Does something, and says what was done or why it can't be. */
const tells = (action) => async () => {
  try {
    say(await action());
  } catch (error) {
    say(error.detail ?? error.message, true);
  }
};

/** Goes to a view, and does something when it stands there. */
function there(hash, selector, does) {
  const seen = () => {
    const found = document.querySelector(`main ${selector}`);
    if (found) does(found);
    return Boolean(found);
  };
  if (location.hash === hash && seen()) return;
  const watch = new MutationObserver(() => {
    if (location.hash !== hash) watch.disconnect();
    else if (seen()) watch.disconnect();
  });
  watch.observe(document.getElementById("view"), { childList: true });
  location.hash = hash;
}

/** What can be done from everywhere. `also`: words that find it, too. */
const ACTIONS = [
  { what: "Start a run", also: "play scenario new", does: goes("#/runs/new") },
  { what: "Start the example run", also: "demo first receiver", does: () => playExample({ failing: false }) },
  { what: "Start the example run with a receiver that fails", also: "demo red error", does: () => playExample({ failing: true }) },
  { what: "Write a scenario", also: "new editor yaml", does: goes("#/scenarios/new") },
  { what: "Record real traffic", also: "capture proxy start webhook", does: goes("#/captures/new") },
  { what: "Add a target", also: "address url hook webhook", does: () => there("#/targets", "#target-url", (field) => field.focus()) },
  { what: "Switch all faults off", also: "stop", does: tells(async () => {
    await put("faults", { faults: [] });
    return "No faults are on.";
  }) },
  { what: "Export all deliveries as HAR", also: "download save", does: tells(async () => {
    await download("deliveries.har", {}, "vendorsim.har");
    return "Saved as vendorsim.har.";
  }) },
  { what: "Reset: stop all runs and empty all lists …", also: "begin anew clear delete", does: () => there("#/targets", "#reset", (button) => button.click()) },
  { what: "List of keys", also: "help shortcuts keyboard", does: openKeys },
];

const fits = (text, ...of) => text.toLowerCase().split(/\s+/).every((word) => of.join(" ").toLowerCase().includes(word));

/** Views and actions that fit a text; all of them for none. */
export function atOnce(text) {
  const wanted = text.trim();
  const views = [...document.querySelectorAll("#nav a")].map((link) => ({ kind: "View", what: link.textContent, does: goes(link.hash) }));
  const actions = ACTIONS.map((action) => ({ kind: "Action", ...action }));
  return [...views, ...actions].filter(({ what, also = "" }) => fits(wanted, what, also));
}

/**
 * What the server knows that fits a text. `problem` says which kinds could not be asked for.
 */
export async function found(text) {
  const wanted = text.trim();
  const asked = await Promise.allSettled(SOURCES.map((source) => source(wanted)));
  const failed = asked.find(({ status }) => status === "rejected")?.reason;
  return {
    items: asked.flatMap(({ value }) => value ?? []),
    problem: failed && `Not everything could be searched: ${failed.detail ?? failed.message}`,
  };
}

const SOURCES = [numbered, runs, scenarios, conversations, deliveries, calls];

let known = null;

async function scenarios(text) {
  if (!text) return [];
  known ??= get("scenarios").catch((error) => {
    known = null;
    throw error;
  });
  return (await known)
    .filter((one) => fits(text, one.name, one.title, "scenario"))
    .map((one) => ({ kind: "Scenario", what: `${one.title} (${one.name})`, does: goes(`#/scenarios/${encodeURIComponent(one.name)}`) }));
}

/** Runs, and what can be done with those under way. */
async function runs(text) {
  const { items } = await get("runs");
  return items.flatMap((run) => {
    const entries = [];
    if (run.status === "running") {
      const stop = tells(async () => {
        await post(`runs/${run.id}/stop`);
        return `Run ${run.id} is stopped: nothing new is sent.`;
      });
      const { paused } = run.clock;
      const pause = tells(async () => {
        await patch(`runs/${run.id}/clock`, { paused: !paused });
        return paused ? `The clock of run ${run.id} goes on.` : `The clock of run ${run.id} stands still.`;
      });
      entries.push({ kind: "Action", what: `Stop run ${run.id}: ${run.scenario}`, does: stop });
      entries.push({ kind: "Action", what: `${paused ? "Continue" : "Pause"} the clock of run ${run.id}`, does: pause });
    }
    if (text) entries.push({ kind: "Run", what: `Run ${run.id}: ${run.scenario}, ${run.vendor}, ${run.status}`, does: goes(`#/runs/${run.id}`) });
    return entries;
  }).filter(({ what }) => fits(text, what));
}

async function conversations(text) {
  if (!text) return [];
  const { items } = await get("conversations", { q: text, limit: LIMIT });
  return items.map((one) => ({
    kind: "Conversation",
    what: `${one.conversation} (${one.vendor}, run ${one.run})`,
    does: goes(`#/conversations/${encodeURIComponent(one.vendor)}/${encodeURIComponent(one.conversation)}?run=${one.run}`),
  }));
}

async function deliveries(text) {
  if (!text) return [];
  const { items } = await get("deliveries", { q: text, limit: LIMIT });
  return items.map(ofDelivery);
}

async function calls(text) {
  if (!text) return [];
  const { items } = await get("calls", { q: text, limit: LIMIT });
  return items.map((one) => ({ kind: "Call", what: `${one.id} ${one.operation}: ${one.status} ${one.message ?? ""}`, does: goes(`#/calls/${one.id}`) }));
}

/** A number is that of a delivery, first of all. */
async function numbered(text) {
  const number = /^(?:delivery\s+|#)?(\d{1,12})$/i.exec(text)?.[1];
  if (!number) return [];
  const one = await get(`deliveries/${number}`).catch((error) => {
    if (error.status === 404) return null;
    throw error;
  });
  return one ? [ofDelivery(one)] : [];
}

function ofDelivery(one) {
  return { kind: "Delivery", what: `${one.id} ${one.event}: ${one.verdict}`, does: goes(`#/deliveries/${one.id}`) };
}
