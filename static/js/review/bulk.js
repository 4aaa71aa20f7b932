// The bulk view with a script: keys, "select all", and leases that are prolonged while the page is open.

import { listen } from "./keys.js";
import { RefusedError, UnreachableError, post, sendLast } from "./server.js";

const RENEW_EVERY_MS = 120_000;

const form = document.querySelector("[data-bulk]");
if (form) start(form);

/** @param {HTMLFormElement} form */
function start(form) {
  const picks = () => [...form.querySelectorAll("[data-pick]:not(:disabled)")];
  const all = form.querySelector("[data-pick-all]");
  let isSubmitting = false;

  const count = () => {
    const picked = picks().filter((box) => box.checked).length;
    form.querySelector("[data-picked]").textContent = `${picked} selected`;
    all.checked = picked > 0 && picked === picks().length;
    all.indeterminate = picked > 0 && !all.checked;
  };

  all.closest("[data-with-script]").hidden = false;
  form.addEventListener("change", ({ target }) => {
    if (target === all) for (const box of picks()) box.checked = all.checked;
    count();
  });
  form.addEventListener("submit", (event) => {
    // A second press while the first is on its way would only be answered with what is done already.
    if (isSubmitting) event.preventDefault();
    isSubmitting = true;
  });
  addEventListener("pageshow", () => (isSubmitting = false));
  addEventListener("pagehide", () => {
    if (!isSubmitting) sendLast(form.dataset.release, held(form));
  });
  setInterval(() => void renew(form, count), RENEW_EVERY_MS);

  const rejecting = form.querySelector("[data-bulk-reject]");
  const closeReject = () => {
    if (!rejecting.open) return false;
    rejecting.open = false;
    rejecting.querySelector("summary").focus();
    return true;
  };
  const walk = (step) => {
    const boxes = picks();
    const at = boxes.indexOf(document.activeElement);
    const next = boxes[at === -1 ? (step === 1 ? 0 : boxes.length - 1) : (at + step + boxes.length) % boxes.length];
    next?.focus();
    next?.closest("[data-bulk-card]").scrollIntoView({ block: "nearest" });
  };
  listen(
    {
      j: () => walk(1),
      k: () => walk(-1),
      a: () => form.querySelector("[value=accepted]").click(),
      x: () => {
        rejecting.open = true;
        form.elements.namedItem("bulk-reason").focus();
      },
    },
    { isOn: () => form.dataset.singleKeys === "on", onDigit: () => false, onSave: () => {}, onEscape: closeReject },
  );
  count();
}

function held(form) {
  return [...new FormData(form)].filter(([name]) => name === "task" || name === "fence");
}

/** Cards that somebody else has by now can no longer be picked. */
async function renew(form, count) {
  if (document.hidden) return;
  let answer;
  try {
    answer = await post(form.dataset.renew, held(form));
  } catch (error) {
    if (error instanceof RefusedError || error instanceof UnreachableError) return;
    throw error;
  }
  for (const task of answer.lost) {
    const card = form.querySelector(`[data-bulk-card="${task}"]`);
    const box = card.querySelector("[data-pick]");
    box.checked = false;
    box.disabled = true;
    card.querySelector("label").textContent += " (somebody else has it by now)";
  }
  count();
}
