// The page around the cards: the bar of actions, the menus over it, the figures and what is said aloud.

const actionbar = document.querySelector("[data-actionbar]");
const announcer = document.querySelector("[data-announce]");

export const rejectMenu = document.getElementById("reject-menu");
/** Only where a project asks for a note with what is accepted. */
export const noteMenu = document.getElementById("note-menu");
export const flagMenu = document.getElementById("flag-menu");
export const keySheet = document.getElementById("key-sheet");

/**
 * Which actions there are now.
 * @param {"reading" | "editing" | "empty"} mode @param {boolean} canUndo
 */
export function setMode(mode, canUndo) {
  const button = (name) => actionbar.querySelector(`[data-act=${name}]`);
  for (const part of actionbar.querySelectorAll("[data-when]")) {
    part.hidden = part.dataset.when !== (mode === "editing" ? "editing" : "reading");
  }
  for (const name of ["accept", "reject", "skip", "flag"]) button(name).disabled = mode !== "reading";
  const edit = button("edit");
  edit.setAttribute("aria-disabled", String(mode === "empty"));
  // A link without an address takes no focus.
  edit.href = "#main";
  button("undo").disabled = !canUndo || mode === "editing";
}

export function isMenuOpen() {
  return document.querySelector(".popover:popover-open") !== null;
}

export function closeMenus() {
  for (const menu of [rejectMenu, noteMenu, flagMenu, keySheet]) menu?.hidePopover();
}

/** @param {HTMLElement} menu @param {string} first selector of what takes the focus */
export function openMenu(menu, first) {
  closeMenus();
  menu.showPopover();
  menu.querySelector(first).focus();
}

/** Says it through the one live region of the page. @param {string} words */
export function announce(words) {
  announcer.textContent = words.trim();
}

/** Behind what is being said of the next card, so that it does not cut that off. */
export function announceSaved() {
  if (!announcer.textContent.endsWith("All saved.")) announcer.textContent += " All saved.";
}

/** A notice that stays until it is dismissed. @param {string} text */
export function complain(text) {
  document.body.dispatchEvent(new CustomEvent("notice", { detail: { kind: "error", text } }));
}

/** @param {{decided: number, total: number, pace: number}} progress */
export function showProgress({ decided, total, pace }) {
  const bar = document.querySelector("[data-progress]");
  bar.max = total || 1;
  bar.value = decided;
  for (const [name, value] of Object.entries({ decided, total, pace })) {
    document.querySelector(`[data-${name}]`).textContent = value;
  }
}

/** @param {import("./outbox.js").State} state @param {() => void} retry */
export function showSaveState({ pending, isFailing, isSignedOut }, retry) {
  const place = document.querySelector("[data-save-state]");
  place.dataset.state = isFailing ? "failed" : pending ? "saving" : "saved";
  if (!isFailing) {
    place.textContent = pending ? `saving ${pending} …` : "all saved";
    return;
  }
  const again = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-small btn-danger" });
  again.textContent = `${pending} not saved – ${isSignedOut ? "sign in in another tab, then " : ""}retry`;
  again.addEventListener("click", retry);
  place.replaceChildren(again);
}
