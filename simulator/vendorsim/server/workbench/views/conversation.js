/**
 * One conversation: its state, what was sent and called as a sequence diagram and as a table, and steps by hand.
 */

import { download, get } from "../api.js";
import { badge, busy, cell, clear, empty, h, table, time } from "../dom.js";
import { directed, notes, result, what } from "../entries.js";
import { follow } from "../live.js";
import { sequence } from "../sequence.js";
import { profileOf, vendors } from "./catalogue.js";
import { check, keepFocus } from "./forms.js";
import { stepForm } from "./step-form.js";

/** So many of the newest arrows are drawn at first; fewer on a phone, so that state and steps are not far away. */
const DRAWN = matchMedia("(max-width: 700px)").matches ? 20 : 300;
/** So long after a step by hand, in milliseconds, new arrows are scrolled into view. */
const REVEALED = 3_000;

export const title = ({ id }) => `Conversation ${id}`;

export async function show(place, { vendor, id }, { run }) {
  const path = `conversations/${encodeURIComponent(vendor)}/${encodeURIComponent(id)}`;
  const read = () => get(path, { run });
  const [first, all] = await Promise.all([read(), vendors()]);
  const view = { found: first, all: false, clock: "sent", width: 0, revealUntil: 0 };
  const parts = frame(view);
  const filter = { vendor, conversation: id, run };

  function draw() {
    keepFocus(parts.state, () => clear(parts.state).append(...state(view.found, vendor)));
    keepFocus(parts.diagram, () => drawDiagram(parts, view, vendor));
    keepFocus(parts.list, () => clear(parts.list).append(entryTable(shown(view))));
  }
  async function reload() {
    const before = view.found.entries.length;
    view.found = await read();
    draw();
    if (view.found.entries.length > before && Date.now() < view.revealUntil) reveal(parts.diagram);
  }

  const hands = stepForm({
    chosen: () => ({ [vendor]: [id] }),
    profile: profileOf(all, vendor, profileName(first)),
    agents: Object.keys(first.live?.agents ?? {}),
    done: () => {
      view.revealUntil = Date.now() + REVEALED;
      return reload();
    },
  });
  parts.steps.append(
    first.live
      ? hands
      : h(
          "p",
          { class: "muted" },
          "Its run is over or was stopped, and this server no longer holds it: it is known from the journal only.",
        ),
  );
  place.append(heading(vendor, id, filter), h("div", { class: "beside" }, parts.picture, parts.top, parts.details));
  const size = new ResizeObserver(([{ contentRect }]) => {
    if (Math.floor(contentRect.width) === view.width) return;
    view.width = Math.floor(contentRect.width);
    drawDiagram(parts, view, vendor);
  });
  size.observe(parts.diagram);
  parts.onChange = draw;
  draw();

  const after = (type) => Math.max(0, ...first.entries.filter((one) => one.type === type).map((one) => one.id));
  const stops = [
    follow("deliveries", { ...filter, after: after("attempt") }, reload),
    follow("calls", { conversation: id, after: after("call") }, reload),
  ];
  return () => {
    size.disconnect();
    for (const stop of stops) stop();
  };
}

function profileName(found) {
  return found.entries.find((one) => one.type === "attempt")?.profile;
}

function heading(vendor, id, filter) {
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
    h("h1", {}, "Conversation ", h("span", { class: "mono" }, id)),
    h("span", { class: "badge" }, vendor),
    h("p", { class: "actions" }, h("a", { class: "button", href: `#/deliveries?${query}` }, "Its deliveries"), har),
  );
}

/** The parts of the page that are filled later. */
function frame(view) {
  const parts = { onChange: () => {} };
  parts.state = h("section", { class: "panel", "aria-label": "State" });
  parts.steps = h("section", { class: "panel" }, h("h2", {}, "Carry out a step"));
  parts.top = h("div", { class: "aside" }, parts.state, parts.steps);
  parts.diagram = h("div", { class: "diagram", dataset: { test: "diagram" } });
  const story = check("story-clock", "the story's time");
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

function drawDiagram(parts, view, vendor) {
  const total = view.found.entries.length;
  parts.truncated.hidden = !view.found.truncated;
  parts.more.hidden = view.all || total <= DRAWN;
  parts.more.textContent = `Show all ${total}`;
  if (!total) {
    clear(parts.diagram).append(
      empty("Nothing was sent yet", "What is sent about this conversation appears here by itself."),
    );
  } else if (view.width) {
    keepFocus(parts.diagram, () =>
      clear(parts.diagram).append(sequence(shown(view), { width: view.width, vendor, clock: view.clock })),
    );
  }
}

/** Scrolls the newest arrow into view. */
function reveal(diagram) {
  [...diagram.querySelectorAll("svg a")].at(-1)?.scrollIntoView({ block: "nearest" });
}

function state({ live, entries }, vendor) {
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
    : [["status", "no longer known"]];
  facts.push(["vendor", vendor]);
  if (run !== undefined) facts.push(["run", h("a", { href: `#/runs/${run}` }, String(run))]);
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
    "Time",
    "Direction",
    "What",
    "Result",
    "Notes",
  ]);
  for (const entry of entries) {
    const call = entry.type === "call";
    const link = h("a", { href: `#/${call ? "calls" : "deliveries"}/${entry.id}` }, what(entry));
    const towards = call ? `integration → ${entry.vendor === "sink" ? `sink ${entry.operation}` : "vendor"}` : directed(entry) === "lost" ? "vendor ⇥ nobody" : "vendor → integration";
    body.append(
      h(
        "tr",
        {},
        cell("Time", time(call ? entry.at : entry.sent_at)),
        cell("Direction", towards),
        cell("What", link),
        cell("Result", call ? badge(entry.status) : badge(entry.verdict), " ", result(entry)),
        cell("Notes", notes(entry).join(", ") || "–"),
      ),
    );
  }
  return whole;
}
