// The WebChat plug-in on a website: tells the server of the visit, and shows the chat while the server says so.
(() => {
  const home = new URL("../", document.currentScript.src);
  const PAUSE = 2000;
  const KEPT = `vendorsim.webchat ${home.href}`;
  const WIDTH = "min(380px, calc(100vw - 48px))";

  const drawing = (name) => document.createElementNS("http://www.w3.org/2000/svg", name);
  const button = document.createElement("button");
  const icon = drawing("path");
  const frame = document.createElement("iframe");
  let visitor = "";

  const style = (element, rules) => Object.assign(element.style, rules);

  function kept(value) {
    try {
      if (value !== undefined) localStorage.setItem(KEPT, value);
      return localStorage.getItem(KEPT) ?? "";
    } catch {
      // The browser keeps nothing for this page: each visit is a new visitor.
      return "";
    }
  }

  function show(open) {
    frame.hidden = !open;
    frame.style.display = open ? "block" : "none";
    button.setAttribute("aria-expanded", String(open));
    icon.setAttribute("d", open ? "M6 6 18 18 M18 6 6 18" : "M4 5h16v11H10l-5 4v-4H4z");
    if (open && !frame.src) frame.src = new URL(`chat/${visitor}`, home);
  }

  function look(state) {
    const corner = { [state.position]: "16px", [state.position === "right" ? "left" : "right"]: "auto" };
    style(button, { ...corner, background: state.color, color: state.ink, display: state.visible ? "block" : "none" });
    style(frame, corner);
    button.setAttribute("aria-label", state.title);
    frame.title = state.title;
    if (!state.visible) show(false);
  }

  function build() {
    style(button, {
      position: "fixed", bottom: "16px", zIndex: "2147483000", width: "56px", height: "56px", padding: "0",
      border: "0", borderRadius: "50%", cursor: "pointer", display: "none",
      boxShadow: "0 4px 14px rgb(0 0 0 / 30%)",
    });
    style(frame, {
      position: "fixed", bottom: "84px", zIndex: "2147483000", width: WIDTH, height: "min(540px, calc(100vh - 100px))",
      border: "0", borderRadius: "12px", boxShadow: "0 8px 30px rgb(0 0 0 / 35%)", colorScheme: "light dark",
    });
    const picture = drawing("svg");
    picture.setAttribute("viewBox", "0 0 24 24");
    picture.setAttribute("aria-hidden", "true");
    style(picture, { width: "26px", height: "26px", verticalAlign: "middle", fill: "none", stroke: "currentColor" });
    style(picture, { strokeWidth: "2.2", strokeLinejoin: "round", strokeLinecap: "round" });
    picture.append(icon);
    button.append(picture);
    button.type = "button";
    button.addEventListener("click", () => show(frame.hidden));
    show(false);
    document.body.append(frame, button);
  }

  async function follow() {
    if (!document.hidden) {
      try {
        const answer = await fetch(new URL(`visits/${visitor}`, home));
        if (answer.ok) look(await answer.json());
        else {
          show(false);
          button.remove();
          return;
        }
      } catch {
        // The server does not answer at the moment: try again.
      }
    }
    setTimeout(follow, PAUSE);
  }

  async function begin() {
    build();
    const body = new URLSearchParams({ visitor: kept(), url: location.href, title: document.title });
    const answer = await fetch(new URL("visits", home), { method: "POST", body });
    if (!answer.ok) {
      console.warn(`vendorsim: the chat is not shown here: ${answer.status}`);
      return;
    }
    const state = await answer.json();
    visitor = state.visitor;
    kept(visitor);
    look(state);
    setTimeout(follow, PAUSE);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
