package portal_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/wardkeep/wardkeep/internal/portal"
	"github.com/wardkeep/wardkeep/internal/portal/assets"
	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

// lacks skips a test for want of something, or fails it where nothing may be
// wanting.
func lacks(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// stage starts a portal over the fakes and a browser in front of it. Without a
// browser or built assets the test is skipped, and fails with CI=true.
func stage(t *testing.T, idle time.Duration, change ...func(*portaltest.Stage, *portal.Config)) (*portaltest.Stage, *portaltest.Browser) {
	t.Helper()
	files, err := assets.Load()
	if err != nil {
		t.Fatal(err)
	}
	if !files.Built() {
		lacks(t, "assets are not built: npm --prefix web ci && npm --prefix web run build")
	}
	s, err := portaltest.NewStage(idle, change...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	b, err := portaltest.NewBrowser(t.Context(), t.TempDir())
	if errors.Is(err, portaltest.ErrNoBrowser) {
		lacks(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return s, b
}

// pages are the addresses of everything somebody who is signed in can open.
var pages = []struct{ name, path string }{
	{"home", "/"}, {"ward", "/ward"},
	{"overview", "/chart/" + portaltest.Adaeze}, {"results", "/chart/" + portaltest.Adaeze + "/results"},
	{"vitals", "/chart/" + portaltest.Adaeze + "/vitals"}, {"medications", "/chart/" + portaltest.Adaeze + "/medications"},
	{"problems", "/chart/" + portaltest.Adaeze + "/problems"}, {"allergies", "/chart/" + portaltest.Adaeze + "/allergies"},
	{"visits", "/chart/" + portaltest.Adaeze + "/visits"}, {"documents", "/chart/" + portaltest.Adaeze + "/documents"},
	{"document", "/chart/" + portaltest.Adaeze + "/documents/d-scan"}, {"history", "/chart/" + portaltest.Adaeze + "/history"},
	{"deceased", "/chart/" + portaltest.Dead}, {"long", "/chart/" + portaltest.Long}, {"arabic", "/chart/" + portaltest.Arabic},
	{"newborn", "/chart/" + portaltest.Newborn}, {"quiet", "/chart/" + portaltest.Quiet}, {"sealed", "/chart/" + portaltest.Sealed},
	{"error", "/chart/nobody"},
}

// looker looks at the page that is open.
type looker struct {
	t      *testing.T
	b      *portaltest.Browser
	axe    string
	folder string // for pictures, "" for none
}

// inspect wants axe-core silent and the page no wider than the window.
func (l looker) inspect(name string) {
	l.t.Helper()
	found, err := l.b.Axe(l.axe)
	if err != nil {
		l.t.Fatalf("%s: %v", name, err)
	}
	for _, v := range found {
		l.t.Errorf("%s: %s", name, v)
	}
	if ask[bool](l.t, l.b, `document.documentElement.scrollWidth > document.documentElement.clientWidth`) {
		l.t.Errorf("%s: wider than the window", name)
	}
	if l.folder != "" {
		if err := l.b.Screenshot(filepath.Join(l.folder, name+".png"), true); err != nil {
			l.t.Fatal(err)
		}
	}
}

// check wants, too, that nothing moved since the page was shown.
func (l looker) check(name string) {
	l.t.Helper()
	l.inspect(name)
	if shift, err := l.b.Shift(); err != nil || shift > 0.01 {
		l.t.Errorf("%s: layout moved by %.3f (%v)", name, shift, err)
	}
}

// TestPagesInBrowser opens every page at two widths, light and dark: axe-core
// finds nothing, the policy stops nothing, nothing moves after the page is
// shown. With WARDKEEP_SCREENSHOTS set to a folder it leaves pictures there.
func TestPagesInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	axe, err := os.ReadFile("../../web/node_modules/axe-core/axe.min.js")
	if err != nil {
		lacks(t, "axe-core is not installed: npm --prefix web ci")
	}
	s, b := stage(t, time.Hour)
	look := looker{t: t, b: b, axe: string(axe), folder: os.Getenv("WARDKEEP_SCREENSHOTS")}
	step := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	step(b.Size(1440, 900))
	step(b.Run(chromedp.Navigate(s.Server.URL+"/sign-in"), chromedp.WaitVisible("#user")))
	look.check("signin-1440")
	enrolling(t, s, b, look)
	step(b.SignIn(s.Server.URL))
	for _, how := range []struct {
		name          string
		width, height int64
		dark          bool
	}{{"1440", 1440, 900, false}, {"390", 390, 844, false}, {"1440-dark", 1440, 900, true}} {
		step(b.Size(how.width, how.height))
		step(b.Dark(how.dark))
		for _, p := range pages {
			step(b.Run(chromedp.Navigate(s.Server.URL+p.path), chromedp.WaitReady("main")))
			look.check(p.name + "-" + how.name)
		}
	}
	for _, c := range b.Complaints() {
		if !expectedComplaint(c) {
			t.Errorf("console: %s", c)
		}
	}
}

// enrolling walks through the three steps of a person who is new.
func enrolling(t *testing.T, s *portaltest.Stage, b *portaltest.Browser, look looker) {
	t.Helper()
	both := func(name string) {
		t.Helper()
		for _, width := range []int64{390, 1440} {
			if err := b.Size(width, 900); err != nil {
				t.Fatal(err)
			}
			look.inspect(name + "-" + strconv.FormatInt(width, 10))
		}
	}
	steps(t, b, chromedp.Navigate(s.Server.URL+"/enrol"), chromedp.WaitVisible("#enrolment"))
	both("enrol")
	steps(t, b, chromedp.SendKeys("#user", portaltest.NewUser), chromedp.SendKeys("#enrolment", portaltest.NewCode),
		chromedp.SendKeys("#password", newPassword), chromedp.SendKeys("#again", newPassword), chromedp.Submit("#again"),
		chromedp.WaitVisible("img.qr"))
	if w := ask[int](t, b, `document.querySelector("img.qr").naturalWidth`); w < 200 {
		t.Errorf("the picture is %d wide", w)
	}
	both("authenticator")
	steps(t, b, chromedp.SendKeys("#code", portaltest.Code), chromedp.Submit("#code"), chromedp.WaitVisible(".recovery"))
	both("recovery")
}

// expectedComplaint knows the one answer of the tour that is an error.
func expectedComplaint(c string) bool {
	return strings.Contains(c, "404 (Not Found)")
}
