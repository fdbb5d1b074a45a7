/**
 * The example: a run against the receiver that the server has built in.
 */

import { post } from "./api.js";
import { say } from "./dom.js";

/** Starts the example and shows its run. `failing`: against an address that answers 500. */
export async function playExample({ failing }) {
  try {
    const run = await post("example-run", { failing });
    location.hash = `#/runs/${run.id}`;
  } catch (error) {
    say(error.detail ?? error.message, true);
  }
}

/** Whether a target is the example receiver. */
export function isExample(url) {
  return /^http:\/\/127\.0\.0\.1:\d+\/example-receiver(?:\/|$)/.test(url);
}
