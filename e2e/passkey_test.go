package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// passkeyButton is the button of a form that uses a passkey.
func passkeyButton(purpose string) string { return `form[data-for="` + purpose + `"] button` }

// TestPasskeyInBrowser enrols with a passkey in place of an authenticator, signs
// in with it, locks and unlocks, and steps up, in Chromium with a virtual
// authenticator.
func TestPasskeyInBrowser(t *testing.T) {
	w := openWard(t, "0")
	const password = "lantern harbor copper meadow"
	verifies, err := w.b.Authenticator()
	if err != nil {
		t.Fatal(err)
	}
	var invited struct {
		User string `json:"user_name"`
		Code string `json:"enrolment_code"`
	}
	out := must(t, "user", "add", "a.lind", "--dir", w.s.dir, "--role", "nurse", "--given", "Astrid", "--family", "Lind", "--json")
	if err := json.Unmarshal([]byte(out), &invited); err != nil {
		t.Fatal(err)
	}
	w.open("/enrol", "#enrolment")
	w.do(chromedp.SendKeys("#user", invited.User), chromedp.SendKeys("#enrolment", invited.Code),
		chromedp.SendKeys("#password", password), chromedp.SendKeys("#again", password), chromedp.Submit("#again"), chromedp.WaitVisible("img.qr"))
	w.accessible("enrol by passkey")
	w.look("enrol-passkey")
	w.do(chromedp.Click(passkeyButton("enrol")), chromedp.WaitVisible(".recovery"))

	must(t, "user", "attest", invited.User, "--dir", w.s.dir, "--clearance", "2026-01-05", "--training", "2026-01-09", "--by", "Personnel office")
	w.open("/sign-in", "#user")
	w.accessible("sign-in")
	w.look("sign-in-passkey")
	w.do(chromedp.Click(passkeyButton("sign-in")), chromedp.WaitVisible("#q"))
	if got := w.text(".tools .user"); !strings.Contains(got, "Lind") {
		t.Fatalf("signed in as %q", got)
	}
	w.do(chromedp.Click("[data-lock]"), chromedp.WaitVisible("[data-locked]"))
	w.accessible("lock")
	w.look("lock-passkey")
	if err := verifies(false); err != nil {
		t.Fatal(err)
	}
	w.do(chromedp.Click(passkeyButton("session")), chromedp.WaitVisible(`form[data-for="session"] [data-passkey-error]`))
	if got := w.text("[data-passkey-error]"); !strings.Contains(got, "cancelled") {
		t.Errorf("an authenticator that did not verify its user: %q", got)
	}
	if err := verifies(true); err != nil {
		t.Fatal(err)
	}
	w.do(chromedp.Click(passkeyButton("session")), chromedp.WaitVisible("#q"))

	w.open("/step-up?to=/account", "#password")
	w.accessible("step-up")
	w.look("step-up")
	w.do(chromedp.Click(passkeyButton("session")), chromedp.WaitVisible("#passkeys-title"))
	if got := w.path(); got != "/account" {
		t.Errorf("step-up leads to %s", got)
	}
	w.accessible("account")
	w.look("account")
	w.do(chromedp.Click(`.things button`), chromedp.WaitVisible("main > .error"))
	if got := w.text("main > .error"); !strings.Contains(got, "last second factor") {
		t.Errorf("removing the last second factor: %q", got)
	}
	w.b.Complaints() // the browser tells of the 422
	w.open("/account/passkey", "#name")
	w.accessible("new passkey")
	w.look("new-passkey")
	w.do(chromedp.SendKeys("#name", "The same again"), chromedp.Click(passkeyButton("add")), chromedp.WaitVisible("[data-passkey-error]"))
	if got := w.text("[data-passkey-error]"); !strings.Contains(got, "has a passkey for you already") {
		t.Errorf("a device that has one already: %q", got)
	}
}
