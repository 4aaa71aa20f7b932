// The colour theme is kept in a cookie rather than in localStorage: the server then writes it into
// the <html> tag, and the first paint is right without a blocking script.

const YEAR = 365 * 24 * 3600;

function stored() {
  return document.cookie.match(/(?:^|; )theme=(light|dark)(?:;|$)/)?.[1] ?? "system";
}

function apply(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function store(theme) {
  const age = theme === "system" ? 0 : YEAR;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${theme}; path=/; max-age=${age}; samesite=lax${secure}`;
}

for (const picker of document.querySelectorAll("[data-theme-switch]")) {
  picker.hidden = false;
  picker.querySelector(`[value="${stored()}"]`).checked = true;
  picker.addEventListener("change", ({ target }) => {
    store(target.value);
    apply(target.value);
  });
}
