// Where places in a text are once the text was changed. All offsets count characters (code points) of a text whose lines
// end with a line feed, as a field of a browser has it.

/** @typedef {{start: number, end: number}} Place */
/** @typedef {{start: number, end: number, length: number}} Change from `start` to `end` there are `length` new characters */

/** The one stretch in which two texts differ. @param {string} before @param {string} after @returns {Change} */
export function changeBetween(before, after) {
  const old = [...before];
  const now = [...after];
  const shorter = Math.min(old.length, now.length);
  let start = 0;
  while (start < shorter && old[start] === now[start]) start += 1;
  let tail = 0;
  while (tail < shorter - start && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail += 1;
  return { start, end: old.length - tail, length: now.length - tail - start };
}

/**
 * `place` after `change`. One that was typed into grows or shrinks with its words; one whose words are gone is empty.
 * @param {Place} place @param {Change} change @returns {Place}
 */
export function moved({ start, end }, change) {
  const shift = change.length - (change.end - change.start);
  if (end <= change.start) return { start, end };
  if (start >= change.end) return { start: start + shift, end: end + shift };
  if (start <= change.start && change.end <= end) return { start, end: end + shift };
  // The change reaches beyond one of its ends: what was outside stays outside.
  if (start < change.start) return { start, end: change.start };
  const newEnd = change.start + change.length;
  return { start: newEnd, end: Math.max(newEnd, end + shift) };
}

/** Line ends as a field of a browser has them. @param {string} text */
export function inField(text) {
  return text.replace(/\r\n?/g, "\n");
}

/** The offset in a field of character `at` of `stored`. @param {string} stored @param {number} at */
export function fromStored(stored, at) {
  return [...inField([...stored].slice(0, at).join(""))].length;
}

/** The character of `stored` at offset `at` of a field. @param {string} stored @param {number} at */
export function toStored(stored, at) {
  const characters = [...stored];
  let place = 0;
  for (let passed = 0; passed < at && place < characters.length; passed += 1) {
    place += characters[place] === "\r" && characters[place + 1] === "\n" ? 2 : 1;
  }
  return place;
}
