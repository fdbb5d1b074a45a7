/**
 * Speaks to the control API. Addresses are relative, so that the page works in every namespace.
 */

const TOKEN = "vendorsim-admin-token";

/** What the server refused, or that it can't be reached (status 0). `errors`: places, as the API tells them. */
export class Problem extends Error {
  constructor(status, title, detail, errors = []) {
    super(detail);
    Object.assign(this, { name: "Problem", status, title, detail, errors });
  }
}

/** The address of something of the API, with the query's values that are not empty. */
export function address(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `api/${path}${text ? `?${text}` : ""}`;
}

/** JSON documents. All throw Problem. */
export const get = (path, query, options) => json("GET", path, query, undefined, options);
export const post = (path, body = {}) => json("POST", path, {}, body);
export const put = (path, body = {}) => json("PUT", path, {}, body);
export const patch = (path, body = {}) => json("PATCH", path, {}, body);
export const del = (path, body = undefined) => json("DELETE", path, {}, body);

/** What is no JSON (a curl command, a scenario), as text. */
export async function text(path, query = {}) {
  return (await ask("GET", path, query)).text();
}

/** Saves what the API answers as a file: a link could not carry the token. */
export async function download(path, query, name) {
  save(await (await ask("GET", path, query)).blob(), name);
}

/** Saves a blob as a file. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** The bytes of a part of a file: the server takes no larger body. */
const PART = 1_000_000;

/** Sends a file, part by part. `told(bytes)` is called with what has arrived so far. Returns the upload, `{id, size}`. */
export async function upload(file, told = () => {}) {
  let found = null;
  do {
    const part = file.slice(found?.size ?? 0, (found?.size ?? 0) + PART, "application/octet-stream");
    const response = found === null ? await ask("POST", "uploads", {}, part) : await ask("PATCH", `uploads/${found.id}`, { offset: found.size }, part);
    found = await response.json();
    told(found.size);
  } while (found.size < file.size);
  return found;
}

async function json(method, path, query, body, options = {}) {
  const response = await ask(method, path, query ?? {}, body, options);
  return response.status === 204 ? null : response.json();
}

async function ask(method, path, query, body, { signal } = {}) {
  for (;;) {
    const token = sessionStorage.getItem(TOKEN);
    const response = await sent(method, address(path, query), body, token, signal);
    if (response.ok) return response;
    const found = await problemOf(response);
    if (response.status !== 401) throw found;
    // Another request may have got a new token meanwhile; then there is nothing to ask for.
    if (token === sessionStorage.getItem(TOKEN) && !(await askForToken(token !== null))) throw found;
  }
}

async function sent(method, url, body, token, signal) {
  const headers = { Accept: "application/json, text/plain, */*" };
  if (token !== null) headers.Authorization = `Bearer ${token}`;
  const isFile = body instanceof Blob;
  if (body !== undefined) headers["Content-Type"] = isFile ? body.type : "application/json";
  try {
    return await fetch(url, { method, headers, signal, body: body === undefined || isFile ? body : JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "Not reached", "The server can't be reached. Is vendorsim serve still running?");
  }
}

async function problemOf(response) {
  try {
    const told = await response.json();
    return new Problem(response.status, told.title ?? response.statusText, told.detail ?? told.message ?? "", told.errors);
  } catch {
    return new Problem(response.status, response.statusText, `The server answered ${response.status}.`);
  }
}

let asking = null;

/** Asks for the token, once for all requests that wait for it. Returns whether one was given. */
function askForToken(wasWrong) {
  asking ??= tokenFromDialog(wasWrong).finally(() => {
    asking = null;
  });
  return asking;
}

function tokenFromDialog(wasWrong) {
  const dialog = document.getElementById("token-dialog");
  const input = document.getElementById("token");
  document.getElementById("token-wrong").hidden = !wasWrong;
  input.value = "";
  return new Promise((resolve) => {
    const over = new AbortController();
    const listen = (node, event, does) => node.addEventListener(event, does, { signal: over.signal });
    let given = false;
    listen(document.getElementById("token-form"), "submit", (event) => {
      event.preventDefault();
      sessionStorage.setItem(TOKEN, input.value.trim());
      given = true;
      dialog.close();
    });
    listen(document.getElementById("token-cancel"), "click", () => dialog.close());
    listen(dialog, "close", () => {
      over.abort();
      resolve(given);
    });
    dialog.showModal();
  });
}
