// What the page uses of CodeMirror. Everything else is left out of the bundle, as far as esbuild can tell.
export { EditorState, StateEffect, StateField } from "@codemirror/state";
export { Decoration, EditorView, WidgetType, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
export { history, historyKeymap, standardKeymap } from "@codemirror/commands";
export { HighlightStyle, indentService, indentUnit, syntaxHighlighting } from "@codemirror/language";
export { forEachDiagnostic, lintGutter, nextDiagnostic, previousDiagnostic, setDiagnostics } from "@codemirror/lint";
export { autocompletion, completionKeymap } from "@codemirror/autocomplete";
export { yamlLanguage } from "@codemirror/lang-yaml";
export { jsonLanguage } from "@codemirror/lang-json";
export { tags } from "@lezer/highlight";
