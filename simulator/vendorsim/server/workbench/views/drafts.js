/**
 * Texts of scenarios that were changed here: kept in this tab until it is closed, by the scenario's name.
 */

const PREFIX = "vendorsim-draft-";

/** The text, or null. */
export function draft(name) {
  return sessionStorage.getItem(PREFIX + name);
}

/** Keeps a text. Returns whether there was room for it. */
export function keepDraft(name, text) {
  try {
    sessionStorage.setItem(PREFIX + name, text);
    return true;
  } catch {
    return false;
  }
}

/** Forgets a text. */
export function dropDraft(name) {
  sessionStorage.removeItem(PREFIX + name);
}

/** The names of all that are kept. */
export function drafts() {
  return Object.keys(sessionStorage)
    .filter((key) => key.startsWith(PREFIX))
    .map((key) => key.slice(PREFIX.length))
    .sort();
}
