package e2e_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

// TestFederationInBrowser is a nurse's way to her provider and back in a real
// browser: cookies, content security policy and all. The provider is another site
// to the browser.
func TestFederationInBrowser(t *testing.T) {
	h, _ := openLakeside(t)
	axe, err := os.ReadFile("../web/node_modules/axe-core/axe.min.js")
	if err != nil {
		lacks(t, "axe-core is not installed: npm --prefix web ci")
	}
	b, err := portaltest.NewBrowser(t.Context(), t.TempDir())
	if errors.Is(err, portaltest.ErrNoBrowser) {
		lacks(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	w := &ward{t: t, s: h.server, b: b, axe: string(axe), shots: os.Getenv("WARDKEEP_SHOTS")}
	const button = `form[action="/sign-in/with/lakeside"] button`
	there := func(who string) {
		t.Helper()
		w.do(chromedp.WaitVisible("#who"), chromedp.SendKeys("#who", who), chromedp.Click("#mfa"), chromedp.Click("#go"))
	}
	w.open("/sign-in", button)
	w.picture("federated-sign-in")
	w.do(chromedp.Click(button))
	there("nora")
	w.do(chromedp.WaitVisible("#error"))
	if got := w.text("#error"); !strings.Contains(got, "still waits for") {
		t.Errorf("the first sign-in: %q", got)
	}
	w.picture("federated-waiting")
	h.clearAll()
	w.b.Complaints() // the browser tells of the 403
	w.do(chromedp.Click(button), chromedp.WaitVisible("#q"))
	if got := w.text(".tools .user"); w.path() != "/" || !strings.Contains(got, "Lindqvist") {
		t.Errorf("signed in as %q at %s", got, w.path())
	}
	w.open("/ward", "main")
	w.do(chromedp.Click("[data-lock]"), chromedp.WaitVisible("[data-locked]"))
	w.picture("federated-lock")
	w.do(chromedp.Click(button))
	there("nora") // she proves anew who she is, though the provider knows her
	w.do(chromedp.WaitVisible("main .asof, #q, .tools"))
	if got := w.path(); got != "/ward" {
		t.Errorf("unlocking leads to %s", got)
	}
	w.colleague(h, there)
	w.open("/step-up", button)
	w.picture("federated-step-up")
	w.do(chromedp.Click(`form[action="/sign-out"] button`), chromedp.WaitVisible("#out"), chromedp.Click("#out"), chromedp.WaitVisible(button))
	w.open("/ward", button)
	for _, c := range w.b.Complaints() {
		if !strings.HasPrefix(c, "debug: ") && !strings.HasPrefix(c, "info: ") {
			t.Errorf("console: %s", c)
		}
	}
}

// colleague comes to the locked page of a nurse who is known to the provider: it asks who
// he is, and he gets pages of his own, by keyboard. She comes back in the same way.
func (w *ward) colleague(h *hospital, there func(string)) {
	w.t.Helper()
	const other = `section.other form[action="/sign-in/with/lakeside"] button`
	lock := func() {
		w.open("/ward", "main")
		w.do(chromedp.Click("[data-lock]"), chromedp.WaitVisible("[data-locked]"))
	}
	comes := func(who string) {
		w.do(chromedp.Focus(other), chromedp.KeyEvent(kb.Enter))
		there(who)
	}
	lock()
	w.picture("federated-lock-other")
	comes("dan")
	w.do(chromedp.WaitVisible("#error"))
	if got := w.text("#error"); !strings.Contains(got, "still waits for") {
		w.t.Errorf("the colleague's first sign-in: %q", got)
	}
	h.clearAll()
	w.b.Complaints() // the browser tells of the 403
	// The provider ended her session there when he came, and said so: hers ended here, too.
	const first = `form[action="/sign-in/with/lakeside"] button`
	w.open("/ward", first)
	w.do(chromedp.Focus(first), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("#q"))
	if got := w.text(".tools .user"); w.path() != "/" || strings.Contains(got, "Lindqvist") {
		w.t.Errorf("the colleague is %q at %s", got, w.path())
	}
	lock()
	if got := w.text("[data-locked]"); strings.Contains(got, "Lindqvist") {
		w.t.Errorf("the lock is %q", got)
	}
	comes("nora")
	w.do(chromedp.WaitVisible("#q"))
	if got := w.text(".tools .user"); !strings.Contains(got, "Lindqvist") {
		w.t.Errorf("who comes back is %q", got)
	}
}

// picture wants axe-core silent, and leaves pictures where they are wanted.
func (w *ward) picture(name string) {
	w.t.Helper()
	w.accessible(name)
	if w.shots == "" {
		return
	}
	for _, width := range []int64{390, 1440} {
		if err := errors.Join(w.b.Size(width, 900), w.b.Screenshot(filepath.Join(w.shots, name+"-"+map[int64]string{390: "390", 1440: "1440"}[width]+".png"), true)); err != nil {
			w.t.Fatal(err)
		}
	}
}
