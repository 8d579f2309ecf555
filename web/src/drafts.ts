// What is typed into a form and not sent is kept by the server, never by the browser:
// the next person at this workstation must find nothing of it here.
type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

const pause = 1500;
const waiting = new Map<HTMLFormElement, number>();

export function keepDrafts(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-draft]")) {
    putBack(form);
    form.addEventListener("input", () => {
      clearTimeout(waiting.get(form));
      waiting.set(form, window.setTimeout(() => void keep(form), pause));
    });
    form.addEventListener("formdata", () => forget(form)); // it is on its way
  }
  addEventListener("pagehide", () => void keepNow());
}

// keepNow keeps what no pause has kept yet. It reads the forms before it returns.
export async function keepNow(): Promise<void> {
  await Promise.all([...waiting.keys()].map(keep));
}

function forget(form: HTMLFormElement): void {
  clearTimeout(waiting.get(form));
  waiting.delete(form);
}

async function keep(form: HTMLFormElement): Promise<void> {
  forget(form);
  const body = new URLSearchParams({
    mark: document.body.dataset.mark ?? "", form: form.getAttribute("action") ?? "", page: form.dataset.draft ?? "",
  });
  const all = controls(form);
  for (const name of new Set(all.filter(changed).map((c) => c.name))) {
    const values = all.filter((c) => c.name === name && counts(c)).map((c) => c.value);
    for (const value of values.length ? values : [""]) body.append("f." + name, value);
  }
  try {
    await fetch("/drafts", { method: "POST", body, keepalive: true, headers: { "HX-Request": "true" } });
  } catch { /* it is still on the page */ }
}

// controls are the fields whose words are kept: no secret is one of them.
function controls(form: HTMLFormElement): Control[] {
  return [...form.elements].filter((c): c is Control =>
    (c instanceof HTMLInputElement && !["hidden", "password", "file", "submit", "button"].includes(c.type)
      || c instanceof HTMLTextAreaElement || c instanceof HTMLSelectElement)
    && c.name !== "" && !/password|one-time-code/.test(c.autocomplete));
}

const ticks = (c: Control): c is HTMLInputElement => c instanceof HTMLInputElement && (c.type === "checkbox" || c.type === "radio");
const counts = (c: Control): boolean => !ticks(c) || c.checked;

function changed(c: Control): boolean {
  if (ticks(c)) return c.checked !== c.defaultChecked;
  if (c instanceof HTMLSelectElement) return [...c.options].some((o) => o.selected !== o.defaultSelected);
  return c.value !== c.defaultValue;
}

function putBack(form: HTMLFormElement): void {
  const kept = new Map<string, string[]>();
  for (const d of form.querySelectorAll<HTMLDataElement>("[data-kept] data")) {
    const name = d.dataset.name ?? "";
    kept.set(name, [...(kept.get(name) ?? []), d.value]);
  }
  for (const c of controls(form)) {
    const values = kept.get(c.name);
    if (!values) continue;
    if (ticks(c)) c.checked = values.includes(c.value);
    else c.value = values[0] ?? "";
  }
}
