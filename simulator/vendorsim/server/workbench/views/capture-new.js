/**
 * The form that starts a recording.
 */

import { get, post } from "../api.js";
import { clear, field, h, say, select } from "../dom.js";
import { profileOf, vendors } from "./catalogue.js";
import { input, submits } from "./forms.js";

export const title = "Record real traffic";

export async function show(place, params, query) {
  const [all, targets] = await Promise.all([vendors(), get("targets")]);
  const sending = all.filter((one) => one.profiles.some((profile) => profile.events.length));
  const parts = fields(sending, query);

  function ofVendor() {
    const profiles = (all.find((one) => one.name === parts.vendor.value)?.profiles ?? []).filter((one) => one.events.length);
    clear(parts.profile).append(...profiles.map((one) => h("option", { value: one.name, selected: one.name === query.profile }, one.name)));
    const urls = targets.items.filter((one) => one.vendor === parts.vendor.value).map((one) => one.url);
    clear(parts.urls).append(...urls.map((url) => h("option", { value: url })));
    about();
  }

  function about() {
    parts.about.textContent = profileOf(all, parts.vendor.value, parts.profile.value)?.title ?? "";
  }

  parts.vendor.addEventListener("change", ofVendor);
  parts.profile.addEventListener("change", about);
  const form = submits(layout(parts), async () => {
    const started = await post("captures", request(parts));
    say(`Capture ${started.id} is under way.`);
    location.hash = `#/captures/${started.id}`;
  });
  place.append(
    h("div", { class: "heading" }, h("h1", {}, title)),
    h("p", { class: "muted" }, "The server stands between the vendor and your integration: it passes each request on, byte for byte, and keeps it with its answer. It listens on this machine only; a tunnel may lead there. Bodies are kept with all personal data."),
    form,
  );
  ofVendor();
  return () => {};
}

function fields(sending, query) {
  const port = (id, pointer, value) => input(id, { type: "number", min: "0", max: "65535", step: "1", value, placeholder: "a free one" }, pointer);
  const parts = {
    vendor: select("capture-vendor", sending.map((one) => [one.name, one.title]), query.vendor ?? ""),
    profile: select("capture-profile", []),
    about: h("span", { class: "hint" }),
    forward: input("capture-forward", { type: "url", required: true, list: "capture-urls", placeholder: "http://localhost:8000/hook", "data-missing": "Give the address of your webhook" }, "/forward"),
    urls: h("datalist", { id: "capture-urls" }),
    listen: port("capture-listen", "/listen", ""),
    apiForward: input("capture-api-forward", { type: "url", placeholder: "https://chat.example.com" }, "/api_forward"),
    apiListen: port("capture-api-listen", "/api_listen", ""),
  };
  parts.vendor.dataset.pointer = "/vendor";
  parts.profile.dataset.pointer = "/profile";
  return parts;
}

function layout(parts) {
  const profile = field("Profile", parts.profile);
  profile.append(parts.about);
  return h(
    "form",
    { class: "panel form", id: "capture-form", dataset: { test: "capture-form" } },
    field("Vendor", parts.vendor),
    profile,
    field("Pass webhooks on to", parts.forward, "The address of your integration's webhook."),
    parts.urls,
    field("Port for webhooks", parts.listen, "Let the vendor, or a tunnel, send here."),
    field("Pass calls on to", parts.apiForward, "The vendor's API. Empty: calls are not recorded."),
    field("Port for calls", parts.apiListen, "The base URL that your integration calls."),
    h("p", { class: "actions whole" }, h("button", { type: "submit", class: "primary", dataset: { test: "start" } }, "Record")),
  );
}

/** The body of the request: only what was filled in. */
function request(parts) {
  const text = (control) => control.value.trim() || undefined;
  const number = (control) => (control.value === "" ? undefined : Number(control.value));
  return {
    vendor: parts.vendor.value,
    profile: text(parts.profile),
    forward: parts.forward.value.trim(),
    listen: number(parts.listen),
    api_forward: text(parts.apiForward),
    api_listen: number(parts.apiListen),
  };
}
