// Lists in the edit form: rows are added, moved and removed here, and named by their place, as in a JSON pointer.

import { announce } from "./screen.js";

/** @param {HTMLElement} list a fieldset[data-rows] @returns {HTMLElement[]} its own rows, not those of lists inside */
export function rowsOf(list) {
  return [...list.querySelector(":scope > [data-row-list]").children];
}

/** @param {HTMLElement} list @returns {HTMLElement} the new row, the last one */
export function addRow(list) {
  const row = list.querySelector(":scope > [data-blank]").content.firstElementChild.cloneNode(true);
  list.querySelector(":scope > [data-row-list]").append(row);
  renumber(list);
  return row;
}

/** The field of `row` whose pointer ends with `name`. @param {HTMLElement} row @param {string} name */
export function fieldIn(row, name) {
  return [...row.querySelectorAll("[name]")].find((field) => field.name.endsWith(`/${name}`));
}

/** Buttons, and Alt with the arrows from anywhere in a row. @param {HTMLElement} form */
export function watchRows(form) {
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-row-act]");
    if (!button) return;
    event.preventDefault();
    act(button.dataset.rowAct, button);
  });
  form.addEventListener("keydown", (event) => {
    const { altKey, ctrlKey, metaKey, shiftKey, key, target } = event;
    const verb = { ArrowUp: "up", ArrowDown: "down" }[key];
    // Alt and an arrow open a select.
    if (!verb || !altKey || ctrlKey || metaKey || shiftKey || target.tagName === "SELECT") return;
    if (!target.closest("[data-row]")) return;
    event.preventDefault();
    act(verb, target);
  });
}

/** @param {string} verb @param {HTMLElement} from what was pressed, in the row or list that it means */
function act(verb, from) {
  const list = from.closest("[data-rows]");
  const row = from.closest("[data-row]");
  if (verb === "add") {
    focusIn(addRow(list));
  } else if (verb === "remove") {
    const near = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    renumber(list);
    (near?.querySelector("[data-row-act=remove]") ?? list.querySelector(":scope > [data-row-act=add]")).focus();
  } else {
    const other = verb === "up" ? row.previousElementSibling : row.nextElementSibling;
    if (!other) return;
    if (verb === "up") other.before(row);
    else other.after(row);
    renumber(list);
    from.focus();
  }
  const rows = rowsOf(list);
  const at = rows.indexOf(verb === "add" ? rows.at(-1) : row);
  announce(verb === "remove" ? `Removed. ${rows.length} left.` : `Row ${at + 1} of ${rows.length}.`);
  list.dispatchEvent(new Event("input", { bubbles: true }));
}

function focusIn(row) {
  row.querySelector("input:not([type=hidden]), textarea, select")?.focus();
}

/** Gives every row of `list` the names of its place. */
function renumber(list) {
  const rows = rowsOf(list);
  rows.forEach((row, place) => {
    if (row.dataset.row === String(place)) return;
    rename(row, `${list.dataset.rows}/${row.dataset.row}`, `${list.dataset.rows}/${place}`);
    row.dataset.row = String(place);
  });
  list.querySelector(":scope > [data-count]").value = String(rows.length);
}

/** Pointers stand in names, ids and what refers to them; what somebody typed is left alone. */
function rename(row, before, after) {
  const pattern = new RegExp(`${before.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?!\\d)`, "g");
  for (const part of row.querySelectorAll("*")) {
    for (const attribute of part.attributes) {
      if (attribute.name === "value" && part.tagName !== "BUTTON") continue;
      if (pattern.test(attribute.value)) attribute.value = attribute.value.replaceAll(pattern, after);
      pattern.lastIndex = 0;
    }
    if (part instanceof HTMLTemplateElement) part.innerHTML = part.innerHTML.replaceAll(pattern, after);
  }
}
