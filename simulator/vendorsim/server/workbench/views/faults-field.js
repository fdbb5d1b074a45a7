/**
 * Chooses faults: a list of rows, each a fault with its argument and how often it hits.
 */

import { clear, field, h, select } from "../dom.js";

/** Faults that belong to a run; they can't be switched on for what is already under way. */
const OF_A_RUN = new Set(["quirk", "signature"]);

/**
 * @param known the faults there are, as `GET faults` tells
 * @param options `id`: what ids begin with; `ofRun`: whether those that belong to a run are offered
 * @returns `element`, and `value()`: texts such as `delay=30s@0.5`
 */
export function faultsField(known, { id, ofRun }) {
  const offered = known.filter((fault) => ofRun || !OF_A_RUN.has(fault.name));
  const rows = h("div", { class: "stack" });
  let count = 0;

  function add() {
    const mine = (count += 1);
    const own = (part) => `${id}-${mine}${part}`;
    const name = h(
      "select",
      { id: own("") },
      offered.map((fault) => h("option", { value: fault.name }, fault.name)),
    );
    const place = h("div", { class: "argument" });
    const rate = h("input", { id: own("-rate"), type: "number", min: "0.1", max: "100", step: "any", value: "100", required: true });
    const help = h("span", { class: "hint whole", id: own("-help") });
    const remove = h(
      "button",
      {
        type: "button",
        "aria-label": "Take this fault away",
        on: {
          click: () => {
            row.remove();
            number();
            more.focus();
          },
        },
      },
      "×",
    );
    const row = h("div", { class: "fault-row" }, field("Fault", name), place, field("How often, in %", rate), remove, help);
    const explain = () => {
      const fault = offered.find((one) => one.name === name.value);
      clear(place);
      if (fault.argument) place.append(field(fault.argument, argumentOf(fault, own("-argument"))));
      help.textContent = fault.help;
      name.setAttribute("aria-describedby", help.id);
      number();
    };
    name.addEventListener("change", explain);
    rows.append(row);
    explain();
    name.focus();
  }

  /** A fault that is refused is told at its argument, or at its name if it has none. */
  function number() {
    [...rows.children].forEach((row, position) => {
      const controls = [...row.querySelectorAll("select, input")];
      for (const one of controls) delete one.dataset.pointer;
      (row.querySelector(".argument :is(select, input)") ?? controls[0]).dataset.pointer = `/faults/${position}`;
    });
  }

  const more = h(
    "button",
    { type: "button", id: `${id}-add`, dataset: { test: `${id}-add`, pointer: "/faults" }, on: { click: add } },
    "Add a fault",
  );
  const element = h("fieldset", { class: "whole" }, h("legend", {}, "Faults"), rows, h("p", { class: "actions" }, more));
  return { element, value: () => [...rows.children].map(textOf) };
}

/** The field of a fault's argument: a choice, or a text that begins with the example's. */
function argumentOf({ example, choices }, id) {
  const first = example.split("=")[1] ?? "";
  if (choices.length) return select(id, choices, first);
  return h("input", { id, size: "14", autocomplete: "off", value: first });
}

function textOf(row) {
  const value = row.querySelector(".argument :is(input, select)")?.value.trim();
  const share = Number(row.querySelector("input[type=number]").value) / 100;
  return row.querySelector("select").value + (value ? `=${value}` : "") + (share >= 1 ? "" : `@${share}`);
}
