/**
 * The steps that can be carried out by hand, with their arguments. A scenario has the same verbs
 * (docs/scenario-format.md); what is not here can be written out under "Another step".
 */

const by = (hint) => ({ name: "by", label: "By", kind: "agent", hint });
const agent = { name: "agent", label: "Agent", kind: "agent", required: true, hint: "Its key in the cast." };
const text = (extra = {}) => ({ name: "text", label: "Text", kind: "long", ...extra });
const message = { name: "message", label: "Message", kind: "number", required: true, hint: "1 is the first, -1 the last." };

/** By name: its label, its fields, and `make`, where the step is more than a mapping of what is filled in. */
export const VERBS = {
  say: { label: "say – write a message", fields: [by("Empty: the visitor."), text({ hint: "The button sends an empty one with a text that is made up." })] },
  note: { label: "note – a private note", fields: [by("Empty: the agent who is there."), text()] },
  join: { label: "join – an agent comes in", fields: [agent] },
  leave: { label: "leave – an agent goes", fields: [agent] },
  assign: {
    label: "assign – to an agent",
    fields: [{ ...agent, required: false, hint: "Empty: takes it from whoever has it." }],
    make: ({ agent: to }) => to || null,
  },
  close: {
    label: "close – end the conversation",
    fields: [by("visitor, timeout or an agent. Empty: the agent who is there, else the visitor.")],
  },
  reopen: { label: "reopen", fields: [] },
  snooze: { label: "snooze – put off", fields: [] },
  pend: { label: "pend – wait for something else", fields: [] },
  miss: { label: "miss – nobody has answered", fields: [] },
  send_to_api: { label: "send_to_api – manual send", fields: [] },
  rate: {
    label: "rate",
    fields: [
      { name: "score", label: "Score", kind: "choice", options: ["5", "4", "3", "2", "1"] },
      text({ name: "comment", label: "Comment" }),
    ],
    make: ({ score, comment }) => ({ score: Number(score), ...(comment && { comment }) }),
  },
  feedback: { label: "feedback", fields: [text({ required: true })] },
  label: {
    label: "label – set the labels",
    fields: [{ name: "labels", label: "Labels", kind: "text", required: true, hint: "With commas between them." }],
    make: ({ labels }) =>
      labels
        .split(",")
        .map((one) => one.trim())
        .filter(Boolean),
  },
  edit: {
    label: "edit – another text for a message",
    fields: [message, text({ required: true })],
    make: ({ message: which, text: to }) => ({ message: numbered(which), text: to }),
  },
  delete: { label: "delete – a message", fields: [message], make: ({ message: which }) => ({ message: numbered(which) }) },
  read: { label: "read – everything so far", fields: [by("Empty: the visitor.")] },
  typing: {
    label: "typing",
    fields: [by("Empty: the visitor."), { name: "active", label: "It", kind: "choice", options: ["starts", "stops"] }],
    make: ({ by: who, active }) => ({ ...(who && { by: who }), active: active === "starts" }),
  },
  trigger: { label: "trigger – an automatic message", fields: [text()] },
  offline_message: { label: "offline_message", fields: [text()] },
  operator: {
    label: "operator – presence changes",
    fields: [
      { ...agent, name: "who" },
      { name: "goes", label: "Goes", kind: "choice", options: ["online", "offline", "away", "back"] },
    ],
  },
  other: {
    label: "Another step …",
    fields: [
      {
        name: "step",
        label: "The step as JSON",
        kind: "long",
        rows: 3,
        required: true,
        hint: 'As a scenario writes it: {"attributes": {"plan": "pro"}}',
      },
    ],
  },
};

/** The step as the API wants it. Raises an Error for JSON that can't be read. */
export function stepOf(verb, values) {
  if (verb === "other") return parsed(values.step);
  const { fields, make } = VERBS[verb];
  if (!fields.length) return verb;
  if (make) return { [verb]: make(values) };
  const given = Object.entries(values).filter(([, value]) => value !== "");
  return given.length ? { [verb]: Object.fromEntries(given) } : verb;
}

function numbered(text) {
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

function parsed(json) {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new Error(`This is no JSON: ${error.message}`);
  }
}
