// Two habits that <details> lacks: a menu closes when one leaves it, and a section marked
// data-fold is folded on a phone but always open on a desk.

const narrow = matchMedia("(max-width: 45rem)");

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (menu !== except) menu.open = false;
  }
}

document.addEventListener("click", ({ target }) => closeMenus(target.closest("details[data-menu]")));
document.addEventListener("keydown", ({ key, target }) => {
  if (key !== "Escape") return;
  const menu = target.closest?.("details[data-menu][open]");
  closeMenus();
  menu?.querySelector("summary").focus();
});

function fold(root) {
  for (const section of root.querySelectorAll("details[data-fold]")) section.open = !narrow.matches;
}

document.addEventListener("click", (event) => {
  if (!narrow.matches && event.target.closest("details[data-fold] > summary")) event.preventDefault();
});
narrow.addEventListener("change", () => fold(document));
document.addEventListener("htmx:load", ({ target }) => fold(target));
fold(document);
