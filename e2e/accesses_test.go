package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestWhoLookedInBrowser is a patient who reads who looked at her record: a nurse of the
// ward, and a doctor in an emergency; and a nurse whom the same page tells nothing.
func TestWhoLookedInBrowser(t *testing.T) {
	w := openWard(t, "12")
	w.signIn("nurse")
	w.open("/chart/"+critical+"/results", "#banner")
	w.open("/chart/"+critical, "#banner")
	w.open("/chart/"+critical+"/access", "#gate-title")
	if got := w.text("#gate-title"); got != "This is not for you" || w.holds("accesses") {
		t.Errorf("a nurse at the patient's page: %q", got)
	}
	w.b.Complaints() // the browser tells of the 403
	w.do(chromedp.Click(`form[action="/sign-out"] button`), chromedp.WaitVisible("#user"))

	if _, err := w.b.Authenticator(); err != nil {
		t.Fatal(err)
	}
	w.joins("a.lind", "nurse", "ward-maternity")
	w.open("/emergency/"+critical, ".opening")
	w.do(chromedp.Click(`button[value="treatment"]`), chromedp.WaitVisible(".emergency"))
	w.do(chromedp.Click(`form[action="/sign-out"] button`), chromedp.WaitVisible("#user"))

	patient := w.beside()
	if _, err := patient.b.Authenticator(); err != nil {
		t.Fatal(err)
	}
	patient.comes("p.own", "--role", "patient", "--patient", critical)
	patient.accessible("home of a patient")
	patient.look("patient-home")
	patient.do(chromedp.Click(`a[href="/chart/`+critical+`/access"]`), chromedp.WaitVisible(".accesses"))
	got := patient.text("main")
	for _, want := range []string{"Daniel Reyes", "Nurse", "Opened laboratory results", "Astrid Lind", "Emergency opening", "Opened the record in an emergency"} {
		if !strings.Contains(got, want) {
			t.Errorf("she does not read %q: %q", want, got)
		}
	}
	patient.accessible("who looked")
	patient.look("who-looked")
	patient.open("/chart/"+elsewhere+"/access", "#gate-title")
	patient.b.Complaints() // and of the 404
	if got := patient.text("#gate-title"); got != "There is nothing here" {
		t.Errorf("at another patient's page: %q", got)
	}
}

// comes adds somebody by arguments of user add, who enrols with a passkey and signs in.
func (w *ward) comes(user string, args ...string) {
	w.t.Helper()
	var invited struct {
		Code string `json:"enrolment_code"`
	}
	out := must(w.t, append([]string{"user", "add", user, "--dir", w.s.dir, "--given", "Astrid", "--family", "Lind", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &invited); err != nil {
		w.t.Fatal(err)
	}
	const password = "lantern harbor copper meadow"
	w.open("/enrol", "#enrolment")
	w.do(chromedp.SendKeys("#user", user), chromedp.SendKeys("#enrolment", invited.Code),
		chromedp.SendKeys("#password", password), chromedp.SendKeys("#again", password), chromedp.Submit("#again"), chromedp.WaitVisible("img.qr"))
	w.do(chromedp.Click(passkeyButton("enrol")), chromedp.WaitVisible(".recovery"))
	must(w.t, "user", "attest", user, "--dir", w.s.dir, "--clearance", "2026-01-05", "--training", "2026-01-09", "--by", "Personnel office")
	w.open("/sign-in", "#user")
	w.do(chromedp.Click(passkeyButton("sign-in")), chromedp.WaitVisible("#q"))
}
