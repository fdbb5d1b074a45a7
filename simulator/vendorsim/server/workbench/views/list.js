/**
 * A list of the journal: pages of 50 (25 on a phone), and what is new at the top by itself as long as somebody looks at the top.
 *
 * There are never more than MOST_ROWS rows on the page. When more comes at once than anybody can read, it shows the
 * newest rows alone, and a whole page again when there is less. Whoever has scrolled, paged or paused is told how much is new,
 * and so is who has the focus in a row that would go.
 */

import { get } from "../api.js";
import { busy, clear, empty, h, problem, say, table } from "../dom.js";
import { follow } from "../live.js";

/** Rows of a page; fewer on a phone, so that a page is no more than a few screens. */
export const PAGE = matchMedia("(max-width: 700px)").matches ? 25 : 50;
const MOST_ROWS = 2 * PAGE;
/** So many rows fill a screen: of more at once only the newest are drawn. */
const SCREEN = 25;
/** Further down than this, in pixels, somebody reads; then nothing may move. */
const TOP = 160;
/** Milliseconds without new rows after which the next ones are lit up, and without too many after which all are shown. */
const CALM = 500;

/**
 * `row(item)` makes the `<tr>` of an item; `nothing(filtered)` what an empty list shows. Returns the list's elements,
 * `load(filters)`, which begins it anew, and `stop()`.
 */
export function liveList({ path, caption, headings, row, nothing }) {
  const { table: shown, body } = table(caption, headings);
  shown.firstElementChild.classList.add("dense");
  const place = h("div", { class: "stack" });
  const fresh = h("button", { type: "button", class: "primary", id: "show-new", hidden: true, on: { click: newest } }, "New");
  const pause = h("button", { type: "button", id: "pause", "aria-pressed": "false", on: { click: togglePause } }, "Pause");
  const button = (id, text, does) => h("button", { type: "button", id, on: { click: () => busy(buttons[id], does) } }, text);
  const buttons = {};
  buttons.newest = button("newest", "Newest", newest);
  buttons.newer = button("newer", "Newer", () => turn(before.slice(0, -1)));
  buttons.older = button("older", "Older", () => turn([...before, next]));
  const pager = h("nav", { class: "actions", "aria-label": "Pages" }, Object.values(buttons));

  let filters = {};
  let before = [];
  let next = null;
  let pending = 0;
  let uncounted = false;
  let paused = false;
  let stopFollowing = null;
  let loads = 0;
  let arrived = 0;
  let calm = null;

  /** Begins anew at the newest, with these filters. */
  async function load(wanted) {
    filters = wanted;
    stopFollowing?.();
    const mine = (loads += 1);
    try {
      const page = await get(path, { ...filters, after: 0, newest: true, limit: PAGE });
      if (mine !== loads) return;
      before = [];
      draw(page.items.reverse(), page.next);
      clearPending();
      watch(page.after);
    } catch (error) {
      if (mine !== loads) return;
      const again = h("button", { type: "button", on: { click: () => load(filters) } }, "Try again");
      clear(place).append(problem(error), h("p", { class: "actions" }, again));
    }
  }

  async function turn(cursors) {
    const mine = loads;
    const page = await get(path, { ...filters, limit: PAGE, cursor: cursors.at(-1) });
    if (mine !== loads) return;
    before = cursors;
    draw(page.items, page.next);
    if (before.length === 0) clearPending();
    if (before.length) scrollTo(0, 0);
  }

  /** Shows a page in place of what was shown. */
  function draw(items, below) {
    next = below;
    body.replaceChildren(...items.map(row));
    arrange();
  }

  function arrange() {
    buttons.newest.hidden = buttons.newer.hidden = before.length === 0;
    buttons.older.hidden = next === null;
    const isEmpty = body.childElementCount === 0;
    const filtered = Object.values(filters).some((value) => value !== "" && value !== undefined);
    const wanted = isEmpty ? [nothing(filtered)] : [shown, pager];
    if (isEmpty || !shown.isConnected) place.replaceChildren(...wanted);
  }

  function newest() {
    scrollTo(0, 0);
    return turn([]).catch((error) => say(error.detail ?? error.message, true));
  }

  function watch(after) {
    stopFollowing = follow(path, { ...filters, after }, async (items, below) => {
      const replaces = below !== null || body.childElementCount + items.length > MOST_ROWS;
      if (!isWatched() || (replaces && body.contains(document.activeElement))) count(items.length, below !== null);
      else if (below !== null) flood(items.reverse(), below);
      else if (replaces) await turn([]);
      else arrive(items);
    }, { most: SCREEN });
  }

  /** Shows the newest rows alone, and all of a page when that was the last time. */
  function flood(items, below) {
    clearTimeout(calm);
    draw(items, below);
    calm = setTimeout(() => {
      if (isWatched() && !body.contains(document.activeElement)) turn([]).catch((error) => say(error.detail ?? error.message, true));
    }, CALM);
  }

  /** Whether somebody sees what is new at the top. */
  function isWatched() {
    return !paused && before.length === 0 && scrollY < TOP;
  }

  /** Puts what is new above the rest. It is lit up, unless so much comes that the list would never be calm. */
  function arrive(items) {
    const now = performance.now();
    const seldom = now - arrived > CALM;
    arrived = now;
    for (const item of items) {
      // A page that was got anew may hold it already.
      if (body.querySelector(`[data-id="${item.id}"]`)) continue;
      const made = row(item);
      made.classList.toggle("is-new", seldom);
      body.prepend(made);
    }
    arrange();
  }

  function count(number, more) {
    pending += number;
    uncounted ||= more;
    fresh.textContent = `${pending}${uncounted ? "+" : ""} new`;
    fresh.hidden = false;
  }

  function clearPending() {
    pending = 0;
    uncounted = false;
    fresh.hidden = true;
  }

  function togglePause() {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    if (!paused && before.length === 0) newest();
  }

  function stop() {
    loads += 1;
    clearTimeout(calm);
    stopFollowing?.();
  }

  return { place, fresh, pause, load, stop };
}
