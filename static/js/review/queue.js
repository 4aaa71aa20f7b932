// The cards in hand: the one in view and those that are ready behind it.

/** Cards kept ready behind the one in view, so that a decision never waits for the server. */
export const AHEAD = 3;

/**
 * @typedef {import("./cards.js").Card} Card
 */

export class CardQueue {
  constructor() {
    /** @type {Card[]} the first one is in view */
    this.cards = [];
  }

  /** @returns {Card | undefined} */
  get current() {
    return this.cards[0];
  }

  get tasks() {
    return this.cards.map((card) => card.task);
  }

  /** How many cards to ask for, once `leaving` is gone. @param {number} [leaving] a task */
  missingWithout(leaving) {
    const staying = this.cards.filter((card) => card.task !== leaving);
    return Math.max(AHEAD + 1 - staying.length, 0);
  }

  /** @param {Card} card */
  has(card) {
    return this.cards.some((other) => other.task === card.task);
  }

  /** New cards at the end; one that is here already stays as it is. @param {Card[]} cards */
  append(cards) {
    for (const card of cards) if (!this.has(card)) this.cards.push(card);
  }

  /** A card that came back goes into view. @param {Card} card */
  prepend(card) {
    this.remove(card.task);
    this.cards.unshift(card);
  }

  /** Takes the card in view away. @returns {Card | undefined} */
  shift() {
    return this.cards.shift();
  }

  /** @param {number} task */
  remove(task) {
    this.cards = this.cards.filter((card) => card.task !== task);
  }
}
