// Places in a text: marked with the mouse or with Shift and the arrows, then a label's button or its digit.
// Offsets are counted in characters (code points), as the records hold them, not in the units of a browser's strings.
// Places stay on their words while the text is edited.

import { FollowedText } from "./followed_text.js";
import { fromStored, inField, toStored } from "./offsets.js";
import { announce } from "./screen.js";
import { addRow, fieldIn, rowsOf } from "./rows.js";

const LONG = 4_000;
const PAUSE_MS = 150;

/** @param {HTMLFormElement} form */
export function watchSpans(form) {
  for (const list of form.querySelectorAll("[data-hint=spans]")) new SpanTool(form, list);
}

class SpanTool {
  constructor(form, list) {
    this.form = form;
    this.list = list;
    this.labels = this.#labels();
    this.area = Object.assign(document.createElement("textarea"), { rows: 6, className: "span-text", inputMode: "none" });
    // A field that is read-only has no caret to select with in Chromium: this one has, and takes nothing.
    this.area.setAttribute("aria-readonly", "true");
    this.area.dir = "auto";
    this.area.addEventListener("beforeinput", (event) => event.preventDefault());
    this.area.setAttribute("aria-label", "Text to mark: select a place, then press the digit of a label");
    this.preview = Object.assign(document.createElement("div"), { className: "record-text span-preview", dir: "auto" });
    const bar = Object.assign(document.createElement("div"), { className: "row span-labels" });
    bar.append(...this.labels.map((label, at) => this.#button(label, at)));
    const tool = Object.assign(document.createElement("div"), { className: "span-tool" });
    tool.append(this.area, bar, this.preview);
    list.querySelector(":scope > legend").after(tool);
    this.area.addEventListener("keydown", (event) => this.#pressed(event));
    this.stored = this.#storedAs(this.#text);
    this.followed = new FollowedText(this.#text);
    form.addEventListener("input", () => {
      this.#follow();
      this.#showSoon();
    });
    this.#show();
  }

  get #text() {
    const { textPointer } = this.list.dataset;
    return this.form.elements.namedItem(textPointer)?.value ?? "";
  }

  /** How the record has the text: its line ends may be longer than those of a field. */
  #storedAs(text) {
    const written = this.list.dataset.text ? JSON.parse(this.list.dataset.text) : "";
    return inField(written) === text ? written : text;
  }

  /** Moves the places with the words that they are on. */
  #follow() {
    // A discarded draft took this list away with its rows.
    if (!this.list.isConnected) return;
    const text = this.#text;
    const rows = rowsOf(this.list).filter((row) => fieldIn(row, "start")?.value && fieldIn(row, "end")?.value);
    const before = rows.map((row) => ({ start: this.#placeOf(row, "start"), end: this.#placeOf(row, "end") }));
    const after = this.followed.follow(text, before);
    const countsAnew = this.stored !== this.#storedAs(text);
    this.stored = this.#storedAs(text);
    rows.forEach((row, at) => {
      const stays = after[at].start === before[at].start && after[at].end === before[at].end;
      if (countsAnew || !stays) this.#put(row, after[at]);
    });
  }

  /** In characters of the field. */
  #placeOf(row, name) {
    return fromStored(this.stored, Number(fieldIn(row, name).value));
  }

  #put(row, { start, end }) {
    fieldIn(row, "start").value = String(toStored(this.stored, start));
    fieldIn(row, "end").value = String(toStored(this.stored, end));
    const copy = fieldIn(row, "text");
    if (copy) copy.value = [...this.#text].slice(start, end).join("");
  }

  #labels() {
    const select = this.list.querySelector(":scope > [data-blank]").content.querySelector("select");
    const names = select ? [...select.options].map((option) => option.value).filter(Boolean) : [];
    return names.length ? names : [""];
  }

  #button(label, at) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-small" });
    if (at < 9) button.append(Object.assign(document.createElement("kbd"), { textContent: String(at + 1) }));
    button.append(label ? `Mark ${label}` : "Mark");
    // The selection stays where it is.
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", () => this.#mark(label));
    return button;
  }

  #pressed(event) {
    const { key, ctrlKey, metaKey, altKey } = event;
    const label = /^[1-9]$/.test(key) ? this.labels[Number(key) - 1] : undefined;
    if (label === undefined || ctrlKey || metaKey || altKey) return;
    event.preventDefault();
    this.#mark(label);
  }

  #mark(label) {
    const { selectionStart, selectionEnd, value } = this.area;
    if (selectionStart === selectionEnd) {
      announce("Select the place in the text first.");
      this.area.focus();
      return;
    }
    const row = addRow(this.list);
    this.#put(row, { start: [...value.slice(0, selectionStart)].length, end: [...value.slice(0, selectionEnd)].length });
    const select = row.querySelector("select");
    if (select) select.value = label;
    this.list.dispatchEvent(new Event("input", { bubbles: true }));
    announce(`Marked ${label}: ${value.slice(selectionStart, selectionEnd)}.`);
    this.area.focus();
  }

  /** The colour that the kind has in the reading view, else one that none has there. */
  #hue(label) {
    if (!this.hues) {
      const shown = [...(this.form.closest("[data-card]")?.querySelectorAll(".legend .cover") ?? [])];
      this.hues = new Map(shown.map((cover) => [cover.textContent, Number(cover.dataset.hue)]));
    }
    if (!this.hues.has(label)) {
      const free = [1, 2, 3, 4, 5, 6].find((hue) => ![...this.hues.values()].includes(hue));
      this.hues.set(label, free ?? (this.hues.size % 6) + 1);
    }
    return this.hues.get(label);
  }

  /** At once, but for a long text only when typing pauses: to lay it out anew takes longer than a key. */
  #showSoon() {
    clearTimeout(this.timer);
    if (this.#text.length < LONG) this.#show();
    else this.timer = setTimeout(() => this.#show(), PAUSE_MS);
  }

  #show() {
    const text = this.#text;
    if (this.area.value !== text) this.area.value = text;
    const characters = [...this.stored];
    const places = rowsOf(this.list)
      .map((row) => ({ start: Number(fieldIn(row, "start")?.value), end: Number(fieldIn(row, "end")?.value), label: row.querySelector("select")?.value ?? "" }))
      .filter(({ start, end }) => start >= 0 && end > start && end <= characters.length)
      .sort((one, other) => one.start - other.start);
    const pieces = [];
    let at = 0;
    for (const { start, end, label } of places) {
      if (start < at) continue;
      pieces.push(characters.slice(at, start).join(""));
      const mark = Object.assign(document.createElement("mark"), { className: "cover", textContent: characters.slice(start, end).join("") });
      mark.dataset.hue = String(this.#hue(label));
      if (label) mark.append(Object.assign(document.createElement("small"), { textContent: ` ${label}` }));
      pieces.push(mark);
      at = end;
    }
    pieces.push(characters.slice(at).join(""));
    this.preview.replaceChildren(...pieces);
  }
}
