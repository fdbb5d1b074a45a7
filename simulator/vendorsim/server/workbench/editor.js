/**
 * A text editor for YAML or JSON: colours, completion, and problems at their lines. It is CodeMirror, which is loaded when
 * an editor is first shown. It lives in a shadow root: there it may set its styles without inline styles in the page.
 */

import { h } from "./dom.js";

/** A text with more problems shows the first ones only. */
const MOST_PROBLEMS = 200;
const KEYS = "Tab leaves the editor, F8 goes to the next problem";

/**
 * @param options `id` of the text field; `label` for screen readers; `value`; `language`: yaml or json; `complete(text, at)`:
 *   what can stand there, as `{from, options}` or null; `changed(text)`: called after each change
 * @returns `element`; `value()`; `set(text)`; `focus()`; `go(line, column)` and `goTo(offset)`, which put the cursor there;
 *   `mark(problems)`, each with a `message` and its place, as `line` and `column` (from 1) or as `from` and `to` (offsets);
 *   `end()`, to be called when it is no longer needed
 */
export async function codeEditor({ id, label, value, language, complete = null, changed }) {
  const cm = await import("./codemirror/codemirror.js").catch(() => {
    throw new Error("The editor can't be loaded. Is vendorsim serve still running?");
  });
  const host = h("div", { class: `code-editor is-${language}`, dataset: { test: `${id}-editor` } });
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(FRAME);
  root.adoptedStyleSheets = [sheet];
  const told = h("p", { id: "keys" }, complete ? `${KEYS}, Ctrl-Space completes.` : `${KEYS}.`);
  const messages = messagesOf(cm);
  const view = new cm.EditorView({
    root,
    parent: root,
    state: cm.EditorState.create({
      doc: value,
      extensions: [
        cm.EditorState.lineSeparator.of("\n"),
        cm.EditorState.tabSize.of(2),
        cm.indentUnit.of("  "),
        cm.history(),
        cm.lintGutter(),
        cm.lineNumbers(),
        cm.highlightActiveLine(),
        cm.EditorView.lineWrapping,
        cm.EditorView.contentAttributes.of({ id, "aria-label": label, "aria-describedby": "keys", tabindex: "0" }),
        language === "yaml" ? [cm.yamlLanguage, cm.indentService.of(belowKey)] : cm.jsonLanguage,
        cm.syntaxHighlighting(colours(cm)),
        complete ? completion(cm, complete) : [],
        messages.field,
        cm.keymap.of([...problemKeys(cm), ...cm.completionKeymap, ...cm.historyKeymap, ...cm.standardKeymap]),
        cm.EditorView.domEventHandlers({ beforeinput: replaceSelected }),
        cm.EditorView.theme(THEME),
        cm.EditorView.updateListener.of((update) => {
          if (update.docChanged) changed(update.state.doc.toString());
        }),
      ],
    }),
  });
  root.append(told);
  // Outside, a key that is typed here seems to be pressed on the host: no shortcut of the page may take it for its own.
  host.addEventListener("keydown", (event) => {
    if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
  });
  const text = () => view.state.doc.toString();

  function set(to) {
    if (to !== text()) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: to } });
  }

  function mark(problems) {
    const shown = problems.slice(0, MOST_PROBLEMS).map((one) => ({ ...rangeOf(view.state.doc, one), severity: "error", message: one.message }));
    view.dispatch(cm.setDiagnostics(view.state, shown), { effects: messages.show.of(shown) });
    view.contentDOM.setAttribute("aria-invalid", String(problems.length > 0));
  }

  function goTo(from) {
    view.dispatch({ selection: { anchor: from }, effects: cm.EditorView.scrollIntoView(from, { y: "center" }) });
    view.focus();
  }

  const go = (line, column) => goTo(rangeOf(view.state.doc, { line, column }).from);

  return { element: host, value: text, set, mark, go, goTo, focus: () => view.focus(), end: () => view.destroy() };
}

/** Problems as a list of buttons that go there in the editor. Each has its `place` in words, too. */
export function problemList(problems, editor) {
  const item = (one) => {
    const go = () => (one.from === undefined ? editor.go(one.line, one.column) : editor.goTo(one.from));
    return h("li", {}, h("button", { type: "button", class: "jump", on: { click: go } }, h("span", { class: "mono" }, one.place), " ", one.message));
  };
  const more = problems.length - MOST_PROBLEMS;
  return h("ol", { class: "problems" }, problems.slice(0, MOST_PROBLEMS).map(item), more > 0 ? h("li", { class: "muted" }, `and ${more} more`) : null);
}

/** The offsets of a problem: those that it has, or from its column to the end of the word there. */
function rangeOf(doc, { line, column, from, to }) {
  if (from !== undefined) return { from: Math.min(from, doc.length), to: Math.min(to, doc.length) };
  const found = doc.line(Math.min(Math.max(line, 1), doc.lines));
  // Columns count characters; in this text, one beyond the basic plane (an emoji) counts twice.
  const before = Math.max(column, 1) - 1;
  const start = found.from + [...found.text.slice(0, 2 * before)].slice(0, before).join("").length;
  const word = /^(?:"[^"]*"|'[^']*'|[^\s,:[\]{}]+)/.exec(found.text.slice(start - found.from, start - found.from + 200));
  return { from: start, to: start + (word ? word[0].length : 0) };
}

