/** The form that sends an attempt again with another body, to another place or unsigned. Broken bodies can be sent too. */

import { field, h, problem, whileOff } from "../dom.js";
import { pretty } from "../json-lines.js";

/** `send(wanted)` sends; what it throws is shown in the form. `close()` takes the form away. */
export function resendForm(attempt, send, close) {
  const { text, encoding } = attempt.request.body;
  const body = h("textarea", { id: "resend-body", rows: 16, spellcheck: "false", value: encoding ? "" : text, "aria-describedby": "resend-told", on: { input: judge } });
  const told = h("p", { id: "resend-told", role: "status" });
  const to = h("input", { id: "resend-to", type: "url", placeholder: attempt.target });
  const sign = h("input", { id: "resend-sign", type: "checkbox", checked: true });
  const format = h("button", { type: "button", id: "resend-format", on: { click: () => { body.value = pretty(body.value); judge(); } } }, "Indent");
  const sendIt = h("button", { type: "submit", class: "primary", id: "resend-send" }, "Send");
  const failed = h("div");
  const element = h("form", { class: "panel stack", "aria-labelledby": "resend-title", on: { submit, keydown } },
    h("h2", { id: "resend-title" }, "Edit and resend"),
    encoding ? h("p", { class: "note" }, "The body is not UTF-8 and can't be edited here; what you write replaces it.") : null,
    h("p", { class: "field" }, h("label", { for: "resend-body" }, "Body"), body),
    told,
    field("To", to, "Empty: where it went before."),
    h("p", {}, h("label", {}, sign, " Sign it anew, where the target's secret is known")),
    failed,
    h("p", { class: "actions" }, sendIt, format, h("button", { type: "button", id: "resend-cancel", on: { click: close } }, "Cancel")));

  function judge() {
    let message = "Valid JSON.";
    try {
      JSON.parse(body.value);
    } catch (error) {
      message = `No JSON: ${error.message}. It can be sent all the same.`;
    }
    told.textContent = body.value === text && !encoding ? "Unchanged." : message;
    told.classList.toggle("tone-warn", message !== "Valid JSON.");
  }

  async function submit(event) {
    event.preventDefault();
    const changed = encoding ? body.value !== "" : body.value !== text;
    const wanted = { sign: sign.checked, ...(changed ? { body: body.value } : {}), ...(to.value ? { to: to.value } : {}) };
    failed.replaceChildren();
    try {
      await whileOff(sendIt, () => send(wanted));
    } catch (error) {
      failed.replaceChildren(problem(error));
    }
  }

  function keydown(event) {
    if (event.key === "Escape") close();
  }

  judge();
  return { element, focus: () => body.focus() };
}
