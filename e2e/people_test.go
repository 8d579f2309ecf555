package e2e_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

// beside is another browser in front of the same server.
func (w *ward) beside() *ward {
	w.t.Helper()
	b, err := portaltest.NewBrowser(w.t.Context(), w.t.TempDir())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(b.Close)
	return &ward{t: w.t, s: w.s, b: b, axe: w.axe, shots: w.shots}
}

// TestPeopleInBrowser is an administrator at work on accounts, and a nurse whose
// open page ends with hers.
func TestPeopleInBrowser(t *testing.T) {
	w := openWard(t, "0")
	nurse := w.beside()
	nurse.signIn("nurse")
	nurse.open("/ward", "main")
	if nurse.holds(`href="/people"`) {
		t.Error("a nurse is led to the accounts of others")
	}
	nurse.open("/people", "#gate-title")
	if got := nurse.text("#gate-title"); got != "This is not for you" {
		t.Errorf("a nurse at the accounts of others: %q", got)
	}
	nurse.open("/ward", "main")

	w.signIn("admin")
	w.do(chromedp.Click(`.appbar a[href="/people"]`), chromedp.WaitVisible(".people"))
	w.accessible("people")
	w.look("people")
	w.do(chromedp.Click(`a[href="/people/new"]`), chromedp.WaitVisible("#user"))
	w.accessible("invite")
	w.look("invite")
	w.do(chromedp.SendKeys("#user", "b.lind"), chromedp.SendKeys("#given", "Bo"), chromedp.SendKeys("#family", "Lind"),
		chromedp.SendKeys("#wards", "no-such-ward"), chromedp.Click(`input[value="nurse"]`), chromedp.Submit("#family"), chromedp.WaitVisible("#error"))
	if got := w.text("#error"); !strings.Contains(got, "no Location of that id") {
		t.Errorf("a ward that is not there: %q", got)
	}
	w.b.Complaints() // the browser tells of the 400
	w.do(chromedp.SetValue("#wards", "ward-medicine"), chromedp.Submit("#family"), chromedp.WaitVisible("#code-title"))
	if got := w.text(".secret"); len(got) < 24 {
		t.Errorf("enrolment code %q", got)
	}
	w.accessible("invited")
	w.look("invited")
	if !w.holds("data-another") || w.holds(`id="by"`) {
		t.Error("who invited somebody is led to attest her as well")
	}
	must(t, "user", "attest", "b.lind", "--dir", w.s.dir, "--clearance", "2026-01-05", "--training", "2026-01-09", "--by", "Personnel office")
	w.openPerson("b.lind")
	if got := w.text(".pairs"); strings.Contains(got, "Not recorded") || strings.Count(got, "by Personnel office") != 2 || !strings.Contains(got, "has not enrolled") {
		t.Errorf("attested: %q", got)
	}
	w.openPerson("nurse") // whom the server made
	for i, kind := range []string{"clearance", "training"} {
		w.do(chromedp.Click(`input[value="`+kind+`"]`), chromedp.SetValue("#by", "Personnel office"), chromedp.Submit("#by"))
		w.until(fmt.Sprintf(`document.querySelector(".pairs").innerText.split("by Personnel office").length === %d`, i+2))
	}
	w.look("person")
	w.resets("doctor")
	w.dismiss(nurse)
}

// openPerson opens the page of somebody from the list.
func (w *ward) openPerson(user string) {
	w.t.Helper()
	w.open("/people", ".people")
	w.do(chromedp.Click(`//tr[td[1][normalize-space()="`+user+`"]]//a`), chromedp.WaitVisible("#state-title"))
}

// resets takes somebody's second factor away, by keyboard: not before it is said how she
// was recognised.
func (w *ward) resets(user string) {
	w.t.Helper()
	w.openPerson(user)
	w.accessible("reset")
	form := `form[action$="/reset-mfa"] `
	w.do(chromedp.SetValue("#reason-reset-mfa", "phone lost"), chromedp.SetValue("#seenby-reset-mfa", "Front desk"), chromedp.Submit("#reason-reset-mfa"), chromedp.WaitVisible(`p.error[role="alert"]`))
	if got := w.text(`p.error[role="alert"]`); w.holds("code-title") || !strings.Contains(got, "how this person was recognised") {
		w.t.Errorf("reset without a proof of who asks: %q", got)
	}
	w.b.Complaints() // the browser tells of the 422
	press := func(field, value string) {
		w.do(chromedp.Focus(form+`[name="`+field+`"][value="`+value+`"]`), chromedp.KeyEvent(" "))
	}
	w.openPerson(user)
	press("how", "in-person")
	press("document", "staff-badge")
	w.do(chromedp.SendKeys("#reason-reset-mfa", "phone lost"), chromedp.SendKeys("#seenby-reset-mfa", "Front desk"), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("#code-title"))
	if got := w.text(".pairs"); !strings.Contains(got, "by Front desk: in person, staff badge") {
		w.t.Errorf("the record says %q", got)
	}
	w.accessible("reset done")
	w.look("reset-done")
}

