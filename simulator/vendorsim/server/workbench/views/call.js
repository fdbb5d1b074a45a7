/** One call of a vendor's API or of a sink. */

import { get } from "../api.js";
import { bodyView } from "../body.js";
import { badge, h, time } from "../dom.js";
import { facts, head, panel } from "./exchange.js";

export const title = ({ id }) => `Call ${id}`;

export async function show(place, { id }) {
  const call = await get(`calls/${encodeURIComponent(id)}`);
  // A sink's call names a conversation of any vendor.
  const session = encodeURIComponent(call.session);
  const conversation = call.vendor === "sink" ? `#/deliveries?conversation=${session}` : `#/conversations/${encodeURIComponent(call.vendor)}/${session}`;
  place.append(
    h("div", { class: "heading" }, h("h1", {}, call.operation || `${call.method} ${call.path}`), badge(call.status || "no answer"), call.recorded ? badge("recorded") : null),
    h("section", { class: "panel", "aria-label": "Summary" }, facts([
      ["Request", h("code", {}, `${call.method} ${call.path}`)],
      ["Answer", `${call.status || "none"} ${call.message}`],
      ["Recorded", call.recorded ? h("a", { href: `#/captures/${call.run}` }, `capture ${call.run}`) : null],
      ["Not kept", call.problem],
      ["Vendor", call.vendor],
      ["Kind", call.comm_type],
      ["Session", call.session ? h("a", { href: conversation, class: "mono" }, call.session) : null],
      ["Credentials", call.credentials ?? "none"],
      ["Came", [time(call.at), " (wall clock)"]],
    ])),
    panel("Body", call.body === null ? h("p", { class: "muted padded" }, "It had none.") : bodyView(call.body)),
    call.answer ? answer(call.answer) : "",
    call.fields === null ? "" : panel("What was understood", bodyView(JSON.stringify(call.fields))),
  );
  return () => {};
}

/** The answer of a recorded call; of others the journal has the message only. */
function answer({ headers, body }) {
  const lines = headers.map(([name, value]) => `${name}: ${value}`).join("\n");
  return panel("Answer", lines ? head(lines) : null, body.encoding ? h("pre", { class: "code" }, body.text) : bodyView(body.text));
}
