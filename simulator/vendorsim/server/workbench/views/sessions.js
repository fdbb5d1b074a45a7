/**
 * Sessions of `end_user`: what is set for them by hand, who was identified, and what the next call is told.
 */

import { get, patch, post } from "../api.js";
import { badge, busy, cell, clear, empty, field, h, labelled, minor, say, table } from "../dom.js";
import { repeat } from "../live.js";
import { answerSelect, nextAnswers } from "./answers.js";
import { check, input, keepFocus, submits } from "./forms.js";
import { PAGE } from "./list.js";

export const title = "Sessions";

export async function show(place) {
  const first = await get("end-user/answers");
  const list = h("div", { class: "stack" });
  const next = nextAnswers(first);
  const view = { cursors: [], drawn: "" };

  async function load(signal) {
    const cursor = view.cursors.at(-1);
    const [page, forced] = await Promise.all([
      get("sessions", { cursor, limit: PAGE }, { signal }),
      get("end-user/answers", {}, { signal }),
    ]);
    next.update(forced.answers);
    const now = JSON.stringify([cursor, page]);
    if (now === view.drawn || cursor !== view.cursors.at(-1)) return;
    view.drawn = now;
    keepFocus(list, () => draw(page));
  }

  function draw({ items, next: following }) {
    const turn = (label, test, does) =>
      h(
        "button",
        {
          type: "button",
          id: `page-${test}`,
          dataset: { test },
          on: {
            click: () => {
              does();
              return load();
            },
          },
        },
        label,
      );
    clear(list).append(
      items.length
        ? rows(items, first.known, load)
        : empty(
            "No sessions yet",
            "A session appears here when a scenario starts a chat or a call, or when you create one below.",
          ),
      h(
        "p",
        { class: "actions" },
        view.cursors.length ? turn("First", "first", () => (view.cursors = [])) : null,
        following ? turn("More", "more", () => view.cursors.push(following)) : null,
      ),
    );
  }

  place.append(
    h("div", { class: "heading" }, h("h1", {}, "Sessions of end_user")),
    list,
    h("div", { class: "columns" }, next.panel, create(first.known, load)),
  );
  await load();
  return repeat(load, { every: 2_000, first: 2_000 });
}

function create(known, load) {
  const id = input("session-id", { type: "text", required: true, maxlength: "200" }, "/id");
  const ended = check("session-ended", "It has already ended");
  const crm = check("session-crm", "CRM requests are supported (crm_supported)", true);
  const answer = answerSelect("session-answer", known, "by the vendor's rules");
  answer.removeAttribute("aria-label");
  const form = h(
    "form",
    { class: "form" },
    field("Id", id, "The id of the chat or the call, as in the path of the request."),
    field("Next answer", answer),
    h("div", { class: "whole" }, ended.line, crm.line),
    h(
      "p",
      { class: "actions whole" },
      h("button", { type: "submit", dataset: { test: "create-session" } }, "Create"),
    ),
  );
  submits(form, async () => {
    const made = await post("sessions", {
      id: id.value,
      ended: ended.box.checked,
      crm_supported: crm.box.checked,
      answers: answer.value ? [answer.value] : [],
    });
    say(`Session ${made.id} was created.`);
    form.reset();
    await load();
  });
  return h("section", { class: "panel" }, h("h2", {}, "Create a session"), form);
}

function rows(items, known, load) {
  const { table: whole, body } = table("Sessions", [
    "Session",
    "Channel",
    "State",
    "CRM support",
    "Identified",
    "Next answers",
    "Change",
  ]);
  for (const one of items) {
    const change = async (button, what, told) =>
      busy(button, async () => {
        await patch(`sessions/${encodeURIComponent(one.id)}`, what);
        say(told);
        await load();
      });
    const end = h(
      "button",
      {
        type: "button",
        id: `end-${one.id}`,
        dataset: { test: "end" },
        "aria-label": `${one.ended ? "Reopen" : "End"} ${one.id}`,
        on: { click: () => change(end, { ended: !one.ended }, `Session ${one.id} ${one.ended ? "is open again" : "has ended"}.`) },
      },
      one.ended ? "Reopen" : "End",
    );
    const crm = h(
      "button",
      {
        type: "button",
        id: `crm-${one.id}`,
        dataset: { test: "crm" },
        "aria-pressed": String(one.crm_supported),
        "aria-label": `CRM support of ${one.id}`,
        on: {
          click: () =>
            change(
              crm,
              { crm_supported: !one.crm_supported },
              `CRM support of ${one.id} is ${one.crm_supported ? "off" : "on"}.`,
            ),
        },
      },
      one.crm_supported ? "on" : "off",
    );
    const force = answerSelect(`answer-${one.id}`, known, "force an answer …", `Force an answer for ${one.id}`);
    force.addEventListener(
      "change",
      () =>
        force.value &&
        change(force, { answers: [...one.answers, force.value] }, `Session ${one.id}: ${force.value} is the answer of its next call.`),
    );
    const forget = one.answers.length
      ? h(
          "button",
          {
            type: "button",
            id: `forget-${one.id}`,
            "aria-label": `Forget the answers of ${one.id}`,
            on: { click: () => change(forget, { answers: [] }, `Session ${one.id}: calls are answered by the vendor's rules.`) },
          },
          "×",
        )
      : null;
    const who = one.end_user ? Object.entries(one.end_user).map(([name, value]) => h("div", {}, `${name}: ${value}`)) : "–";
    body.append(
      h(
        "tr",
        { dataset: { session: one.id } },
        cell("Session", h("code", {}, one.id)),
        one.channel ? cell("Channel", one.channel) : minor(cell("Channel", "–")),
        cell("State", badge(one.ended ? "ended" : "active"), one.played ? h("span", { class: "muted nowrap" }, " in a run") : ""),
        labelled(cell("CRM", crm)),
        one.end_user ? cell("Identified", who) : minor(cell("Identified", who)),
        cell(
          "Next answers",
          one.answers.map((name) => [badge(name), " "]),
          forget,
        ),
        cell("Change", h("span", { class: "actions" }, end, force)),
      ),
    );
  }
  return whole;
}
