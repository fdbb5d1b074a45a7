/**
 * One conversation: its state, what was sent and called as a sequence diagram and as a table, and steps by hand.
 */

import { download, get } from "../api.js";
import { badge, busy, cell, clear, empty, h, table, time } from "../dom.js";
import { directed, keyOf, notes, result, retriedOf, said, what } from "../entries.js";
import { follow } from "../live.js";
import { sequence } from "../sequence.js";
import { besidePanel } from "./beside.js";
import { profileOf, runLink, vendors } from "./catalogue.js";
import { diagnosisPanel } from "./diagnosis.js";
import { check, keepFocus } from "./forms.js";
import { stepForm } from "./step-form.js";

/** So many of the newest arrows are drawn at first; fewer on a phone, so that state and steps are not far away. */
const DRAWN = matchMedia("(max-width: 700px)").matches ? 20 : 300;
/** Milliseconds after a step by hand in which an arrow that appears is one of the step. */
const OF_STEP = 10_000;

export const title = ({ id }) => `Conversation ${id}`;

export async function show(place, { vendor, id }, { run }) {
  const path = `conversations/${encodeURIComponent(vendor)}/${encodeURIComponent(id)}`;
  const read = () => get(path, { run });
  const [first, all] = await Promise.all([read(), vendors()]);
  const view = { found: first, all: false, clock: "sent", opened: null, fresh: new Set(), stepped: 0 };
  const parts = frame(view);
  const filter = { vendor, conversation: id, run };

  function open(entry) {
    view.opened = keyOf(entry);
    const panel = besidePanel(entry, close, view.found.entries);
    parts.opened.replaceChildren(panel.element);
    parts.beside.classList.add("is-open");
    drawDiagram(parts, view, vendor, open);
    panel.heading.focus({ preventScroll: true });
    // Beside the diagram it is in sight; below it, on a phone, it is not.
    const below = panel.element.getBoundingClientRect().top > parts.diagram.getBoundingClientRect().bottom;
    panel.element.scrollIntoView({ block: below ? "start" : "nearest", behavior: calm() });
  }

  function close() {
    const key = view.opened;
    view.opened = null;
    parts.opened.replaceChildren();
    parts.beside.classList.remove("is-open");
    drawDiagram(parts, view, vendor, open);
    parts.diagram.querySelector(`[data-key="${key}"]`)?.focus();
  }

  function draw() {
    const wrong = diagnosisPanel(view.found.diagnosis, filter);
    parts.wrong.replaceChildren(...(wrong ? [wrong] : []));
    keepFocus(parts.state, () => clear(parts.state).append(...state(view.found, vendor)));
    drawDiagram(parts, view, vendor, open);
    keepFocus(parts.list, () => clear(parts.list).append(entryTable(shown(view))));
  }
  async function reload() {
    const known = new Set(view.found.entries.map(keyOf));
    view.found = await read();
    const byStep = Date.now() - view.stepped < OF_STEP;
    const added = byStep ? view.found.entries.map(keyOf).filter((key) => !known.has(key)) : [];
    view.fresh = new Set(added);
    draw();
    if (added.length) parts.diagram.querySelector(`[data-key="${added[0]}"]`)?.scrollIntoView({ block: "center", behavior: calm() });
  }

  const hands = stepForm({
    chosen: () => ({ [vendor]: [id] }),
    profile: profileOf(all, vendor, profileName(first)),
    agents: Object.keys(first.live?.agents ?? {}),
    done: () => {
      view.stepped = Date.now();
      return reload();
    },
  });
  parts.steps.append(
    first.live
      ? hands
      : h(
          "p",
          { class: "muted" },
          first.recorded
            ? "It was recorded: a real vendor told it. Its capture makes a scenario of it, which can be played and changed."
            : "Its run is over or was stopped, and this server no longer holds it: it is known from the journal only.",
        ),
  );
  parts.beside = h("div", { class: "beside" }, parts.picture, parts.top);
  place.append(heading(vendor, id, filter, first), parts.wrong, parts.beside, parts.details);
  parts.onChange = draw;
  draw();

  const after = (type) => Math.max(0, ...first.entries.filter((one) => one.type === type).map((one) => one.id));
  const pace = { pace: 250 };
  const stops = [
    follow("deliveries", { ...filter, after: after("attempt") }, reload, pace),
    follow("calls", { conversation: id, after: after("call") }, reload, pace),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function profileName(found) {
  return found.entries.find((one) => one.type === "attempt")?.profile;
}

/** How the page scrolls by itself. */
function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
}

function heading(vendor, id, filter, { visitor, scenario, opening }) {
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== undefined));
  const har = h(
    "button",
    {
      type: "button",
      dataset: { test: "har" },
      on: { click: () => busy(har, () => download("deliveries.har", filter, `${vendor}-${id}.har`)) },
    },
    "Export HAR",
  );
  return h(
    "div",
    { class: "heading" },
    h("h1", {}, visitor ? `${visitor}, conversation ` : "Conversation ", h("span", { class: "mono" }, id)),
    h("span", { class: "badge" }, vendor),
    scenario ? h("p", { class: "muted" }, scenario) : null,
    h("p", { class: "actions" }, h("a", { class: "button", href: `#/deliveries?${query}` }, "Its deliveries"), har),
    opening ? h("p", { class: "opening begins" }, `Begins: “${opening}”`) : null,
  );
}

