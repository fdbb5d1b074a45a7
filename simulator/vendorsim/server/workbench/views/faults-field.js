/**
 * Chooses faults: a list of rows, each a fault with its argument and how often it hits.
 */

import { h } from "../dom.js";

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
    const number = (count += 1);
    const name = h(
      "select",
      { id: `${id}-${number}`, "aria-label": "Fault" },
      offered.map((fault) => h("option", { value: fault.name }, fault.name)),
    );
    const argument = h("input", {
      id: `${id}-${number}-argument`,
      "aria-label": "Its argument",
      size: "14",
      autocomplete: "off",
    });
    const rate = h("input", {
      id: `${id}-${number}-rate`,
      "aria-label": "How often, in percent",
      type: "number",
      min: "0.1",
      max: "100",
      step: "any",
      value: "100",
    });
    const help = h("span", { class: "hint", id: `${id}-${number}-help` });
    const remove = h(
      "button",
      {
        type: "button",
        "aria-label": "Take this fault away",
        on: {
          click: () => {
            row.remove();
            more.focus();
          },
        },
      },
      "×",
    );
    const row = h("div", { class: "fault-row" }, name, argument, h("span", { class: "rate" }, rate, " %"), remove, help);
    const explain = () => {
      const fault = offered.find((one) => one.name === name.value);
      const example = fault.example.split("=")[1] ?? "";
      argument.value = example.split(",")[0];
      argument.hidden = !example;
      help.textContent = fault.help;
      name.setAttribute("aria-describedby", help.id);
    };
    name.addEventListener("change", explain);
    explain();
    rows.append(row);
    name.focus();
  }

  const more = h(
    "button",
    { type: "button", id: `${id}-add`, dataset: { test: `${id}-add`, pointer: "/faults" }, on: { click: add } },
    "Add a fault",
  );
  const element = h("fieldset", { class: "whole" }, h("legend", {}, "Faults"), rows, h("p", { class: "actions" }, more));
  return { element, value: () => [...rows.children].map(textOf) };
}

function textOf(row) {
  const [name, argument, rate] = row.querySelectorAll("select, input");
  const value = argument.value.trim();
  const share = Number(rate.value) / 100;
  return name.value + (argument.hidden || !value ? "" : `=${value}`) + (share >= 1 ? "" : `@${share}`);
}