// dismiss disables the nurse and wants her open page to end within a second.
func (w *ward) dismiss(nurse *ward) {
	w.t.Helper()
	live := `fetch("/ward", {headers: {"Wk-Live": "1"}}).then(r => r.status)`
	if got := evaluate[int](nurse, live); got != 200 {
		w.t.Fatalf("the nurse's page: %d", got)
	}
	w.open("/people", ".people")
	w.do(chromedp.Click(`//tr[td[1][normalize-space()="nurse"]]//a`), chromedp.WaitVisible("#reason-disable"),
		chromedp.SendKeys("#reason-disable", "a test"), chromedp.Submit("#reason-disable"), chromedp.WaitVisible(".notice"))
	time.Sleep(time.Second)
	if got := evaluate[int](nurse, live); got != 401 {
		w.t.Errorf("a second later the nurse's page still answers %d", got)
	}
	nurse.open("/ward", "#user")
	if got := nurse.path(); got != "/sign-in" {
		w.t.Errorf("the nurse is at %s", got)
	}
}

// TestAccountInBrowser is a nurse at her own account: her sessions, a browser she
// had not used, recovery codes and a new password.
func TestAccountInBrowser(t *testing.T) {
	w := openWard(t, "0")
	password := w.signIn("nurse")
	w.do(chromedp.Click(`.tools .user a`), chromedp.WaitVisible("#sessions-title"))
	if got := w.text(".things"); !strings.Contains(got, "Chrome on Linux") || !strings.Contains(got, "This one") {
		t.Errorf("sessions: %q", got)
	}
	w.accessible("account")
	w.do(chromedp.Click(`a[href="/account/recovery"]`), chromedp.WaitVisible("button.primary"))
	w.accessible("recovery")
	w.look("recovery-renew")
	w.do(chromedp.Click("button.primary"), chromedp.WaitVisible(".recovery"))
	codes := strings.Fields(evaluate[string](w, `[...document.querySelectorAll(".recovery li")].map(x => x.innerText).join(" ")`))
	if len(codes) != 10 {
		t.Fatalf("%d codes", len(codes))
	}
	w.look("recovery-new")

	other := w.beside()
	if err := other.b.Agent("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"); err != nil {
		t.Fatal(err)
	}
	other.open("/sign-in", "#user")
	other.do(chromedp.SendKeys("#user", "nurse"), chromedp.SendKeys("#password", password), chromedp.Submit("#password"), chromedp.WaitVisible("#code"),
		chromedp.SendKeys("#code", codes[0]), chromedp.Submit("#code"), chromedp.WaitVisible(`a.button.primary`))
	w.open("/", ".news")
	w.accessible("news")
	w.look("news")
	w.do(chromedp.Click(".news a"), chromedp.WaitVisible("#news-title"))
	if got := w.text(".panel.critical"); !strings.Contains(got, "Safari on iPhone") {
		t.Errorf("news: %q", got)
	}
	w.accessible("was this you")
	w.look("was-this-you")
	w.do(chromedp.Click(`form[action="/account/news"] button`), chromedp.WaitNotPresent("#news-title"), chromedp.WaitVisible("[data-end-others]"),
		chromedp.Click("[data-end-others]"), chromedp.WaitNotPresent("[data-end-others]"))
	gone := func() {
		t.Helper()
		other.open("/account", "#user")
		if got := other.path(); got != "/sign-in" {
			t.Errorf("the session that was ended is at %s", got)
		}
	}
	gone()
	other.do(chromedp.SendKeys("#user", "nurse"), chromedp.SendKeys("#password", password), chromedp.Submit("#password"), chromedp.WaitVisible("#code"),
		chromedp.SendKeys("#code", codes[1]), chromedp.Submit("#code"), chromedp.WaitVisible(`a.button.primary`))
	// With an old proof the button leads here: proof and end are one step.
	w.open("/step-up?to=/account/sessions/end", "#code")
	w.accessible("end others by a proof")
	w.look("end-others-proof")
	w.do(chromedp.SendKeys("#password", password), chromedp.SendKeys("#code", codes[2]), chromedp.Submit("#code"), chromedp.WaitVisible("#sessions-title"), chromedp.WaitNotPresent("[data-end-others]"))
	gone()
	w.open("/account/sessions/end", "button.primary")
	w.accessible("end others, proven")
	w.look("end-others-proven")
	w.open("/account/password", "#new")
	w.accessible("password")
	w.look("password")
	change := func(old, fresh string) {
		w.do(chromedp.SetValue("#password", old), chromedp.SetValue("#new", fresh), chromedp.SetValue("#again", fresh), chromedp.Submit("#again"))
	}
	change(password, "password1")
	w.do(chromedp.WaitVisible("#error"))
	if got := w.text("#error"); !strings.Contains(got, "first that are tried") {
		t.Errorf("a common password: %q", got)
	}
	w.b.Complaints() // the browser tells of the 422
	change(password, "lantern harbor copper")
	w.do(chromedp.WaitVisible("#user"))
	if err := errors.Join(w.b.Run(chromedp.SendKeys("#user", "nurse"), chromedp.SendKeys("#password", "lantern harbor copper"), chromedp.Submit("#password"),
		chromedp.WaitVisible("#code"), chromedp.SendKeys("#code", codes[3]), chromedp.Submit("#code"), chromedp.WaitVisible(`a.button.primary`))); err != nil {
		t.Error(err)
	}
}
