// The editor of a card: keeps the draft on the server as one types, shows what changed and what the checks say.

import { watchCalls } from "./calls.js";
import { watchChoices } from "./choice.js";
import { watchCode } from "./code.js";
import { watchRows } from "./rows.js";
import { RefusedError, UnreachableError, post } from "./server.js";
import { watchSpans } from "./spans.js";

const PAUSE_MS = 600;

/** @typedef {import("./cards.js").Card} Card */

export class Editor {
  /** @param {Card} card @param {string} draftUrl */
  constructor(card, draftUrl) {
    this.card = card;
    this.draftUrl = draftUrl;
    this.article = card.node.querySelector("article");
    this.form = card.node.querySelector("[data-edit]");
    this.timer = 0;
    this.asked = 0;
    // The record's own values, with as many rows as it has: what a discarded draft goes back to.
    const original = this.form.querySelector("[data-original]")?.content.firstElementChild;
    this.original = (original ?? this.form.querySelector("[data-fields]")).cloneNode(true);
    this.originalEntries = entriesOf(this.original);
    this.form.addEventListener("input", () => this.#typed());
    watchRows(this.form);
    watchCode(this.form);
    this.#addTools();
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.querySelector("[data-act=discard]").addEventListener("click", () => this.discard());
  }

  get isOpen() {
    return this.article.dataset.mode === "edit";
  }

  open() {
    this.article.dataset.mode = "edit";
    this.form.hidden = false;
    this.#firstField().focus();
    if (this.#isChanged()) this.#check();
  }

  /** Back to reading; what was typed stays in the form and on the server. */
  close() {
    delete this.article.dataset.mode;
    this.form.hidden = true;
    this.#showDiff("");
    const hasDraft = this.#isChanged();
    this.card.node.querySelector("[data-draft-notice]").hidden = !hasDraft;
    if (this.timer) this.#check();
    this.card.node.querySelector("[data-heading]").focus();
  }

  discard() {
    this.form.querySelector("[data-fields]").replaceWith(this.original.cloneNode(true));
    this.#addTools();
    this.clearProblems();
    this.#check();
    this.#firstField().focus();
  }

  /** What stands in for plain fields, which stay what is sent. */
  #addTools() {
    watchSpans(this.form);
    watchCalls(this.form);
    watchChoices(this.form);
  }

  /** What the form would send. @returns {[string, string][]} */
  get fields() {
    return entriesOf(this.form);
  }

  /** @param {boolean} isBusy while a save is on its way */
  set busy(isBusy) {
    this.article.setAttribute("aria-busy", String(isBusy));
    for (const field of this.#fields()) field.readOnly = isBusy;
  }

  /**
   * Reasons beside their fields, the rest above the form; the focus goes to the first.
   * @param {Record<string, string[]>} byPointer @param {string[]} [others]
   */
  showProblems(byPointer, others = []) {
    this.clearProblems();
    const elsewhere = [...others];
    for (const [pointer, texts] of Object.entries(byPointer)) {
      const field = this.#placeOf(pointer);
      if (field) this.#problemsAt(field, texts);
      else elsewhere.push(...texts);
    }
    this.form.querySelector("[data-problems]").replaceChildren(...(elsewhere.length ? [listOf(elsewhere)] : []));
  }

  clearProblems() {
    for (const list of this.form.querySelectorAll(".errorlist")) list.remove();
    for (const field of this.form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  }

  focusFirstProblem() {
    const list = this.form.querySelector(".rows > .errorlist")?.closest(".rows").querySelector("button, input:not([type=hidden])");
    (this.form.querySelector("[aria-invalid=true]") ?? list ?? this.#firstField()).focus();
  }

  /** Nothing more is asked: the card is decided. */
  stop() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.asked += 1;
  }

  #typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#check(), PAUSE_MS);
  }

  async #check() {
    clearTimeout(this.timer);
    this.timer = 0;
    const question = (this.asked += 1);
    let answer;
    try {
      answer = await post(this.draftUrl, [["task", this.card.task], ["fence", this.card.fence], ...this.fields]);
    } catch (error) {
      if (error instanceof UnreachableError || error instanceof RefusedError) {
        if (question === this.asked) this.#say(["The draft is not saved yet: the server cannot be reached."]);
        return;
      }
      throw error;
    }
    // An answer to an older question would show an older text.
    if (question !== this.asked || !this.isOpen) return;
    this.showProblems(answer.by_pointer);
    this.#showDiff(answer.diff);
    const pause = answer.paused_seconds;
    this.#say(pause ? [`The checks rest for ${pause} seconds; saving still checks.`] : answer.warnings);
  }

  #showDiff(html) {
    const place = this.card.node.querySelector("[data-diff]");
    place.innerHTML = html;
    place.hidden = !html.trim();
  }

  #say(lines) {
    this.form.querySelector("[data-edit-checks]").textContent = lines.join(" ");
  }

  /** The field or list at `pointer`, or the nearest one around it. @returns {HTMLElement | null} */
  #placeOf(pointer) {
    for (let at = pointer; at; at = at.slice(0, at.lastIndexOf("/"))) {
      const argument = this.form.querySelector(`[data-pointer="${CSS.escape(at)}"]`);
      if (argument) return argument;
      const found = this.form.elements.namedItem(at);
      if (found instanceof HTMLElement) return found;
      // Boxes of one name are a list.
      if (found) return found[0].closest("fieldset") ?? found[0];
    }
    return null;
  }

  #problemsAt(field, texts) {
    const list = listOf(texts);
    if (field instanceof HTMLFieldSetElement) {
      field.querySelector("legend").after(list);
      return;
    }
    const seen = field.standIn ?? field;
    const fold = field.closest("details");
    if (fold) fold.open = true;
    list.id = `${field.id}-problems`;
    field.before(list);
    seen.setAttribute("aria-invalid", "true");
    seen.setAttribute("aria-describedby", list.id);
  }

  #isChanged() {
    // A note is said about the edit; it is no part of the record.
    const values = this.fields.filter(([name]) => name !== "note");
    return JSON.stringify(values) !== JSON.stringify(this.originalEntries);
  }

  #fields() {
    return [...this.form.querySelectorAll("input[name], textarea[name], select[name]")];
  }

  #firstField() {
    const fields = [...this.form.querySelectorAll("[data-fields] :is(textarea, input:not([type=hidden]), select)")].filter((field) => field.checkVisibility());
    return fields.find((field) => field.tagName === "TEXTAREA" && field.name) ?? fields[0];
  }
}

/** What a form, or the fields of one, would send. @param {HTMLElement} root @returns {[string, string][]} */
function entriesOf(root) {
  let form = root;
  if (!(root instanceof HTMLFormElement)) {
    form = document.createElement("form");
    form.append(root.cloneNode(true));
  }
  return [...new FormData(form)].map(([name, value]) => [name, String(value)]);
}

function listOf(texts) {
  const list = document.createElement("ul");
  list.className = "errorlist";
  list.append(...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  return list;
}
