// One label among many: a field that finds it as one types, with digits for those that are chosen often.
// A set of many boxes gets a field that finds boxes, and says which of those that are ticked comes first.
// The select and the boxes stay what is sent; without this script they are used as they are.

import { announce } from "./screen.js";

const MANY = 10;
const MOST_SHOWN = 50;
const QUICK = 9;
const COUNTS = `synthreview:chosen:${location.pathname.split("/").slice(0, 3).join("/")}`;

/** @param {HTMLElement} form */
export function watchChoices(form) {
  for (const select of form.querySelectorAll("[data-fields] select[name]")) {
    // In the rows of a list the select stays as it is: there may be hundreds of them.
    if (select.options.length >= MANY && !select.closest("[data-row]")) new ChoiceTool(select);
  }
  for (const boxes of form.querySelectorAll("[data-fields] fieldset.field")) {
    if (boxes.querySelectorAll("[type=checkbox]").length) new BoxesTool(boxes);
  }
}

/** Lower case, without accents. @param {string} text */
function plain(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** Those that have every word; what begins with the first word comes first. @param {string} query @param {string[]} names */
export function matching(query, names) {
  const words = plain(query).split(/[\s_-]+/).filter(Boolean);
  const found = names.filter((name) => words.every((word) => plain(name).includes(word)));
  const rank = (name) => (words.length && plain(name).startsWith(words[0]) ? 0 : 1);
  return found.sort((one, other) => rank(one) - rank(other));
}

function counts() {
  try {
    return JSON.parse(localStorage.getItem(COUNTS) ?? "{}");
  } catch {
    return {};
  }
}

function countUp(name) {
  try {
    localStorage.setItem(COUNTS, JSON.stringify({ ...counts(), [name]: (counts()[name] ?? 0) + 1 }));
  } catch {
    // A browser that keeps nothing: the digits stay with what is near and what the guide has first.
  }
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

class ChoiceTool {
  constructor(select) {
    this.select = select;
    this.names = [...select.options].map((option) => option.value).filter(Boolean);
    this.at = 0;
    this.list = element("ul", { className: "choice-list", id: `${select.id}-list`, hidden: true });
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Labels that fit");
    this.input = element("input", { id: `${select.id}-find`, type: "text", autocomplete: "off", dir: "auto", value: select.value });
    const states = { role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list", "aria-controls": this.list.id, spellcheck: "false" };
    for (const [name, value] of Object.entries(states)) this.input.setAttribute(name, value);
    const quick = element("div", { className: "choice-quick" }, ...this.#frequent().map((name, place) => this.#quickButton(name, place)));
    select.before(element("div", { className: "choice-tool" }, this.input, this.list, quick));
    select.hidden = true;
    // Where a problem of the select is shown and the focus goes.
    select.standIn = this.input;
    select.form?.querySelector(`label[for="${CSS.escape(select.id)}"]`)?.setAttribute("for", this.input.id);
    this.input.addEventListener("focus", () => this.input.select());
    this.input.addEventListener("input", (event) => this.#typed(event));
    this.input.addEventListener("keydown", (event) => this.#pressed(event));
    this.input.addEventListener("blur", () => this.#close());
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const option = event.target.closest("[role=option]");
      if (option) this.#choose(option.dataset.name);
    });
  }

  /** Chosen most often here, then labels of near records, then as the guide has them. */
  #frequent() {
    const chosen = Object.entries(counts()).sort(([, one], [, other]) => other - one).map(([name]) => name);
    const near = [...(this.select.closest("[data-card]")?.querySelectorAll(".neighbours .tag") ?? [])].map((tag) => tag.textContent.trim());
    return [...new Set([...chosen, ...near, ...this.names])].filter((name) => this.names.includes(name)).slice(0, QUICK);
  }

  #quickButton(name, place) {
    const button = element("button", { type: "button", className: "btn btn-small" }, element("kbd", { textContent: String(place + 1) }), name);
    button.dataset.name = name;
    button.addEventListener("click", () => this.#choose(name));
    return button;
  }

  #typed(event) {
    // Half a name is no edit of the record.
    event.stopPropagation();
    this.at = 0;
    this.#open(this.input.value);
  }

  #open(query) {
    const found = matching(query, this.names);
    this.shown = found.slice(0, MOST_SHOWN);
    const options = this.shown.map((name, place) => {
      const option = element("li", { id: `${this.list.id}-${place}`, textContent: name, dir: "auto" });
      option.setAttribute("role", "option");
      option.dataset.name = name;
      return option;
    });
    const more = found.length - this.shown.length;
    const rest = found.length ? (more > 0 ? `${more} more: type on` : "") : "No label fits.";
    const note = element("li", { className: "muted", textContent: rest });
    note.setAttribute("role", "presentation");
    this.list.replaceChildren(...options, ...(rest ? [note] : []));
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.#mark();
  }

  #mark() {
    const options = [...this.list.querySelectorAll("[role=option]")];
    options.forEach((option, place) => option.setAttribute("aria-selected", String(place === this.at)));
    this.input.setAttribute("aria-activedescendant", options[this.at]?.id ?? "");
    options[this.at]?.scrollIntoView({ block: "nearest" });
  }

  #pressed(event) {
    const { key, ctrlKey, metaKey, altKey } = event;
    if (ctrlKey || metaKey || altKey || event.isComposing) return;
    const isUntouched = this.list.hidden;
    if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      if (isUntouched) {
        this.at = 0;
        this.#open("");
      } else {
        this.at = (this.at + (key === "ArrowDown" ? 1 : -1) + this.shown.length) % Math.max(this.shown.length, 1);
        this.#mark();
      }
    } else if (key === "Enter") {
      event.preventDefault();
      if (!isUntouched && this.shown[this.at]) this.#choose(this.shown[this.at]);
    } else if (key === "Escape" && !isUntouched) {
      // The list alone is closed, not the editor.
      event.preventDefault();
      event.stopPropagation();
      this.#close();
      this.input.select();
    } else if (isUntouched && /^[1-9]$/.test(key)) {
      const button = this.#quickButtons()[Number(key) - 1];
      if (!button) return;
      event.preventDefault();
      this.#choose(button.dataset.name);
    }
  }

  #quickButtons() {
    return [...this.input.parentElement.querySelectorAll(".choice-quick button")];
  }

  #choose(name) {
    this.select.value = name;
    countUp(name);
    this.#close();
    this.input.focus();
    announce(`${name} chosen.`);
    this.select.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.input.value = this.select.value;
  }
}

