/**
 * JSON text as lines, one per value, with the pointer of each. Numbers and strings stay as they stand in the text: a
 * large number is not rounded, and a key that comes twice is shown twice.
 */

const TOKEN = /\s*(?:([{}[\],:])|("(?:[^"\\]|\\.)*")|([^\s{}[\],:"]+))/sy;

/**
 * Lines `{depth, pointer, key, text, kind, end}`: `text` is the value, or the bracket that opens or closes; `kind` is
 * string, number, word, open, close or empty; `end` is the index of the line that closes what this one opens.
 * Throws SyntaxError for what is no JSON.
 */
export function linesOf(text) {
  JSON.parse(text);
  const tokens = tokensOf(text);
  const lines = [];
  // What is open: its closing bracket, its pointer, its line, and how many values it has so far.
  const open = [];
  let key = null;
  for (let i = 0; i < tokens.length; i += 1) {
    const token = tokens[i];
    if (token === ",") {
      lines.at(-1).comma = true;
      continue;
    }
    const inside = open.at(-1);
    if (token === "}" || token === "]") {
      open.pop();
      lines[inside.line].end = lines.length;
      lines.push({ depth: open.length, pointer: inside.pointer, key: null, text: token, kind: "close" });
      continue;
    }
    if (inside?.close === "}" && key === null) {
      key = token;
      i += 1;
      continue;
    }
    const pointer = inside ? `${inside.pointer}/${inside.close === "}" ? escaped(JSON.parse(key)) : inside.count}` : "";
    if (inside) inside.count += 1;
    const line = { depth: open.length, pointer, key, text: token, kind: kindOf(token) };
    key = null;
    if (line.kind === "open" && (tokens[i + 1] === "}" || tokens[i + 1] === "]")) {
      i += 1;
      Object.assign(line, { text: token + tokens[i], kind: "empty" });
    } else if (line.kind === "open") {
      open.push({ close: token === "{" ? "}" : "]", pointer, line: lines.length, count: 0 });
    }
    lines.push(line);
  }
  return lines;
}

/**
 * Where each value stands in JSON text: `{from, to}` by pointer, and the key before it as `{keyFrom, keyTo}`. Empty for what is no
 * JSON. An object or a list is told by its opening bracket.
 */
export function placesOf(text) {
  const places = new Map();
  try {
    JSON.parse(text);
  } catch {
    return places;
  }
  const open = [];
  let key = null;
  for (const { token, from, to } of positionedTokens(text)) {
    const inside = open.at(-1);
    if (token === "," || token === ":") continue;
    if (token === "}" || token === "]") {
      open.pop();
      continue;
    }
    if (inside?.object && key === null) {
      key = { name: JSON.parse(token), keyFrom: from, keyTo: to };
      continue;
    }
    const pointer = inside ? `${inside.pointer}/${inside.object ? escaped(key.name) : inside.count}` : "";
    if (inside) inside.count += 1;
    places.set(pointer, { from, to, ...(key && { keyFrom: key.keyFrom, keyTo: key.keyTo }) });
    key = null;
    if (token === "{" || token === "[") open.push({ object: token === "{", pointer, count: 0 });
  }
  return places;
}

/** JSON text without white space between its values; other text as it is. */
export function oneLine(text) {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  return tokensOf(text).join("");
}

/** JSON text with a line per value, indented; other text as it is. */
export function pretty(text) {
  try {
    return linesOf(text).map((line) => `${"  ".repeat(line.depth)}${line.key === null ? "" : `${line.key}: `}${line.text}${line.comma ? "," : ""}`).join("\n");
  } catch {
    return text;
  }
}

function tokensOf(text) {
  return positionedTokens(text).map(({ token }) => token);
}

function positionedTokens(text) {
  const tokens = [];
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(text); found; found = TOKEN.exec(text)) {
    const token = found[1] ?? found[2] ?? found[3];
    tokens.push({ token, from: TOKEN.lastIndex - token.length, to: TOKEN.lastIndex });
  }
  return tokens;
}

function kindOf(token) {
  if (token === "{" || token === "[") return "open";
  if (token.startsWith('"')) return "string";
  return /^[-\d]/.test(token) ? "number" : "word";
}

function escaped(key) {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
