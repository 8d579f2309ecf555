// A page that nobody touches locks itself. The server does the same; this only
// makes sure that nothing stays on the screen.
const channel = "BroadcastChannel" in window ? new BroadcastChannel("wardkeep") : null;
const stampKey = "wk-last"; // a time, nothing else, so that open tabs agree
const pingAfter = 60_000;

let last = Date.now();
let told = Date.now();

export function watchIdle(): void {
  const lockForm = document.querySelector("[data-locked]");
  if (lockForm) {
    waitForUnlock();
    return;
  }
  const seconds = Number(document.body.dataset.idle);
  if (!seconds) return;
  channel?.postMessage("open");
  channel?.addEventListener("message", (e) => { if (e.data === "lock") leave(); });
  note();
  for (const what of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    addEventListener(what, moved, { passive: true });
  }
  // A page brought back from the browser's memory is older than it looks.
  addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });
  setInterval(() => check(seconds * 1000), 1000);
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
    channel?.postMessage("lock");
    leave();
    return;
  }
  if (last > told && Date.now() - told > pingAfter) {
    told = Date.now();
    void fetch("/awake", { method: "POST" }).then(followLock, () => undefined);
  }
}

// leave takes the page off the screen before anything else happens.
function leave(): void {
  const back = document.body.dataset.here ?? "/";
  document.body.replaceChildren();
  location.replace("/lock?back=" + back);
}

// followLock goes where the server sends a request that came too late.
export function followLock(answer: Response): void {
  const to = answer.headers.get("HX-Redirect");
  if (answer.status === 401 || to) {
    document.body.replaceChildren();
    location.replace(to && to.startsWith("/") ? to : "/sign-in");
  }
}

function waitForUnlock(): void {
  channel?.addEventListener("message", (e) => {
    const back = document.querySelector<HTMLInputElement>("input[name=back]");
    if (e.data === "open" && back) location.replace(back.value);
  });
}
