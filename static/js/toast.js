// Says what went wrong with a request made by htmx, and what to do about it. Others show a notice by
// an event, the server with the header HX-Trigger: {"notice": {"kind": "success", "text": "Saved."}},
// a module with document.body.dispatchEvent(new CustomEvent("notice", { detail: { kind, text } })).
// It is an event and not an import, because an import of this file by its plain name would be a second
// copy beside the one that base.html loads by its hashed name.

const region = document.getElementById("toasts");
const LIFE_MS = 8000;

const ADVICE = {
  400: "The request could not be read. Nothing was saved. Reload the page and try again.",
  401: "You are signed out. Nothing was saved. Sign in in another tab, then try again here.",
  403: "Your role cannot do this, or you were signed out. Nothing was changed. Reload the page.",
  404: "This is gone, or no longer yours. Reload the page to see what is there now.",
  409: "This changed while you were looking at it. Nothing was overwritten. Reload to see how it stands now.",
  413: "This is too large to send. Nothing was saved.",
  429: "Too many requests just now. Wait a minute, then try again.",
  503: "SynthReview is not available just now. What was saved stands. Try again in a minute.",
};
const SERVER_BROKE = "Something broke on our side and this step was not saved. Try once more; your text is still here.";
const OFFLINE = "The server cannot be reached. Nothing was lost: your text is still here. Check the connection, then try again.";

/**
 * Show a notice in the corner. Errors stay until they are dismissed; the rest leaves by itself.
 * @param {string} text
 * @param {"info" | "success" | "warning" | "error"} [kind]
 */
function notify(text, kind = "info") {
  // A page that polls fails every two seconds: said once is enough.
  if ([...region.children].some((notice) => notice.firstChild.textContent === text)) return;
  const notice = document.createElement("div");
  notice.className = `notice notice-${kind}`;
  const words = document.createElement("span");
  words.textContent = text;
  const dismiss = document.createElement("button");
  dismiss.type = "button";
  dismiss.className = "btn btn-small btn-quiet";
  dismiss.textContent = "Dismiss";
  dismiss.addEventListener("click", () => notice.remove());
  notice.append(words, dismiss);
  region.append(notice);
  if (kind !== "error") setTimeout(() => notice.remove(), LIFE_MS);
}

/** The server's own words, when it answered with one of our error pages. */
function reason(xhr) {
  if (!xhr.getResponseHeader("Content-Type")?.startsWith("text/html")) return null;
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  const message = page.querySelector("[data-error-message]")?.textContent.trim();
  const problems = [...page.querySelectorAll("[data-error-page] .errorlist li")].map((item) => item.textContent.trim());
  return message ? [message, ...problems].join(" ") : null;
}

function advice({ status }) {
  return ADVICE[status] ?? (status >= 500 ? SERVER_BROKE : ADVICE[400]);
}

document.body.addEventListener("htmx:responseError", ({ detail: { xhr } }) => notify(reason(xhr) ?? advice(xhr), "error"));
document.body.addEventListener("htmx:sendError", () => notify(OFFLINE, "error"));
document.body.addEventListener("htmx:timeout", () => notify(OFFLINE, "error"));
document.body.addEventListener("notice", ({ detail }) => notify(detail.text, detail.kind));

// A 422 is swapped because it is a form with its errors. A refusal page is not a form: keep what is on screen.
document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.xhr.status !== 422 || !detail.xhr.responseText.includes("data-error-page")) return;
  detail.shouldSwap = false;
  notify(reason(detail.xhr) ?? advice(detail.xhr), "error");
});
