/**
 * The runs that were started here.
 */

import { get } from "../api.js";
import { badge, cell, clear, empty, h, labelled, minor, table, time, wide } from "../dom.js";
import { repeat } from "../live.js";
import { diagnosisLine } from "./diagnosis.js";
import { keepFocus } from "./forms.js";
import { PAGE } from "./list.js";

export const title = "Runs";

export async function show(place) {
  const list = h("div", { class: "stack" });
  const view = { cursors: [], drawn: "" };

  async function load(signal) {
    const cursor = view.cursors.at(-1);
    const page = await get("runs", { cursor, limit: PAGE }, { signal });
    const now = JSON.stringify([cursor, page]);
    if (now === view.drawn || cursor !== view.cursors.at(-1)) return;
    view.drawn = now;
    keepFocus(list, () => draw(page));
  }

  function draw({ items, next }) {
    clear(list).append(
      items.length
        ? rows(items)
        : empty("No runs yet", h("a", { href: "#/runs/new" }, "Start a scenario"), ": what it sends is then followed here."),
    );
    const page = (label, test, does) =>
      h("button", { type: "button", id: `page-${test}`, dataset: { test }, on: { click: () => turn(does) } }, label);
    list.append(
      h(
        "p",
        { class: "actions" },
        view.cursors.length ? page("Newest", "newest", () => (view.cursors = [])) : null,
        next ? page("Older", "older", () => view.cursors.push(next)) : null,
      ),
    );
  }

  async function turn(does) {
    does();
    await load();
  }

  const start = h("a", { class: "button primary", href: "#/runs/new", dataset: { test: "new-run" } }, "Start a scenario");
  place.append(h("div", { class: "heading" }, h("h1", {}, "Runs"), h("p", { class: "actions" }, start)), list);
  await load();
  return repeat(load, { first: 1_000 });
}

function rows(items) {
  const { table: whole, body } = table("Runs, the newest first", [
    "Run",
    "Scenario",
    "Vendor",
    "How it goes",
    "Conversations",
    "Delivered",
    "Failed attempts",
    "Began (wall clock)",
  ]);
  for (const run of items) {
    const { summary } = run;
    const link = h("a", { href: `#/runs/${run.id}` }, `#${run.id}`);
    body.append(
      h(
        "tr",
        {},
        cell("Run", link),
        cell("Scenario", run.scenario),
        minor(cell("Vendor", `${run.vendor} (${run.profile})`)),
        wide(cell("How it goes", badge(run.state), run.clock.paused && run.status === "running" ? [" ", badge("paused")] : null, diagnosisLine(run.diagnosis))),
        minor(cell("Conversations", started(run))),
        labelled(cell("Delivered", String(summary.delivered))),
        summary.failed_attempts ? labelled(cell("Failed attempts", h("span", { class: "tone-bad" }, String(summary.failed_attempts)))) : minor(cell("Failed attempts", "–")),
        cell("Began (wall clock)", time(run.began_at)),
      ),
    );
  }
  return whole;
}

/** How many conversations have begun, of how many. */
function started({ summary, count }) {
  const begun = summary.conversations?.started ?? 0;
  return begun === count ? String(count) : `${begun} of ${count}`;
}
