/**
 * Follows a list: asks for what is new each second while somebody looks at the page.
 *
 * The server is asked anew only after it has answered and the page has shown it, so a slow browser asks less often; it
 * never holds anything up.
 */

import { get } from "./api.js";
import { say } from "./dom.js";

const EVERY = 1_000;
const SLOWEST = 15_000;
/** Turns after which a filtered list that stays silent begins after what others have sent meanwhile. */
const SILENT = 15;
/** So many items are asked for at once. */
export const MOST = 200;

/**
 * Polls `path?after=ID`, beginning after `query.after` (0: all). `onItems(items, more)` gets what is new, the oldest
 * first; `more` says that there is still more. It may return a number: the id to go on after, to skip what it does not
 * want to show. Returns a function that stops.
 */
export function follow(path, query, onItems) {
  query = { after: 0, ...query };
  let turns = 0;
  return repeat(async (signal) => {
    turns += 1;
    const head = turns % SILENT === 0 ? await headId(path, { signal }) : 0;
    for (let more = true; more && !signal.aborted; ) {
      const { items } = await get(path, { ...query, limit: MOST }, { signal });
      if (signal.aborted) return;
      if (!items.length) {
        query.after = Math.max(query.after, head);
        return;
      }
      more = items.length === MOST;
      const last = items[items.length - 1].id;
      query = { ...query, after: (await onItems(items, more)) ?? last };
    }
  }, { first: EVERY });
}

/** The highest id of a list; 0 where it is empty. */
export async function headId(path, options) {
  const { items } = await get(path, { limit: 1 }, options);
  return items[0]?.id ?? 0;
}

/**
 * Does `action(signal)` each second while the document can be seen; less often when it fails, and says so. Returns a
 * function that stops. `first`: milliseconds to wait before the first time; `quiet`: failures are not said.
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
    try {
      await action(stopped.signal);
      if (failures && !quiet) say("The server answers again.");
      failures = 0;
    } catch (error) {
      if (stopped.signal.aborted) return;
      failures += 1;
      if (!quiet) say(`${error.detail ?? error.message} Trying again in ${Math.round(pause(failures) / 1000)} s.`, true);
    } finally {
      busy = false;
    }
    later(failures ? pause(failures) : every);
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
