// Single keys. They act only when nothing else could be meant: not while typing, not on repeat, not while an input
// method composes, not with a modifier. Space and Backspace are bound to nothing.

const EDITABLE = "input, textarea, select, [contenteditable]";

/** Whether the event could mean text. Checkboxes and buttons do not take letters. @param {KeyboardEvent} event */
function isTyping({ target, isComposing, keyCode }) {
  // 229 is what browsers report for a key that an input method has taken.
  if (isComposing || keyCode === 229) return true;
  const field = target instanceof Element ? target.closest(EDITABLE) : null;
  return field !== null && !["checkbox", "radio", "button"].includes(/** @type {HTMLInputElement} */ (field).type);
}

/** @param {KeyboardEvent} event */
function hasModifier({ ctrlKey, metaKey, altKey, shiftKey, key }) {
  // The question mark stands on a shifted key of most keyboards.
  return ctrlKey || metaKey || altKey || (shiftKey && key !== "?");
}

/**
 * @param {Record<string, () => void>} actions by key, in lower case
 * @param {{isOn: () => boolean, onDigit: (digit: number) => boolean, onSave: () => void, onEscape: () => boolean}} rest
 *   `onDigit` and `onEscape` say whether they used the key.
 */
export function listen(actions, { isOn, onDigit, onSave, onEscape }) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.repeat || event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onSave();
      return;
    }
    if (event.key === "Escape") {
      if (onEscape()) event.preventDefault();
      return;
    }
    if (!isOn() || isTyping(event) || hasModifier(event)) return;
    if (/^[1-9]$/.test(event.key)) {
      if (onDigit(Number(event.key))) event.preventDefault();
      return;
    }
    const action = actions[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
