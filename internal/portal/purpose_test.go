package portal_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/portal"
	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

// fakePurposes is a fake: it asks about the charts that it is told to, and keeps what
// was read for what. The real door is at work in e2e.
type fakePurposes struct {
	portal.Chart
	roles     []string
	may, asks []string
	of        string // whose chart is asked about
	read      []string
}

func (f *fakePurposes) WorksFor(identity.Actor) []string { return f.may }

func (f *fakePurposes) AsksPurpose(_ context.Context, _ identity.Actor, patient string) ([]string, error) {
	if patient == f.of {
		return f.asks, nil
	}
	return nil, nil
}

func (f *fakePurposes) View(ctx context.Context, a identity.Actor, req portal.ViewRequest) (*portal.View, error) {
	f.read = append(f.read, a.Purpose)
	return f.Chart.View(ctx, a, req)
}

func (f *fakePurposes) last() string {
	if len(f.read) == 0 {
		return "nothing was read"
	}
	last := f.read[len(f.read)-1]
	f.read = nil
	return last
}

func withPurposes(f *fakePurposes) func(*portaltest.Stage, *portal.Config) {
	return func(s *portaltest.Stage, cfg *portal.Config) {
		f.Chart = s.Chart
		cfg.Chart, cfg.Purposes = f, f
		cfg.Accounts = roleAccounts{Accounts: s.Accounts, roles: f.roles}
	}
}

const (
	deskChart  = "/chart/" + portaltest.Adaeze
	otherChart = "/chart/" + portaltest.Quiet
)

func frontDesk() *fakePurposes {
	may := []string{"TREAT", "HOPERAT", "HPAYMT", "PATRQT"}
	return &fakePurposes{roles: []string{"nurse", "registration"}, may: may, asks: may[1:], of: portaltest.Adaeze}
}

// TestChartAsksWhatFor: before a chart opens that nothing tells the purpose of, one form
// asks, knows nobody's name, and is not seen again.
func TestChartAsksWhatFor(t *testing.T) {
	f := frontDesk()
	v := visit(t, withNumbers(t, &fakeNumbers{}), withPurposes(f)).signIn()
	f.read = nil
	for _, path := range []string{"", "/results", "/documents/d-scan/file", "/details"} {
		a := v.get(deskChart + path)
		if a.StatusCode != http.StatusOK || !strings.Contains(a.body, "What do you open this chart for?") || strings.Contains(a.body, "Adaeze") || len(f.read) > 0 {
			t.Fatalf("%s: %d, read for %v", path, a.StatusCode, f.read)
		}
		if !strings.Contains(a.body, `value="HOPERAT" class="primary" autofocus`) || !strings.Contains(a.body, `value="`+deskChart+path+`"`) || strings.Contains(a.body, `value="TREAT"`) {
			t.Errorf("%s: the form is not what it should be", path)
		}
	}
	if a := v.post(deskChart+"/details", "record", "Patient/"+portaltest.Adaeze, "purpose", "HPAYMT"); a.StatusCode != http.StatusForbidden || len(f.read) > 0 {
		t.Errorf("a form of the chart: %d", a.StatusCode)
	}
	if a := v.do("GET", deskChart, nil, "Wk-Live", "1"); a.Header.Get("HX-Redirect") != deskChart || len(f.read) > 0 {
		t.Errorf("a page that refreshes itself: %d", a.StatusCode)
	}
	if a := v.post("/purpose", "purpose", "HRESCH", "chart", "1", "back", deskChart); a.StatusCode != http.StatusForbidden {
		t.Errorf("what is none of her work: %d", a.StatusCode)
	}
	if a := v.get(deskChart); !strings.Contains(a.body, "What do you open") {
		t.Fatal("a refused purpose opened the chart")
	}
	if a := v.post("/purpose", "purpose", "HPAYMT", "chart", "1", "back", deskChart+"/details"); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != deskChart+"/details" {
		t.Fatalf("%d leads to %q", a.StatusCode, a.Header.Get("Location"))
	}
	for _, path := range []string{"/details", "", "/results"} {
		if a := v.get(deskChart + path); !strings.Contains(a.body, "Adaeze") || !strings.Contains(a.body, "</span>Billing</summary>") || f.last() != "HPAYMT" {
			t.Errorf("%s is not opened for what was said", path)
		}
	}
	if a := v.get(otherChart); !strings.Contains(a.body, "</span>Treating patients</summary>") || f.last() != "TREAT" {
		t.Error("what was said of one chart is taken for another, or a chart in her care asks")
	}
}

