/** One call of a vendor's API or of a sink. */

import { get } from "../api.js";
import { bodyView } from "../body.js";
import { badge, h, time } from "../dom.js";
import { facts, panel } from "./exchange.js";

export const title = ({ id }) => `Call ${id}`;

export async function show(place, { id }) {
  const call = await get(`calls/${encodeURIComponent(id)}`);
  // A sink's call names a conversation of any vendor.
  const session = encodeURIComponent(call.session);
  const conversation = call.vendor === "sink" ? `#/deliveries?conversation=${session}` : `#/conversations/${encodeURIComponent(call.vendor)}/${session}`;
  place.append(
    h("div", { class: "heading" }, h("h1", {}, call.operation), badge(call.status)),
    h("section", { class: "panel", "aria-label": "Summary" }, facts([
      ["Request", h("code", {}, `${call.method} ${call.path}`)],
      ["Answer", `${call.status} ${call.message}`],
      ["Vendor", call.vendor],
      ["Kind", call.comm_type],
      ["Session", call.session ? h("a", { href: conversation, class: "mono" }, call.session) : null],
      ["Credentials", call.credentials ?? "none"],
      ["Came", [time(call.at), " (wall clock)"]],
    ])),
    panel("Body", call.body === null ? h("p", { class: "muted padded" }, "It had none.") : bodyView(call.body)),
    call.fields === null ? "" : panel("What was understood", bodyView(JSON.stringify(call.fields))),
  );
  return () => {};
}
