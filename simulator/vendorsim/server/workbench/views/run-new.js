/**
 * The form that starts a scenario.
 */

import { get, post } from "../api.js";
import { clear, field, h, say, select } from "../dom.js";
import { castForm } from "./cast-form.js";
import { profileOf, vendors } from "./catalogue.js";
import { draft, drafts } from "./drafts.js";
import { faultsField } from "./faults-field.js";
import { check, commas, filled, input, numeric, refuse, submits } from "./forms.js";
import { SPEEDS } from "./run.js";

/** What the choice of scenario holds before the name of a text of one's own. */
const OWN = "text:";

export const title = "Start a scenario";

export async function show(place, params, query) {
  const [built, all, armed, targets] = await Promise.all([get("scenarios"), vendors(), get("faults"), get("targets")]);
  const first = query.text ? OWN + query.text : query.scenario || built[0]?.name;
  const parts = fields(built, all, armed.known, first);
  const missing =
    parts.scenario.value === first
      ? null
      : h("p", { class: "note" }, `The scenario “${query.text ?? first}” no longer exists. Choose another one.`);
  let cast = castForm({});
  let turn = 0;

  async function choose() {
    const now = (turn += 1);
    const found = await sourceOf(parts.scenario.value);
    if (now !== turn) return;
    const names = (found.vendors ?? []).map((name) => [name, all.find((one) => one.name === name)?.title ?? name]);
    const was = parts.vendor.value || query.vendor;
    clear(parts.vendor).append(...names.map(([value, text]) => h("option", { value, selected: value === was }, text)));
    parts.seed.placeholder = `the scenario's: ${found.seed ?? 0}`;
    cast = castForm(found.cast ?? {});
    clear(parts.cast).append(cast.element);
    parts.open.href = `#/scenarios/${encodeURIComponent(parts.scenario.value.replace(OWN, ""))}`;
    profiles();
  }

  function profiles() {
    const found = all.find((one) => one.name === parts.vendor.value)?.profiles ?? [];
    clear(parts.profile).append(...found.map((one) => h("option", { value: one.name }, one.name)));
    aim();
  }

  /** What depends on the profile and on where it goes. */
  function aim() {
    const profile = profileOf(all, parts.vendor.value, parts.profile.value);
    const signing = profile?.policy.signing.value;
    parts.about.textContent = profile?.title ?? "";
    parts.secretLine.hidden = !parts.to.value.trim() || !signing || signing === "none" || signing === "chatwoot-delivery";
    const own = targets.items.filter((one) => one.vendor === parts.vendor.value).map((one) => one.url);
    // A profile without events sends nothing, so it needs no address.
    parts.to.required = !own.length && Boolean(profile?.events.length);
    parts.toHint.textContent = own.length
      ? `If empty, it is sent to the vendor's targets: ${own.join(", ")}.`
      : "The address of your webhook. This vendor has no target yet.";
  }

  const form = submits(parts.form, async () => {
    const run = await post("runs", request(parts, cast));
    say(`Run ${run.id} has started.`);
    location.hash = `#/runs/${run.id}`;
  });
  parts.scenario.addEventListener("change", () => choose().catch((error) => refuse(form, error)));
  parts.vendor.addEventListener("change", profiles);
  parts.profile.addEventListener("change", aim);
  parts.to.addEventListener("input", aim);
  place.append(h("div", { class: "heading" }, h("h1", {}, "Start a scenario")), ...[missing, form].filter(Boolean));
  await choose().catch((error) => refuse(form, error));
  return () => {};
}

/** The text's or the built-in scenario's cast, seed and vendors. Throws for a text with problems. */
async function sourceOf(chosen) {
  if (!chosen.startsWith(OWN)) return get(`scenarios/${encodeURIComponent(chosen)}`);
  const found = await post("lint", { yaml: draft(chosen.slice(OWN.length)) ?? "" });
  if (found.valid) return found;
  const errors = found.problems.map(({ line, column, message }) => ({ line, column, detail: message }));
  throw Object.assign(new Error(), { detail: "The text of the scenario has problems: correct it in the editor.", errors });
}

