// Arrow keys walk through a list of patients; Enter is the link's own.
export function arrowKeys(): void {
  document.addEventListener("keydown", (e) => {
    if (e.key !== "ArrowDown" && e.key !== "ArrowUp" && e.key !== "Escape") return;
    const box = document.querySelector<HTMLInputElement>("#q");
    const rows = [...document.querySelectorAll<HTMLAnchorElement>("[data-patients] a")];
    const at = rows.indexOf(document.activeElement as HTMLAnchorElement);
    const inBox = document.activeElement === box;
    if (at < 0 && !inBox) return;
    if (e.key === "Escape") {
      if (at >= 0) box?.focus();
      return;
    }
    e.preventDefault();
    const next = at + (e.key === "ArrowDown" ? 1 : -1);
    if (next < 0) box?.focus();
    else rows[Math.min(next, rows.length - 1)]?.focus();
  });
}
