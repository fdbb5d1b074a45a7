// A receiver of MessageHub on Node that keeps messages, without any package: `node messages.js [bug]`.
"use strict";
const http = require("node:http");

const LARGEST_BODY = 1024 * 1024;
const GAP = 5; // Milliseconds that the database takes.
const BUG = process.argv[2];
const rows = new Map();
const queues = new Map();

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const query = () => new Promise((resolve) => setTimeout(resolve, GAP));

async function read(request) {
  if (!/^application\/json\s*(;|$)/i.test(request.headers["content-type"] ?? "")) {
    throw new Refused(415, "Content-Type must be application/json");
  }
  const parts = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length <= LARGEST_BODY) parts.push(part); // The rest is read too, so that the answer arrives.
  }
  if (length > LARGEST_BODY) throw new Refused(413, "the body is too large");
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(parts)));
  } catch {
    throw new Refused(400, "the body is not JSON");
  }
}

function object(value, name) {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new Refused(400, `${name}: an object is needed`);
}

function identity(value, name) {
  if (Number.isInteger(value) || (typeof value === "string" && value !== "")) return String(value);
  throw new Refused(400, `${name}: an id is needed`);
}

// The message of a body: [conversation, id, text], or null for an event about something else.
function message(document) {
  const body = object(document, "the body");
  if (typeof body.event !== "string") throw new Refused(400, "event: text is needed");
  const nested = body.event.startsWith("message_") || body.event.startsWith("conversation_typing_");
  const conversation = nested ? identity(object(body.conversation, "conversation").id, "conversation.id") : null;
  if (!nested && /^(conversation|webwidget)_/.test(body.event)) identity(body.id, "id");
  if (body.event !== "message_created") return null;
  const text = body.content ?? "";
  if (typeof text !== "string") throw new Refused(400, "content: text is needed");
  return [conversation, identity(body.id, "id"), text];
}

async function store([conversation, id, text]) {
  let known = rows.get(conversation) ?? [];
  const isKnown = known.some((row) => row[0] === id);
  await query();
  if (isKnown) return;
  if (BUG === "look") known = rows.get(conversation) ?? [];
  rows.set(conversation, [...known, [id, text]]);
}

function storeInTurn(said) {
  if (BUG) return store(said);
  const turn = (queues.get(said[0]) ?? Promise.resolve()).then(() => store(said));
  queues.set(said[0], turn);
  return turn;
}

function answer(response, status, body) {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

const server = http.createServer(async (request, response) => {
  try {
    if (request.method === "GET") {
      const kept = rows.get(decodeURIComponent(request.url.split("/").pop()));
      const texts = (kept ?? []).toSorted((one, other) => one[0] - other[0]).map((row) => row[1]);
      return answer(response, kept ? 200 : 404, { texts });
    }
    const said = message(await read(request));
    if (said) await storeInTurn(said);
    answer(response, 200, { message: "kept" });
  } catch (error) {
    request.resume();
    answer(response, error.status ?? 500, { message: error.message });
  }
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