function fields(built, all, known, first) {
  const own = drafts().map((name) => [OWN + name, `${name} (as changed here)`]);
  const parts = {
    scenario: select("run-scenario", [...own, ...built.map((one) => [one.name, one.title])], first),
    open: h("a", { href: "#/scenarios" }, "Look at its text"),
    vendor: select("run-vendor", []),
    profile: select("run-profile", []),
    about: h("span", { class: "hint" }),
    to: input("run-to", { type: "url", placeholder: "http://localhost:8000/hooks", "data-missing": "Give the address of your webhook" }, "/to"),
    toHint: h("span", { class: "hint", id: "run-to-told" }),
    secret: input("run-secret", { type: "password", autocomplete: "new-password" }, "/secret"),
    seed: input("run-seed", { type: "number", min: "0", step: "1" }, "/seed"),
    count: input("run-count", { type: "number", min: "1", max: "10000", step: "1", value: "1", required: true }, "/count"),
    speed: input("run-speed", { list: "run-speeds", value: "instant", required: true }, "/speed"),
    spacing: input("run-spacing", { type: "text", placeholder: "1s" }, "/spacing"),
    start: input("run-start", { type: "text", placeholder: "2026-01-05T09:00:00Z" }, "/start"),
    concurrency: input(
      "run-concurrency",
      { type: "number", min: "1", max: "256", step: "1", placeholder: "16" },
      "/concurrency",
    ),
    faultOn: input("run-fault-on", { type: "text", placeholder: "all" }, "/fault_on"),
    policy: h("textarea", { id: "run-policy", rows: 2, spellcheck: "false", dataset: { pointer: "/policy" } }),
    headers: h("textarea", { id: "run-headers", rows: 2, spellcheck: "false", dataset: { pointer: "/headers" } }),
    cast: h("div", { class: "whole" }),
  };
  for (const [name, pointer] of [
    ["scenario", "/scenario"],
    ["vendor", "/vendor"],
    ["profile", "/profile"],
  ])
    parts[name].dataset.pointer = pointer;
  parts.paused = check("run-paused", "Start with the clock paused");
  parts.pinClock = check("run-pin-clock", "Sign with the scenario's time instead of the current time");
  parts.faults = faultsField(known, { id: "run-faults", ofRun: true });
  parts.form = layout(parts);
  return parts;
}

function layout(parts) {
  const to = field("Send to", parts.to);
  parts.to.setAttribute("aria-describedby", "run-to-told");
  to.append(parts.toHint);
  parts.secretLine = field("Secret", parts.secret, "The webhooks are signed with it. It is not stored.");
  const scenario = field("Scenario", parts.scenario);
  scenario.append(parts.open);
  const profile = field("Profile", parts.profile);
  profile.append(parts.about);
  return h(
    "form",
    { class: "panel form", id: "run-form", dataset: { test: "run-form" } },
    scenario,
    field("Vendor", parts.vendor),
    profile,
    to,
    parts.secretLine,
    field("Number of conversations", parts.count),
    field("Speed", parts.speed, "instant, or how many times as fast as real time, such as 60x"),
    field("Seed", parts.seed),
    h(
      "datalist",
      { id: "run-speeds" },
      SPEEDS.map((value) => h("option", { value })),
    ),
    parts.cast,
    parts.faults.element,
    h(
      "details",
      { class: "whole folded" },
      h("summary", {}, "More", h("span", { class: "hint" }, " start, spacing, policy, headers …")),
      h(
        "div",
        { class: "form" },
        field("Scenario starts at", parts.start, "A point in time. If empty, now."),
        field("Time between two conversations", parts.spacing),
        field("Conversations at the same time", parts.concurrency, "How many of them send at the same time."),
        field("Faults hit only these events", parts.faultOn, "Names of events, separated by commas."),
        field("Policy", parts.policy, "One setting a line, such as retries=none."),
        field("Headers", parts.headers, "One header a line, such as X-Tenant: acme."),
        h("div", { class: "field" }, parts.paused.line, parts.pinClock.line),
      ),
    ),
    h(
      "p",
      { class: "actions whole" },
      h("button", { type: "submit", class: "primary", dataset: { test: "start" } }, "Start"),
    ),
  );
}

/** The body of the request: only what was filled in. */
function request(parts, cast) {
  const chosen = parts.scenario.value;
  const faults = parts.faults.value();
  return {
    ...(chosen.startsWith(OWN) ? { yaml: draft(chosen.slice(OWN.length)) ?? "" } : { scenario: chosen }),
    vendor: filled(parts.vendor),
    profile: filled(parts.profile),
    to: filled(parts.to),
    secret: parts.secretLine.hidden ? undefined : parts.secret.value || undefined,
    seed: numeric(parts.seed),
    count: numeric(parts.count),
    speed: filled(parts.speed),
    spacing: filled(parts.spacing),
    start: filled(parts.start),
    concurrency: numeric(parts.concurrency),
    paused: parts.paused.box.checked,
    pin_clock: parts.pinClock.box.checked,
    faults,
    fault_on: faults.length ? commas(parts.faultOn.value) : undefined,
    policy: pairs(parts.policy.value, "="),
    headers: pairs(parts.headers.value, ":"),
    cast: cast.value(),
  };
}

/** Lines of name and value → an object; undefined for none. */
function pairs(lines, sign) {
  const found = lines
    .split("\n")
    .filter((line) => line.trim())
    .map((line) => {
      const at = line.indexOf(sign);
      return at < 0 ? [line.trim(), ""] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    });
  return found.length ? Object.fromEntries(found) : undefined;
}
