/**
 * A state of the integration that a run has read: line by line beside the expected one, or beside another state that the
 * run has read.
 */

import { get } from "../api.js";
import { badge, field, h, problem, select } from "../dom.js";
import { pretty } from "../json-lines.js";
import { conversationAddress } from "./catalogue.js";
import { facts } from "./exchange.js";
import { differencePanel } from "./lines.js";

const EXPECTED = "expected";

export const title = ({ id, number }) => `State ${number} of run ${id}`;

export async function show(place, { id, number }) {
  const [run, { items }] = await Promise.all([get(`runs/${encodeURIComponent(id)}`), get(`runs/${encodeURIComponent(id)}/states`)]);
  const one = items.find((state) => String(state.number) === number);
  if (!one) {
    place.append(h("h1", {}, "Not found"), problem(new Error(`Run ${id} has not read a state ${number}.`)));
    return () => {};
  }
  const options = [[EXPECTED, "the expected state"], ...items.filter((state) => state !== one).map((state) => [String(state.number), `state ${state.number}, conversation ${state.conversation}`])];
  const other = select("state-with", options, EXPECTED);
  const lines = h("div", {});
  const draw = () => {
    const chosen = items.find((state) => String(state.number) === other.value);
    const before = chosen ? chosen.state : one.expected_state;
    const name = chosen ? `State ${chosen.number} (−) and state ${one.number} (+)` : "Expected (−) and found (+)";
    lines.replaceChildren(differencePanel(name, document(before), document(one.state)));
  };
  other.addEventListener("change", draw);
  place.append(
    h("div", { class: "heading" }, h("h1", {}, `State ${one.number} of run ${run.id}`), badge(one.verdict)),
    h("section", { class: "panel", "aria-label": "The state" }, facts([
      ["Run", h("a", { href: `#/runs/${run.id}` }, `${run.id}, ${run.scenario}`)],
      ["Conversation", h("a", { class: "mono", href: conversationAddress(run.vendor, one.conversation, run.id) }, one.conversation)],
      ["Difference", one.reason],
      ["Expected", Object.entries(one.expected).map(([pointer, value]) => h("div", {}, h("code", {}, `${pointer || "the whole state"}: ${JSON.stringify(value)}`)))],
    ])),
    h("p", { class: "actions" }, field("Compare with", other)),
    lines,
  );
  draw();
  return () => {};
}

const document = (state) => (state === null ? undefined : pretty(JSON.stringify(state)));
