package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// canaryWords are typed by the first person at the workstation.
const canaryWords = "Tr4nsferred by H3licopter"

// TestSharedWorkstation is a nurse who is called away from a form, a colleague who signs
// in from the lock page by one press and a passkey, and the nurse who comes back to
// her words.
func TestSharedWorkstation(t *testing.T) {
	w := openWard(t, "12")
	if _, err := w.b.Authenticator(); err != nil {
		t.Fatal(err)
	}
	w.joins("a.lind", "nurse", "ward-medicine") // sees the same charts
	w.do(chromedp.Click(`form[action="/sign-out"] button`), chromedp.WaitVisible("#user"))

	nurse := w.account("nurse")
	w.enter("nurse", nurse.Password, nurse.Secret, time.Time{})
	used := time.Now()
	name := w.text(".tools .user")
	family := familyOf(w.s, critical)
	hers := []string{canaryWords, name, "/emergency/" + elsewhere, `data-here="/chart/` + critical} // and of no other person
	w.open("/chart/"+critical+"/results", ".results")
	if !w.leaks([]string{family}) || !w.leaks(hers[1:2]) || !w.leaks(hers[3:]) {
		t.Fatal("the check does not see her page")
	}
	form := "/emergency/" + elsewhere
	note := "#note-" + elsewhere
	w.open(form, note)
	w.do(chromedp.SendKeys(note, canaryWords))
	w.accessible("draft typed")
	w.look("station-typed")
	w.do(chromedp.KeyEvent("L", chromedp.KeyModifiers(chromedp.ModifierAlt, chromedp.ModifierShift)), chromedp.WaitVisible("[data-locked]"))
	w.accessible("lock")
	w.look("station-lock")
	if w.leaks([]string{canaryWords, family}) {
		t.Error("the lock page tells of her work")
	}
	w.back(1, []string{canaryWords, family})

	began := time.Now()
	w.do(chromedp.Click(passkeyButton("sign-in")), chromedp.WaitVisible("#q")) // one press, and the passkey
	t.Logf("the second person is at work after 1 press and a passkey, %s", time.Since(began).Round(time.Millisecond))
	if got := w.text(".tools .user"); !strings.Contains(got, "Lind") {
		t.Fatalf("signed in is %q", got)
	}
	w.look("station-second")
	if w.leaks(hers) {
		t.Error("the second one's first page tells of the first")
	}
	if stored := evaluate[string](w, `JSON.stringify({...localStorage}) + JSON.stringify({...sessionStorage}) + JSON.stringify(history.state)`); strings.Contains(stored, "Tr4ns") || strings.Contains(stored, "/p0") {
		t.Errorf("the browser keeps %s", stored)
	}
	w.back(3, hers)
	w.open(form, note) // the same form in her own name
	if w.leaks([]string{canaryWords}) {
		t.Error("the form of the second person holds the words of the first")
	}
	w.do(chromedp.Click("[data-lock]"), chromedp.WaitVisible("[data-locked]"))
	if got := w.text("[data-locked]"); !strings.Contains(got, "Lind") {
		t.Errorf("locked is %q", got)
	}

	w.do(chromedp.Click(".other summary"), chromedp.WaitVisible("#other-user"))
	w.accessible("lock opened")
	w.look("station-lock-opened")
	w.do(chromedp.SendKeys("#other-user", "nurse"), chromedp.SendKeys("#other-password", nurse.Password), chromedp.Submit("#other-password"), chromedp.WaitVisible("#code"))
	w.do(chromedp.SendKeys("#code", codeAfter(t, nurse.Secret, used)), chromedp.Submit("#code"), chromedp.WaitVisible(".drafts"))
	w.accessible("drafts")
	w.look("station-back")
	w.do(chromedp.Click(".drafts a"), chromedp.WaitVisible(".kept"))
	if got := evaluate[string](w, fmt.Sprintf("document.querySelector(%q).value", note)); got != canaryWords {
		t.Errorf("her words are %q", got)
	}
	if shift, err := w.b.Shift(); err != nil || shift > 0 {
		t.Errorf("putting back moves the page by %v, %v", shift, err)
	}
	w.accessible("put back")
	w.look("station-put-back")
	w.do(chromedp.Click(".kept button"), chromedp.WaitNotPresent(".kept"))
	w.do(chromedp.SendKeys(note, "again"), chromedp.Click(`form[action="/sign-out"] button`), chromedp.WaitVisible("#user"))
}

// leaks reports whether the page holds one of the words, in its source, in a field or in
// its title.
func (w *ward) leaks(words []string) bool {
	w.t.Helper()
	held := strings.ToLower(evaluate[string](w, `document.documentElement.outerHTML + document.title + [...document.querySelectorAll("input, textarea")].map(f => f.value).join(" ")`))
	for _, word := range words {
		if strings.Contains(held, strings.ToLower(word)) {
			return true
		}
	}
	return false
}

// back goes some steps back in the browser's history, and wants to see none of the words.
func (w *ward) back(steps int, words []string) {
	w.t.Helper()
	for range steps {
		w.do(chromedp.NavigateBack())
		w.until(`document.readyState === "complete" && document.querySelector("main h1, main h2") !== null`)
		time.Sleep(200 * time.Millisecond) // whatever a script would bring back
		if w.leaks(words) {
			w.t.Errorf("back leads to %s, which tells of the first person", w.path())
		}
	}
}