// TestWorkingFor: who may work for several things sees for what, and changes it from any
// page; nobody is asked to choose of one.
func TestWorkingFor(t *testing.T) {
	f := frontDesk()
	v := visit(t, withPurposes(f)).signIn()
	if a := v.get("/ward"); !strings.Contains(a.body, "</span>Treating patients</summary>") || f.last() != "TREAT" {
		t.Error("the usual purpose is not told")
	}
	if a := v.post("/purpose", "purpose", "HPAYMT", "back", "/ward"); a.Header.Get("Location") != "/ward" {
		t.Fatalf("%d leads to %q", a.StatusCode, a.Header.Get("Location"))
	}
	for _, path := range []string{"/ward", otherChart} {
		if a := v.get(path); !strings.Contains(a.body, "</span>Billing</summary>") || f.last() != "HPAYMT" {
			t.Errorf("%s is not for billing", path)
		}
	}
	if a := v.get(deskChart); !strings.Contains(a.body, `value="HPAYMT" class="primary" autofocus`) {
		t.Error("what she works for is not what is proposed")
	}
	v.post("/purpose", "purpose", "HOPERAT", "back", deskChart) // in the head of the chart: for both
	if v.get(deskChart); f.last() != "HOPERAT" {
		t.Error("the chart is not opened for what its head says")
	}
	if v.get("/ward"); f.last() != "HOPERAT" {
		t.Error("the rest is not for it")
	}
	v.post("/lock", "back", "/")
	v.post("/unlock", "password", portaltest.Password, "back", "/")
	if v.get(deskChart); f.last() != "HOPERAT" {
		t.Error("it is forgotten behind the lock")
	}
	f.may = []string{"TREAT", "HPAYMT"} // her work has changed
	if v.get("/ward"); f.last() != "TREAT" {
		t.Error("what is her work no more counts on")
	}
	if a := v.post("/purpose", "purpose", "HOPERAT", "back", "/"); a.StatusCode != http.StatusForbidden {
		t.Errorf("what is her work no more: %d", a.StatusCode)
	}
	if a := v.do("POST", "/purpose", nil, "Sec-Fetch-Site", "cross-site"); a.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %d", a.StatusCode)
	}

	f = &fakePurposes{roles: []string{"billing"}, may: []string{"HPAYMT"}}
	v = visit(t, withPurposes(f)).signIn()
	if a := v.get("/ward"); !strings.Contains(a.body, "</span>Billing</p>") || strings.Contains(a.body, `action="/purpose"`) {
		t.Error("who has one purpose is not told it, or asked")
	}
}

// TestEmergencyIsTreatment: a chart opened in an emergency is for treatment, whatever
// she works for, and asks nothing more.
func TestEmergencyIsTreatment(t *testing.T) {
	f, e := frontDesk(), &fakeEmergency{}
	v := visit(t, withPurposes(f), withEmergency(e)).signIn()
	v.post("/purpose", "purpose", "HPAYMT", "back", "/")
	if a := v.get(deskChart); !strings.Contains(a.body, "What do you open") {
		t.Fatal("the chart does not ask") // or this test shows nothing
	}
	if a := v.post("/emergency/"+portaltest.Adaeze, "reason", "treatment"); a.Header.Get("Location") != deskChart {
		t.Fatalf("%d leads to %q", a.StatusCode, a.Header.Get("Location"))
	}
	if a := v.get(deskChart); !strings.Contains(a.body, "Adaeze") || f.last() != "TREAT" {
		t.Error("the chart is not open to treat the patient")
	}
}

// TestUnmaskForHerWork: a whole number is asked for what is the reader's work alone.
func TestUnmaskForHerWork(t *testing.T) {
	n := &fakeNumbers{}
	v := visit(t, withNumbers(t, n), withPurposes(&fakePurposes{roles: []string{"billing"}, may: []string{"HPAYMT"}})).signIn()
	if a := v.get(deskChart + "/details"); !strings.Contains(a.body, `name="purpose" value="HPAYMT"`) || strings.Contains(a.body, `value="TREAT"`) {
		t.Error("a biller is offered what is none of her work")
	}
}

