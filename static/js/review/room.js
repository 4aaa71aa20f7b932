// The review room: what people press, and what it does. The work itself is in work.js.
// Without these scripts the same page works by plain forms; everything here replaces a page load by a request.

import { makeGuideSearchable, walkFindings } from "./cards.js";
import { listen } from "./keys.js";
import * as screen from "./screen.js";
import { post } from "./server.js";
import { closeEditor, decide, editor, fill, guide, openEditor, queue, save, skip, stage, start, undo, urls } from "./work.js";

function openCardMenu(menu, first) {
  if (queue.current && !editor.isOpen) screen.openMenu(menu, first);
}

/** @param {string} action whether this project asks for a note with it */
function needsNote(action) {
  return urls.noteRequired.split(" ").includes(action);
}

function accept() {
  if (needsNote("accepted")) openCardMenu(screen.noteMenu, "textarea");
  else decide([["action", "accepted"]], "Accepted.");
}

/** @param {HTMLButtonElement} reason */
function reject(reason) {
  const { form } = reason;
  const note = form.elements.note.value.trim();
  const missing = (reason.hasAttribute("data-needs-note") || needsNote("rejected")) && !note;
  form.querySelector("[data-note-error]").textContent = missing ? "This reason needs a note that says what it is." : "";
  if (missing) {
    form.elements.note.focus();
    return;
  }
  form.reset();
  screen.closeMenus();
  decide([["action", "rejected"], ["reason", reason.value], ["note", note]], "Rejected.");
}

screen.rejectMenu.addEventListener("submit", (event) => {
  event.preventDefault();
  reject(event.submitter);
});

/** @param {HTMLElement | null} menu with a form that holds a note @param {string} action @param {string} said */
function decideWithNote(menu, action, said) {
  menu?.addEventListener("submit", (event) => {
    event.preventDefault();
    const note = event.target.elements.note.value.trim();
    event.target.reset();
    screen.closeMenus();
    decide([["action", action], ["note", note]], said);
  });
}

decideWithNote(screen.flagMenu, "flagged", "Flagged.");
decideWithNote(screen.noteMenu, "accepted", "Accepted.");

screen.keySheet.querySelector("[data-no-script]").hidden = true;
screen.keySheet.addEventListener("change", async ({ target }) => {
  urls.singleKeys = target.checked ? "on" : "off";
  document.body.dataset.singleKeys = urls.singleKeys;
  try {
    await post(urls.keys, target.checked ? [["single_keys", "on"]] : []);
    screen.announce(`Single keys are ${urls.singleKeys}.`);
  } catch (error) {
    screen.complain(`The choice was not kept: ${error.message}`);
  }
});

/** What a button does, and mostly a key too. @type {Record<string, () => void>} */
const actions = {
  accept,
  edit: openEditor,
  skip,
  save,
  undo,
  read: closeEditor,
  "take-next": fill,
  reject: () => openCardMenu(screen.rejectMenu, ".menu-item"),
  flag: () => openCardMenu(screen.flagMenu, "textarea"),
  keys: () => screen.openMenu(screen.keySheet, "h2"),
};

document.addEventListener("click", (event) => {
  const pressed = event.target.closest?.("[data-act]");
  const action = pressed && actions[pressed.dataset.act];
  if (!action) return;
  event.preventDefault();
  const menu = document.getElementById(pressed.getAttribute("popovertarget"));
  if (menu?.matches(":popover-open")) screen.closeMenus();
  else action();
});

const whileReading = (action) => () => (screen.isMenuOpen() || editor?.isOpen ? undefined : action());

listen(
  {
    a: whileReading(actions.accept),
    e: whileReading(actions.edit),
    x: whileReading(actions.reject),
    s: whileReading(actions.skip),
    f: whileReading(actions.flag),
    z: whileReading(actions.undo),
    g: whileReading(() => reach(guide.querySelector("[data-guide-labels]"))),
    n: whileReading(() => reach(stage.querySelector("[data-neighbours-heading]"))),
    j: whileReading(() => walk(1)),
    k: whileReading(() => walk(-1)),
    "?": () => (screen.isMenuOpen() ? screen.closeMenus() : actions.keys()),
  },
  {
    isOn: () => urls.singleKeys === "on",
    onDigit(digit) {
      const reason = screen.rejectMenu.querySelectorAll("[name=reason]")[digit - 1];
      if (!reason || !screen.rejectMenu.matches(":popover-open")) return false;
      reject(reason);
      return true;
    },
    onSave: save,
    onEscape: () => !screen.isMenuOpen() && closeEditor(),
  },
);

/** Moves the focus there, unfolding what is folded on a phone. @param {HTMLElement | null} target */
function reach(target) {
  const folded = target?.closest("details");
  if (folded) folded.open = true;
  target?.focus();
}

function walk(step) {
  const mark = queue.current && walkFindings(queue.current, step);
  screen.announce(mark ? mark.dataset.finding : "Nothing is marked in this text.");
}

// --- Start --------------------------------------------------------------------------------------------------------

document.body.dataset.singleKeys = urls.singleKeys;
makeGuideSearchable(guide);
start();
