package e2e_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Patients of the demo, as docs/demo.md tells of them.
const (
	critical  = "p001" // on Ward 3 North, with a potassium of 6.8
	elsewhere = "p010" // on Ward 4 South, the doctor's and not the nurse's
)

// TestBrowser is a nurse's visit to one chart and, after her, a doctor's, in a
// real browser against the real program.
func TestBrowser(t *testing.T) {
	w := openWard(t, "60")
	if err := w.b.Size(1440, 900); err != nil {
		t.Fatal(err)
	}
	w.name = familyOf(w.s, critical)
	password := w.signIn("nurse")
	chart := "/chart/" + critical
	w.find(chart)
	w.overview()
	w.sections(chart)
	w.results(chart)
	w.lock(chart, password)

	w.open("/chart/"+elsewhere, "#gate-title")
	if got := w.text("#gate-title"); got != "There is nothing here" {
		t.Errorf("the nurse opens a patient of another ward: %q", got)
	}
	w.b.Complaints() // the browser tells of the 404
	w.signOut(chart)

	w.signIn("doctor")
	w.open("/chart/"+elsewhere, "#banner")
	if got := w.text("#banner"); !strings.Contains(got, "4S") {
		t.Errorf("the doctor's patient: %q", got)
	}
	w.look("doctor")
}

// find types the beginning of the name and walks to the patient by keyboard.
func (w *ward) find(chart string) {
	w.t.Helper()
	w.look("find")
	part := strings.ToLower(w.name[:min(4, len(w.name))])
	w.do(chromedp.SendKeys("#q", part), chromedp.WaitVisible(`#found [role=status]`), chromedp.WaitVisible(`[data-patients] a[href="`+chart+`"]`))
	if got := evaluate[string](w, "location.pathname + location.search"); got != "/" {
		w.t.Errorf("what was typed is in the address: %s", got)
	}
	for range 30 {
		w.do(chromedp.KeyEvent(kb.ArrowDown))
		if evaluate[string](w, "document.activeElement.getAttribute('href') ?? ''") == chart {
			w.look("found")
			w.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("#banner"))
			return
		}
	}
	w.t.Fatal("arrow keys do not lead to the patient")
}

func (w *ward) overview() {
	w.t.Helper()
	banner := w.text("#banner")
	for _, want := range []string{strings.ToUpper(w.name) + ", ", "Born ", "MRN", "3N 3"} {
		if !strings.Contains(banner, want) {
			w.t.Errorf("the banner lacks %q: %q", want, banner)
		}
	}
	states := 0
	for _, s := range []string{"Known allergies", "No known allergies", "Allergies not recorded", "Allergies unavailable"} {
		states += strings.Count(banner, s)
	}
	if states != 1 {
		w.t.Errorf("the banner states %d allergy states: %q", states, banner)
	}
	if got := w.text(".panel.critical"); !strings.Contains(got, "Potassium") || !strings.Contains(got, "6.8") || !strings.Contains(strings.ToLower(got), "critical") {
		w.t.Errorf("the critical potassium is not on top: %q", got)
	}
	if got := evaluate[string](w, "document.body.dataset.idle"); got != "300" {
		w.t.Errorf("the page locks itself after %q s", got)
	}
	w.accessible("overview")
	w.look("overview")
}

// sections opens every page that the chart's navigation lists.
func (w *ward) sections(chart string) {
	w.t.Helper()
	all := evaluate[[]string](w, `[...document.querySelectorAll(".sections a")].map(a => a.getAttribute("href"))`)
	if len(all) < 9 || all[0] != chart {
		w.t.Fatalf("sections: %q", all)
	}
	for _, path := range all[1:] {
		w.open(path, "#banner")
		if got := w.text("main"); len(got) < 40 || strings.Contains(got, "Unavailable") || strings.Contains(got, "unavailable") {
			w.t.Errorf("%s: %q", path, got)
		}
		w.look(strings.TrimPrefix(path, chart+"/"))
	}
}

func (w *ward) results(chart string) {
	w.t.Helper()
	w.open(chart+"/results", ".results")
	w.accessible("results")
	w.do(chromedp.Click(".panel.critical .results a"), chromedp.WaitVisible(".uplot canvas"))
	drawn := `(() => { const c = document.querySelector(".uplot canvas"); const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
		let n = 0; for (let i = 3; i < d.length; i += 4) if (d[i]) n++; return n; })()`
	if n := evaluate[int](w, drawn); n < 500 {
		w.t.Errorf("the plot has %d pixels", n)
	}
	w.look("trend")
}

// lock covers the chart and comes back to it by password.
func (w *ward) lock(chart, password string) {
	w.t.Helper()
	w.open(chart, "#banner")
	w.do(chromedp.Click("[data-lock]"), chromedp.WaitVisible("[data-locked]"))
	if w.holds(w.name) {
		w.t.Error("the locked page holds the patient's name")
	}
	w.look("lock")
	w.do(chromedp.Navigate(w.s.base+chart+"/results"), chromedp.WaitVisible("[data-locked]"))
	if w.holds(w.name) {
		w.t.Error("a locked session shows a chart")
	}
	w.do(chromedp.SendKeys("#password", password), chromedp.Submit("#password"), chromedp.WaitVisible("#banner"))
	if got := w.path(); got != chart+"/results" {
		w.t.Errorf("unlocking leads to %s", got)
	}
}

func (w *ward) signOut(chart string) {
	w.t.Helper()
	w.do(chromedp.Click(`form[action="/sign-out"] button`), chromedp.WaitVisible("#user"))
	w.open(chart, "#user")
	if got := w.path(); got != "/sign-in" || w.holds(w.name) {
		w.t.Errorf("after signing out: %s", got)
	}
}
