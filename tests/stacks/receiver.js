// A receiver of Smartsupp's POST hook on Node, without any package: `node receiver.js [bug]`.
"use strict";
const http = require("node:http");

const LARGEST_BODY = 1024 * 1024;
const BUG = process.argv[2];
const chats = new Map();

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

function contentType(request) {
  if (BUG === "spelled-header") {
    // The bug: what the vendor calls the header today is no promise.
    const at = request.rawHeaders.indexOf("Content-Type");
    return at < 0 ? "" : request.rawHeaders[at + 1];
  }
  return request.headers["content-type"] ?? "";
}

async function read(request) {
  if (!/^application\/json\s*(;|$)/i.test(contentType(request))) {
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

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function keep(body) {
  if (!isObject(body) || !isObject(body.channel) || !Number.isInteger(body.channel.id)) {
    throw new Refused(400, "channel.id: an integer is needed");
  }
  if (!Array.isArray(body.messages) || !body.messages.every(isObject)) {
    throw new Refused(400, "messages: a list of objects is needed");
  }
  const texts = body.messages.filter((message) => message.type !== "system").map((message) => message.content);
  if (!texts.every((text) => typeof text === "string")) throw new Refused(400, "content: text is needed");
  chats.set(body.channel.id, { texts, rating: body.channel.rating ?? null });
}

function answer(response, status, message) {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify({ message }));
}

const server = http.createServer(async (request, response) => {
  try {
    keep(await read(request));
    answer(response, 200, "kept");
  } catch (error) {
    request.resume();
    answer(response, error.status ?? 500, error.message);
  }
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
