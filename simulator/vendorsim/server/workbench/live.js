/**
 * Follows what changes while somebody looks at the page: lists of the journal, whose server answers as soon as there is
 * something new, and all else once a second.
 *
 * The server is asked anew only after it has answered and the page has shown it, so a slow browser asks less often; it
 * never holds anything up.
 */

import { get } from "./api.js";
import { say } from "./dom.js";

const EVERY = 1_000;
const SLOWEST = 15_000;
/** Milliseconds from one drawing of a list to the next. */
const PACE = 33;
/** Seconds for which the server may wait for something new. A request that waits holds one of the browser's connections. */
const WAIT = 2;
/** So many items are asked for at once. */
const MOST = 50;

/**
 * Follows a list, beginning after `query.after` (0: all). `onItems(items, next)` gets what is new, the oldest first. When
 * there is more than `most`, it gets the newest, and `next` is the cursor of the page below them; else null. `pace`:
 * milliseconds from one time to the next, at least. Returns a function that stops.
 */
export function follow(path, query, onItems, { most = MOST, pace = PACE } = {}) {
  let { after = 0 } = query;
  return repeat(async (signal) => {
    const asked = performance.now();
    const page = await get(path, { ...query, after, limit: most, newest: true, wait: WAIT }, { signal });
    if (signal.aborted) return undefined;
    after = page.after;
    if (page.items.length) {
      await onItems(page.items, page.next);
      await drawn();
    }
    const took = performance.now() - asked;
    // A server that can't wait for what is new is asked each second.
    return Math.max(0, (page.items.length ? pace : EVERY) - took);
  }, { first: 0 });
}

/** Waits for the next frame. */
function drawn() {
  return new Promise((done) => requestAnimationFrame(done));
}

/**
 * Does `action(signal)` each second while the document can be seen, or after the milliseconds that it returns; less
 * often when it fails, and says so. Returns a function that stops. `first`: milliseconds to wait before the first time;
 * `quiet`: failures are not said.
 */
export function repeat(action, { every = EVERY, first = 0, quiet = false } = {}) {
  const stopped = new AbortController();
  let failures = 0;
  let timer = null;
  let busy = false;

  const later = (wait) => {
    timer = stopped.signal.aborted ? null : setTimeout(turn, wait);
  };
  const turn = async () => {
    timer = null;
    if (document.hidden || stopped.signal.aborted) return;
    busy = true;
    let next;
    try {
      next = await action(stopped.signal);
      if (failures && !quiet) say("The server answers again.");
      failures = 0;
    } catch (error) {
      if (stopped.signal.aborted) return;
      failures += 1;
      if (!quiet) say(`${error.detail ?? error.message} Trying again in ${Math.round(pause(failures) / 1000)} s.`, true);
    } finally {
      busy = false;
    }
    later(failures ? pause(failures) : (next ?? every));
  };
  const seen = () => {
    if (!document.hidden && !busy && timer === null) later(0);
  };
  const pause = (times) => Math.min(SLOWEST, every * 2 ** times);

  document.addEventListener("visibilitychange", seen, { signal: stopped.signal });
  later(first);
  return () => {
    stopped.abort();
    clearTimeout(timer);
  };
}
