/**
 * The built-in scenarios, and texts of one's own.
 */

import { get } from "../api.js";
import { cell, clear, empty, field, h, minor, table, wide } from "../dom.js";
import { drafts } from "./drafts.js";
import { NEW } from "./editor.js";
import { input } from "./forms.js";
import { PAGE } from "./list.js";

export const title = "Scenarios";

export async function show(place) {
  const all = await get("scenarios");
  const kept = new Set(drafts());
  const list = h("div", { class: "stack" });
  let whole = false;
  const search = input("filter-scenarios", {
    type: "search",
    placeholder: "in titles and descriptions",
    on: { input: () => draw() },
  });

  function draw() {
    const wanted = search.value.trim().toLowerCase();
    const found = all.filter((one) =>
      [one.name, one.title, one.description, ...one.vendors].join(" ").toLowerCase().includes(wanted),
    );
    clear(list);
    if (found.length) list.append(rows(whole ? found : found.slice(0, PAGE), kept));
    else list.append(empty("No scenario fits", "Search for another word, or write a scenario of your own."));
    if (found.length > PAGE && !whole) list.append(more(found.length));
  }

  function more(count) {
    const all = () => {
      whole = true;
      draw();
      list.querySelectorAll("tbody tr")[PAGE]?.querySelector("a").focus();
    };
    const button = h("button", { type: "button", dataset: { test: "all-scenarios" }, on: { click: all } }, `Show all ${count}`);
    return h("p", { class: "actions" }, button);
  }

  const own = h(
    "a",
    { class: "button", href: `#/scenarios/${NEW}`, dataset: { test: "new-scenario" } },
    kept.has(NEW) ? "Continue your scenario" : "Write a scenario",
  );
  place.append(
    h("div", { class: "heading" }, h("h1", {}, "Scenarios"), h("p", { class: "actions" }, own)),
    h(
      "form",
      { class: "filters", role: "search", on: { submit: (event) => event.preventDefault() } },
      alwaysShown(field("Search", search)),
    ),
    list,
  );
  draw();
  return () => {};
}

/** A filter that a phone shows, too. */
function alwaysShown(line) {
  line.classList.add("always");
  return line;
}

function rows(found, kept) {
  const { table: whole, body } = table("Built-in scenarios", ["Scenario", "What it is about", "Vendors", "Start"]);
  for (const one of found) {
    const edit = h("a", { href: `#/scenarios/${encodeURIComponent(one.name)}`, class: "mono" }, one.name);
    const start = h(
      "a",
      { class: "button", href: `#/runs/new?scenario=${encodeURIComponent(one.name)}`, "aria-label": `Start ${one.title}` },
      "Start",
    );
    body.append(
      h(
        "tr",
        {},
        cell(
          "Scenario",
          edit,
          kept.has(one.name) ? h("div", {}, h("span", { class: "badge badge-warn" }, "changed here")) : null,
        ),
        wide(cell("About", h("strong", {}, one.title), h("div", { class: "muted minor" }, one.description))),
        minor(cell("Vendors", one.vendors.join(", "))),
        cell("Start", start),
      ),
    );
  }
  whole.classList.add("scenarios");
  return whole;
}
