// Keeps a chat up to date: reads the page again while it is visible, and replaces the parts that have changed.
const PAUSE = 2000;

const log = () => document.getElementById("log");
const toEnd = () => { log().scrollTop = log().scrollHeight; };

function replace(fresh) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    // A form keeps what is being written, unless it comes or goes.
    const same = part.dataset.state ? part.dataset.state === other.dataset.state : part.innerHTML === other.innerHTML;
    if (same) continue;
    const atEnd = part.scrollHeight - part.scrollTop - part.clientHeight < 60;
    part.innerHTML = other.innerHTML;
    if (other.dataset.state) part.dataset.state = other.dataset.state;
    if (part === log() && atEnd) toEnd();
  }
}

async function refresh() {
  if (document.hidden) return true;
  try {
    const answer = await fetch(location.href, { redirect: "error" });
    if (answer.ok) replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
    return answer.ok;
  } catch {
    // The server does not answer at the moment: try again.
    return true;
  }
}

async function follow() {
  if (await refresh()) {
    setTimeout(follow, PAUSE);
  } else {
    document.getElementById("gone").hidden = false;
    document.querySelector('[data-live="reply"]').hidden = true;
  }
}

// Enter sends, with Shift it begins a line.
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "text" || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  const form = event.target.form;
  form.requestSubmit(form.querySelector("button.primary"));
});

document.addEventListener("visibilitychange", refresh);
toEnd();
document.getElementById("text")?.focus();
setTimeout(follow, PAUSE);
