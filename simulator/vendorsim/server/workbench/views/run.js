/**
 * One run: how it goes, its clock, and what can be done with it.
 */

import { download, get, patch, post } from "../api.js";
import { badge, busy, cell, clear, duration, field, h, say, table, time } from "../dom.js";
import { repeat } from "../live.js";
import { diagnosisPanel, diagnosisPlace } from "./diagnosis.js";
import { input, keepFocus, submits } from "./forms.js";
import { afterExample } from "./welcome.js";

/** Speeds to choose from: instant, or how many times as fast as the wall clock. */
export const SPEEDS = ["instant", "1x", "10x", "60x", "600x"];

export const title = ({ id }) => `Run ${id}`;

export async function show(place, { id }) {
  const first = await get(`runs/${id}`);
  const facts = h("section", { class: "panel", "aria-label": "The run" });
  const events = h("div", {});
  const stop = h("button", { type: "button", class: "danger", dataset: { test: "stop" } }, "Stop");
  const clock = clockPanel(id, first, draw);
  const wrong = h("div", {});
  // Which form of a body fails is read from the journal: only where one kind of event fails.
  const form = diagnosisPlace(() => ({ links: [conversationsLink(id)] }));
  const read = h("div", {});
  let drawn = "";

  function draw(run) {
    const now = JSON.stringify(run);
    if (now === drawn) return;
    drawn = now;
    keepFocus(facts, () => clear(facts).append(h("h2", {}, run.scenario), ...summaryOf(run)));
    clear(events).append(...eventsOf(run));
    if (run.diagnosis?.event) form.update({ run: id });
    const told = run.diagnosis?.event ? form.place : diagnosisPanel(run.diagnosis, { run: id }, { links: linksOf(run) });
    if (told !== form.place || !form.place.isConnected) wrong.replaceChildren(...(told ? [told] : []));
    showStates(read, run);
    clock.update(run);
    stop.hidden = run.status !== "running";
  }

  stop.addEventListener("click", () =>
    busy(stop, async () => {
      draw(await post(`runs/${id}/stop`));
      say(`Run ${id} is stopped: nothing new is sent.`);
    }),
  );
  place.append(
    h("div", { class: "heading" }, h("h1", {}, `Run ${id}`), actions(id, stop)),
    afterExample(first.summary.targets) ?? "",
    wrong,
    h("div", { class: "columns" }, facts, clock.panel),
    read,
    events,
  );
  draw(first);
  return repeat(async (signal) => draw(await get(`runs/${id}`, {}, { signal })), { first: 1_000 });
}

function conversationsLink(id) {
  return h("a", { class: "button", href: `#/conversations?run=${id}` }, "Conversations");
}

/** Where to look further, besides the deliveries. */
function linksOf(run) {
  if (run.diagnosis?.verdict) return [conversationsLink(run.id)];
  const link = h("a", { class: "button", href: `#/runs/${run.id}/states/1`, dataset: { test: "show-state" } }, "Show the difference");
  return [run.summary.probes?.missed ? link : null, conversationsLink(run.id)].filter(Boolean);
}

/** The states that its `probe` steps have read; asked for anew when their number changes. */
function showStates(place, run) {
  const count = Object.values(run.summary.probes ?? {}).reduce((sum, number) => sum + number, 0);
  if (String(count) === (place.dataset.count ?? "0")) return;
  place.dataset.count = String(count);
  get(`runs/${run.id}/states`)
    .then(({ items }) => place.replaceChildren(statesOf(run, items)))
    .catch(() => delete place.dataset.count);
}

function statesOf(run, items) {
  const { table: whole, body } = table("States that were read", ["State", "Conversation", "Outcome", "Difference"]);
  for (const state of items) {
    body.append(
      h(
        "tr",
        {},
        cell("State", h("a", { href: `#/runs/${run.id}/states/${state.number}` }, `State ${state.number}`)),
        cell("Conversation", h("a", { class: "mono", href: `#/conversations/${run.vendor}/${encodeURIComponent(state.conversation)}?run=${run.id}` }, state.conversation)),
        cell("Outcome", badge(state.verdict)),
        cell("Difference", state.reason ?? "–"),
      ),
    );
  }
  return h("section", { class: "panel flush", dataset: { test: "states" } }, h("h2", {}, "States of the integration"), whole);
}

function actions(id, stop) {
  const saves = (label, path, query, name, test) => {
    const button = h(
      "button",
      { type: "button", dataset: { test }, on: { click: () => busy(button, () => download(path, query, name)) } },
      label,
    );
    return button;
  };
  return h(
    "div",
    { class: "actions" },
    h("a", { class: "button", href: `#/deliveries?run=${id}` }, "Deliveries"),
    h("a", { class: "button", href: `#/conversations?run=${id}` }, "Conversations"),
    saves("Export HAR", "deliveries.har", { run: id }, `run-${id}.har`, "har"),
    saves("Export scenario", `runs/${id}/scenario`, {}, `run-${id}.yaml`, "export-scenario"),
    stop,
  );
}

