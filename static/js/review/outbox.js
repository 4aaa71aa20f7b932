// What was decided here and is not yet known to be saved. Each entry lies in localStorage until the server has
// answered, so that a lost connection, a reload or a crash loses nothing; its key makes sending it twice harmless.

import { RefusedError, UnreachableError } from "./server.js";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** A key that no other decision has. */
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Only pages served over https, or from this machine, have randomUUID.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/**
 * @typedef {object} Entry
 * @property {string} key unique; for a decision the one that makes it idempotent
 * @property {"decide" | "edit" | "skip" | "undo"} kind
 * @property {[string, string | number][]} fields what is posted, without what only the moment of sending knows
 * @property {number} [task] the task that it settles
 * @property {number} [fence]
 * @property {string} [record] for messages
 * @property {number} at when it was made, milliseconds since 1970
 *
 * @typedef {{pending: number, isFailing: boolean, isSignedOut: boolean}} State
 */

export class Outbox extends EventTarget {
  /**
   * @param {string} name storage prefix: one person in one project
   * @param {(entry: Entry, isRetry: boolean) => Promise<any>} send
   */
  constructor(name, send) {
    super();
    this.name = name;
    this.send = send;
    /** @type {Entry[]} */
    this.entries = this.#stored();
    this.inFlight = null;
    this.failures = 0;
    this.isSignedOut = false;
    this.timer = 0;
    addEventListener("online", () => this.flush());
  }

  /** @returns {State} */
  get state() {
    return { pending: this.entries.length, isFailing: this.failures > 0, isSignedOut: this.isSignedOut };
  }

  get tasks() {
    return this.entries.map((entry) => entry.task).filter(Boolean);
  }

  /** @param {Entry} entry */
  add(entry) {
    this.entries.push(entry);
    this.#keep(entry);
    this.#changed();
    // While the server is away a new decision is no reason to knock again before the time.
    if (!this.timer) this.flush();
  }

  /** Takes an entry back that was not sent yet. @param {string} key @returns {boolean} whether it was in time */
  withdraw(key) {
    const entry = this.entries.find((candidate) => candidate.key === key);
    if (!entry || entry === this.inFlight || entry.wasSent) return false;
    this.#drop(entry);
    return true;
  }

  /** Sends what waits, in order, one at a time. */
  async flush() {
    clearTimeout(this.timer);
    this.timer = 0;
    while (this.inFlight === null && this.entries.length > 0) {
      const entry = this.entries[0];
      this.inFlight = entry;
      this.#changed();
      const isDone = await this.#deliver(entry);
      this.inFlight = null;
      if (!isDone) return this.#later();
    }
  }

  async #deliver(entry) {
    const isRetry = Boolean(entry.wasSent);
    try {
      entry.wasSent = true;
      const answer = await this.send(entry, isRetry);
      this.failures = 0;
      this.isSignedOut = false;
      this.#drop(entry);
      this.#tell("delivered", { entry, answer });
      return true;
    } catch (error) {
      if (error instanceof RefusedError) {
        this.failures = 0;
        this.#drop(entry);
        this.#tell("refused", { entry, error });
        return true;
      }
      if (!(error instanceof UnreachableError)) throw error;
      this.failures += 1;
      this.isSignedOut = error.isSignedOut;
      this.#tell("unreachable", { entry, error });
      return false;
    }
  }

  #later() {
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (this.failures - 1), LONGEST_PAUSE_MS);
    this.timer = setTimeout(() => this.flush(), pause);
    this.#changed();
  }

  #drop(entry) {
    this.entries = this.entries.filter((other) => other !== entry);
    try {
      localStorage.removeItem(this.#place(entry));
    } catch {
      // Storage that cannot be written held nothing either.
    }
    this.#changed();
  }

  #keep(entry) {
    try {
      localStorage.setItem(this.#place(entry), JSON.stringify(entry));
    } catch {
      // Full or forbidden storage: the entry lives as long as this page, and leaving it is warned about.
    }
  }

  // One storage item for each entry: two tabs then never write over each other's list.
  #place(entry) {
    return `${this.name}:${entry.key}`;
  }

  #stored() {
    let places = [];
    try {
      places = Object.keys(localStorage).filter((place) => place.startsWith(`${this.name}:`));
    } catch {
      // Storage is forbidden here.
    }
    return places
      .map((place) => ({ ...JSON.parse(localStorage.getItem(place)), wasSent: true }))
      .sort((one, other) => one.at - other.at);
  }

  #changed() {
    this.#tell("change", this.state);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
