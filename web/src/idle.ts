// A page that nobody touches locks itself. The server does the same; this only
// makes sure that nothing stays on the screen, or comes back to it for somebody else.
import { keepNow } from "./drafts";

const channel = "BroadcastChannel" in window ? new BroadcastChannel("wardkeep") : null;
const stampKey = "wk-last"; // a time, nothing else, so that open tabs agree
const pingAfter = 60_000;
const keepWithin = 1000;
const mark = document.body.dataset.mark; // whose page it is

let last = Date.now();
let told = Date.now();
let leaving = false;

export function watchIdle(): void {
  // A page in the browser's memory is blank, and one brought back is asked for anew.
  addEventListener("pagehide", (e) => { if (e.persisted) document.body.replaceChildren(); });
  addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });
  if (!mark || !ownEntry(mark)) return;
  const locked = document.querySelector("[data-locked]");
  channel?.addEventListener("message", (e) => followTabs(e.data, !!locked));
  const seconds = Number(document.body.dataset.idle);
  if (locked || !seconds) return;
  channel?.postMessage({ open: mark });
  note();
  for (const what of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    addEventListener(what, moved, { passive: true });
  }
  setInterval(() => check(seconds * 1000), 1000);
  lockByHand();
  document.querySelector("form[action='/sign-out']")?.addEventListener("submit", tellTabs);
}

// ownEntry reports whether this place in the browser's history is of the person who
// is signed in. Another's leads to the start: where she was is hers.
function ownEntry(mine: string): boolean {
  const state = history.state as { mark?: string } | null;
  const own = !state?.mark || state.mark === mine;
  history.replaceState({ mark: mine }, "");
  if (!own) away("/");
  return own;
}

function followTabs(said: unknown, locked: boolean): void {
  if (said === "lock" && !locked) void lockNow(false);
  const open = (said as { open?: string }).open;
  if (!open) return;
  if (open !== mark) away("/");
  else if (locked) away(document.querySelector<HTMLInputElement>("input[name=back]")?.value ?? "/");
}

function moved(): void {
  if (Date.now() - last > 1000) note();
}

function note(): void {
  last = Date.now();
  try { localStorage.setItem(stampKey, String(last)); } catch { /* a browser without storage */ }
}

function lastAnywhere(): number {
  try { return Math.max(last, Number(localStorage.getItem(stampKey)) || 0); } catch { return last; }
}

function check(idle: number): void {
  const quiet = Date.now() - lastAnywhere();
  if (quiet >= idle) {
    void lockNow(true);
    return;
  }
  if (last > told && Date.now() - told > pingAfter) {
    told = Date.now();
    void fetch("/awake", { method: "POST" }).then(followLock, () => undefined);
  }
}

function lockByHand(): void {
  document.querySelector<HTMLFormElement>("form[action='/lock']")?.addEventListener("submit", (e) => {
    e.preventDefault();
    void lockNow(true);
  });
  addEventListener("keydown", (e) => {
    if (!e.altKey || !e.shiftKey || e.code !== "KeyL") return;
    e.preventDefault();
    void lockNow(true);
  });
}

// tellTabs has the other tabs leave, too: the session is theirs as well.
function tellTabs(): void {
  channel?.postMessage("lock");
}

// lockNow takes the page off the screen before anything else happens.
async function lockNow(tell: boolean): Promise<void> {
  if (leaving) return;
  leaving = true;
  const kept = keepNow();
  document.body.replaceChildren();
  await Promise.race([kept, new Promise((done) => setTimeout(done, keepWithin))]);
  if (tell) tellTabs();
  location.replace(`/lock?mark=${mark}&back=${document.body.dataset.here ?? "/"}`);
}

function away(to: string): void {
  document.body.replaceChildren();
  location.replace(to);
}

// followLock goes where the server sends a request that came too late.
export function followLock(answer: Response): void {
  const to = answer.headers.get("HX-Redirect");
  if (answer.status !== 401 && !to) return;
  tellTabs();
  away(to && to.startsWith("/") ? to : "/sign-in");
}
