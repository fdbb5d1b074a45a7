// The WebChat plug-in on a website: tells the server of the visit, and shows the chat while the server says so.
// `window.CV` is a part of the vendor's JavaScript API; docs/vendors/chatvisor.md lists it.
(() => {
  const home = new URL("../", document.currentScript.src);
  const PAUSE = 2000;
  const KEPT = `vendorsim.webchat ${home.href}`;

  const drawing = (name) => document.createElementNS("http://www.w3.org/2000/svg", name);
  const button = document.createElement("button");
  const icon = drawing("path");
  const frame = document.createElement("iframe");
  // The key of the visitor, and what the server has said last.
  let visitor = "";
  let state = null;
  let waiting = [];

  const style = (element, rules) => Object.assign(element.style, rules);
  const ask = (path, options) => fetch(new URL(path, home), options);

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

  function look(fresh) {
    state = fresh;
    const corner = { [state.position]: "16px", [state.position === "right" ? "left" : "right"]: "auto" };
    style(button, { ...corner, background: state.color, color: state.ink, display: state.visible ? "block" : "none" });
    style(frame, corner);
    button.setAttribute("aria-label", state.title);
    frame.title = state.title;
    if (!state.visible) show(false);
    if (state.visible) waiting.splice(0).forEach((call) => call());
  }

  function build() {
    style(button, {
      position: "fixed", bottom: "16px", zIndex: "2147483000", width: "56px", height: "56px", padding: "0",
      border: "0", borderRadius: "50%", cursor: "pointer", display: "none", boxShadow: "0 4px 14px rgb(0 0 0 / 30%)",
    });
    style(frame, {
      position: "fixed", bottom: "84px", zIndex: "2147483000", width: "min(380px, calc(100vw - 48px))",
      height: "min(540px, calc(100vh - 100px))", border: "0", borderRadius: "12px",
      boxShadow: "0 8px 30px rgb(0 0 0 / 35%)", colorScheme: "light dark",
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

  // Tells the server of the visit. False if this page may not have the chat.
  async function visit() {
    const body = new URLSearchParams({ visitor: kept(), url: location.href, title: document.title });
    const answer = await ask("visits", { method: "POST", body });
    if (!answer.ok) return false;
    const fresh = await answer.json();
    visitor = fresh.visitor;
    kept(visitor);
    look(fresh);
    return true;
  }

  async function refresh() {
    const asked = visitor;
    const answer = await ask(`visits/${asked}`);
    if (asked !== visitor) return true;
    if (answer.ok) look(await answer.json());
    return answer.ok;
  }

  async function follow() {
    try {
      if (!document.hidden && !(await refresh())) {
        show(false);
        button.remove();
        return;
      }
    } catch {
      // The server does not answer at the moment: try again.
    }
    setTimeout(follow, PAUSE);
  }

  const CV = {
    api: {
      async isAgentOnline(tell) {
        await refresh();
        tell(state.agentOnline);
      },
      async shouldShowWebchat(shown, hidden = () => {}) {
        try {
          await refresh();
        } catch {
          return hidden();
        }
        return state.visible ? shown() : hidden();
      },
      shouldShowWebchatInterval(shown, hidden = () => {}) {
        if (state.visible) return shown();
        waiting.push(shown);
        return hidden();
      },
    },
    user: {
      async tag(value) {
        const answer = await ask(`visits/${visitor}/tag`, { method: "POST", body: JSON.stringify(value) });
        if (!answer.ok) console.warn(`vendorsim: CV.user.tag: ${(await answer.json()).message}`);
      },
      async reset() {
        show(false);
        frame.removeAttribute("src");
        kept("");
        await visit();
      },
    },
  };

  async function begin() {
    build();
    if (!(await visit())) {
      console.warn("vendorsim: this page may not show the chat; pages of localhost and 127.0.0.1 may");
      return;
    }
    setTimeout(follow, PAUSE);
    window.CV = CV;
    const loaded = window.CVLoaded;
    window.CVLoaded = true;
    if (typeof loaded === "function") loaded();
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
