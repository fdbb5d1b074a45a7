/**
 * The form that opens a captured file of the browser's machine.
 */

import { post, upload } from "../api.js";
import { field, h, say } from "../dom.js";
import { keepNotes } from "./capture.js";
import { vendors } from "./catalogue.js";
import { filled, input, submits } from "./forms.js";
import { vendorFields } from "./vendor-fields.js";

/** The largest file that the server takes, in bytes. */
const MOST_BYTES = 64 * 1024 * 1024;

export const title = "Open a captured file";

export async function show(place, params, query) {
  const vendor = vendorFields("capture", await vendors(), query);
  const file = input("capture-file", { type: "file", required: true, accept: ".har,.json,.jsonl,.ndjson,.http,.txt,.log,.gz", "data-missing": "Choose a file" }, "/upload");
  file.addEventListener("change", () => file.setCustomValidity(file.files[0]?.size > MOST_BYTES ? "The file is larger than 64 MiB. Compress it with gzip, or use vendorsim capture on the command line." : ""));
  const form = submits(
    h(
      "form",
      { class: "panel form", id: "capture-open-form", dataset: { test: "capture-open-form" } },
      vendor.lines,
      h("div", { class: "whole" }, field("File", file, "A HAR, JSON Lines, a JSON document or array, or raw requests; also compressed by gzip. At most 64 MiB.")),
      h("p", { class: "actions whole" }, h("button", { type: "submit", class: "primary", dataset: { test: "open" } }, "Open")),
    ),
    async () => {
      const [chosen] = file.files;
      const { id } = await upload(chosen, (sent) => say(`Sent ${Math.round((100 * sent) / Math.max(1, chosen.size))} % of ${chosen.name} …`));
      say(`Reading ${chosen.name} …`);
      const wanted = { upload: id, name: chosen.name.slice(-200), vendor: vendor.vendor.value, profile: filled(vendor.profile) };
      const found = await post("captured-files", wanted).finally(() => say(""));
      keepNotes(found);
      location.hash = `#/captures/${found.capture.id}`;
    },
  );
  place.append(
    h("div", { class: "heading" }, h("h1", {}, title)),
    h("p", { class: "muted" }, "The file becomes a capture of this server, like a recorded one: its conversations, drift and scenarios are shown. It is sent to this server only, and its bodies are kept with all personal data; ", h("code", {}, "vendorsim capture scrub"), " removes it before."),
    form,
  );
  vendor.begin();
  return () => {};
}