function summaryOf(run) {
  const { summary } = run;
  const counts = (all) =>
    Object.entries(all ?? {})
      .map(([name, count]) => `${name}: ${count}`)
      .join(", ");
  const judged = [
    ["authentications", counts(summary.authentications)],
    ["expected calls", counts(summary.expected_calls)],
    ["states", counts(summary.probes)],
  ];
  const problems = summary.problems ?? [];
  const facts = [
    ["how it goes", [badge(run.state), run.state === run.status ? "" : ` ${run.status}`, run.reason ? `: ${run.reason}` : ""]],
    ["vendor", `${run.vendor} (${run.profile})`],
    ["sent to", (summary.targets ?? []).length ? summary.targets.map((target) => h("div", {}, h("code", {}, target))) : "–"],
    ["seed", String(run.seed)],
    ["conversations", `${summary.conversations?.started ?? 0} of ${run.count}`],
    ["delivered", String(summary.delivered)],
    ["failed attempts", summary.failed_attempts ? h("span", { class: "tone-bad" }, String(summary.failed_attempts)) : "0"],
    ["failed for good", String(summary.failed)],
    ["retries", `${summary.retries} sent, ${summary.retries_scheduled} scheduled`],
    ["not sent", summary.not_sent ? `${summary.not_sent}, since the run ended before` : null],
    ["dropped, spoiled, lost", summary.dropped + summary.spoiled + summary.lost ? `${summary.dropped}, ${summary.spoiled}, ${summary.lost} (faults on purpose)` : null],
  ];
  facts.push(...judged.filter(([, told]) => told));
  if (problems.length) facts.push(["not as expected", problems.map((text) => h("div", {}, text))]);
  facts.push(["began", [time(run.began_at), " (wall clock)"]], ["ended", run.ended_at ? [time(run.ended_at), " (wall clock)"] : "–"]);
  return [
    h(
      "dl",
      { class: "facts", dataset: { test: "summary" } },
      facts.filter(([, value]) => value !== null).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
    ),
  ];
}

function eventsOf({ summary }) {
  if (!summary.events?.length) return [];
  const { table: whole, body } = table("Events of the run", [
    "Event",
    "Attempts",
    "Failed attempts",
    "Ended as",
    "Statuses",
    "Retries sent",
    "Scheduled",
    "Mean",
    "Longest",
  ]);
  const counted = (all) =>
    Object.entries(all)
      .map(([name, count]) => `${count} ${name}`)
      .join(", ") || "–";
  for (const one of summary.events) {
    body.append(
      h(
        "tr",
        {},
        cell("Event", h("code", {}, one.event)),
        cell("Attempts", String(one.attempts)),
        cell("Failed attempts", one.failed_attempts ? h("span", { class: "tone-bad" }, String(one.failed_attempts)) : "–"),
        cell("Ended as", counted(one.verdicts)),
        cell(
          "Statuses",
          Object.entries(one.statuses)
            .map(([status, count]) => `${count} × ${status}`)
            .join(", ") || "–",
        ),
        cell("Retries sent", String(one.retries)),
        cell("Scheduled", String(one.retries_scheduled)),
        cell("Mean", duration(one.milliseconds?.mean)),
        cell("Longest", duration(one.milliseconds?.max)),
      ),
    );
  }
  return [whole];
}

/** The story's clock: how fast it goes, stopping it, putting it forward. */
function clockPanel(id, first, draw) {
  const now = h("dd", {});
  const speed = input("clock-speed", { list: "speeds", value: first.clock.speed, required: true, size: "8" }, "/speed");
  const forward = input("clock-forward", { placeholder: "10m", size: "8", required: true }, "/forward");
  const pause = h("button", { type: "button", dataset: { test: "pause" } });
  const change = async (body, told) => {
    draw(await patch(`runs/${id}/clock`, body));
    say(told);
  };
  const setSpeed = submits(
    h(
      "form",
      { class: "inline" },
      field("Speed", speed, "instant, 1x, 60x …"),
      h("button", { type: "submit", dataset: { test: "set-speed" } }, "Set"),
    ),
    () => change({ speed: speed.value }, `The clock goes ${speed.value}.`),
  );
  const setForward = submits(
    h(
      "form",
      { class: "inline" },
      field("Put forward by", forward, "such as 30s, 10m, 2h"),
      h("button", { type: "submit", dataset: { test: "forward" } }, "Forward"),
    ),
    () => change({ forward: forward.value }, `The clock was put forward by ${forward.value}.`),
  );
  let paused = false;
  pause.addEventListener("click", () =>
    busy(pause, () => change({ paused: !paused }, paused ? "The clock goes on." : "The clock stands still.")),
  );
  const panel = h(
    "section",
    { class: "panel stack" },
    h("h2", {}, "Clock of the story"),
    h("dl", { class: "facts" }, h("dt", {}, "story's time"), now),
    h("p", { class: "actions" }, pause),
    setSpeed,
    setForward,
    h(
      "datalist",
      { id: "speeds" },
      SPEEDS.map((value) => h("option", { value })),
    ),
  );
  function update(run) {
    paused = run.clock.paused;
    pause.textContent = paused ? "Go on" : "Pause";
    now.replaceChildren(time(run.clock.time), ` · ${run.clock.speed}${paused ? " · paused" : ""}`);
    panel.hidden = run.status !== "running";
  }
  return { panel, update };
}
