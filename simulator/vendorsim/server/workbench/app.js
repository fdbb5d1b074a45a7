/**
 * The frame: which view an address means, its title, where the focus goes, and what is shown when a view fails.
 */

import { Problem, get } from "./api.js";
import { clear, h, problem, say } from "./dom.js";

/** Patterns of addresses; `:name` is a part of the path. The first that fits counts. */
const ROUTES = [
  ["deliveries", "./views/deliveries.js"],
  ["deliveries/:id", "./views/delivery.js"],
  ["difference/:a/:b", "./views/difference.js"],
  ["calls", "./views/calls.js"],
  ["calls/:id", "./views/call.js"],
  ["conversations", "./views/conversations.js"],
  ["conversations/:vendor/:id", "./views/conversation.js"],
  ["runs", "./views/runs.js"],
  ["runs/new", "./views/run-new.js"],
  ["runs/:id", "./views/run.js"],
  ["checks", "./views/checks.js"],
  ["checks/new", "./views/check-new.js"],
  ["checks/:id", "./views/check.js"],
  ["scenarios", "./views/scenarios.js"],
  ["scenarios/:name", "./views/editor.js"],
  ["sessions", "./views/sessions.js"],
  ["targets", "./views/targets.js"],
];

const HOME = "#/deliveries";
const view = document.getElementById("view");
let shown = 0;
let end = null;

/** The module, the parameters and the query that an address means; null for none. */
function route(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const parts = path.split("/").filter(Boolean).map(decoded);
  for (const [pattern, module] of ROUTES) {
    const wanted = pattern.split("/");
    if (wanted.length !== parts.length) continue;
    if (!wanted.every((part, i) => part.startsWith(":") || part === parts[i])) continue;
    const params = Object.fromEntries(wanted.flatMap((part, i) => (part.startsWith(":") ? [[part.slice(1), parts[i]]] : [])));
    return { module, params, section: parts[0], query: Object.fromEntries(new URLSearchParams(query)) };
  }
  return null;
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

async function show() {
  if (!location.hash || location.hash === "#/") location.replace(HOME);
  const turn = (shown += 1);
  const found = route(location.hash);
  end?.();
  end = null;
  say("");
  markSection(found?.section);
  const place = h("div", { class: "view" });
  try {
    if (found === null) throw Object.assign(new Error("There is no such page here."), { status: 404 });
    const module = await import(found.module).catch(notLoaded);
    const title = typeof module.title === "function" ? module.title(found.params) : module.title;
    document.title = `${title} · vendorsim`;
    const stop = await module.show(place, found.params, found.query);
    // Somebody has gone on meanwhile: what was got ready is not wanted any more.
    if (turn !== shown) {
      stop?.();
      return;
    }
    end = stop ?? null;
  } catch (error) {
    if (turn !== shown) return;
    if (!(error instanceof Problem)) console.error(error);
    fail(clear(place), error);
  }
  view.replaceChildren(place);
  view.removeAttribute("aria-busy");
  if (turn > 1) focusHeading();
}

function notLoaded(error) {
  console.error(error);
  throw new Problem(0, "Not loaded", "A file of this page can't be loaded. Is vendorsim serve still running?");
}

function fail(place, error) {
  document.title = "Not shown · vendorsim";
  const again = h("button", { type: "button", class: "primary", dataset: { test: "again" }, on: { click: () => show() } }, "Try again");
  place.append(h("h1", {}, error.status === 404 ? "Not found" : "This can't be shown"), problem(error));
  place.append(h("p", { class: "actions" }, again, h("a", { href: HOME, class: "button" }, "To the deliveries")));
}

function focusHeading() {
  scrollTo(0, 0);
  const heading = view.querySelector("h1") ?? view;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

function markSection(section) {
  const name = section === "difference" ? "deliveries" : section;
  for (const link of document.querySelectorAll("#nav a")) {
    if (link.hash === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function showNamespace() {
  const name = /\/_ns\/([^/]+)\//.exec(location.pathname)?.[1];
  const place = document.getElementById("namespace");
  if (!name) return;
  place.textContent = `namespace ${decoded(name)}`;
  place.hidden = false;
}

async function showHealth() {
  const health = await get("health");
  document.getElementById("version").textContent = `vendorsim ${health.version}`;
  if (health.status !== "ok") say(`The journal can't be written: ${health.reason}`, true);
}

document.getElementById("skip").addEventListener("click", (event) => {
  // The address names the view; following the link would change it.
  event.preventDefault();
  view.focus();
});
addEventListener("hashchange", show);
showNamespace();
await show();
// Who has not given the token is not asked twice.
if (end !== null) await showHealth().catch(() => {});
