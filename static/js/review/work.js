// The work of one page: cards in hand, decisions on their way, and what comes back of them.

import { cardOf, cardsOf, fragment, introduction, openInGuide, show, showLease } from "./cards.js";
import { Editor } from "./edit.js";
import { LeaseKeeper } from "./leases.js";
import { Outbox, newKey } from "./outbox.js";
import { CardQueue } from "./queue.js";
import * as screen from "./screen.js";
import { EDIT_TIMEOUT_MS, RefusedError, UnreachableError, post } from "./server.js";

/** @typedef {import("./cards.js").Card} Card */
/** @typedef {import("./outbox.js").Entry} Entry */

const UNDO_REACH = 20;
const ASK_AGAIN_MS = 15_000;

export const urls = document.getElementById("room").dataset;
export const stage = document.querySelector("[data-stage]");
export const guide = document.querySelector("[data-guide]");

export const queue = new CardQueue();
const outbox = new Outbox(`synthreview:${urls.user}:${location.pathname}`, deliver);
/**
 * Decisions that can be undone, newest last, each with its card while this page has it.
 * @type {{key: string, card?: Card}[]}
 */
const history = urls.history.trim().split(/\s+/).filter(Boolean).reverse().map((key) => ({ key }));
/** Edits whose answer is being waited for. @type {Map<string, (error?: Error) => void>} */
const waiting = new Map();
/** @type {Editor | null} */
export let editor = null;
let isFilling = false;
let askAgain = 0;

// --- Cards in hand ------------------------------------------------------------------------------------------

/** @param {Card} card */
function put(card) {
  editor?.stop();
  screen.closeMenus();
  show(stage, card.node);
  card.shownAt = performance.now();
  // A card that comes back has its editor, with what the record says beside what was typed.
  editor = card.editor ??= new Editor(card, urls.draft);
  showLease(card);
  openInGuide(guide, card.label);
  refreshActions();
}

/** The next card, at once if there is one. @param {string} said what happened to the last one */
function showNext(said) {
  queue.shift();
  if (queue.current) {
    put(queue.current);
    screen.announce(`${said} ${introduction(queue.current)}`);
  } else {
    clearStage(outbox.state.isFailing ? "The server is away. The next records come when it is back." : "Fetching the next record …");
    screen.announce(said);
  }
}

function clearStage(words) {
  editor?.stop();
  editor = null;
  const notice = fragment('<section class="empty review-record"><h1 tabindex="-1" data-heading></h1></section>');
  notice.querySelector("h1").textContent = words;
  show(stage, notice);
  refreshActions();
}

function refreshActions() {
  if (history.length > UNDO_REACH) history.splice(0, history.length - UNDO_REACH);
  screen.setMode(editor?.isOpen ? "editing" : queue.current ? "reading" : "empty", history.length > 0);
}

/** Takes further cards in hand until the window is full. */
export async function fill() {
  if (isFilling || queue.missingWithout() === 0) return;
  isFilling = true;
  try {
    receive(await post(urls.claim, wanted()));
  } catch (error) {
    if (!(error instanceof UnreachableError || error instanceof RefusedError)) throw error;
    askLater();
  } finally {
    isFilling = false;
  }
}

/**
 * What to ask for, and what is in hand: neither cards on the screen nor decided ones shall come again.
 * @param {number} [leaving] the task that this very request settles
 */
function wanted(leaving) {
  const have = new Set([...queue.tasks, ...outbox.tasks]);
  have.delete(leaving);
  return [["want", queue.missingWithout(leaving)], ...[...have].map((task) => ["have", task])];
}

/** Cards, figures, and the word about an empty queue, from any answer. */
function receive(answer) {
  if (answer.progress) screen.showProgress(answer.progress);
  const hadNone = !queue.current;
  const decided = new Set(outbox.tasks);
  queue.append(cardsOf(answer.cards ?? []).filter((card) => !decided.has(card.task)));
  if (hadNone && queue.current) {
    put(queue.current);
    screen.announce(introduction(queue.current));
  } else if (hadNone && answer.queue) {
    show(stage, fragment(answer.queue.html));
    refreshActions();
    screen.announce(stage.textContent.replace(/\s+/g, " "));
  }
  if (!queue.current) askLater();
}

function askLater() {
  clearTimeout(askAgain);
  askAgain = setTimeout(() => (document.hidden ? askLater() : fill()), ASK_AGAIN_MS);
}

// --- Deciding -------------------------------------------------------------------------------------------------

/**
 * @param {Card} card @param {"decide" | "edit" | "skip"} kind
 * @param {[string, string][]} words action, reason, note, edited fields
 * @returns {Entry}
 */
function entryOf(card, kind, words) {
  const key = newKey();
  const milliseconds = Math.round(performance.now() - card.shownAt);
  const fields = [["task", card.task], ["fence", card.fence], ["key", key], ["milliseconds", milliseconds], ...words];
  return { key, kind, fields, task: card.task, fence: card.fence, record: card.record, at: Date.now() };
}

/** Decides the card in view and shows the next one without waiting. */
export function decide(words, said) {
  const card = queue.current;
  if (!card || editor.isOpen) return;
  const entry = entryOf(card, "decide", words);
  history.push({ key: entry.key, card });
  showNext(said);
  outbox.add(entry);
}

