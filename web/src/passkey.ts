// Passkeys: the page asks the server what to ask the device, and sends the
// answer as a form. Without this the buttons stay hidden.
import { followLock } from "./idle";

type Json = Record<string, unknown>;

export function passkeyForms(): void {
  if (!("PublicKeyCredential" in window) || !navigator.credentials) return;
  document.documentElement.classList.add("passkeys");
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-passkey]")) {
    form.addEventListener("submit", (e) => {
      if (form.querySelector<HTMLInputElement>("input[name=code]")?.value) return; // proves it otherwise; a browser fills in passwords by itself
      e.preventDefault();
      void run(form, e.submitter);
    });
  }
}

async function run(form: HTMLFormElement, by: HTMLElement | null): Promise<void> {
  const button = by instanceof HTMLButtonElement ? by : form.querySelector("button");
  const field = form.querySelector<HTMLInputElement>("input[name=passkey]");
  const words = form.querySelector<HTMLElement>("[data-passkey-error]");
  if (!button || !field || !words) return;
  const say = (text: string) => { words.textContent = text; words.hidden = !text; };
  say("");
  const all = [...form.querySelectorAll<HTMLButtonElement>("button:enabled")];
  for (const b of all) b.disabled = true;
  try {
    const asked = await fetch("/passkey/ask", {
      method: "POST", body: new URLSearchParams({ for: form.dataset.for ?? "" }), headers: { "HX-Request": "true" },
    });
    if (asked.headers.get("HX-Redirect")) return followLock(asked);
    const options = (await asked.json()) as Json;
    if (!asked.ok) return say(String(options.error));
    const credential = form.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey: creation(options) })
      : await navigator.credentials.get({ publicKey: request(options) });
    field.value = JSON.stringify(written(credential as PublicKeyCredential));
    if (button.name) { // form.submit() leaves out which button it was
      const chosen = document.createElement("input");
      chosen.type = "hidden";
      chosen.name = button.name;
      chosen.value = button.value;
      form.append(chosen);
    }
    form.submit();
  } catch (e) {
    const name = e instanceof DOMException ? e.name : "";
    say(name === "InvalidStateError" ? "This device has a passkey for you already."
      : name === "NotAllowedError" ? "It was cancelled, or took too long. Try again." : "This did not work. Try again.");
  } finally {
    for (const b of all) b.disabled = false;
  }
}

// Buffers travel as base64url (WebAuthn Level 3, section 5.1).
function bytes(text: unknown): ArrayBuffer {
  const plain = atob(String(text).replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (c) => c.charCodeAt(0)).buffer;
}

function text(buffer: ArrayBuffer | null | undefined): string | undefined {
  if (!buffer) return undefined;
  return btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function descriptors(list: unknown): PublicKeyCredentialDescriptor[] {
  return ((list ?? []) as Json[]).map((d) => ({ ...d, id: bytes(d.id) }) as unknown as PublicKeyCredentialDescriptor);
}

function creation(o: Json): PublicKeyCredentialCreationOptions {
  const user = o.user as Json;
  return {
    ...o, challenge: bytes(o.challenge), user: { ...user, id: bytes(user.id) }, excludeCredentials: descriptors(o.excludeCredentials),
  } as unknown as PublicKeyCredentialCreationOptions;
}

function request(o: Json): PublicKeyCredentialRequestOptions {
  return { ...o, challenge: bytes(o.challenge), allowCredentials: descriptors(o.allowCredentials) } as unknown as PublicKeyCredentialRequestOptions;
}

function written(c: PublicKeyCredential): Json {
  const r = c.response as AuthenticatorAttestationResponse & AuthenticatorAssertionResponse;
  const response: Json = { clientDataJSON: text(r.clientDataJSON) };
  if (r.attestationObject) {
    response.attestationObject = text(r.attestationObject);
    response.transports = r.getTransports?.() ?? [];
  } else {
    response.authenticatorData = text(r.authenticatorData);
    response.signature = text(r.signature);
    response.userHandle = text(r.userHandle);
  }
  return {
    id: c.id, rawId: text(c.rawId), type: c.type, response, clientExtensionResults: {},
    authenticatorAttachment: c.authenticatorAttachment ?? undefined,
  };
}
