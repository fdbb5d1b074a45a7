/**
 * Completion of scenarios: by the schema of the scenario language, with the agents of the text and what is known of faults.
 */

import { get } from "./api.js";
import { completer } from "./yaml-completion.js";

/** Keys whose value is the visitor or an agent. */
const PEOPLE = new Set(["by", "agent", "who", "join", "leave", "assign", "close", "typing", "read"]);

/** A function `(text, at)` as the editor wants it. Throws Problem. */
export async function scenarioCompleter() {
  const [schema, { known }] = await Promise.all([get("scenario.schema.json"), get("faults")]);
  const faults = known.map(({ name, help, example }) => {
    const [, argument = "true"] = example.split("=");
    return { label: name, apply: `${name}: ${argument}`, info: help };
  });
  return completer(schema, (path, text, wants) => {
    const last = path.at(-1);
    if (wants === "key") return last === "fault" ? faults : [];
    return PEOPLE.has(last) ? ["visitor", ...agentsOf(text)].map((label) => ({ label })) : [];
  });
}

/** The keys of the agents in the cast. */
function agentsOf(text) {
  const found = /^([ \t]*)agents:[ \t]*(?:\{([^]*?)\}[ \t]*$|$)/m.exec(text);
  if (!found) return [];
  if (found[2] !== undefined) return [...found[2].replaceAll(/\{[^}]*\}?/g, "").matchAll(/([\w.-]+)\s*:/g)].map(([, key]) => key);
  const lines = text.slice(found.index + found[0].length + 1).split("\n");
  const end = lines.findIndex((line) => line.trim() && line.search(/\S/) <= found[1].length);
  const inside = end < 0 ? lines : lines.slice(0, end);
  const column = Math.min(...inside.filter((line) => line.trim()).map((line) => line.search(/\S/)));
  return inside.flatMap((line) => (line.search(/\S/) === column ? (/^\s*([\w.-]+)\s*:/.exec(line)?.[1] ?? []) : []));
}
