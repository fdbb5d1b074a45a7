/**
 * One check of an integration: how far it is, what it found, and what can be done with it. Also a report that was opened.
 */

import { Problem, download, get, post } from "../api.js";
import { busy, clear, field, h, say, select, time } from "../dom.js";
import { repeat } from "../live.js";
import { fileButton, opened } from "./check-file.js";
import { checksTable, comparison, drawFindings, findingCard, notLookedAt, outcomeBadge, sentence } from "./check-report.js";
import { facts } from "./exchange.js";
import { keepFocus } from "./forms.js";

/** Formats to save a report in, beside its own. */
const FORMATS = [["json", "JSON", "json"], ["junit", "JUnit", "xml"], ["html", "HTML", "html"]];
const CASE = /--only (?:'([^']+)'|(\S+))$/;

export const title = ({ id }) => `Check ${id}`;

export async function show(place, { id }) {
  const first = await get(`checks/${id}`);
  const parts = {
    badge: h("span", {}),
    line: h("p", { class: "lead", dataset: { test: "sentence" } }),
    progress: h("div", { class: "panel stack", hidden: true, dataset: { test: "progress" } }),
    actions: h("p", { class: "actions" }),
    about: h("details", { class: "panel" }),
    compared: h("div", {}),
    findings: h("section", { class: "stack", "aria-label": "Findings" }),
    rest: h("div", { class: "stack" }),
  };
  const seconds = new Map();
  const live = [];
  let after = 0;
  let stopped = () => {};
  let over = false;

  const isOpened = first.status === "opened";
  const again = isOpened ? null : (finding, button, told) => busy(button, () => runCase(id, finding, told, () => over));
  place.append(
    h("div", { class: "heading" }, h("h1", {}, first.name ?? `Check ${id}`), parts.badge, parts.actions),
    h("p", { class: "muted" }, `${first.vendor} (${first.profile}) at `, h("code", {}, first.target)),
    parts.line,
    parts.progress,
    parts.compared,
    parts.findings,
    parts.rest,
    parts.about,
  );

  /** Takes what was judged since the last time. */
  async function more(signal) {
    const before = live.length;
    for (;;) {
      const { items } = await get(`checks/${id}/judged`, { after, limit: 200 }, { signal });
      for (const one of items) {
        after = one.id;
        seconds.set(one.check, one.seconds);
        live.unshift({ ...one, id: one.check });
        parts.findings.append(...one.findings.map((finding) => findingCard(finding)));
      }
      if (items.length < 200) break;
    }
    if (live.length === before) return;
    const shown = parts.rest.querySelector("details");
    const open = shown === null ? matchMedia("(min-width: 701px)").matches : shown.open;
    keepFocus(parts.rest, () => clear(parts.rest).append(checksTable("Judged so far, the newest first", live, seconds, open)));
  }

  function draw(check, report = null) {
    clear(parts.badge).append(outcomeBadge(check));
    const told = sentence(check, report);
    if (parts.line.textContent !== told) parts.line.textContent = told;
    // Drawn anew only at the end, so that the focus stays.
    if (parts.about.dataset.ended !== String(check.ended_at)) {
      parts.about.dataset.ended = check.ended_at;
      clear(parts.about).append(h("summary", {}, "What was checked, and how"), about(check));
    }
    parts.progress.hidden = check.status !== "running";
    if (check.status === "running") drawProgress(parts.progress, check);
  }

  async function finish(check, against = undefined) {
    if (check.status === "failed") {
      stopped();
      draw(check);
      drawActions(check);
      return;
    }
    const [report, known] = await Promise.all([get(`checks/${id}/report`, { against }), knownFamilies()]);
    const ranks = new Map(known.flatMap((family) => family.checks.map((one) => [one.id, one.rank])));
    stopped();
    draw(check, report);
    drawActions(check, against);
    clear(parts.compared).append(...[comparison(report)].filter(Boolean));
    drawFindings(parts.findings, report.findings, ranks, { again });
    clear(parts.rest).append(
      ...[notLookedAt(report, known.map((family) => family.name)), isOpened ? null : comparePanel(check, (other) => finish(check, other)), checksTable("All checks", report.checks, seconds)].filter(Boolean),
    );
    if (against !== undefined) parts.compared.querySelector("h2").focus();
  }

  function drawActions(check, against) {
    const had = parts.actions.contains(document.activeElement);
    clear(parts.actions).append(...actionsOf(check, against));
    if (had) parts.actions.querySelector("button, a")?.focus();
  }

  async function turn(signal) {
    const check = await get(`checks/${id}`, {}, { signal });
    await more(signal);
    if (check.status === "running") draw(check);
    else {
      await finish(check);
      say(`Check ${id}: ${sentence(check, null)}`);
    }
  }

  draw(first);
  if (!isOpened) await more();
  if (first.status === "running") {
    drawActions(first);
    stopped = repeat(turn, { first: 500 });
  } else {
    await finish(first);
  }
  return () => {
    over = true;
    stopped();
  };
}

