package e2e_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// opensFor opens a page of a chart that asks what for, by the key that takes what it
// proposes.
func (w *ward) opensFor(path, until string) {
	w.t.Helper()
	w.open(path, ".purposes")
	w.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(until))
}

// TestPurposeInBrowser is a nurse who is at the front desk, too: a chart that is not her
// ward's asks what for, she changes it by keys, and the log and the patient's own page tell
// what each look was for.
func TestPurposeInBrowser(t *testing.T) {
	w := openWard(t, "12")
	if _, err := w.b.Authenticator(); err != nil {
		t.Fatal(err)
	}
	w.joins("t.work", "nurse,registration", "ward-maternity")
	if got := w.text(".working summary"); !strings.Contains(got, "Treating patients") {
		t.Errorf("at first she works for %q", got)
	}
	details := "/chart/" + critical + "/details"
	w.open(details, ".purposes")
	if w.holds(familyOf(w.s, critical)) {
		t.Error("the question names the patient")
	}
	w.accessible("what for")
	w.look("purpose")
	w.opensFor(details, "#person-title")
	if got := w.text(".working summary"); !strings.Contains(got, "Running the hospital") {
		t.Errorf("the chart is opened for %q", got)
	}
	evaluate[bool](w, `dispatchEvent(new KeyboardEvent("keydown", {altKey: true, shiftKey: true, code: "KeyP"}))`)
	w.do(chromedp.WaitVisible(`.working button[value="HPAYMT"]`))
	w.accessible("working for")
	w.look("working")
	w.do(chromedp.Focus(`.working button[value="HPAYMT"]`), chromedp.KeyEvent(kb.Enter))
	w.until(`document.querySelector(".working summary")?.innerText.includes("Billing")`)
	if got := w.path(); got != details {
		t.Errorf("the change leads to %s", got)
	}
	w.open("/chart/"+critical, "#banner") // is not asked again
	if got := evaluate[string](w, `location.href`); strings.ContainsAny(got, "?#") {
		t.Errorf("the address is %s", got)
	}
	w.look("working-changed")
	evaluate[bool](w, `!fetch("/purpose", {method: "POST", body: new URLSearchParams({purpose: "HRESCH", back: "/"})}).then(r => document.body.dataset.answer = r.status)`)
	w.until(`document.body.dataset.answer === "403"`)
	w.b.Complaints() // the browser tells of the 403

	for purpose, want := range map[string][]string{"HOPERAT": {`"view"`}, "HPAYMT": {`"view"`, `"purpose"`}, "HRESCH": nil} {
		out := must(t, "audit", "export", "--dir", w.s.dir, "--purpose", purpose)
		for _, text := range want {
			if !strings.Contains(out, text) {
				t.Errorf("for %s the log lacks %s", purpose, text)
			}
		}
		if want == nil && out != "" {
			t.Errorf("for %s the log has %.200s", purpose, out)
		}
	}
	patient := w.beside()
	if _, err := patient.b.Authenticator(); err != nil {
		t.Fatal(err)
	}
	patient.comes("p.own", "--role", "patient", "--patient", critical)
	if got := patient.text("p.working"); !strings.Contains(got, "Your own record") {
		t.Errorf("a patient works for %q", got)
	}
	patient.open("/chart/"+critical+"/access", ".accesses")
	for _, want := range []string{"For: Payment", "For: Running the hospital"} {
		if got := patient.text("main"); !strings.Contains(got, want) {
			t.Errorf("she does not read %q: %q", want, got)
		}
	}
	patient.look("who-looked-for")
}
