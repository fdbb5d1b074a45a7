/** The filters of a list: fields whose values stand in the address, so that a filtered list can be kept and shared. */

import { h } from "../dom.js";

const WAIT = 250;

/**
 * Folds the fields of a form on a phone, where a button tells how many of them are set and opens them. Returns a function
 * that counts anew.
 */
export function foldable(form) {
  const button = h("button", { type: "button", class: "filters-fold", "aria-expanded": "false", on: { click: toggle } });
  function toggle() {
    const open = form.classList.toggle("is-open");
    button.setAttribute("aria-expanded", String(open));
    count();
  }
  function count() {
    const set = [...form.querySelectorAll("input, select")].filter((control) => control.value.trim() !== "").length;
    const open = form.classList.contains("is-open");
    button.textContent = `${open ? "Hide filters" : "Filters"}${set ? ` (${set} set)` : ""} ${open ? "▴" : "▾"}`;
  }
  form.prepend(button);
  form.addEventListener("input", count);
  form.addEventListener("change", count);
  count();
  return count;
}

/**
 * A row of fields. `fields` are elements made by `field()`, each with one control whose `name` is the filter. `fixed`
 * are the filters without a field (of a link to this list); each gets a button that takes it away. `changed(filters)` is called when
 * something else is wanted.
 */
export function filterRow(section, fields, query, fixed, changed) {
  const rest = Object.fromEntries(fixed.filter((name) => query[name]).map((name) => [name, query[name]]));
  const chips = h("p", { class: "actions" });
  const form = h("form", { class: "filters", role: "search", "aria-label": `Filter ${section}`, on: { submit: go, input: soon, change: go } });
  form.append(...fields, h("button", { type: "button", id: "clear-filters", on: { click: none } }, "Clear filters"));
  for (const control of controls()) control.value = query[control.name] ?? "";
  const count = foldable(form);
  let timer = null;
  let last = "";

  function controls() {
    return [...form.querySelectorAll("input[name], select[name]")];
  }

  function values() {
    const given = controls().map((control) => [control.name, control.value.trim()]).filter(([, value]) => value !== "");
    return { ...rest, ...Object.fromEntries(given) };
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(go, WAIT);
  }

  function go(event) {
    event?.preventDefault();
    clearTimeout(timer);
    const wanted = values();
    const text = new URLSearchParams(wanted).toString();
    if (text === last) return;
    last = text;
    // The list changes in place: no new view, and no step for the back button with every letter.
    history.replaceState(history.state, "", `#/${section}${text ? `?${text}` : ""}`);
    changed(wanted);
  }

  function none() {
    for (const control of controls()) control.value = "";
    for (const name of Object.keys(rest)) delete rest[name];
    showChips();
    count();
    go();
  }

  function showChips() {
    chips.hidden = Object.keys(rest).length === 0;
    chips.replaceChildren(...Object.entries(rest).map(([name, value]) => {
      const off = () => {
        delete rest[name];
        showChips();
        go();
      };
      return h("button", { type: "button", "aria-label": `No longer only ${name} ${value}`, on: { click: off } }, `${name}: ${value} ✕`);
    }));
  }

  showChips();
  last = new URLSearchParams(values()).toString();
  return { form, chips, values, stop: () => clearTimeout(timer) };
}