/** Saves the edit. Its answer is waited for, because it can be refused; while the server is away work goes on. */
export async function save() {
  const card = queue.current;
  const own = editor;
  if (!card || !own.isOpen || waiting.size) return;
  own.stop();
  own.clearProblems();
  own.busy = true;
  const entry = entryOf(card, "edit", [["action", "edited"], ...own.fields]);
  const outcome = new Promise((resolve) => waiting.set(entry.key, resolve));
  history.push({ key: entry.key, card });
  outbox.add(entry);
  const error = await outcome;
  waiting.delete(entry.key);
  own.busy = false;
  if (queue.current !== card) return;
  if (error instanceof RefusedError) showRefusal(own, error);
  else showNext(error ? "Kept in this browser until the server is back." : "Saved and accepted.");
  // The answer came while this card still had the stage, so what it said of an empty queue was not shown.
  if (!error && !queue.current) void fill();
}

/** @param {Editor} own @param {RefusedError} error */
function showRefusal(own, error) {
  const hasPlace = Object.keys(error.byPointer).length > 0;
  own.showProblems(error.byPointer, hasPlace ? [] : [error.message]);
  own.focusFirstProblem();
  screen.announce(`Not saved. ${[error.message, ...error.problems].join(" ")}`);
}

export function skip() {
  const card = queue.current;
  if (!card || editor.isOpen) return;
  const entry = entryOf(card, "skip", []);
  showNext("Skipped.");
  outbox.add(entry);
}

/** Takes the last decision back: here alone while it is not sent, afterwards as a second event on the server. */
export function undo() {
  const last = history.pop();
  if (!last) {
    screen.announce("There is nothing to undo.");
  } else if (last.card && outbox.withdraw(last.key)) {
    bringBack(last.card);
  } else {
    outbox.add({ key: newKey(), kind: "undo", fields: [["decision", last.key]], at: Date.now() });
  }
  refreshActions();
}

/** @param {Card} card */
function bringBack(card) {
  queue.prepend(card);
  put(card);
  screen.announce(`Taken back. ${introduction(card)}`);
}

// --- Delivering -------------------------------------------------------------------------------------------------

/** @param {Entry} entry @param {boolean} isRetry */
async function deliver(entry, isRetry) {
  if (entry.kind === "undo") return post(urls.undo, entry.fields);
  if (isRetry) {
    // The lease may have run out while the server was away. If nobody took the record, it comes back to life.
    await post(urls.renew, [["task", entry.task], ["fence", entry.fence]]);
  }
  const fields = [...entry.fields, ...wanted(entry.task)];
  if (entry.kind === "skip") return post(urls.skip, fields);
  return post(urls.decide, fields, entry.kind === "edit" ? EDIT_TIMEOUT_MS : undefined);
}

outbox.addEventListener("change", ({ detail }) => screen.showSaveState(detail, () => outbox.flush()));

outbox.addEventListener("delivered", ({ detail: { entry, answer } }) => {
  waiting.get(entry.key)?.();
  if (entry.kind === "undo") {
    screen.showProgress(answer.progress);
    bringBack(cardsOf(answer.cards)[0]);
    return;
  }
  if (outbox.state.pending === 0) screen.announceSaved();
  if (answer.told) document.body.dispatchEvent(new CustomEvent("notice", { detail: { kind: "info", text: answer.told } }));
  receive(answer);
});

outbox.addEventListener("unreachable", ({ detail: { entry, error } }) => waiting.get(entry.key)?.(error));

outbox.addEventListener("refused", ({ detail: { entry, error } }) => {
  const at = history.findIndex(({ key }) => key === entry.key);
  const card = at === -1 ? undefined : history.splice(at, 1)[0].card;
  if (waiting.has(entry.key)) waiting.get(entry.key)(error);
  else if (error.status === 422 && card) sendBack(card, entry, error);
  else screen.complain(entry.record ? `Record ${entry.record} was not saved. ${error.message}` : error.message);
  refreshActions();
  void fill();
});

/** A refused decision whose card is still here comes back with the reasons. */
function sendBack(card, entry, error) {
  bringBack(card);
  screen.complain(`Record ${card.record} was not saved. ${error.message}`);
  if (entry.kind !== "edit") return;
  openEditor();
  showRefusal(editor, error);
}

// --- Leases -------------------------------------------------------------------------------------------------------

const keeper = new LeaseKeeper(queue, { renewUrl: urls.renew, releaseUrl: urls.release });

keeper.addEventListener("lost", ({ detail: { wasInView } }) => {
  if (wasInView) {
    screen.complain("Your time on this record ran out and it went back to the queue. What you typed is kept as a draft.");
    if (queue.current) put(queue.current);
    else clearStage("Fetching the next record …");
  }
  void fill();
});

addEventListener("beforeunload", (event) => {
  if (outbox.state.pending) event.preventDefault();
});

// --- Editing ------------------------------------------------------------------------------------------------------

export function openEditor() {
  if (!editor || editor.isOpen) return;
  screen.closeMenus();
  editor.open();
  refreshActions();
}

export function closeEditor() {
  if (!editor?.isOpen || waiting.size) return false;
  editor.close();
  refreshActions();
  return true;
}

// --- Start --------------------------------------------------------------------------------------------------------

/** Takes up what the page was served with, and what an earlier one had not delivered. */
export function start() {
  screen.showSaveState(outbox.state, () => outbox.flush());
  for (const { kind, key } of outbox.entries) if (kind !== "skip" && kind !== "undo") history.push({ key });
  const held = stage.querySelector("[data-card]");
  if (held && !outbox.tasks.includes(Number(held.dataset.task))) {
    queue.append([cardOf(held)]);
    put(queue.current);
  }
  refreshActions();
  void outbox.flush().then(fill);
}
