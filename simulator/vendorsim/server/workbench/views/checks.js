/**
 * The checks that were started here, and the reports that were opened.
 */

import { get } from "../api.js";
import { cell, clear, empty, h, table, time } from "../dom.js";
import { repeat } from "../live.js";
import { outcomeBadge } from "./check-report.js";
import { openPanel } from "./check-file.js";
import { keepFocus } from "./forms.js";

export const title = "Checks";

export async function show(place) {
  const list = h("div", { class: "stack" });
  let drawn = "";

  async function load(signal) {
    const { items } = await get("checks", {}, { signal });
    const now = JSON.stringify(items);
    if (now === drawn) return;
    drawn = now;
    keepFocus(list, () => clear(list).append(items.length ? rows(items) : nothing()));
  }

  const start = h("a", { class: "button primary", href: "#/checks/new", dataset: { test: "new-check" } }, "Check an integration");
  place.append(
    h("div", { class: "heading" }, h("h1", {}, "Checks"), h("p", { class: "actions" }, start)),
    list,
    openPanel(place),
  );
  await load();
  return repeat(load, { first: 1_000 });
}

function nothing() {
  return empty(
    "No checks yet",
    h("a", { href: "#/checks/new" }, "Check an integration"),
    ": it is sent everything that the vendor may send, and the result says what it does wrong and how to repair it.",
  );
}

function rows(items) {
  const { table: whole, body } = table("Checks and opened reports, the newest first", [
    "Check",
    "Integration",
    "Result",
    "To fix",
    "Warnings",
    "Not judged",
    "Began",
  ]);
  for (const one of items) {
    const { errors, warnings } = one.findings;
    body.append(
      h(
        "tr",
        { dataset: { test: "check" } },
        cell("Check", h("a", { href: `#/checks/${one.id}` }, one.name ?? `#${one.id}`), ` ${one.vendor}`),
        cell("Integration", h("code", {}, one.target)),
        cell("Result", outcomeBadge(one), one.status === "running" ? ` ${one.judged} of ${one.total}` : null),
        cell("To fix", errors ? h("strong", { class: "is-bad" }, String(errors)) : "–"),
        cell("Warnings", String(warnings || "–")),
        cell("Not judged", String(one.checks.not_judged + one.checks.skipped || "–")),
        cell("Began", one.began_at ? time(one.began_at) : "opened"),
      ),
    );
  }
  return whole;
}