/** The parts of the page that are filled later. */
function frame(view) {
  const parts = { onChange: () => {} };
  parts.state = h("section", { class: "panel", "aria-label": "State" });
  parts.steps = h("section", { class: "panel" }, h("h2", {}, "Carry out a step"));
  parts.wrong = h("div", {});
  parts.opened = h("div", { class: "opened-place" });
  parts.top = h("div", { class: "aside" }, parts.opened, parts.state, parts.steps);
  parts.diagram = h("div", { class: "diagram", dataset: { test: "diagram" } });
  const story = check("story-clock", "show the story's time instead of the wall clock's");
  story.box.addEventListener("change", () => {
    view.clock = story.box.checked ? "story" : "sent";
    parts.onChange();
  });
  parts.more = h("button", {
    type: "button",
    dataset: { test: "show-all" },
    hidden: true,
    on: {
      click: () => {
        view.all = true;
        parts.onChange();
      },
    },
  });
  parts.truncated = h(
    "p",
    { class: "muted", hidden: true },
    "The conversation has more entries than are shown here; the lists of deliveries and calls have all.",
  );
  parts.picture = h(
    "section",
    { class: "panel" },
    h("div", { class: "heading" }, h("h2", {}, "What happened"), h("div", { class: "actions" }, parts.more, story.line)),
    parts.truncated,
    parts.diagram,
  );
  parts.list = h("div", {});
  parts.details = h(
    "details",
    { class: "panel flush" },
    h("summary", {}, "The same as a table"),
    parts.list,
  );
  return parts;
}

function shown({ found, all }) {
  return all ? found.entries : found.entries.slice(-DRAWN);
}

function drawDiagram(parts, view, vendor, open) {
  const total = view.found.entries.length;
  parts.truncated.hidden = !view.found.truncated;
  parts.more.hidden = view.all || total <= DRAWN;
  parts.more.textContent = `Show all ${total}`;
  if (!total) {
    clear(parts.diagram).append(
      empty("Nothing was sent yet", "What is sent about this conversation appears here by itself."),
    );
  } else {
    const { clock, opened, fresh } = view;
    keepFocus(parts.diagram, () => clear(parts.diagram).append(sequence(shown(view), { vendor, clock, open, opened, fresh })));
  }
}

/** Scrolls the newest arrow into view. */
function reveal(diagram) {
  [...diagram.querySelectorAll("svg a")].at(-1)?.scrollIntoView({ block: "nearest" });
}

function state({ live, entries, recorded }, vendor) {
  const told = [h("h2", {}, "State")];
  const run = entries.find((one) => one.type === "attempt")?.run;
  const facts = live
    ? [
        ["status", badge(live.status)],
        ["visitor", person(live.visitor)],
        ["assignee", live.assignee ?? "nobody"],
        [
          "agents",
          Object.entries(live.agents ?? {})
            .map(([key, name]) => `${name} (${key})`)
            .join(", ") || "none",
        ],
        ["end user", live.end_user ? h("code", {}, JSON.stringify(live.end_user)) : "not identified"],
        ["messages", String(live.messages)],
        ["story's time", time(live.now)],
      ]
    : [["status", recorded ? "recorded" : "no longer known"]];
  facts.push(["vendor", vendor]);
  if (run !== undefined) facts.push(["run", runLink(run, recorded)]);
  told.push(
    h(
      "dl",
      { class: "facts", dataset: { test: "state" } },
      facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
    ),
  );
  return told;
}

function person({ name, email, identifier }) {
  return [name, email, identifier].filter(Boolean).join(" · ") || "nothing known";
}

function entryTable(entries) {
  const { table: whole, body } = table("Deliveries and calls of this conversation, the oldest first", [
    "Wall clock",
    "Direction",
    "What",
    "Said",
    "Result",
    "Notes",
  ]);
  const retried = retriedOf(entries);
  for (const entry of entries) {
    const call = entry.type === "call";
    const link = h("a", { href: `#/${call ? "calls" : "deliveries"}/${entry.id}` }, what(entry));
    const towards = call ? `integration → ${entry.vendor === "sink" ? `sink ${entry.operation}` : "vendor"}` : directed(entry) === "lost" ? "vendor ⇥ nobody" : "vendor → integration";
    body.append(
      h(
        "tr",
        {},
        cell("Wall clock", time(call ? entry.at : entry.sent_at)),
        cell("Direction", towards),
        cell("What", link),
        cell("Said", said(entry)?.text ?? "–"),
        cell("Result", call ? badge(entry.status) : badge(entry.verdict), " ", result(entry)),
        cell("Notes", notes(entry, retried).join(", ") || "–"),
      ),
    );
  }
  return whole;
}
