// Line numbers beside code: as many as there are lines, and where they are.

/** @param {HTMLElement} form */
export function watchCode(form) {
  form.addEventListener("input", ({ target }) => number(target));
  // Scrolling does not bubble.
  form.addEventListener("scroll", ({ target }) => align(target), true);
}

function numbersOf(area) {
  return area instanceof HTMLTextAreaElement ? area.closest("[data-code]")?.querySelector("[data-code-numbers]") : null;
}

function number(area) {
  const place = numbersOf(area);
  if (!place) return;
  const lines = area.value.split("\n").length;
  place.textContent = Array.from({ length: lines }, (_, line) => line + 1).join("\n");
  align(area);
}

function align(area) {
  const place = numbersOf(area);
  if (place) place.scrollTop = area.scrollTop;
}
