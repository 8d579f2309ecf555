package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestEnrolInBrowser takes a person from the administrator's command to the
// first page after signing in.
func TestEnrolInBrowser(t *testing.T) {
	w := openWard(t, "0")
	const password = "lantern harbor copper meadow"
	var invited struct {
		User string `json:"user_name"`
		Code string `json:"enrolment_code"`
	}
	out := must(t, "user", "add", "a.lind", "--dir", w.s.dir, "--role", "nurse", "--given", "Astrid", "--family", "Lind", "--ward", "ward-medicine", "--json")
	if err := json.Unmarshal([]byte(out), &invited); err != nil || invited.Code == "" {
		t.Fatalf("no invitation: %v", err)
	}
	w.open("/sign-in", "#user")
	w.do(chromedp.Click(`a[href="/enrol"]`), chromedp.WaitVisible("#enrolment"))
	begin := func(code string) {
		w.do(chromedp.SetValue("#user", invited.User), chromedp.SetValue("#enrolment", code),
			chromedp.SendKeys("#password", password), chromedp.SendKeys("#again", password), chromedp.Submit("#again"))
	}
	begin("not-this-code")
	w.do(chromedp.WaitVisible("#error"))
	if got := w.text("#error"); !strings.Contains(got, "is wrong, or the code has expired") {
		t.Errorf("a wrong code: %q", got)
	}
	w.b.Complaints() // the browser tells of the 401
	begin(strings.ToUpper(invited.Code))
	w.do(chromedp.WaitVisible("img.qr"))
	if n := evaluate[int](w, `document.querySelector("img.qr").decode().then(() => document.querySelector("img.qr").naturalWidth)`); n < 200 {
		t.Errorf("the picture is %d wide", n)
	}
	w.accessible("authenticator")
	w.look("authenticator")
	secret := strings.ReplaceAll(w.text(".secret"), " ", "")
	code := codeNow(t, secret)
	used := time.Now()
	w.do(chromedp.SendKeys("#code", code), chromedp.Submit("#code"), chromedp.WaitVisible(".recovery"))
	if n := evaluate[int](w, `document.querySelectorAll(".recovery li").length`); n < 8 {
		t.Errorf("%d recovery codes", n)
	}
	recovery := w.text(".recovery li")
	w.look("recovery")

	w.open("/sign-in", "#user")
	w.do(chromedp.SendKeys("#user", invited.User), chromedp.SendKeys("#password", password), chromedp.Submit("#password"), chromedp.WaitVisible("#code"))
	w.do(chromedp.SendKeys("#code", recovery), chromedp.Submit("#code"), chromedp.WaitVisible("#error"))
	if got := w.text("#error"); !strings.Contains(got, "clearance and your training") {
		t.Errorf("an account that nobody has attested: %q", got)
	}
	w.b.Complaints() // the browser tells of the 403
	must(t, "user", "attest", invited.User, "--dir", w.s.dir, "--clearance", "2026-01-05", "--by", "Personnel office")
	must(t, "user", "attest", invited.User, "--dir", w.s.dir, "--training", "2026-01-09", "--by", "Personnel office")
	w.enter(invited.User, password, secret, used)
	if got := w.text(".tools .user"); !strings.Contains(got, "Lind") {
		t.Errorf("signed in as %q", got)
	}
	for _, secret := range []string{secret, invited.Code, recovery, password} {
		if strings.Contains(w.s.screen.String(), secret) {
			t.Error("the server's log holds a secret")
		}
	}
}
