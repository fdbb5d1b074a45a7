/**
 * What was recorded beside what the contract says, per event and field. Values are not shown: they may be personal.
 */

import { get } from "../api.js";
import { badge, busy, cell, clear, h, labelled, minor, problem, select, table, wide } from "../dom.js";

const PHONE = matchMedia("(max-width: 700px)").matches;
/** So many findings are shown at first. */
const SHOWN = PHONE ? 4 : 20;

/** The panel: `element`, and `load()`, which compares. */
export function driftPanel(capture, profiles) {
  const result = h("div", { class: "stack" });
  const profile = select("drift-profile", profiles.includes(capture.profile) ? profiles : [capture.profile, ...profiles], capture.profile);
  const go = h("button", { type: "button", id: "compare-drift", dataset: { test: "compare-drift" }, on: { click: () => busy(go, load) } }, "Compare");
  const element = h(
    "section",
    { class: "panel stack drift", dataset: { test: "drift" } },
    h("div", { class: "heading" }, h("h2", {}, "Drift"), h("p", { class: "actions" }, h("label", { for: "drift-profile" }, "from "), profile, go)),
    result,
  );
  let asked = 0;

  async function load() {
    const turn = (asked += 1);
    try {
      const found = await get(`captures/${capture.id}/drift`, { profile: profile.value });
      if (turn === asked) clear(result).append(...drawn(found));
    } catch (error) {
      if (turn === asked) clear(result).append(problem(error));
    }
  }

  profile.addEventListener("change", () => busy(go, load));
  result.append(h("p", { class: "muted" }, "Compares all that was recorded until now with the contract of a profile."));
  return { element, load };
}

function drawn({ truncated, report }) {
  const kinds = [...new Set(report.findings.map((one) => one.kind))];
  const only = h("input", { type: "checkbox", id: "only-findings", checked: report.findings.length > 0 });
  const kind = select("drift-kind", [["", "all classes"], ...kinds]);
  const list = h("div", { class: "stack" });
  let whole = false;

  function draw() {
    const findings = report.findings.filter((one) => !kind.value || one.kind === kind.value);
    // What breaks the contract comes first.
    const sorted = [...findings].sort((a, b) => b.breaking - a.breaking);
    const shown = whole ? sorted : sorted.slice(0, SHOWN);
    clear(list).append(...(findings.length ? [findingTable(shown)] : []));
    if (shown.length < sorted.length) list.append(h("p", { class: "actions" }, h("button", { type: "button", dataset: { test: "all-findings" }, on: { click: all } }, `Show all ${sorted.length} findings`)));
    list.append(...events(report.events, only.checked, kind.value));
  }

  function all() {
    whole = true;
    draw();
    list.querySelectorAll("tbody tr")[SHOWN]?.querySelector("a, button")?.focus();
  }

  for (const control of [only, kind]) control.addEventListener("change", draw);
  draw();
  const filters = report.findings.length
    ? h("p", { class: "actions" }, h("span", { class: "check" }, only, " ", h("label", { for: "only-findings" }, "only fields with findings")), kinds.length > 1 ? [h("label", { class: "unseen", for: "drift-kind" }, "Class"), kind] : null)
    : null;
  return [sentence(report), truncated ? h("p", { class: "note" }, "Only the first 10,000 webhooks and calls were compared; vendorsim capture drift compares all.") : null, filters, list, notJudged(report)].filter(Boolean);
}

function sentence({ verdict, findings, totals, events }) {
  const breaking = findings.filter((one) => one.breaking).length;
  const many = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
  const told = findings.length ? `${many(findings.length, "finding")}, ${breaking} of which break${breaking === 1 ? "s" : ""} the contract` : "no drift";
  return h("p", { class: "lead", dataset: { test: "drift-verdict" } }, badge(verdict), ` ${totals.bodies} ${totals.bodies === 1 ? "body" : "bodies"} of ${many(events.length, "event")}: ${told}.`);
}

