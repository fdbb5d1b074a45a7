/**
 * The form that starts a check of an integration.
 */

import { get, post } from "../api.js";
import { clear, field, h, say, select } from "../dom.js";
import { vendors } from "./catalogue.js";
import { check, commas, filled, input, numeric, submits } from "./forms.js";
import { targetUrls, vendorFields } from "./vendor-fields.js";

/** The family that needs an option of its own. */
const FUZZ = "fuzz";

export const title = "Check an integration";

export async function show(place, params, query) {
  const [all, known, targets, earlier] = await Promise.all([
    vendors(),
    get("checks/known"),
    get("targets"),
    get("checks", { limit: 100 }),
  ]);
  const urls = targetUrls("check-urls", targets);
  const parts = fields(vendorFields("check", all, query, ofVendor), urls.list, known.families, query);

  function ofVendor(name) {
    const [first = ""] = urls.show(name);
    if (!parts.to.value || targets.items.some((one) => one.url === parts.to.value)) parts.to.value = first;
    const comparable = earlier.items.filter((one) => one.vendor === name && one.verdict !== null);
    clear(parts.against).append(
      h("option", { value: "" }, "nothing"),
      ...comparable.map((one) =>
        h("option", { value: one.id, selected: String(one.id) === query.against }, `${one.name ?? `check ${one.id}`}, ${one.verdict}`),
      ),
    );
    parts.againstLine.hidden = !comparable.length;
  }

  const form = submits(parts.form, async () => {
    const started = await post("checks", request(parts));
    say(`Check ${started.id} is under way.`);
    location.hash = `#/checks/${started.id}`;
  });
  place.append(
    h("div", { class: "heading" }, h("h1", {}, "Check an integration")),
    h("p", { class: "muted" }, "The integration is sent everything that the vendor may send, and requests that it must refuse. Use a test system: new conversations are made up all the time."),
    form,
  );
  parts.begin();
  return () => {};
}

function fields(ofVendor, urls, families, query) {
  const area = (id, pointer, rows = 2) => h("textarea", { id, rows, spellcheck: "false", dataset: { pointer } });
  const parts = {
    ...ofVendor,
    to: input(
      "check-to",
      { type: "url", required: true, list: "check-urls", placeholder: "http://localhost:8000/hooks", value: query.to ?? "" },
      "/to",
    ),
    urls,
    probe: input("check-probe", { type: "text", placeholder: "http://localhost:8000/state/{conversation_id}" }, "/probe"),
    api: check("check-api", "The integration calls the vendor's API on this server"),
    against: select("check-against", []),
    only: input("check-only", { type: "text", placeholder: "all", value: query.only ?? "" }, "/only"),
    skip: input("check-skip", { type: "text", placeholder: "nothing" }, "/skip"),
    seed: input("check-seed", { type: "number", min: "0", step: "1", value: query.seed ?? "", placeholder: "that of the server" }, "/seed"),
    budget: input("check-budget", { type: "text", placeholder: "no limit" }, "/budget"),
    pace: input("check-pace", { type: "text", placeholder: "no limit" }, "/pace"),
    settle: input("check-settle", { type: "text", placeholder: "5s" }, "/settle"),
    account: input("check-account", { type: "number", min: "1", step: "1", placeholder: "made up" }, "/account"),
    inbox: input("check-inbox", { type: "number", min: "1", step: "1", placeholder: "made up" }, "/inbox"),
    locale: input("check-locale", { type: "text", placeholder: "several" }, "/locale"),
    ignore: area("check-ignore", "/probe_ignore"),
    headers: area("check-headers", "/headers"),
    policy: area("check-policy", "/policy"),
    families: families.map(({ name }) => ({ name, ...check(`check-family-${name}`, name, name !== FUZZ) })),
  };
  parts.against.dataset.pointer = "/against";
  parts.api.box.dataset.pointer = "/api";
  parts.fuzz = parts.families.find((one) => one.name === FUZZ);
  if (parts.fuzz) parts.fuzz.box.dataset.pointer = "/fuzz";
  const named = ["only", "budget", "account"].some((name) => query[name] !== undefined);
  parts.form = layout(parts, named);
  return parts;
}

