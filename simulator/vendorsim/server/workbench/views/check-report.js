/**
 * What a check found, as it is told while it goes on and from its report: the result in one line, the findings, the
 * comparison with an earlier report, and what was not looked at.
 */

import { cell, clear, h, table } from "../dom.js";

const WORDS = {
  passed: ["good", "passed"],
  failed: ["bad", "failed"],
  incomplete: ["warn", "incomplete"],
};
const STATUSES = { passed: "good", failed: "bad", not_judged: "warn", skipped: "quiet" };
/** What an option of the command line is called in the form of a new check. */
const HERE = {
  "--probe": "fill in Probe",
  "--serve": "tick “The integration calls the vendor's API”",
  "--fuzz": "tick “fuzz”",
  "--secret-env": "name the target and its secret_env in vendorsim.yaml",
  "--policy": "write it under More, Policy",
  "--header": "write it under More, Headers",
};

const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
const spoken = (status) => status.replace("_", " ");

/** The result of a check in a coloured word. */
export function outcomeBadge(check) {
  const [mood, word] = outcome(check);
  return h("span", { class: `badge badge-${mood}`, dataset: { test: "result" } }, word);
}

function outcome({ status, verdict, checks }) {
  if (status === "running") return ["accent", "running"];
  if (status === "stopped") return ["warn", "cancelled"];
  if (verdict === null) return ["bad", "not run"];
  if (verdict === "passed" && !checks.passed && !checks.failed) return ["warn", "nothing judged"];
  return WORDS[verdict];
}

/** The result in one line, and what to do. */
export function sentence(check, report) {
  const { errors, warnings } = check.findings;
  const { passed, failed, not_judged, skipped } = check.checks;
  if (check.reason) return check.reason;
  const parts = [];
  if (report?.reason) parts.push(`${report.reason}.`);
  if (check.status === "stopped") parts.push("It was cancelled: this is what was judged until then.");
  if (errors) parts.push(`${plural(errors, "thing")} to fix.`);
  else if (failed) parts.push(`${plural(failed, "check")} failed.`);
  else if (check.status !== "running" && passed) parts.push("Nothing to fix in what was judged.");
  if (warnings) parts.push(`${plural(warnings, "warning")}.`);
  parts.push(`${plural(passed, "check")} passed.`);
  const left = not_judged + skipped;
  if (left) parts.push(`${plural(left, "check")} ${left === 1 ? "was" : "were"} not judged.`);
  return parts.join(" ");
}

/** One finding. `again(finding, button, place)` runs its case again; without it there is no button. */
export function findingCard(finding, { again = null, open = false } = {}) {
  const bad = finding.severity === "error";
  const news = finding.new === undefined ? null : h("span", { class: "badge" }, finding.new ? "new" : "still there");
  const told = h("div", { class: "told" });
  const button = again === null ? null : h("button", { type: "button", class: "primary", dataset: { test: "case-again" } }, "Run this case again");
  button?.addEventListener("click", () => again(finding, button, told));
  const where = finding.checks.length > 1 ? `Found by ${finding.checks.join(", ")}` : `Found by ${finding.check}`;
  return h(
    "details",
    { class: `panel finding ${bad ? "is-bad" : "is-warn"}`, open, dataset: { test: "finding", key: finding.key } },
    h(
      "summary",
      {},
      h("span", { class: `badge badge-${bad ? "bad" : "warn"}` }, bad ? "error" : "warning"),
      news && [" ", news],
      " ",
      h("span", { class: "message" }, finding.message),
      finding.event ? h("code", { class: "muted" }, ` ${finding.event}`) : null,
    ),
    h(
      "div",
      { class: "stack" },
      differences(finding),
      h("p", { class: "remedy" }, h("strong", {}, "What to change: "), finding.remedy),
      h("p", {}, finding.statement.text, " ", h("span", { class: "muted" }, `(${finding.statement.provenance}: ${finding.statement.source})`)),
      h("p", { class: "muted" }, `${where}; ${plural(finding.count, "case")}.`),
      button && h("p", { class: "actions" }, button, told),
      exchange(finding),
      h("details", {}, h("summary", {}, "The command that sends this case"), h("pre", { class: "code" }, finding.reproduce)),
    ),
  );
}

/** What was expected and found: of the answer, or of each place of the state. */
function differences(finding) {
  const places = finding.differences.length ? finding.differences : [finding];
  const { table: whole, body } = table("Expected and found", ["Where", "Expected", "Found"]);
  for (const one of places) {
    body.append(
      h(
        "tr",
        {},
        cell("Where", one.pointer ? h("code", {}, one.pointer) : finding.differences.length ? "the state" : "the answer"),
        cell("Expected", h("span", { class: "is-expected" }, one.expected)),
        cell("Found", h("span", { class: "is-found" }, one.found)),
      ),
    );
  }
  return whole;
}

function exchange({ request, answer }) {
  if (request === null && answer === null) return null;
  const block = (title, text) => (text === null ? null : h("div", {}, h("h3", {}, title), h("pre", { class: "code wire", tabindex: "0", role: "region", "aria-label": title }, readable(text))));
  return h(
    "details",
    { open: matchMedia("(min-width: 701px)").matches },
    h("summary", {}, "Request and answer"),
    h("div", { class: "columns" }, block("Request", request), block("Answer", answer)),
  );
}

