/**
 * The form that starts a recording.
 */

import { get, post } from "../api.js";
import { field, h, say } from "../dom.js";
import { vendors } from "./catalogue.js";
import { filled, input, numeric, submits } from "./forms.js";
import { targetUrls, vendorFields } from "./vendor-fields.js";

export const title = "Record real traffic";

export async function show(place, params, query) {
  const [all, targets] = await Promise.all([vendors(), get("targets")]);
  const urls = targetUrls("capture-urls", targets);
  const parts = { ...vendorFields("capture", all, query, urls.show), urls: urls.list, ...fields() };
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
  parts.begin();
  return () => {};
}

function fields() {
  const port = (id, pointer, value) => input(id, { type: "number", min: "0", max: "65535", step: "1", value, placeholder: "a free one" }, pointer);
  return {
    forward: input("capture-forward", { type: "url", required: true, list: "capture-urls", placeholder: "http://localhost:8000/hook", "data-missing": "Give the address of your webhook" }, "/forward"),
    listen: port("capture-listen", "/listen", ""),
    apiForward: input("capture-api-forward", { type: "url", placeholder: "https://chat.example.com" }, "/api_forward"),
    apiListen: port("capture-api-listen", "/api_listen", ""),
  };
}

function layout(parts) {
  return h(
    "form",
    { class: "panel form", id: "capture-form", dataset: { test: "capture-form" } },
    parts.lines,
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
  return {
    vendor: parts.vendor.value,
    profile: filled(parts.profile),
    forward: parts.forward.value.trim(),
    listen: numeric(parts.listen),
    api_forward: filled(parts.apiForward),
    api_listen: numeric(parts.apiListen),
  };
}