/** All families with their checks; none where the server runs no checks. */
async function knownFamilies() {
  const { families } = await get("checks/known").catch(() => ({ families: [] }));
  return families;
}

function drawProgress(place, check) {
  const bar = place.querySelector("progress") ?? h("progress", { "aria-label": "Checks judged" });
  bar.max = check.total;
  bar.value = check.judged;
  const seconds = Math.max(0, (Date.now() - Date.parse(check.began_at)) / 1000);
  const now = check.current ? [" · now ", h("code", {}, check.current)] : null;
  const line = h("p", {}, `${check.judged} of ${check.total} checks · ${seconds.toFixed(0)} s`, now);
  place.replaceChildren(bar, line);
}

function about(check) {
  const named = (names) => (names.length ? h("code", {}, names.join(", ")) : null);
  return facts([
    ["seed", String(check.seed)],
    ["only", named(check.only)],
    ["left out", named(check.skip)],
    ["vendor's API", check.api ? "answered here for the check" : null],
    ["began", check.began_at ? time(check.began_at) : null],
    ["ended", check.ended_at ? time(check.ended_at) : null],
  ]);
}

function actionsOf(check, against) {
  const button = (label, test, does, kind = "") => {
    const made = h("button", { type: "button", class: kind, dataset: { test }, on: { click: () => busy(made, does) } }, label);
    return made;
  };
  if (check.status === "running") {
    return [
      button("Cancel", "cancel", async () => {
        await post(`checks/${check.id}/stop`);
        say(`Check ${check.id} is cancelled.`);
      }, "danger"),
    ];
  }
  const saved = (format, ending) => download(`checks/${check.id}/report`, { format, against }, `check-${check.id}.${ending}`);
  const formats = check.status === "opened" ? FORMATS.slice(0, 1) : FORMATS;
  const saves = check.status === "failed" ? [] : formats.map(([format, label, ending]) => button(label, `save-${format}`, () => saved(format, ending)));
  const anew = new URLSearchParams({ vendor: check.vendor, profile: check.profile, to: check.target, seed: String(check.seed) });
  const start =
    check.status === "opened"
      ? h("a", { class: "button primary", href: `#/checks/new?${anew}&against=${check.id}`, dataset: { test: "check-here" } }, "Check it here")
      : button("Run again", "again", async () => {
          const compared = check.verdict === null ? {} : { against: check.id };
          const next = await post(`checks/${check.id}/again`, compared);
          say(`Check ${next.id} is under way.`);
          location.hash = `#/checks/${next.id}`;
        }, "primary");
  return [start, saves.length ? h("span", { class: "muted" }, "Save as") : null, ...saves].filter(Boolean);
}

/** Runs the case of a finding again, and says how it ended. */
async function runCase(id, finding, told, isOver) {
  const found = CASE.exec(finding.reproduce);
  const only = found?.[1] ?? found?.[2];
  if (only === undefined) throw new Problem(0, "Not run", "The finding names no case; run the whole check again.");
  const started = await post(`checks/${id}/again`, { only: [only] });
  const link = h("a", { href: `#/checks/${started.id}` }, `check ${started.id}`);
  told.replaceChildren("Running again …");
  for (;;) {
    const check = await get(`checks/${started.id}`);
    if (isOver()) return;
    if (check.status !== "running") {
      told.replaceChildren(outcomeBadge(check), " ", caseTold(check), " (", link, ")");
      say(caseTold(check));
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

function caseTold(check) {
  if (check.reason) return check.reason;
  if (check.findings.errors) return "It still fails.";
  if (check.findings.warnings) return "It is still a warning.";
  return check.checks.passed ? "It passes now." : "It could not be judged.";
}

/** Compares with another check of the vendor, or with a file. */
function comparePanel(check, compare) {
  const place = h("section", { class: "panel stack", dataset: { test: "compare" } });
  const choice = select("compare-with", []);
  const go = h("button", { type: "button", dataset: { test: "compare-now" } }, "Compare");
  go.addEventListener("click", () => busy(go, () => compare(choice.value)));
  const line = h("div", { class: "inline" }, field("An earlier check", choice), go);
  const said = h("div", {});
  const refused = (error) => say(error.detail ?? error.message, true);
  const file = fileButton(
    "compare-file",
    "Choose a file",
    async (name, text) => {
      const report = await opened(name, text);
      await compare(report.id);
    },
    refused,
  );
  place.append(h("h2", {}, "Compare"), line, h("p", { class: "actions" }, "Or a report of the command line: ", file), said);
  get("checks", { limit: 100 })
    .then(({ items }) => {
      const others = items.filter((one) => one.vendor === check.vendor && one.id !== check.id && one.verdict !== null);
      line.hidden = !others.length;
      choice.append(...others.map((one) => h("option", { value: one.id }, `${one.name ?? `check ${one.id}`}, ${one.verdict}`)));
    })
    .catch(refused);
  return place;
}
