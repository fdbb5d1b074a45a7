/**
 * Faults that are switched on by hand for the next deliveries.
 */

import { put } from "../api.js";
import { badge, busy, field, h, say } from "../dom.js";
import { faultsField } from "./faults-field.js";
import { commas, input, submits } from "./forms.js";

/** The panel, and `update(document)` for what `GET faults` tells. */
export function faultsPanel(armed) {
  const chosen = faultsField(armed.known, { id: "armed", ofRun: false });
  const events = input("armed-events", { type: "text", placeholder: "all" }, "/events");
  const deliveries = input(
    "armed-deliveries",
    { type: "number", min: "1", max: "1000000", placeholder: "until switched off" },
    "/deliveries",
  );
  const now = h("p", { dataset: { test: "armed" } });
  const off = h(
    "button",
    {
      type: "button",
      dataset: { test: "faults-off" },
      on: {
        click: () =>
          busy(off, async () => {
            update(await put("faults", { faults: [] }));
            say("No faults are on.");
          }),
      },
    },
    "Switch all off",
  );
  const form = h(
    "form",
    { class: "form" },
    chosen.element,
    field("For so many deliveries", deliveries),
    field("Only these events", events, "With commas between them."),
    h(
      "p",
      { class: "actions whole" },
      h("button", { type: "submit", class: "primary", dataset: { test: "faults-on" } }, "Switch on"),
      off,
    ),
  );
  submits(form, async () => {
    const faults = chosen.value();
    if (!faults.length) throw new Error("Add a fault first.");
    const only = commas(events.value);
    update(
      await put("faults", {
        faults,
        events: only.length ? only : undefined,
        deliveries: deliveries.value ? Number(deliveries.value) : null,
      }),
    );
    say(`Switched on: ${faults.join(", ")}.`);
  });
  function update(on) {
    const count =
      on.deliveries === null
        ? "until they are switched off"
        : `for ${on.deliveries} more ${on.deliveries === 1 ? "delivery" : "deliveries"}`;
    const only = on.events ? `, only ${on.events.join(", ")}` : "";
    now.replaceChildren(
      ...(on.faults.length
        ? ["On: ", ...on.faults.flatMap((one) => [badge(one), " "]), count + only]
        : ["No faults are on."]),
    );
    off.hidden = !on.faults.length;
  }
  update(armed);
  return { panel: h("section", { class: "panel stack" }, h("h2", {}, "Faults for the next deliveries"), now, form), update };
}
