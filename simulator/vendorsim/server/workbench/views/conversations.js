/**
 * The conversations that were sent about, and a step for several at once.
 */

import { get } from "../api.js";
import { badge, cell, clear, empty, field, h, labelled, minor, say, select, table, time, wide } from "../dom.js";
import { repeat } from "../live.js";
import { conversationAddress, runLink, vendors } from "./catalogue.js";
import { diagnosisLine, diagnosisPlace } from "./diagnosis.js";
import { foldable } from "./filters.js";
import { input, keepFocus } from "./forms.js";
import { PAGE } from "./list.js";
import { stepForm } from "./step-form.js";

const EVERY = 3_000;

export const title = "Conversations";

export async function show(place, params, query) {
  const all = await vendors();
  const view = {
    query: { vendor: query.vendor ?? "", q: query.q ?? "", run: query.run ?? "" },
    cursors: [],
    page: { items: [], next: null },
    drawn: "",
  };
  const chosen = new Map();
  const list = h("div", { class: "stack" });
  const hands = bulk(chosen, load);
  const wrong = diagnosisPlace();

  async function load(signal) {
    const cursor = view.cursors.at(-1);
    const asked = JSON.stringify([view.query, cursor]);
    const page = await get("conversations", { ...view.query, cursor, limit: PAGE }, { signal });
    const same = JSON.stringify([asked, page]) === view.drawn;
    if (same || asked !== JSON.stringify([view.query, view.cursors.at(-1)])) return;
    view.drawn = JSON.stringify([asked, page]);
    view.page = page;
    if (page.items.some((row) => row.failed)) await wrong.update(view.query);
    else wrong.place.replaceChildren();
    keepFocus(list, () => draw(list, view, chosen, hands, load));
  }

  place.append(h("div", { class: "heading" }, h("h1", {}, "Conversations")), filters(view, all, load), wrong.place, list, hands.panel);
  await load();
  return repeat((signal) => load(signal), { every: EVERY, first: EVERY });
}

function filters(view, all, load) {
  const vendor = select(
    "filter-vendor",
    [["", "all vendors"], ...all.map((one) => [one.name, one.title])],
    view.query.vendor,
  );
  const text = input("filter-q", { type: "search", value: view.query.q, placeholder: "in bodies, ids, answers" });
  const run = input("filter-run", { type: "text", inputmode: "numeric", value: view.query.run, size: "6" });
  let waiting;
  const changed = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      view.query = { vendor: vendor.value, q: text.value.trim(), run: run.value.trim() };
      view.cursors = [];
      load().catch((error) => say(error.detail ?? error.message, true));
    }, 250);
  };
  const form = h("form", {
    class: "filters",
    role: "search",
    on: { input: changed, submit: (event) => event.preventDefault() },
  });
  form.append(field("Vendor", vendor), field("Search", text), field("Run", run));
  foldable(form);
  return form;
}

function draw(list, view, chosen, hands, load) {
  const { items, next } = view.page;
  clear(list);
  if (!items.length) {
    const filtered = Object.values(view.query).some(Boolean);
    list.append(
      filtered
        ? empty("No conversation is like that", "Change what is searched for; the list follows by itself.")
        : empty(
            "No conversations yet",
            h("a", { href: "#/runs/new" }, "Start a scenario"),
            ", or call a vendor's API: what is sent about appears here by itself.",
          ),
    );
  } else {
    list.append(...rows(items, chosen, hands));
  }
  const page = (label, does, test) =>
    h(
      "button",
      {
        type: "button",
        id: `page-${test}`,
        dataset: { test },
        on: {
          click: () => {
            does();
            load();
          },
        },
      },
      label,
    );
  list.append(
    h(
      "p",
      { class: "actions" },
      view.cursors.length ? page("Newest", () => (view.cursors = []), "newest") : null,
      next ? page("Older", () => view.cursors.push(next), "older") : null,
    ),
  );
}

function rows(items, chosen, hands) {
  const key = (row) => `${row.vendor} ${row.conversation}`;
  const boxes = [];
  const pick = (row, on) => {
    if (on) chosen.set(key(row), row);
    else chosen.delete(key(row));
    hands.update();
  };
  const whole = h("input", {
    type: "checkbox",
    id: "pick-all",
    checked: items.every((row) => chosen.has(key(row))),
    on: {
      change: () => {
        for (const [index, row] of items.entries()) {
          boxes[index].checked = whole.checked;
          pick(row, whole.checked);
        }
      },
    },
  });
  const { table: found, body } = table("Conversations, the newest first", [
    "Select",
    "Visitor",
    "Begins",
    "Scenario",
    "Vendor",
    "Run",
    "Attempts",
    "Failed",
    "Last sent (wall clock)",
  ]);
  for (const row of items) {
    const box = h("input", {
      type: "checkbox",
      id: `pick-${row.vendor}-${row.conversation}-${row.run}`,
      "aria-label": `Select ${row.visitor ?? ""} ${row.conversation}`,
      checked: chosen.has(key(row)),
      on: { change: () => pick(row, box.checked) },
    });
    boxes.push(box);
    // What was recorded may name no conversation.
    const link = h(
      "a",
      { href: row.conversation ? conversationAddress(row.vendor, row.conversation, row.run) : `#/deliveries?run=${row.run}` },
      row.visitor ? `${row.visitor} ` : "",
      row.conversation ? h("span", { class: "mono" }, row.conversation) : "of no conversation",
    );
    body.append(
      h(
        "tr",
        {},
        cell("Select", box),
        cell("Visitor", link),
        wide(cell("Begins", row.opening ? h("span", { class: "opening" }, `“${row.opening}”`) : "–", diagnosisLine(row.diagnosis))),
        minor(cell("Scenario", row.scenario ?? (row.recorded ? "none: recorded" : "none: by API or by hand"))),
        minor(cell("Vendor", `${row.vendor} (${row.profile})`)),
        labelled(cell("Run", runLink(row.run, row.recorded))),
        labelled(cell("Attempts", String(row.attempts))),
        row.failed ? cell("Failed", badge("failed"), ` ${row.failed}`) : minor(cell("Failed", "–")),
        cell("Last sent (wall clock)", time(row.last_at)),
      ),
    );
  }
  return [h("p", { class: "check" }, whole, h("label", { for: "pick-all" }, "Select all that are shown")), found];
}

/** The step for all that are selected. */
function bulk(chosen, load) {
  const count = h("span", {});
  const none = h(
    "p",
    { class: "muted" },
    "Select conversations in the list to carry out a step on all of them, such as send_to_api.",
  );
  const byVendor = () =>
    Object.fromEntries(
      [...Map.groupBy(chosen.values(), (row) => row.vendor)].map(([vendor, found]) => [
        vendor,
        [...new Set(found.map((row) => row.conversation))],
      ]),
    );
  const form = stepForm({ chosen: byVendor, done: () => load() });
  const panel = h(
    "section",
    { class: "panel", dataset: { test: "bulk" } },
    h("h2", {}, "A step for several ", count),
    none,
    form,
  );
  function update() {
    count.textContent = chosen.size ? `(${chosen.size} selected)` : "";
    none.hidden = Boolean(chosen.size);
    form.hidden = !chosen.size;
  }
  update();
  return { panel, update };
}