/** A message as it was on the wire, with a JSON body indented. */
function readable(text) {
  const [, head, body] = /^([^]*?\r?\n\r?\n)([^]*)$/.exec(text) ?? [null, "", text];
  try {
    return head.replaceAll("\r", "") + JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return text.replaceAll("\r", "");
  }
}

/** The findings, errors first, then by the `ranks` of their checks, with those open that were open. */
export function drawFindings(place, findings, ranks, options) {
  const open = new Set([...place.querySelectorAll("details.finding[open]")].map((one) => one.dataset.key));
  const weight = (one) => (one.severity === "error" ? 0 : 1_000) + (ranks.get(one.check) ?? 999);
  const ordered = [...findings].sort((a, b) => weight(a) - weight(b));
  const roomy = matchMedia("(min-width: 701px)").matches;
  const first = open.size || !roomy ? null : ordered.find((one) => one.severity === "error");
  clear(place).append(...ordered.map((one) => findingCard(one, { ...options, open: open.has(one.key) || one === first })));
}

/** How the run compares with an earlier report; nothing without one. */
export function comparison(report) {
  if (!report.against) return null;
  const { file, new: news, still, fixed, not_judged } = report.against;
  const list = (title, items, note) =>
    items.length
      ? h("div", {}, h("h3", {}, `${title} (${items.length})`), note ? h("p", { class: "muted" }, note) : null, h("ul", {}, items.map(past)))
      : null;
  const counts = [["new", news.length], ["still there", still.length], ["fixed", fixed.length], ["not judged", not_judged.length]];
  const told = counts.filter(([, count]) => count).map(([name, count]) => `${count} ${name}`);
  return h(
    "section",
    { class: "panel stack", dataset: { test: "comparison" } },
    h("h2", { tabindex: "-1" }, `Compared with ${file}: ${told.join(", ") || "no findings in either"}`),
    list("Fixed", fixed),
    list("Not judged this time", not_judged, "Whether these are fixed is not known."),
  );
}

function past(one) {
  return h("li", {}, h("span", { class: `badge badge-${one.severity === "error" ? "bad" : "warn"}` }, one.severity), " ", one.message, " ", h("code", { class: "muted" }, one.check));
}

/**
 * What was not looked at: checks by the reason, families that were not selected of those in `known`, and what the contract
 * has and nobody sent.
 */
export function notLookedAt(report, known) {
  const byReason = new Map();
  for (const one of report.checks) {
    if (one.status === "passed" || one.status === "failed") continue;
    const reason = one.reason ?? "no reason is known";
    byReason.set(reason, [...(byReason.get(reason) ?? []), one.id]);
  }
  const { events, fields, values } = report.coverage;
  const unsent = (all) => Object.values(all).reduce((sum, one) => sum + (one.not_exercised?.length ?? 0), 0);
  const lines = [...byReason].map(([reason, ids]) =>
    h("li", {}, h("strong", {}, families(ids)), `: ${reason}`, hint(reason), ids.length > 1 ? h("span", { class: "muted" }, ` (${plural(ids.length, "check")})`) : null),
  );
  const selected = new Set(report.checks.map((one) => one.id.split(".")[0]));
  const left = known.filter((name) => !selected.has(name));
  if (left.length) lines.unshift(h("li", {}, h("strong", {}, left.join(", ")), ": not selected"));
  const missed = [...events.not_exercised, ...(events.no_scenario ?? [])];
  if (missed.length) lines.push(h("li", {}, h("strong", {}, "events"), `: never sent: ${missed.join(", ")}`));
  const rest = [[unsent(fields), "field"], [unsent(values), "value"]].filter(([count]) => count);
  if (rest.length) lines.push(h("li", {}, h("strong", {}, "contract"), `: never sent: ${rest.map(([count, noun]) => plural(count, noun)).join(", ")}`));
  if (!lines.length) return null;
  // A pass is read to the end: what it does not say stands open beside it.
  const open = !report.findings.some((one) => one.severity === "error");
  return h("details", { class: "panel", open, dataset: { test: "not-looked-at" } }, h("summary", {}, "Not looked at"), h("ul", { class: "reasons" }, lines));
}

const families = (ids) => [...new Set(ids.map((id) => id.split(".")[0]))].join(", ");

/** What to do on this page, where the reason names an option of the command line. */
function hint(reason) {
  const option = Object.keys(HERE).find((name) => reason.includes(name));
  return option ? h("span", { class: "muted" }, `. Here: ${HERE[option]}.`) : null;
}

/** Checks with how they ended, under a title. `seconds`: how long they took, by id. */
export function checksTable(label, checks, seconds, open = false) {
  const { table: whole, body } = table("All checks", ["Check", "Result", "Cases", "Took", "Why"]);
  whole.firstElementChild.classList.add("dense");
  for (const one of checks) {
    const took = seconds.get(one.id);
    body.append(
      h(
        "tr",
        {},
        cell("Check", h("code", {}, one.id)),
        cell("Result", h("span", { class: `badge badge-${STATUSES[one.status]}` }, spoken(one.status))),
        cell("Cases", String(one.cases)),
        cell("Took", took === undefined ? "–" : `${took.toFixed(1)} s`),
        wide(cell("Why", one.reason ?? "–")),
      ),
    );
  }
  return h("details", { class: "panel", open, dataset: { test: "all-checks" } }, h("summary", { id: "checks-summary" }, `${label} (${checks.length})`), whole);
}

function wide(element) {
  element.classList.add("wide");
  return element;
}
