// One card on the stage: put it there, walk its findings, open its label in the guide.

/**
 * @typedef {object} Card
 * @property {number} task
 * @property {number} fence
 * @property {string} record how people call it
 * @property {string} label the label in question
 * @property {HTMLElement} node
 * @property {number} shownAt milliseconds on the page's clock; 0 while it was not in view
 * @property {number} leaseUntil milliseconds since 1970
 * @property {import("./edit.js").Editor} [editor] once it was in view
 */

/** @param {HTMLElement} node a [data-card] @returns {Card} */
export function cardOf(node) {
  return {
    task: Number(node.dataset.task),
    fence: Number(node.dataset.fence),
    record: node.dataset.record ?? "",
    label: node.dataset.label ?? "",
    leaseUntil: Date.parse(node.dataset.leaseUntil ?? ""),
    shownAt: 0,
    node,
  };
}

/** @param {{html: string}[]} answers cards as the server sends them @returns {Card[]} */
export function cardsOf(answers) {
  return answers.map(({ html }) => cardOf(/** @type {HTMLElement} */ (fragment(html).querySelector("[data-card]"))));
}

/** @param {string} html made and escaped by our own templates */
export function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

/** Puts `node` on the stage and the focus on its heading. @param {HTMLElement} stage @param {Node} node */
export function show(stage, node) {
  stage.replaceChildren(node);
  // The sections that fold on a phone are folded by disclosure.js, which listens for this.
  stage.firstElementChild?.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true }));
  window.scrollTo({ top: 0 });
  stage.querySelector("[data-heading]")?.focus({ preventScroll: true });
}

/** What the live region says of a card that comes into view. @param {Card} card */
export function introduction(card) {
  const findings = marksOf(card).length;
  const found = findings ? `, ${findings} marked in the text` : "";
  return `Record ${card.record}${card.label ? `, ${card.label}` : ""}${found}.`;
}

/** @param {Card} card @returns {HTMLElement[]} */
function marksOf(card) {
  return [...card.node.querySelectorAll("[data-reading] mark[data-finding]")];
}

/**
 * The finding after (1) or before (-1) the one that has the focus, round and round.
 * @param {Card} card @param {1 | -1} step @returns {HTMLElement | null} the mark, which now has the focus
 */
export function walkFindings(card, step) {
  const marks = marksOf(card);
  if (!marks.length) return null;
  const at = marks.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const next = marks[at === -1 && step === -1 ? marks.length - 1 : (at + step + marks.length) % marks.length];
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "center", behavior: "auto" });
  return next;
}

/** Opens the guide at `label`, first in the list, and closes the others. @param {HTMLElement} guide @param {string} label */
export function openInGuide(guide, label) {
  const labels = [...guide.querySelectorAll("[data-guide-label]")];
  for (const entry of labels) entry.open = entry.dataset.guideLabel === label;
  const current = labels.find((entry) => entry.open);
  if (current) guide.querySelector("[data-guide-labels]").prepend(current);
}

/** Shows the labels of the guide that contain every word typed. @param {HTMLElement} guide */
export function makeGuideSearchable(guide) {
  const search = guide.querySelector("[data-guide-search]");
  if (!search) return;
  search.hidden = false;
  search.addEventListener("input", ({ target }) => {
    const words = target.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const entry of guide.querySelectorAll("[data-guide-label]")) {
      const text = entry.textContent.toLowerCase();
      entry.hidden = !words.every((word) => text.includes(word));
    }
  });
}

/** How long the card is still this person's. @param {Card} card */
export function showLease(card) {
  const minutes = Math.ceil((card.leaseUntil - Date.now()) / 60_000);
  const place = card.node.querySelector("[data-lease]");
  if (place) place.textContent = minutes > 0 ? `yours for ${minutes} min` : "returning to the queue";
}