function findingTable(findings) {
  const { table: whole, body } = table("Findings, those that break the contract first", ["Class", "Event and field", "Contract", "Seen", "How often", "First"]);
  whole.classList.add("findings");
  for (const one of findings) {
    const more = one.places.length - 1;
    body.append(
      h(
        "tr",
        { class: one.breaking ? "is-breaking" : null, dataset: { test: "finding" } },
        cell("Class", badgeOf(one.kind, one.breaking)),
        wide(cell("Event and field", one.event ?? "", " ", h("code", {}, one.field || "the whole body"), more ? h("span", { class: "muted" }, ` and ${more} other place${more === 1 ? "" : "s"}`) : null, h("div", {}, one.message))),
        minor(cell("Contract", one.contract)),
        minor(cell("Seen", one.seen)),
        labelled(cell("How often", `${one.count} of ${one.of}`, one.weak ? h("span", { class: "muted" }, " (few)") : null)),
        minor(cell("First", placeOf(one.example.place))),
      ),
    );
  }
  return whole;
}

function badgeOf(kind, breaking) {
  return h("span", { class: `badge badge-${breaking ? "bad" : "warn"}` }, kind);
}

/** The place of a webhook, `capture 3#17`, leads to delivery 17. */
function placeOf(place) {
  const number = /#(\d+)$/.exec(place)?.[1];
  return number ? h("a", { href: `#/deliveries/${number}` }, `delivery ${number}`) : place;
}

/** One table for each event, closed. Fields with findings come first. */
function events(all, only, kind) {
  const wanted = (row) => (!only && !kind) || (row.findings.length > 0 && (!kind || row.findings.includes(kind)));
  return all
    .map((event) => ({ event, rows: event.fields.filter(wanted) }))
    .filter(({ event, rows }) => rows.length || !event.known || (!only && !kind))
    .map(({ event, rows }) => {
      const sorted = [...rows].sort((a, b) => (b.findings.length > 0) - (a.findings.length > 0));
      const content = h("div", {});
      const summary = h("summary", {}, h("span", { class: "mono" }, event.name), h("span", { class: "hint" }, ` ${event.bodies} ${event.bodies === 1 ? "body" : "bodies"}`), event.broken ? h("span", { class: "tone-bad" }, `, ${event.broken} broken`) : null, event.known ? null : h("span", { class: "tone-bad" }, ", not known"));
      const details = h("details", { class: "folded", dataset: { test: "drift-event" } }, summary, content);
      // A long table is made when somebody looks at it.
      details.addEventListener("toggle", () => {
        if (details.open && !content.childElementCount) content.append(fieldTable(event.name, sorted));
      });
      return details;
    });
}

function fieldTable(name, rows) {
  const { table: whole, body } = table(`Fields of ${name}`, ["Field", "Contract", "Seen", "Present", "Findings"]);
  whole.classList.add("fields");
  for (const row of rows) {
    const types = Object.entries(row.types).map(([type, count]) => (Object.keys(row.types).length > 1 ? `${type} × ${count}` : type));
    const found = row.findings.length > 0;
    body.append(
      h(
        "tr",
        { class: found ? "is-breaking" : null },
        cell("Field", h("code", { class: found ? "tone-bad" : null }, row.field || "the whole body")),
        labelled(cell("Contract", row.contract ?? "not described")),
        labelled(cell("Seen", row.count ? [types.join(", "), row.shape && row.shape !== types.join(", ") ? h("span", { class: "muted" }, ` ${row.shape}`) : null] : "never")),
        labelled(cell("Present", row.percent === null ? String(row.count) : `${row.percent} %`, row.of === null ? null : h("span", { class: "muted" }, ` ${row.count} of ${row.of}`))),
        found ? cell("Findings", row.findings.map((one) => [badgeOf(one, true), " "])) : minor(cell("Findings", row.note ?? "–")),
      ),
    );
  }
  return whole;
}

function notJudged({ not_judged: reasons, silent }) {
  const lines = reasons.map(({ subject, reason }) => h("li", {}, `${subject}: ${reason}`));
  if (silent.length) lines.push(h("li", {}, `not captured: ${silent.join(", ")}`));
  if (!lines.length) return null;
  return h("details", { class: "folded" }, h("summary", {}, `Not judged (${lines.length})`), h("ul", { class: "reasons" }, lines));
}
