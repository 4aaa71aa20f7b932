// The leases on the cards in hand: prolonged while somebody is here, given back when the page goes away.

import { showLease } from "./cards.js";
import { RefusedError, UnreachableError, post, sendLast } from "./server.js";

const RENEW_EVERY_MS = 120_000;
const SHOW_EVERY_MS = 15_000;
/** Somebody who touched nothing for so long has gone; others may have the cards. */
const IDLE_MS = 15 * 60_000;

/** Tells "lost" when cards are no longer this person's; they have left the queue by then. */
export class LeaseKeeper extends EventTarget {
  /** @param {import("./queue.js").CardQueue} queue @param {{renewUrl: string, releaseUrl: string}} urls */
  constructor(queue, { renewUrl, releaseUrl }) {
    super();
    this.queue = queue;
    this.renewUrl = renewUrl;
    this.releaseUrl = releaseUrl;
    this.lastActivity = Date.now();
    setInterval(() => this.renew(), RENEW_EVERY_MS);
    setInterval(() => queue.current && showLease(queue.current), SHOW_EVERY_MS);
    document.addEventListener("visibilitychange", () => this.renew());
    addEventListener("pageshow", ({ persisted }) => persisted && this.renew());
    addEventListener("pagehide", () => this.#release());
    for (const type of ["keydown", "pointerdown"]) {
      addEventListener(type, () => (this.lastActivity = Date.now()), { capture: true, passive: true });
    }
  }

  async renew() {
    if (document.hidden || !this.queue.current || Date.now() - this.lastActivity > IDLE_MS) return;
    let answer;
    try {
      answer = await post(this.renewUrl, this.#fields());
    } catch (error) {
      if (error instanceof UnreachableError || error instanceof RefusedError) return;
      throw error;
    }
    const inView = this.queue.current?.task;
    for (const card of this.queue.cards) card.leaseUntil = Date.parse(answer.until);
    for (const task of answer.lost) this.queue.remove(task);
    if (this.queue.current) showLease(this.queue.current);
    if (!answer.lost.length) return;
    this.dispatchEvent(new CustomEvent("lost", { detail: { wasInView: answer.lost.includes(inView) } }));
  }

  /** The card in view is kept a little longer, in case this is a reload. */
  #release() {
    const { current } = this.queue;
    if (current) sendLast(this.releaseUrl, [...this.#fields(), ["in_view", current.task]]);
  }

  #fields() {
    return this.queue.cards.flatMap(({ task, fence }) => [["task", task], ["fence", fence]]);
  }
}