/** The messages of problems behind their lines, until they are told anew. Screen readers have them by F8 and by the list. */
function messagesOf(cm) {
  class Message extends cm.WidgetType {
    constructor(text) {
      super();
      this.text = text;
    }
    eq(other) {
      return other.text === this.text;
    }
    toDOM() {
      return h("span", { class: "cm-message", "aria-hidden": "true" }, this.text);
    }
    ignoreEvent() {
      return true;
    }
  }
  const show = cm.StateEffect.define();
  function drawn(doc, problems) {
    const lines = new Map();
    for (const { from, message } of problems) {
      const { to } = doc.lineAt(from);
      lines.set(to, lines.has(to) ? `${lines.get(to)} · ${message}` : message);
    }
    const widgets = [...lines].map(([to, text]) => cm.Decoration.widget({ widget: new Message(text), side: 1 }).range(to));
    return cm.Decoration.set(widgets, true);
  }
  const field = cm.StateField.define({
    create: () => cm.Decoration.none,
    update: (now, change) => change.effects.reduce((kept, effect) => (effect.is(show) ? drawn(change.state.doc, effect.value) : kept), now.map(change.changes)),
    provide: (one) => cm.EditorView.decorations.from(one),
  });
  return { show, field };
}

/** F8 and Shift-F8 go to the next and the previous problem, and say it. */
function problemKeys(cm) {
  const going = (move) => (view) => {
    if (!move(view)) return false;
    const { from } = view.state.selection.main;
    let message = "";
    cm.forEachDiagnostic(view.state, (one, start) => {
      if (start === from) message ||= one.message;
    });
    view.dispatch({ effects: cm.EditorView.announce.of(message) });
    return true;
  };
  return [{ key: "F8", run: going(cm.nextDiagnostic), shift: going(cm.previousDiagnostic) }];
}

/** A line after `- key:` begins two columns right of the key; for other lines the language knows. */
function belowKey(context, at) {
  const found = /^(\s*(?:- +)*)[^#]*:\s*$/.exec(context.lineAt(at, -1).text);
  return found ? found[1].length + 2 : undefined;
}

/**
 * Replaces a selection by what is typed. A browser would do it, too, but gives the new text the styles of the old one as inline
 * styles, which the page's policy refuses.
 */
function replaceSelected(event, view) {
  if (event.inputType !== "insertText" || !event.data || view.composing || view.state.selection.main.empty) return false;
  event.preventDefault();
  view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
  return true;
}

function completion(cm, complete) {
  const source = ({ state, pos, explicit }) => {
    const found = complete(state.doc.toString(), pos);
    if (!found || !found.options.length || (!explicit && found.from === pos && !found.eager)) return null;
    return { from: found.from, options: found.options, validFor: /^[\w.@/-]*$/ };
  };
  return cm.autocompletion({ override: [source], icons: false });
}

function colours({ HighlightStyle, tags }) {
  return HighlightStyle.define([
    { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent)" },
    { tag: [tags.string, tags.special(tags.string)], color: "var(--good)" },
    { tag: [tags.number, tags.bool, tags.null, tags.keyword, tags.labelName, tags.typeName], color: "var(--warn)" },
    { tag: [tags.comment, tags.lineComment], color: "var(--muted)", fontStyle: "italic" },
  ]);
}

// The height is the host's; the keys are told below the text.
const FRAME = `
  :host { display: flex; flex-direction: column; gap: 4px; min-width: 0; }
  #keys { flex: none; margin: 0; color: var(--muted); font-size: 0.86rem; }
`;
// Colours and sizes come from the page; the shadow root inherits its variables.
const PANEL = { backgroundColor: "var(--surface)", color: "var(--text)", border: "1px solid var(--edge)", borderRadius: "var(--radius)" };
const THEME = {
  "&": { flex: "1 1 auto", minHeight: "0", color: "var(--text)", backgroundColor: "var(--surface)", border: "1px solid var(--edge)", borderRadius: "var(--radius)", fontSize: "0.875rem" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5", overflow: "auto" },
  ".cm-content": { caretColor: "var(--text)", padding: "8px 0" },
  ".cm-line": { padding: "0 10px" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--raised) 60%, transparent)" },
  ".cm-gutters": { backgroundColor: "var(--raised)", color: "var(--muted)", borderRight: "1px solid var(--line)" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "1.6em", padding: "0 8px 0 4px" },
  ".cm-gutter-lint": { width: "1.3em" },
  ".cm-lint-marker": { width: "0.9em", height: "0.9em" },
  ".cm-lint-marker-error": { content: "none", margin: "0.35em 0.2em", borderRadius: "50%", backgroundColor: "var(--bad)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad) 1px", textUnderlineOffset: "3px" },
  ".cm-lintRange-active": { backgroundColor: "var(--bad-soft)" },
  ".cm-lintPoint-error:after": { borderBottomColor: "var(--bad)" },
  ".cm-message": { marginLeft: "2ch", color: "var(--bad)", fontFamily: "system-ui, sans-serif", whiteSpace: "pre-wrap", userSelect: "none" },
  ".cm-message::before": { content: '"✕ "' },
  ".cm-tooltip": { ...PANEL, maxWidth: "min(520px, calc(100vw - 32px))", boxShadow: "0 4px 14px rgb(0 0 0 / 22%)", fontFamily: "system-ui, sans-serif" },
  ".cm-diagnostic": { padding: "6px 10px", overflowWrap: "anywhere" },
  ".cm-diagnostic-error": { borderLeft: "4px solid var(--bad)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxHeight: "15em", maxWidth: "min(420px, calc(100vw - 32px))" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "3px 8px", lineHeight: "1.5" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-completionDetail": { fontStyle: "normal", fontFamily: "system-ui, sans-serif", opacity: "0.85" },
  ".cm-tooltip.cm-completionInfo": { padding: "6px 10px", maxWidth: "min(320px, calc(100vw - 32px))" },
};
