/**
 * What was recorded between a vendor and an integration, here or by the command line, and captured files.
 */

import { get } from "../api.js";
import { badge, cell, clear, empty, h, labelled, minor, table, time } from "../dom.js";
import { repeat } from "../live.js";
import { keepFocus } from "./forms.js";
import { PAGE } from "./list.js";

export const title = "Captures";

export async function show(place) {
  const list = h("div", { class: "stack" });
  const cursors = [];
  let drawn = "";

  async function load(signal) {
    const cursor = cursors.at(-1);
    const page = await get("captures", { cursor, limit: PAGE }, { signal });
    const now = JSON.stringify([cursor, page]);
    if (now === drawn || cursor !== cursors.at(-1)) return;
    drawn = now;
    keepFocus(list, () => draw(page));
  }

  function draw({ items, next }) {
    const page = (label, test, does) =>
      h("button", { type: "button", id: `page-${test}`, dataset: { test }, on: { click: () => (does(), load()) } }, label);
    clear(list).append(items.length ? rows(items) : nothing());
    list.append(
      h(
        "p",
        { class: "actions" },
        cursors.length ? page("Newest", "newest", () => (cursors.length = 0)) : null,
        next ? page("Older", "older", () => cursors.push(next)) : null,
      ),
    );
  }

  const start = h("a", { class: "button primary", href: "#/captures/new", dataset: { test: "new-capture" } }, "Record");
  const open = h("a", { class: "button", href: "#/captures/open", dataset: { test: "open-capture" } }, "Open a file");
  place.append(h("div", { class: "heading" }, h("h1", {}, "Captures"), h("p", { class: "actions" }, start, open)), list);
  await load();
  return repeat(load, { first: 1_000 });
}

function nothing() {
  return empty(
    "Nothing recorded yet",
    h("a", { href: "#/captures/new" }, "Record"),
    " what a real vendor and your integration send to each other: each webhook is passed on, kept, and held to the contract. What ",
    h("code", {}, "vendorsim capture record"),
    " writes into this server's journal appears here, too. Or ",
    h("a", { href: "#/captures/open" }, "open a captured file"),
    ".",
  );
}

function rows(items) {
  const { table: whole, body } = table("Captures, the newest first", [
    "Capture",
    "Vendor",
    "Passed on to",
    "State",
    "Webhooks",
    "Not accepted",
    "Drifting",
    "Calls",
    "Began (wall clock)",
  ]);
  for (const one of items) {
    const drifting = one.judged?.drifting;
    body.append(
      h(
        "tr",
        { dataset: { test: "capture" } },
        cell("Capture", h("a", { href: `#/captures/${one.id}` }, `#${one.id}`)),
        cell("Vendor", `${one.vendor} (${one.profile})`),
        minor(cell("Passed on to", one.file === null ? one.targets.map((target) => h("div", {}, h("code", {}, target))) : ["file ", h("code", {}, one.file)])),
        cell("State", badge(stateOf(one))),
        labelled(cell("Webhooks", String(one.webhooks))),
        one.undelivered ? labelled(cell("Not accepted", h("span", { class: "tone-bad" }, String(one.undelivered)))) : minor(cell("Not accepted", "–")),
        drifting ? labelled(cell("Drifting", h("span", { class: "tone-bad" }, String(drifting)))) : minor(cell("Drifting", one.judged ? "–" : "not judged here")),
        minor(cell("Calls", String(one.calls))),
        cell("Began", time(one.began_at)),
      ),
    );
  }
  return whole;
}

/** The state of a recording, in words. */
export function stateOf({ status }) {
  return status === "elsewhere" ? "by another process" : status;
}
