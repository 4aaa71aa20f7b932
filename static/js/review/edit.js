// The editor of a card: keeps the draft on the server as one types, shows what changed and what the checks say.

import { RefusedError, UnreachableError, post } from "./server.js";

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
    this.form.addEventListener("input", () => this.#typed());
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
    for (const field of this.#fields()) {
      if (field.type === "checkbox") field.checked = field.dataset.original === "true";
      else field.value = field.dataset.original ?? field.value;
    }
    this.clearProblems();
    this.#check();
    this.#firstField().focus();
  }

  /** What the form would send. @returns {[string, string][]} */
  get fields() {
    return [...new FormData(this.form)].map(([name, value]) => [name, String(value)]);
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
      const field = pointer && this.form.elements.namedItem(pointer);
      if (field instanceof HTMLElement) this.#problemsAt(field, texts);
      else elsewhere.push(...texts);
    }
    this.form.querySelector("[data-problems]").replaceChildren(...(elsewhere.length ? [listOf(elsewhere)] : []));
  }

  clearProblems() {
    for (const list of this.form.querySelectorAll(".errorlist")) list.remove();
    for (const field of this.#fields()) field.removeAttribute("aria-invalid");
  }

  focusFirstProblem() {
    (this.form.querySelector("[aria-invalid=true]") ?? this.#firstField()).focus();
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

  #problemsAt(field, texts) {
    const list = listOf(texts);
    list.id = `${field.id}-problems`;
    field.before(list);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", list.id);
  }

  #isChanged() {
    return this.#fields().some((field) =>
      field.type === "checkbox" ? String(field.checked) !== field.dataset.original : field.value !== field.dataset.original,
    );
  }

  #fields() {
    return [...this.form.querySelectorAll("input[name], textarea[name], select[name]")];
  }

  #firstField() {
    return this.form.querySelector("textarea[name]") ?? this.#fields()[0];
  }
}

function listOf(texts) {
  const list = document.createElement("ul");
  list.className = "errorlist";
  list.append(...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  return list;
}