class BoxesTool {
  constructor(fieldset) {
    this.fieldset = fieldset;
    this.rows = [...fieldset.querySelectorAll("[type=checkbox]")].map((box) => box.closest("label").parentElement);
    this.holder = this.rows[0].parentElement;
    this.holder.classList.add("choice-boxes");
    if (this.rows.length >= MANY) this.#addSearch();
    fieldset.addEventListener("change", ({ target }) => {
      if (target.type === "checkbox") this.#ticked(target.closest("label").parentElement);
    });
    this.#show();
  }

  #addSearch() {
    const search = element("input", { type: "search", placeholder: "Find a label, Enter ticks it", autocomplete: "off", dir: "auto" });
    search.setAttribute("aria-label", "Find a label");
    search.addEventListener("input", (event) => {
      event.stopPropagation();
      this.#filter(search.value);
    });
    search.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const first = search.value && matching(search.value, this.rows.map((row) => this.#nameOf(row)))[0];
      if (!first) return;
      search.value = "";
      this.#filter("");
      this.rows.find((row) => this.#nameOf(row) === first).querySelector("input").click();
    });
    this.holder.before(search);
    this.holder.classList.add("is-long");
  }

  #nameOf(row) {
    return row.querySelector("input").value;
  }

  #filter(query) {
    const fitting = new Set(matching(query, this.rows.map((row) => this.#nameOf(row))));
    for (const row of this.rows) row.hidden = !fitting.has(this.#nameOf(row));
  }

  #chosen() {
    return [...this.holder.children].filter((row) => row.querySelector("input")?.checked);
  }

  /** What is ticked stands first, in the order in which it was ticked: that is the order in which it is sent. */
  #ticked(row) {
    const chosen = this.#chosen().filter((other) => other !== row);
    if (row.querySelector("input").checked) (chosen.at(-1) ? chosen.at(-1).after(row) : this.holder.prepend(row));
    else chosen.at(-1)?.after(row);
    this.#show();
    const place = this.#chosen().length;
    announce(`${this.#nameOf(row)} ${row.querySelector("input").checked ? "ticked" : "not ticked"}, ${place} in all.`);
    row.querySelector("input").focus({ preventScroll: true });
  }

  /** The first one is the main one; each of the others can be made it. */
  #show() {
    for (const button of this.holder.querySelectorAll("[data-make-first]")) button.remove();
    for (const tag of this.holder.querySelectorAll("[data-first]")) tag.remove();
    const chosen = this.#chosen();
    if (chosen.length < 2) return;
    const tag = element("span", { className: "tag", textContent: "first" });
    tag.dataset.first = "";
    chosen[0].append(tag);
    for (const row of chosen.slice(1)) {
      const button = element("button", { type: "button", className: "btn btn-small btn-quiet", textContent: "Put first" });
      button.dataset.makeFirst = "";
      button.setAttribute("aria-label", `Put ${this.#nameOf(row)} first`);
      button.addEventListener("click", () => {
        this.holder.prepend(row);
        this.#show();
        row.querySelector("input").focus();
        this.fieldset.dispatchEvent(new Event("input", { bubbles: true }));
      });
      row.append(button);
    }
  }
}
