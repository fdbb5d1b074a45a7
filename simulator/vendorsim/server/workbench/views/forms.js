/**
 * Forms that say what is wrong at the field where it is wrong, and redrawing that keeps the focus.
 */

import { h, problem } from "../dom.js";

/** An input. `pointer` is where its value stands in the request, such as `/seed`. */
export function input(id, attributes = {}, pointer = undefined) {
  return h("input", { id, autocomplete: "off", ...attributes, dataset: pointer === undefined ? {} : { pointer } });
}

/** A list that is written with commas. */
export function commas(text) {
  return text
    .split(",")
    .map((one) => one.trim())
    .filter(Boolean);
}

/** The text of a control; undefined for none, which leaves it out of a request. */
export function filled(control) {
  return control.value.trim() || undefined;
}

/** The number in a control; undefined for none. */
export function numeric(control) {
  return control.value === "" ? undefined : Number(control.value);
}

/** A checkbox with its label beside it. */
export function check(id, label, checked = false) {
  const box = h("input", { type: "checkbox", id, checked });
  return { box, line: h("p", { class: "check" }, box, " ", h("label", { for: id }, label)) };
}

/** Runs the form's action when it is sent; shows what it refuses. The button is off meanwhile. */
export function submits(form, action) {
  form.noValidate = true;
  form.addEventListener("input", ({ target }) => unmark(target));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    forget(form);
    const broken = [...form.querySelectorAll("input, select, textarea")]
      .map((control) => ({ control, text: wrongWith(control) }))
      .filter(({ text }) => text);
    if (broken.length) {
      for (const { control, text } of broken) mark(control, text);
      focusOn(broken[0].control);
      return;
    }
    const button = event.submitter ?? form.querySelector("button[type=submit]");
    if (button) button.disabled = true;
    try {
      await action();
    } catch (error) {
      refuse(form, error);
    } finally {
      if (button) button.disabled = false;
    }
  });
  return form;
}

/** Shows a refusal: each place at its field, and what belongs to no field at the end of the form. */
export function refuse(form, error) {
  const controls = [];
  const elsewhere = [];
  for (const place of placesOf(error)) {
    const control = place.pointer === undefined ? null : nearest(form, place.pointer);
    if (control) {
      mark(control, place.detail);
      controls.push(control);
    } else {
      elsewhere.push(place);
    }
  }
  if (elsewhere.length || !controls.length) {
    const rest = { detail: error.detail ?? error.message, errors: elsewhere.map(withLine) };
    const told = h("div", { class: "refusal whole", tabindex: "-1" }, problem(rest));
    form.append(told);
    if (!controls.length) told.focus();
  }
  if (controls.length) focusOn(controls[0]);
}

/** Puts the focus on a control, and opens what it is folded in. */
function focusOn(control) {
  for (let fold = control.closest("details"); fold; fold = fold.parentNode.closest("details")) fold.open = true;
  control.focus();
}

/** What is wrong with the value of a control, in words, with an example; "" for nothing. */
function wrongWith(control) {
  if (control.closest("[hidden]")) return "";
  const { validity, placeholder, min, max, dataset } = control;
  const example = placeholder && !/\s/.test(placeholder) ? `, such as ${placeholder}` : "";
  if (validity.valueMissing) return `${dataset.missing ?? "Fill in this field"}${example}.`;
  const value = control.value.trim();
  if (control.type === "url" && value && !/^https?:\/\/[^/\s]/i.test(value)) return `“${value}” is not an address. Write it with http:// or https://${example}.`;
  if (validity.badInput || validity.stepMismatch) return "Write a whole number.";
  if (validity.rangeUnderflow || validity.rangeOverflow) return max ? `Write a number from ${min} to ${max}.` : `Write a number that is at least ${min}.`;
  return validity.valid ? "" : control.validationMessage;
}

/** Takes away what an earlier refusal has shown. */
export function forget(form) {
  for (const node of form.querySelectorAll(".refusal")) node.remove();
  for (const control of form.querySelectorAll("[aria-invalid]")) unmark(control);
}

function mark(control, text) {
  const id = `${control.id}-problem`;
  control.setAttribute("aria-invalid", "true");
  const described = new Set((control.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean));
  control.setAttribute("aria-describedby", [...described.add(id)].join(" "));
  const told = h("span", { class: "field-problem", id, role: "alert" }, text);
  (control.closest(".field, .check, fieldset") ?? control.parentNode).append(told);
}

/** What was wrong with a field is no longer said once it is changed. */
function unmark(control) {
  const told = document.getElementById(`${control.id}-problem`);
  if (!told) return;
  const others = (control.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id !== told.id);
  if (others.length) control.setAttribute("aria-describedby", others.join(" "));
  else control.removeAttribute("aria-describedby");
  told.remove();
  control.removeAttribute("aria-invalid");
}

function placesOf(error) {
  if (error.errors?.length) return error.errors;
  const found = /^(\/[^:\s]+): (.*)$/s.exec(error.detail ?? "");
  return found ? [{ pointer: found[1], detail: found[2] }] : [];
}

function withLine(place) {
  return place.line === undefined
    ? place
    : { ...place, detail: `line ${place.line}, column ${place.column}: ${place.detail}` };
}

/** The control whose pointer is the place, or the closest above it. */
function nearest(form, pointer) {
  const controls = [...form.querySelectorAll("[data-pointer]")].filter((control) => !control.closest("[hidden]"));
  for (let wanted = pointer; wanted; wanted = wanted.slice(0, wanted.lastIndexOf("/"))) {
    const found = controls.find((control) => control.dataset.pointer === wanted);
    if (found) return found;
  }
  return null;
}

/** Draws anew, and puts the focus on what stands in the place of what had it (by id, or by `data-test`). */
export function keepFocus(place, redraw) {
  const had = place.contains(document.activeElement) ? document.activeElement : null;
  const key =
    had &&
    (had.id ? `#${CSS.escape(had.id)}` : had.getAttribute("href") ? `[href="${CSS.escape(had.getAttribute("href"))}"]` : "");
  redraw();
  if (key) place.querySelector(key)?.focus({ preventScroll: true });
}

/** A button that asks before it does something that can't be undone. */
export function asking(label, question, yes, action, attributes = {}) {
  const place = h("span", { class: "asking" });
  const ask = h("button", { type: "button", class: "danger", ...attributes, on: { click: () => show() } }, label);
  function show() {
    const really = h(
      "button",
      { type: "button", class: "danger", dataset: { test: "really" }, on: { click: () => does() } },
      yes,
    );
    const rather = h("button", { type: "button", on: { click: () => back() } }, "Cancel");
    place.replaceChildren(h("span", { role: "alert" }, question), " ", really, " ", rather);
    rather.focus();
    async function does() {
      really.disabled = rather.disabled = true;
      await action();
      back();
    }
  }
  function back() {
    place.replaceChildren(ask);
    ask.focus();
  }
  place.append(ask);
  return place;
}
