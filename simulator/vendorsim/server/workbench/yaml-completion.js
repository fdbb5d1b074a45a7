/**
 * What can stand at a place of a YAML text, by a JSON Schema: keys that are not there yet, and values. Pure.
 */

const KEY = /^("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'{}[\],#&*!|>%@`-][^:#{}[\],]*?|-[^\s:][^:#]*?)\s*:(?=\s|$)/;
const OF_WORD = /[\w.@/-]/;

/**
 * The place at an offset: `path` (keys, and `*` for an item of a list), `wants` (key or value), `from` (where the word
 * there begins), `there` (the keys that the mapping has before it). Null in a comment, in a quoted or a long text, and
 * behind the first word of a text.
 */
export function placeIn(text, at) {
  const begins = text.lastIndexOf("\n", at - 1) + 1;
  const open = [{ column: -1, keys: [] }];
  let flow = null;
  let block = Infinity;
  for (const line of text.slice(0, begins).split("\n").slice(0, -1)) {
    const column = line.search(/\S/);
    if (flow !== null) {
      flow += `${line}\n`;
      if (balanced(flow)) flow = null;
    } else if (column >= 0 && line[column] !== "#" && column <= block) {
      const { rest } = entered(open, line, column);
      block = /^[|>][-+\d]*\s*(?:#.*)?$/.test(rest) ? open.at(-1).column : Infinity;
      if (/^[{[]/.test(rest) && !balanced(rest)) flow = `${rest}\n`;
    }
  }
  const line = text.slice(begins, at);
  let from = at;
  while (from > begins && OF_WORD.test(text[from - 1])) from -= 1;
  if (flow !== null) return inFlow(open, flow + line, from);
  const column = line.search(/\S/);
  if (/(?:^|\s)#/.test(line) || column > block) return null;
  const { rest, key } = entered(open, line, column < 0 ? line.length : column);
  if (/^[{[]/.test(rest)) return inFlow(open, rest, from);
  if (rest !== text.slice(from, at)) return null;
  return { path: pathOf(open), wants: key ? "value" : "key", from, there: key ? [] : open.at(-1).keys };
}

/**
 * Enters what a line opens. `open` is what is open, the outermost first: `{column, key, keys}`, without `key` for an item of a
 * list; `keys` are those that its mapping has so far. Returns whether the line has a key, and what follows its dashes and key.
 */
function entered(open, line, column) {
  let at = column;
  let rest = line.slice(column);
  for (let dash = /^-(?:\s+|$)/.exec(rest); dash; dash = /^-(?:\s+|$)/.exec(rest)) {
    while (open.at(-1).column > at || (open.at(-1).column === at && open.at(-1).key === undefined)) open.pop();
    open.push({ column: at, keys: [] });
    at += dash[0].length;
    rest = rest.slice(dash[0].length);
  }
  while (open.at(-1).column >= at) open.pop();
  const found = KEY.exec(rest);
  if (!found) return { rest, key: false };
  const key = found[1].replace(/^(["'])(.*)\1$/, "$2");
  open.at(-1).keys.push(key);
  open.push({ column: at, key, keys: [] });
  return { rest: rest.slice(found[0].length).trimStart(), key: true };
}

function pathOf(open) {
  return open.slice(1).map(({ key }) => key ?? "*");
}

/** The place in `{…` or `[…` that begins under what is open. */
function inFlow(open, text, from) {
  const levels = [];
  let word = "";
  for (let i = 0; i < text.length; i += 1) {
    const sign = text[i];
    const level = levels.at(-1);
    if (sign === '"' || sign === "'") {
      const end = text.indexOf(sign, i + 1);
      if (end < 0) return null;
      word = text.slice(i + 1, end);
      i = end;
    } else if (sign === "{" || sign === "[") {
      levels.push({ list: sign === "[", key: null, there: [] });
      word = "";
    } else if (sign === "}" || sign === "]") {
      levels.pop();
      word = "";
    } else if (sign === ",") {
      if (level && level.key !== null) level.key = null;
      word = "";
    } else if (sign === ":" && level && !level.list && level.key === null) {
      level.key = word.trim();
      level.there.push(level.key);
      word = "";
    } else {
      word += sign;
    }
  }
  if (!levels.length) return null;
  const last = levels.at(-1);
  const path = [...pathOf(open), ...levels.flatMap(({ list, key }) => (list ? ["*"] : key === null ? [] : [key]))];
  const wants = last.list || last.key !== null ? "value" : "key";
  if (!/^\s*[\w.@/-]*$/.test(word)) return null;
  return { path, wants, from, there: wants === "key" ? last.there : [] };
}

function balanced(text) {
  const bare = text.replace(/"(?:[^"\\]|\\.)*"|'[^']*'/g, "");
  return (bare.match(/[{[]/g) ?? []).length <= (bare.match(/[}\]]/g) ?? []).length;
}

/**
 * A function `(text, at)` that gives `{from, options, eager}` or null. `options` are as CodeMirror wants them; `eager`: they are
 * shown before a letter is typed. `more(path, text, wants)` gives further options, which come first.
 */
export function completer(schema, more = () => []) {
  return (text, at) => {
    const place = placeIn(text, at);
    if (!place) return null;
    const { path, wants, from, there } = place;
    const nodes = path.reduce((found, part) => found.flatMap((one) => below(one, part)).flatMap(expanded), expanded(schema));
    const keys = wants === "key" ? keysOf(nodes, there) : [];
    // The first word of an item may be a value, too, such as a step without arguments.
    const values = wants === "value" || !there.length ? valuesOf(nodes) : [];
    const options = new Map();
    for (const one of [...more(path, text, wants), ...keys, ...values]) if (!options.has(one.label)) options.set(one.label, one);
    return { from, options: [...options.values()], eager: wants === "value" || !there.length };
  };
}

/** A schema, and those that may apply beside it. */
function expanded(schema) {
  if (typeof schema !== "object" || schema === null) return [];
  const parts = [schema.then, schema.else, ...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  return [schema, ...parts.flatMap(expanded)];
}

function below(schema, part) {
  if (part === "*") return schema.items ? [schema.items] : [];
  const found = schema.properties?.[part] ?? schema.additionalProperties;
  return found && typeof found === "object" ? [found] : [];
}

function keysOf(nodes, there) {
  const gone = new Set(there);
  for (const { oneOf } of nodes) {
    const choices = (oneOf ?? []).flatMap((one) => one.required ?? []);
    if (choices.some((one) => there.includes(one))) for (const one of choices) gone.add(one);
  }
  const named = nodes.flatMap(({ properties, required = [] }) => Object.entries(properties ?? {}).map(([label, of]) => keyOption(label, of, required.includes(label))));
  const others = nodes.flatMap(({ propertyNames }) => (propertyNames?.enum ?? []).map((label) => ({ label, apply: `${label}: ` })));
  return [...named, ...others].filter(({ label }) => !gone.has(label));
}

function keyOption(label, schema, required) {
  const nodes = expanded(schema);
  const holds = nodes.some(({ type, enum: values, properties }) => Object.keys(properties ?? {}).length || values || ![undefined, "null", "object"].includes(type));
  return {
    label,
    apply: holds || !schema.else ? `${label}: ` : label,
    info: schema.description?.replaceAll("`", "") ?? null,
    detail: required ? "required" : null,
    boost: required ? 2 : 0,
  };
}

function valuesOf(nodes) {
  return nodes.flatMap(({ enum: values = [], const: one, examples = [], type }) => [
    ...values.filter((value) => value !== null),
    ...(one === undefined || one === null ? [] : [one]),
    ...examples,
    ...(type === "boolean" ? [true, false] : []),
  ].map((value) => ({ label: String(value) })));
}
