// Live pages ask for themselves anew and change only if something changed, so
// that nothing moves under a finger. When that fails for too long, they say so.
import { followLock } from "./idle";

const every = 20_000;
const staleAfter = 30_000;

let fresh = Date.now();
let shown = "";

export function keepLive(changed: () => void): void {
  const main = document.querySelector<HTMLElement>("main[data-live]");
  if (!main) return;
  shown = image(document);
  const update = () => { if (!document.hidden) void refresh(main, changed); };
  setInterval(update, every);
  setInterval(mark, 1000);
  document.addEventListener("visibilitychange", update);
}

async function refresh(main: HTMLElement, changed: () => void): Promise<void> {
  try {
    const answer = await fetch(location.pathname, {
      headers: { "Wk-Live": "1" }, cache: "no-store", signal: AbortSignal.timeout(10_000),
    });
    followLock(answer);
    if (!answer.ok) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    fresh = Date.now();
    const text = next.querySelector("[data-asof-text]")?.textContent ?? "";
    const now = image(next);
    if (now !== shown) {
      shown = now;
      replace(main, next);
      changed();
    }
    for (const el of document.querySelectorAll("[data-asof-text]")) if (el.textContent !== text) el.textContent = text;
    mark();
  } catch { /* the stale bar tells it */ }
}

// image is what the page shows, without the time of asking.
function image(doc: Document): string {
  const copy = doc.querySelector("main")?.cloneNode(true) as HTMLElement | undefined;
  copy?.querySelectorAll("[data-asof]").forEach((el) => el.remove());
  return (doc.getElementById("banner")?.innerHTML ?? "") + (copy?.innerHTML ?? "");
}

function replace(main: HTMLElement, next: Document): void {
  const open = [...main.querySelectorAll("details[open]")].map((d) => d.id);
  const focused = document.activeElement instanceof HTMLAnchorElement ? document.activeElement.getAttribute("href") : null;
  const banner = document.getElementById("banner");
  const nextBanner = next.getElementById("banner");
  const nextMain = next.querySelector("main");
  if (!nextMain) return;
  if (banner && nextBanner && banner.innerHTML !== nextBanner.innerHTML) {
    banner.className = nextBanner.className;
    banner.replaceChildren(...nextBanner.childNodes);
  }
  main.replaceChildren(...nextMain.childNodes);
  for (const id of open) (document.getElementById(id) as HTMLDetailsElement | null)?.setAttribute("open", "");
  if (focused) main.querySelector<HTMLElement>(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function mark(): void {
  const stale = Date.now() - fresh > staleAfter;
  for (const el of document.querySelectorAll<HTMLElement>("[data-asof]")) {
    el.classList.toggle("is-stale", stale);
    const words = el.querySelector<HTMLElement>("[data-stale]");
    if (words) words.hidden = !stale;
  }
}
