/** What is wrong in one line, and what to try: for a run, a conversation and a list. */

import { get } from "../api.js";
import { h } from "../dom.js";

/**
 * The line, as a panel; null where nothing is wrong. `filters` choose the deliveries that its link leads to, besides
 * event and verdict of the diagnosis. `only` is what the bodies that failed have and others have not; `compare` has the
 * numbers of an attempt that failed and of one that was accepted. `links`: more links.
 */
export function diagnosisPanel(diagnosis, filters, { only = [], compare = null, links = [] } = {}) {
  if (!diagnosis) return null;
  const { problem, remedy, event, verdict } = diagnosis;
  const query = new URLSearchParams(Object.entries({ ...filters, event, verdict }).filter(([, value]) => value));
  // What failed comes second, so that its lines are the new ones.
  const difference = compare ? h("a", { class: "button", href: `#/difference/${compare[1]}/${compare[0]}`, dataset: { test: "show-difference" } }, "Difference to one that was accepted") : null;
  const all = verdict ? [h("a", { class: "button", href: `#/deliveries?${query}`, dataset: { test: "show-failed" } }, "Show these deliveries"), difference, ...links] : links;
  return h(
    "section",
    { class: diagnosis.is_over ? "diagnosis is-over" : "diagnosis", "aria-label": "What is wrong", dataset: { test: "diagnosis" } },
    h("p", { class: "wrong" }, problem),
    only.length ? h("p", {}, "Only in the bodies that failed: ", only.map((one, i) => [i ? ", " : "", h("code", {}, one)]), ".") : null,
    h("p", {}, remedy),
    all.length ? h("p", { class: "actions" }, all) : null,
  );
}

/** The problem alone, for a row of a list. */
export function diagnosisLine(diagnosis) {
  return diagnosis ? h("span", { class: diagnosis.is_over ? "wrong-short is-over" : "wrong-short" }, diagnosis.problem) : null;
}

/**
 * A place that shows what is wrong with the deliveries that some filters find. `update(filters)` asks anew, and again
 * later when the last answer is still awaited.
 */
export function diagnosisPlace(made = () => ({})) {
  const place = h("div", {});
  let asked = "";
  let busy = false;
  let wanted = null;
  async function update(filters) {
    wanted = filters;
    if (busy) return;
    busy = true;
    try {
      while (wanted) {
        const now = wanted;
        wanted = null;
        const found = await get("diagnosis", now).catch(() => null);
        const shown = JSON.stringify([now, found]);
        if (wanted || shown === asked) continue;
        asked = shown;
        const panel = found && diagnosisPanel(found.diagnosis, now, { only: found.only, compare: found.compare, ...made(found) });
        place.replaceChildren(...(panel ? [panel] : []));
      }
    } finally {
      busy = false;
    }
  }
  return { place, update };
}
