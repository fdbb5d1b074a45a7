/**
 * The cast of a scenario as fields: filled with what the scenario gives, empty where it is made up.
 */

import { field, h } from "../dom.js";
import { input } from "./forms.js";

const VISITOR = ["name", "email", "phone", "identifier"];
const AGENT = ["name", "email", "group"];

/**
 * @param cast as `GET scenarios/NAME` tells
 * @returns `element`, and `value()`: what was changed, as a request for a run wants it; undefined for nothing
 */
export function castForm(cast) {
  const visitor = person(cast.visitor ?? {}, VISITOR, "/cast/visitor", true);
  const agents = Object.entries(cast.agents ?? {}).map(([key, given]) => [
    key,
    person(given ?? {}, AGENT, `/cast/agents/${key}`, false),
  ]);
  const element = h(
    "details",
    { class: "whole folded", id: "cast", dataset: { test: "cast" } },
    h("summary", {}, "Cast", h("span", { class: "hint" }, ` ${told(cast)}`)),
    h("p", { class: "hint" }, "Empty fields are made up from the seed. If you empty a field that the scenario fills, the visitor has no such data."),
    h("h2", {}, "Visitor"),
    h("div", { class: "form" }, visitor.lines),
    agents.map(([key, one]) => [h("h2", {}, "Agent ", h("code", {}, key)), h("div", { class: "form" }, one.lines)]),
  );
  const value = () => {
    const changed = {
      visitor: visitor.value(),
      agents: Object.fromEntries(agents.map(([key, one]) => [key, one.value()]).filter(([, of]) => of)),
    };
    if (!changed.visitor) delete changed.visitor;
    if (!Object.keys(changed.agents).length) delete changed.agents;
    return Object.keys(changed).length ? changed : undefined;
  };
  return { element, value };
}

/** The people of the scenario in a line. */
function told(cast) {
  const visitor = cast.visitor?.name ?? "a made-up visitor";
  const agents = Object.entries(cast.agents ?? {}).map(([key, given]) => given?.name ?? key);
  return [visitor, ...agents].join(", ");
}

/** The fields of one person. Only the visitor can be said to have none of something. */
function person(given, usual, pointer, mayHaveNone) {
  const names = [...usual, ...Object.keys(given).filter((name) => !usual.includes(name))];
  const fields = names.map((name) => {
    const was = given[name];
    const shown = was === undefined || was === null ? "" : typeof was === "object" ? JSON.stringify(was) : String(was);
    const control = input(
      `cast-${pointer.split("/").slice(2).join("-")}-${name}`,
      { type: "text", value: shown, placeholder: hint(was, mayHaveNone) },
      `${pointer}/${name}`,
    );
    return { name, was, shown, control };
  });
  const value = () => {
    const changed = fields.filter(({ shown, control }) => control.value.trim() !== shown);
    const pairs = changed
      .map(({ name, was, control }) => [name, read(control.value.trim(), was)])
      .filter(([, now]) => mayHaveNone || now !== null);
    return pairs.length ? Object.fromEntries(pairs) : undefined;
  };
  return { lines: fields.map(({ name, control }) => field(name, control)), value };
}

/** What an empty field means. */
function hint(was, mayHaveNone) {
  if (was === undefined) return "made up";
  return mayHaveNone ? "has none" : `as in the scenario: ${was}`;
}

/** The value of the kind that it was before. */
function read(text, was) {
  if (text === "") return null;
  if (typeof was === "object" && was !== null) {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Error(`Cast: ${text} is not JSON: ${error.message}`);
    }
  }
  return typeof was === "number" && !Number.isNaN(Number(text)) ? Number(text) : text;
}
