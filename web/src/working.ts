// What the reader works for is changed from any page: Alt Shift P, and Enter on another.
export function workingMenu(): void {
  const menu = document.querySelector<HTMLDetailsElement>("details[data-working]");
  const head = menu?.querySelector("summary");
  if (!menu || !head) return;
  const shut = (): void => { menu.open = false; };
  addEventListener("keydown", (e) => {
    if (e.altKey && e.shiftKey && e.code === "KeyP") {
      e.preventDefault();
      menu.open = true;
      menu.querySelector<HTMLElement>("button:not([aria-current])")?.focus();
    } else if (e.key === "Escape" && menu.open) {
      shut();
      head.focus();
    }
  });
  addEventListener("pointerdown", (e) => { if (!menu.contains(e.target as Node)) shut(); });
  menu.addEventListener("focusout", (e) => { if (e.relatedTarget && !menu.contains(e.relatedTarget as Node)) shut(); });
}
