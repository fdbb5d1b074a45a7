/**
 * The frame: which view an address means, its title, where the focus goes, and what is shown while a view loads and when
 * it fails.
 */

import { Problem, get } from "./api.js";
import { clear, h, problem, say } from "./dom.js";
import { listenForKeys } from "./keys.js";
import { repeat } from "./live.js";

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
  ["captures", "./views/captures.js"],
  ["captures/new", "./views/capture-new.js"],
  ["captures/open", "./views/capture-open.js"],
  ["captures/:id", "./views/capture.js"],
  ["runs/:id/states/:number", "./views/state.js"],
  ["scenarios", "./views/scenarios.js"],
  ["scenarios/:name", "./views/editor.js"],
  ["sessions", "./views/sessions.js"],
  ["targets", "./views/targets.js"],
];

const HOME = "#/deliveries";
/** After so many milliseconds a view that is not there yet is announced; after the second, that the server is slow. */
const PATIENCE = 250;
const LONG = 8_000;
/** How often a server that can't be reached is asked again, in milliseconds. */
const AGAIN = 3_000;

const view = document.getElementById("view");
const nav = document.getElementById("nav");
const menu = document.getElementById("menu");
let shown = 0;
let end = null;
let arrived = () => {};

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
  openMenu(false);
  markSection(found?.section);
  // The announcement of a view that is not wanted any more must not come over the one that is.
  arrived();
  const mine = (arrived = announce());
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
    end = fail(clear(place), error);
  } finally {
    mine();
  }
  view.replaceChildren(place);
  view.removeAttribute("aria-busy");
  if (turn > 1) focusHeading();
}

/** Shows that a view is on its way, if it takes long. Returns a function that ends it. */
function announce() {
  const soon = setTimeout(() => {
    view.setAttribute("aria-busy", "true");
    const lines = Array.from({ length: 6 }, () => h("i", {}));
    view.replaceChildren(h("div", { class: "loading", dataset: { test: "loading" } }, h("p", { class: "muted", role: "status" }, "Loading …"), lines));
  }, PATIENCE);
  const late = setTimeout(() => say("The server takes long to answer. The view appears as soon as it does."), LONG);
  return () => {
    clearTimeout(soon);
    clearTimeout(late);
  };
}

function notLoaded(error) {
  console.error(error);
  throw new Problem(0, "Not loaded", "A file of this page can't be loaded. Is vendorsim serve still running?");
}

/** Headings of failures, by status; `0` is a server that does not answer. */
const FAILURES = {
  0: "The server does not answer",
  401: "The admin token is needed",
  404: "Not found",
};

/** Shows why a view can't be shown, and what to do. Returns a function that ends what it has begun, or null. */
function fail(place, error) {
  document.title = "Not shown · vendorsim";
  const label = error.status === 401 ? "Enter the token" : "Try again";
  const again = h("button", { type: "button", class: "primary", dataset: { test: "again" }, on: { click: () => show() } }, label);
  place.append(h("h1", {}, FAILURES[error.status] ?? "This can't be shown"), problem(error));
  const section = document.querySelector("#nav a[aria-current]");
  const back = section && section.hash !== location.hash ? h("a", { href: section.hash, class: "button" }, `All ${section.textContent.toLowerCase()}`) : null;
  place.append(h("p", { class: "actions" }, again, back, h("a", { href: HOME, class: "button" }, "To the deliveries")));
  if (error.status !== 0) return null;
  place.append(h("p", { class: "muted" }, "The page asks again by itself, and shows the view when the server answers."));
  return repeat(async (signal) => {
    await get("health", {}, { signal }).catch((still) => {
      if (still.status === 0 || still.name === "AbortError") throw still;
    });
    show();
  }, { every: AGAIN, first: AGAIN, quiet: true });
}

function focusHeading() {
  scrollTo(0, 0);
  const heading = view.querySelector("h1") ?? view;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

function markSection(section) {
  const name = section === "difference" ? "deliveries" : section;
  let current = "Menu";
  for (const link of nav.querySelectorAll("a")) {
    if (link.hash === `#/${name}`) {
      link.setAttribute("aria-current", "page");
      current = link.textContent;
    } else link.removeAttribute("aria-current");
  }
  menu.replaceChildren(h("span", { class: "unseen" }, "Menu: "), current, h("span", { "aria-hidden": "true" }, " ▾"));
}

/** The navigation of a narrow window opens below the header. */
function openMenu(open) {
  nav.classList.toggle("is-open", open);
  menu.setAttribute("aria-expanded", String(open));
}

function listenToMenu() {
  const isOpen = () => nav.classList.contains("is-open");
  menu.addEventListener("click", () => {
    openMenu(!isOpen());
    if (isOpen()) (nav.querySelector("[aria-current]") ?? nav.querySelector("a")).focus();
  });
  nav.addEventListener("click", () => openMenu(false));
  document.addEventListener("click", ({ target }) => {
    if (!nav.contains(target) && !menu.contains(target)) openMenu(false);
  });
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !isOpen()) return;
    openMenu(false);
    menu.focus();
  });
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
listenToMenu();
listenForKeys();
showNamespace();
await show();
// Who has not given the token is not asked twice.
if (end !== null) await showHealth().catch(() => {});