function layout(parts, open) {
  parts.againstLine = field("Compare with", parts.against, "Says which findings are new, still there, or fixed.");
  const hint = (box, text) => {
    const told = h("span", { class: "hint", id: `${box.box.id}-hint` }, text);
    box.box.setAttribute("aria-describedby", told.id);
    return h("div", { class: "field whole" }, box.line, told);
  };
  return h(
    "form",
    { class: "panel form", id: "check-form", dataset: { test: "check-form" } },
    parts.lines,
    field("Send to", parts.to, "The URL of the webhook. A target of vendorsim.yaml is used with its secret, headers and probe."),
    parts.urls,
    h(
      "div",
      { class: "whole" },
      field("Probe", parts.probe, "A URL that shows what the integration stored of one conversation. Without a probe only its answers are judged, unless vendorsim.yaml names one for this target."),
    ),
    hint(parts.api, "Until the check ends, the vendor's API answers here for the check's conversations, not for runs that go on. What the integration calls, replies and does when the API fails is judged."),
    parts.againstLine,
    h(
      "fieldset",
      { class: "whole" },
      h("legend", {}, "What is checked"),
      h("div", { class: "families" }, parts.families.map((one) => one.line)),
      h("p", { class: "hint" }, `${FUZZ} sends bodies that Schemathesis makes up, for some seconds for each event.`),
    ),
    h(
      "details",
      { class: "whole", open },
      h("summary", {}, "More"),
      h(
        "div",
        { class: "form" },
        field("Only", parts.only, "Checks, events, check:event or check:event:case, with commas between them."),
        field("Leave out", parts.skip, "Named in the same way."),
        field("Seed", parts.seed),
        field("Time of the whole check", parts.budget, "Such as 60s."),
        field("Requests a second", parts.pace, "At most, such as 20/s."),
        field("Until the state is up to date", parts.settle, "Such as 5s."),
        field("Account", parts.account, "The only one that the integration is made for."),
        field("Inbox", parts.inbox, "The only one that it is made for."),
        field("Locale", parts.locale, "Of made-up people and texts, such as de_DE."),
        field("Ignore in the state", parts.ignore, "JSON pointers, one a line."),
        field("Headers", parts.headers, "Lines such as X-Tenant: acme."),
        field("Policy", parts.policy, "Lines such as signing=none."),
      ),
    ),
    h("p", { class: "actions whole" }, h("button", { type: "submit", class: "primary", dataset: { test: "start" } }, "Start")),
  );
}

/** The body of the request: only what was filled in. */
function request(parts) {
  const list = (items) => (items.length ? items : undefined);
  const lines = (control) => control.value.split("\n").map((line) => line.trim()).filter(Boolean);
  const unchecked = parts.families.filter((one) => one !== parts.fuzz && !one.box.checked).map((one) => one.name);
  return {
    vendor: parts.vendor.value,
    profile: filled(parts.profile),
    to: filled(parts.to),
    probe: filled(parts.probe),
    probe_ignore: list(lines(parts.ignore)),
    api: parts.api.box.checked,
    fuzz: parts.fuzz?.box.checked,
    only: list(commas(parts.only.value)),
    skip: list([...unchecked, ...commas(parts.skip.value)]),
    seed: numeric(parts.seed),
    budget: filled(parts.budget),
    pace: filled(parts.pace),
    settle: filled(parts.settle),
    account: numeric(parts.account),
    inbox: numeric(parts.inbox),
    locale: filled(parts.locale),
    against: numeric(parts.against),
    headers: pairs(lines(parts.headers), ":"),
    policy: pairs(lines(parts.policy), "="),
  };
}

/** Lines of name and value → an object; undefined for none. */
function pairs(lines, sign) {
  const found = lines.map((line) => {
    const at = line.indexOf(sign);
    return at < 0 ? [line, ""] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  });
  return found.length ? Object.fromEntries(found) : undefined;
}
