package portal_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

// ask evaluates a script or fails the test.
func ask[T any](t *testing.T, b *portaltest.Browser, script string) T {
	t.Helper()
	v, err := portaltest.Ask[T](b, script)
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return v
}

// eventually waits up to ten seconds for a script to be true.
func eventually(t *testing.T, b *portaltest.Browser, what, script string) {
	t.Helper()
	for range 100 {
		if ok, err := portaltest.Ask[bool](b, script); err == nil && ok {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}

func steps(t *testing.T, b *portaltest.Browser, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := b.Run(actions...); err != nil {
		t.Fatal(err)
	}
}

const (
	chartAddress = "/chart/" + portaltest.Adaeze
	shownName    = `document.documentElement.outerHTML.includes("OKONKWO")`
)

// TestFindByKeyboard types part of a name, walks down and opens.
func TestFindByKeyboard(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	s, b := stage(t, time.Hour)
	if err := b.SignIn(s.Server.URL); err != nil {
		t.Fatal(err)
	}
	steps(t, b, chromedp.SendKeys("#q", "okon"), chromedp.WaitVisible("[data-patients] a"))
	if got := ask[string](t, b, "location.pathname + location.search"); got != "/" {
		t.Errorf("what was typed is in the address: %s", got)
	}
	steps(t, b, chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowUp))
	if got := ask[string](t, b, "document.activeElement.getAttribute('href')"); got != chartAddress {
		t.Errorf("the first row does not have the focus, but %q", got)
	}
	steps(t, b, chromedp.KeyEvent(kb.Escape))
	if got := ask[string](t, b, "document.activeElement.id"); got != "q" {
		t.Errorf("Escape leads to %q", got)
	}
	steps(t, b, chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("#banner"))
	if got := ask[string](t, b, "document.title"); strings.Contains(strings.ToLower(got), "okon") {
		t.Errorf("the title is %q", got)
	}
}

// TestPageLocksItself waits for the idle time and unlocks by password.
func TestPageLocksItself(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	s, b := stage(t, 3*time.Second)
	if err := b.SignIn(s.Server.URL); err != nil {
		t.Fatal(err)
	}
	steps(t, b, chromedp.Navigate(s.Server.URL+chartAddress+"/results"), chromedp.WaitVisible("#banner"))
	steps(t, b, chromedp.WaitVisible("[data-locked]"))
	if ask[bool](t, b, shownName) {
		t.Error("the locked page holds the patient's name")
	}
	if got := ask[string](t, b, "document.title"); got != "Locked · Wardkeep" {
		t.Errorf("title %q", got)
	}
	steps(t, b, chromedp.SendKeys("#password", portaltest.Password), chromedp.Submit("#password"), chromedp.WaitVisible("#banner"))
	if got := ask[string](t, b, "location.pathname"); got != chartAddress+"/results" {
		t.Errorf("unlocking leads to %q", got)
	}
}

// TestLivePage changes a result behind the page's back, then cuts the line.
func TestLivePage(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	s, b := stage(t, time.Hour)
	if err := errors.Join(b.Size(1440, 900), b.SignIn(s.Server.URL)); err != nil {
		t.Fatal(err)
	}
	steps(t, b, chromedp.Navigate(s.Server.URL+chartAddress+"/results"), chromedp.WaitVisible(".uplot"))
	ask[bool](t, b, `document.querySelector("details").open = true; window.mark = document.querySelector("tbody tr"); true`)
	wake := `document.dispatchEvent(new Event("visibilitychange")); true`
	s.Clock.Advance(time.Minute)
	ask[bool](t, b, wake)
	eventually(t, b, "the time moves on", `document.querySelector("[data-asof-text]").textContent === "as of 14:06"`)
	if !ask[bool](t, b, `window.mark.isConnected`) {
		t.Error("a page without news was drawn anew")
	}
	r, err := fhir.Parse([]byte(portaltest.Potassium("k0", 7.4)))
	if err != nil {
		t.Fatal(err)
	}
	s.Chart.Replace(r)
	ask[bool](t, b, wake)
	eventually(t, b, "the new value is shown", `document.querySelector("tbody td").textContent.includes("7.4")`)
	if !ask[bool](t, b, `document.querySelector("details").open && document.querySelectorAll(".uplot").length === 1`) {
		t.Error("the open table or the plot was lost")
	}
	ask[bool](t, b, `window.fetch = () => Promise.reject(new Error("cut")); const d = Date.now; Date.now = () => d() + 31000; true`)
	eventually(t, b, "the page says that it is stale", `!document.querySelector("[data-stale]").hidden`)
}

// TestPlots holds that two units of one test are two figures, and that a result
// entered in error is in none.
func TestPlots(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	s, b := stage(t, time.Hour)
	if err := errors.Join(b.Size(1440, 900), b.SignIn(s.Server.URL)); err != nil {
		t.Fatal(err)
	}
	steps(t, b, chromedp.Navigate(s.Server.URL+chartAddress+"/results"), chromedp.WaitVisible(".uplot"))
	if ask[bool](t, b, `[...document.querySelectorAll("td[data-value]")].some(td => td.dataset.value === "46")`) {
		t.Error("a result entered in error is on the plot")
	}
	all := ask[string](t, b, `document.querySelector("button[data-span='0']").click(); document.querySelector("[data-plot]").dataset.span`)
	if pressed := ask[string](t, b, `[...document.querySelectorAll("button[data-span]")].map(x => x.dataset.span + x.ariaPressed).join(" ")`); all != "0" || pressed != "7false 0true" {
		t.Errorf("the whole span: %s %s", all, pressed)
	}
	ask[bool](t, b, `[...document.querySelectorAll(".results a")].find(a => a.textContent === "Creatinine").click(); true`)
	eventually(t, b, "two figures", `document.querySelectorAll(".uplot").length === 2 && document.querySelector("#test-title").textContent === "Creatinine"`)
	if got := ask[string](t, b, `[...document.querySelectorAll("[data-plot]")].map(f => f.dataset.unit).join(" ")`); got != "mg/dL micromol/L" {
		t.Errorf("axes %q", got)
	}
	if got := ask[string](t, b, "location.pathname"); strings.Contains(got, "2160") || strings.Contains(strings.ToLower(got), "creat") {
		t.Errorf("the address tells the test: %s", got)
	}
}

// TestBannerIsCoveredByNothing scrolls and looks at what lies on top.
func TestBannerIsCoveredByNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	s, b := stage(t, time.Hour)
	if err := b.SignIn(s.Server.URL); err != nil {
		t.Fatal(err)
	}
	for _, width := range []int64{1440, 390} {
		if err := b.Size(width, 800); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"", "/results", "/vitals", "/history"} {
			steps(t, b, chromedp.Navigate(s.Server.URL+chartAddress+path), chromedp.WaitVisible("#banner"))
			if !ask[bool](t, b, `scrollTo(0, 700); new Promise(r => setTimeout(() => {
				const banner = document.querySelector("#banner"), box = banner.getBoundingClientRect(); let ok = box.top === 0;
				for (let x = 4; x < innerWidth - 4; x += 37) for (let y = 3; y < box.height - 3; y += 9) ok &&= banner.contains(document.elementFromPoint(x, y));
				r(ok); }, 100))`) {
				t.Errorf("%s at %d: the banner is covered", path, width)
			}
		}
	}
}

// TestWithoutScripts signs in, finds and reads with scripts switched off.
func TestWithoutScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	s, b := stage(t, time.Hour)
	steps(t, b, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	if err := b.SignIn(s.Server.URL); err != nil {
		t.Fatal(err)
	}
	// The page that was left has a list of patients too: the answer is known by its count.
	steps(t, b, chromedp.SendKeys("#q", "okonkwo"), chromedp.Click(".box button"), chromedp.WaitVisible("#found > p[role=status]"),
		chromedp.Click("[data-patients] a"), chromedp.WaitVisible("#banner"), chromedp.Click(`.sections a[href$="/vitals"]`), chromedp.WaitVisible("details summary"),
		chromedp.Click("details summary"), chromedp.WaitVisible("table.points"))
}
