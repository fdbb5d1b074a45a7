/**
 * Where the vendors' events go, faults that are switched on by hand, the seed, and the reset.
 */

import { del, get, post, put } from "../api.js";
import { busy, cell, clear, empty, field, h, labelled, minor, say, select, table, wide } from "../dom.js";
import { faultsPanel } from "./armed-faults.js";
import { vendors } from "./catalogue.js";
import { asking, commas, input, keepFocus, submits } from "./forms.js";
import { repeat } from "../live.js";

export const title = "Targets";

export async function show(place) {
  const [all, armed, health] = await Promise.all([vendors(), get("faults"), get("health")]);
  const list = h("div", { class: "stack" });
  const faults = faultsPanel(armed);
  let drawn = "";

  async function load(signal) {
    const [{ items }, on] = await Promise.all([get("targets", {}, { signal }), get("faults", {}, { signal })]);
    faults.update(on);
    if (JSON.stringify(items) === drawn) return;
    drawn = JSON.stringify(items);
    keepFocus(list, () =>
      clear(list).append(
        items.length
          ? rows(items, load)
          : empty(
              "No targets yet",
              "Add one below. Runs without an address of their own are sent to it, and so are the events that API calls cause.",
            ),
      ),
    );
  }

  place.append(
    h("div", { class: "heading" }, h("h1", {}, "Targets")),
    list,
    h("div", { class: "columns" }, addPanel(all, load), faults.panel, serverPanel(health, load)),
  );
  await load();
  return repeat(load, { every: 2_000, first: 2_000 });
}

function rows(items, load) {
  const { table: whole, body } = table("Targets by vendor", [
    "Vendor",
    "Number",
    "Address",
    "Events",
    "Kind",
    "Signed",
    "Hook",
    "Remove",
  ]);
  for (const one of items) {
    const remove = h(
      "button",
      {
        type: "button",
        id: `remove-${one.vendor}-${one.number}`,
        dataset: { test: "remove-target" },
        "aria-label": `Remove ${one.url} of ${one.vendor}`,
        on: {
          click: () =>
            busy(remove, async () => {
              await del(`targets/${encodeURIComponent(one.vendor)}/${one.number}`);
              say(`${one.vendor} sends nothing more to ${one.url}.`);
              await load();
            }),
        },
      },
      "Remove",
    );
    body.append(
      h(
        "tr",
        {},
        cell("Vendor", one.vendor),
        minor(cell("Number", String(one.number))),
        wide(cell("Address", h("code", {}, one.url))),
        labelled(cell("Events", one.events ? one.events.join(", ") : "all")),
        cell("Kind", one.kind),
        minor(cell("Signed", one.signed ? "yes" : "–")),
        labelled(cell("Hook", hook(one, load))),
        cell("Remove", remove),
      ),
    );
  }
  return whole;
}

/** What the vendor does with a target. One that it has switched off can be switched on, and gets what it has missed. */
function hook(one, load) {
  if (one.hook.state === "on") return "on";
  const place = `targets/${encodeURIComponent(one.vendor)}/${one.number}`;
  const on = h(
    "button",
    {
      type: "button",
      id: `switch-on-${one.vendor}-${one.number}`,
      dataset: { test: "switch-on-target" },
      "aria-label": `Switch on ${one.url} of ${one.vendor}, and send what it has missed`,
      on: {
        click: () =>
          busy(on, async () => {
            await post(`${place}/switch-on`);
            const { items } = await post(`${place}/redeliver`);
            say(`${one.vendor} sends to ${one.url} again; ${items.length} missed deliveries were sent.`);
            await load();
          }),
      },
    },
    "Switch on",
  );
  return h("div", {}, `off: it ${one.hook.off_because} `, on);
}

function addPanel(all, load) {
  const withEvents = all.filter((one) => one.profiles.some((profile) => profile.events.length));
  const vendor = select(
    "target-vendor",
    withEvents.map((one) => [one.name, one.title]),
  );
  const url = input("target-url", { type: "url", required: true, placeholder: "http://localhost:8000/hooks" }, "/url");
  const kind = h("select", { id: "target-kind", dataset: { pointer: "/kind" } });
  const events = input("target-events", { type: "text", placeholder: "all" }, "/events");
  const secret = input("target-secret", { type: "password", autocomplete: "new-password" }, "/secret");
  vendor.dataset.pointer = "/vendor";
  const kinds = () => {
    const found =
      withEvents
        .find((one) => one.name === vendor.value)
        ?.profiles.flatMap((profile) => profile.target_kinds.map((one) => one.name)) ?? [];
    clear(kind).append(...[...new Set(found)].map((name) => h("option", { value: name }, name)));
  };
  vendor.addEventListener("change", kinds);
  kinds();
  const form = h(
    "form",
    { class: "form", dataset: { test: "add-target" } },
    field("Vendor", vendor),
    field("Kind", kind),
    field("Address", url, "On this machine, or on a host that --allow-target names."),
    field("Only these events", events, "Names of events, separated by commas."),
    field("Secret", secret, "For vendors that sign their webhooks. It is not shown again."),
    h("p", { class: "actions whole" }, h("button", { type: "submit", class: "primary" }, "Add")),
  );
  submits(form, async () => {
    const only = commas(events.value);
    const made = await post("targets", {
      vendor: vendor.value,
      url: url.value.trim(),
      kind: kind.value,
      events: only.length ? only : undefined,
      secret: secret.value || undefined,
    });
    say(`${made.vendor} sends to ${made.url} from now on.`);
    for (const control of [url, events, secret]) control.value = "";
    await load();
  });
  return h("section", { class: "panel" }, h("h2", {}, "Add a target"), form);
}

function serverPanel(health, load) {
  const seed = input(
    "server-seed",
    { type: "number", min: "0", step: "1", required: true, value: String(health.seed) },
    "/seed",
  );
  const form = submits(
    h(
      "form",
      { class: "inline" },
      field("Seed", seed, "For runs and scenarios that give no seed."),
      h("button", { type: "submit", dataset: { test: "set-seed" } }, "Set"),
    ),
    async () => {
      const set = await put("seed", { seed: Number(seed.value) });
      say(`The seed is ${set.seed}.`);
    },
  );
  const reset = asking(
    "Reset …",
    "This stops all runs, and empties the lists, sessions and faults. Targets are again those of vendorsim.yaml.",
    "Yes, reset",
    async () => {
      try {
        await post("reset", {});
        say("Reset: all runs are stopped, and the lists are empty.");
        await load();
      } catch (error) {
        say(error.detail ?? error.message, true);
      }
    },
    { id: "reset", dataset: { test: "reset" } },
  );
  return h("section", { class: "panel stack" }, h("h2", {}, "This server"), form, h("p", {}, reset));
}
