package e2e_test

import (
	"regexp"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestWholeNumberInBrowser is the front desk at a patient's numbers: masked, whole in two
// presses that say why, and masked again; and a nurse who is not offered to.
func TestWholeNumberInBrowser(t *testing.T) {
	w := openWard(t, "12")
	nurse := w.beside()
	nurse.signIn("nurse")
	nurse.open("/ward", "main")
	if _, err := w.b.Authenticator(); err != nil {
		t.Fatal(err)
	}
	w.joins("f.desk", "registration", "")
	whole, masked := regexp.MustCompile(`9\d\d-\d\d-\d{4}`), regexp.MustCompile(`\*{3}-\*\*-\d{4}`)
	address := "/chart/" + critical + "/details"
	w.opensFor(address, "#person-title")
	if got := w.text("main"); !masked.MatchString(got) || whole.MatchString(got) {
		t.Errorf("the page says %q", got)
	}
	w.accessible("details")
	w.look("details")
	w.do(chromedp.Click("section:has(#person-title) .unmask summary"), chromedp.WaitVisible(`.unmask button[value="HPAYMT"]`))
	w.accessible("details-purpose")
	w.look("details-purpose")
	w.do(chromedp.Click(`.unmask button[value="HPAYMT"]`), chromedp.WaitVisible(".whole-shown"))
	if got := w.text("section:has(#person-title)"); !whole.MatchString(got) {
		t.Errorf("asked for, the page says %q", got)
	}
	if got := w.text("section:has(#insurance-title)"); whole.MatchString(got) {
		t.Errorf("what was not asked for is whole: %q", got)
	}
	w.accessible("details-whole")
	w.look("details-whole")
	w.do(chromedp.Click(".whole-shown a"), chromedp.WaitNotPresent(".whole-shown"), chromedp.WaitVisible(".unmask"))
	if got := w.text("main"); whole.MatchString(got) {
		t.Error("it lasts")
	}
	if nurse.holds(critical) {
		nurse.open(address, "#person-title")
		if got := nurse.text("main"); whole.MatchString(got) || nurse.holds("Show the whole number") {
			t.Errorf("a nurse reads %q", got)
		}
		nurse.look("details-nurse")
	}
}
