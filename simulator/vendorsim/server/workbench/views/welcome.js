/**
 * What a server shows that has sent nothing yet: what this is, an example with one click, and the way to one's own integration.
 */

import { h, whileOff } from "../dom.js";
import { isExample, playExample } from "../example.js";

export function welcome() {
  const start = button("Start an example run", "example", "primary", false);
  const failing = button("The same with a receiver that fails", "example-failing", "", true);
  return h(
    "section",
    { class: "empty welcome", dataset: { test: "welcome" } },
    h("h2", {}, "Nothing has been sent yet"),
    h(
      "p",
      {},
      "vendorsim plays a chat vendor: it sends the webhooks of made-up conversations to your integration, and answers the API calls that your integration makes.",
    ),
    h("p", {}, "Here you see each request, what was answered, and what is wrong with it."),
    h("p", { class: "actions" }, start, failing),
    h("p", { class: "hint" }, "The example sends an everyday chat to a receiver that is built into this server. It needs no set-up and reaches nothing else."),
    h("p", {}, h("a", { href: "#/runs/new" }, "Start a scenario against your own integration"), ", or see ", h("a", { href: "#/scenarios" }, "which scenarios there are"), "."),
  );
}

function button(label, test, look, failing) {
  const made = h("button", { type: "button", class: look, dataset: { test }, on: { click: () => whileOff(made, () => playExample({ failing })) } }, label);
  return made;
}

/** The way on from an example run; null for a run with targets of its own. `targets`: addresses. */
export function afterExample(targets) {
  if (!targets?.length || !targets.every(isExample)) return null;
  return h(
    "p",
    { class: "note", dataset: { test: "after-example" } },
    "This run was sent to the example receiver. For your own integration, ",
    h("a", { href: "#/runs/new" }, "start a scenario"),
    " and give the address of your webhook, or add it as a target under ",
    h("a", { href: "#/targets" }, "Targets"),
    ".",
  );
}
