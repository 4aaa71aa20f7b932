// Places that stay on their words while the text around them is edited.

import { changeBetween, moved } from "./offsets.js";

/** @typedef {import("./offsets.js").Place} Place */

export class FollowedText {
  /** @param {string} text */
  constructor(text) {
    this.#start(text, []);
  }

  /**
   * Where `places` of the text as it was when this was last asked are in `text`.
   *
   * As long as somebody types in one stretch, places are moved from where they were before it began: words that are
   * typed over a place take it over as a whole, and what is typed back is where it was.
   * @param {string} text @param {Place[]} places @returns {Place[]}
   */
  follow(text, places) {
    if (text === this.text) {
      this.#start(text, places);
      return places;
    }
    const known = this.given.length === places.length && places.every((place, at) => same(place, this.given[at]));
    if (!known || !this.#goesOn(text)) this.#start(this.text, places);
    const change = changeBetween(this.before, text);
    this.text = text;
    this.given = this.places.map((place) => moved(place, change));
    return this.given;
  }

  #start(text, places) {
    this.before = text;
    this.places = places;
    this.text = text;
    this.given = places;
  }

  /** Whether the step to `text` touches the stretch that was changed before. */
  #goesOn(text) {
    if (this.text === this.before) return true;
    const sofar = changeBetween(this.before, this.text);
    const step = changeBetween(this.text, text);
    return step.start <= sofar.start + sofar.length && step.end >= sofar.start;
  }
}

function same(one, other) {
  return one.start === other.start && one.end === other.end;
}