// TestPatientReadsWhatFor: each purpose is told in words, and the same look for another
// one is another line.
func TestPatientReadsWhatFor(t *testing.T) {
	words := map[string]string{
		"TREAT": "Treatment", "HPAYMT": "Payment", "HOPERAT": "Running the hospital", "PATRQT": "Asked for by the patient", "PUBHLTH": "Public health", "HRESCH": "Research",
		"HCOMPL": "Checking that rules are kept", "HLEGAL": "A legal matter", "HSYSADMIN": "Keeping the computer system running", "COVAUTH": "Payment", "ACCRED": "",
	}
	var list []portal.Access
	for code := range words {
		list = append(list, portal.Access{At: portaltest.Now, Actor: "n1", Roles: []string{"nurse"}, Action: "view", Type: "chart: results", Purpose: code})
	}
	file := visit(t, accessesOf(&fakeAccesses{list: list})).signIn().get(deskChart + "/access.csv").body
	for code, want := range words {
		if !strings.Contains(file, "Opened laboratory results,"+want+",") {
			t.Errorf("%s is not told as %q", code, want)
		}
	}
	same := func(purpose string) portal.Access { a := list[0]; a.Purpose = purpose; return a }
	twice := &fakeAccesses{list: []portal.Access{same("TREAT"), same("HRESCH"), same("TREAT")}}
	body := visit(t, accessesOf(twice)).signIn().get(deskChart + "/access").body
	if strings.Count(body, "Opened laboratory results") != 2 || !strings.Contains(body, "For: Research<") || !strings.Contains(body, "For: Treatment<") {
		t.Error("looks for several purposes are told as one")
	}
}

// TestPurposeInBrowser: the form opens the chart by Enter, the menu is opened by keys and
// shut by Escape, both are accessible.
func TestPurposeInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	axe, err := os.ReadFile("../../web/node_modules/axe-core/axe.min.js")
	if err != nil {
		lacks(t, "axe-core is not installed: npm --prefix web ci")
	}
	f := frontDesk()
	s, b := stage(t, time.Hour, withPurposes(f), withEmergency(&fakeEmergency{}))
	look := looker{t: t, b: b, axe: string(axe), folder: os.Getenv("WARDKEEP_SCREENSHOTS")}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	steps(t, b, chromedp.EmulateViewport(1280, 900))
	check(b.SignIn(s.Server.URL))
	steps(t, b, chromedp.Navigate(s.Server.URL+deskChart), chromedp.WaitVisible(".purposes"))
	for _, width := range []int64{390, 1280} {
		steps(t, b, chromedp.EmulateViewport(width, 900))
		look.inspect("purpose-" + map[int64]string{390: "390", 1280: "1280"}[width])
	}
	steps(t, b, chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("#banner"))
	if got := f.last(); got != "HOPERAT" {
		t.Errorf("Enter opens the chart for %q", got)
	}
	open := `document.querySelector("[data-working]").open`
	menu := func() {
		t.Helper()
		ask[bool](t, b, `dispatchEvent(new KeyboardEvent("keydown", {altKey: true, shiftKey: true, code: "KeyP"}))`)
	}
	press := func(key string, with ...chromedp.KeyOption) { t.Helper(); steps(t, b, chromedp.KeyEvent(key, with...)) }
	for _, width := range []int64{390, 1280} {
		steps(t, b, chromedp.EmulateViewport(width, 900))
		menu()
		if !ask[bool](t, b, open) {
			t.Fatal("the keys do not open the menu")
		}
		look.inspect("working-" + map[int64]string{390: "390", 1280: "1280"}[width])
		if width == 1280 {
			check(b.Dark(true))
			look.inspect("working-dark")
			check(b.Dark(false))
		}
		press(kb.Escape)
		if ask[bool](t, b, open) {
			t.Fatal("Escape does not shut the menu")
		}
	}
	menu()
	press(kb.Enter)
	steps(t, b, chromedp.WaitVisible(`//summary[contains(., "Treating patients")]`))
	if got := f.last(); got != "TREAT" {
		t.Errorf("after the change the chart is read for %q", got)
	}
	for _, c := range b.Complaints() {
		t.Errorf("console: %s", c)
	}
}
