/** What the integration called of the vendors' APIs and of sinks; new calls come by themselves. */

import { badge, cell, empty, field, h, minor, select, time, wide } from "../dom.js";
import { vendors } from "./catalogue.js";
import { filterRow } from "./filters.js";
import { liveList } from "./list.js";

export const title = "Calls";
/** Stands in the place of the vendor's name in calls of sinks. */
const SINK = "sink";

export async function show(place, params, query) {
  const all = await vendors();
  const list = liveList({
    path: "calls",
    caption: "Calls of the vendors' APIs and of sinks, the newest first",
    headings: ["No.", "Came (wall clock)", "Vendor", "Operation", "Request", "Conversation", "Status", "Message"],
    row,
    nothing,
  });
  const filters = filterRow("calls", fields(all), query, ["run", "conversation"], list.load);
  place.append(
    h("div", { class: "heading" }, h("h1", {}, "Calls"), h("div", { class: "actions" }, list.fresh, list.pause)),
    filters.form, filters.chips, list.place,
  );
  await list.load(filters.values());
  return () => {
    filters.stop();
    list.stop();
  };
}

function fields(all) {
  const vendor = select("filter-vendor", [["", "All"], ...all.map(({ name }) => name), SINK]);
  const text = h("input", { id: "filter-text", type: "search", placeholder: "operations, paths, sessions, messages, bodies" });
  Object.assign(vendor, { name: "vendor" });
  Object.assign(text, { name: "q" });
  return [field("Vendor", vendor), wide(field("Text", text))];
}

function row(call) {
  return h(
    "tr",
    { dataset: { id: call.id, test: "call" } },
    minor(cell("No.", h("span", { class: "number muted" }, String(call.id)))),
    cell("Came (wall clock)", time(call.at)),
    cell("Vendor", call.vendor),
    cell("Operation", h("a", { href: `#/calls/${call.id}` }, call.operation || `${call.method}, no operation`)),
    minor(cell("Request", h("code", {}, `${call.method} ${call.path}`))),
    call.session ? cell("Conversation", call.visitor ? `${call.visitor} ` : "", h("span", { class: "mono" }, call.session)) : minor(cell("Conversation", "–")),
    cell("Status", badge(call.status || "no answer"), call.recorded ? [" ", badge("recorded")] : null),
    cell("Message", call.message),
  );
}

function nothing(filtered) {
  if (filtered) return empty("Nothing fits these filters", "Remove a filter, or search for less text. New calls that fit appear here.");
  const base = `${location.origin}${location.pathname.replace(/\/_vendorsim\/.*$/, "")}`;
  return empty("No calls yet", "Point your integration's API calls at ", h("code", {}, base), ". ", h("code", {}, "vendorsim vendors NAME"), " lists the operations of a vendor. ", h("code", {}, "vendorsim serve --sink NAME"), " also takes calls that are meant for other systems.");
}
