package portal_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/wardkeep/wardkeep/internal/portal/assets"
	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

// stage starts a portal over the fakes and a browser in front of it. Without a
// browser or built assets the test is skipped.
func stage(t *testing.T, idle time.Duration) (*portaltest.Stage, *portaltest.Browser) {
	t.Helper()
	files, err := assets.Load()
	if err != nil {
		t.Fatal(err)
	}
	if !files.Built() {
		t.Skip("assets are not built: npm --prefix web ci && npm --prefix web run build")
	}
	s, err := portaltest.NewStage(idle)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	b, err := portaltest.NewBrowser(t.Context(), t.TempDir())
	if errors.Is(err, portaltest.ErrNoBrowser) {
		t.Skip(err)
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

// TestPagesInBrowser opens every page at two widths, light and dark: axe-core
// finds nothing, the policy stops nothing, nothing moves after the page is
// shown. With WARDKEEP_SCREENSHOTS set to a folder it leaves pictures there.
func TestPagesInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	axe, err := os.ReadFile("../../web/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Skip("axe-core is not installed: npm --prefix web ci")
	}
	s, b := stage(t, time.Hour)
	folder := os.Getenv("WARDKEEP_SCREENSHOTS")
	check := func(name string) {
		t.Helper()
		found, err := b.Axe(string(axe))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, v := range found {
			t.Errorf("%s: %s", name, v)
		}
		if shift, err := b.Shift(); err != nil || shift > 0.01 {
			t.Errorf("%s: layout moved by %.3f (%v)", name, shift, err)
		}
		if wide, err := portaltest.Ask[bool](b, `document.documentElement.scrollWidth > document.documentElement.clientWidth`); err != nil || wide {
			t.Errorf("%s: wider than the window (%v)", name, err)
		}
		if folder != "" {
			if err := b.Screenshot(filepath.Join(folder, name+".png"), true); err != nil {
				t.Fatal(err)
			}
		}
	}
	step := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	step(b.Size(1440, 900))
	step(b.Run(chromedp.Navigate(s.Server.URL+"/sign-in"), chromedp.WaitVisible("#user")))
	check("signin-1440")
	step(b.SignIn(s.Server.URL))
	for _, look := range []struct {
		name          string
		width, height int64
		dark          bool
	}{{"1440", 1440, 900, false}, {"390", 390, 844, false}, {"1440-dark", 1440, 900, true}} {
		step(b.Size(look.width, look.height))
		step(b.Dark(look.dark))
		for _, p := range pages {
			step(b.Run(chromedp.Navigate(s.Server.URL+p.path), chromedp.WaitReady("main")))
			check(p.name + "-" + look.name)
		}
	}
	for _, c := range b.Complaints() {
		if !expectedComplaint(c) {
			t.Errorf("console: %s", c)
		}
	}
}

// expectedComplaint knows the one answer of the tour that is an error.
func expectedComplaint(c string) bool {
	return strings.Contains(c, "404 (Not Found)")
}
