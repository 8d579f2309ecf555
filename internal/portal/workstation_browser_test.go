package portal_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

// keepable is a server that lets browsers keep what must not be kept.
type keepable struct{ http.ResponseWriter }

func (w keepable) WriteHeader(status int) {
	w.Header().Set("Cache-Control", "private, max-age=600")
	w.Header().Del("Clear-Site-Data")
	w.ResponseWriter.WriteHeader(status)
}

func scriptless(b *portaltest.Browser) error {
	return b.Run(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}

// goBack goes back without waiting for a page to load: one from the browser's memory
// does not.
func goBack() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		h, err := cdp.Call(ctx, target, page.GetNavigationHistory, cdp.Empty{})
		if err == nil {
			_, err = cdp.Call(ctx, target, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: h.Entries[h.CurrentIndex-1].ID})
		}
		return err
	})
}

// TestBackFromTheLockShowsNothing goes back from the lock page, with and without scripts;
// pages that a browser may keep are the control, by which the check sees what leaks.
func TestBackFromTheLockShowsNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	for _, c := range []struct {
		name                  string
		scripts, kept, leaked bool
	}{
		{name: "with scripts", scripts: true},
		{name: "without scripts"},
		{name: "kept by the browser", kept: true, leaked: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, b := stage(t, time.Hour)
			base := s.Server.URL
			if c.kept {
				kept := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.Portal.ServeHTTP(keepable{w}, r) }))
				defer kept.Close()
				base = kept.URL
			}
			if !c.scripts {
				if err := scriptless(b); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.SignIn(base); err != nil {
				t.Fatal(err)
			}
			steps(t, b, chromedp.Navigate(base+chartAddress), chromedp.WaitVisible("#banner"), chromedp.Navigate(base+chartAddress+"/vitals"), chromedp.WaitVisible("#banner"))
			steps(t, b, chromedp.Click("[data-lock]"), chromedp.WaitVisible("[data-locked]"), goBack())
			time.Sleep(500 * time.Millisecond) // a page from memory tells of no load
			if got := ask[bool](t, b, shownName); got != c.leaked {
				t.Errorf("the patient's name is there: %v", got)
			}
		})
	}
}

// TestIdleLockKeepsWords types into a form, leaves it alone until it locks, and comes
// back to the words.
func TestIdleLockKeepsWords(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	s, b := stage(t, 4*time.Second, withEmergency(&fakeEmergency{}))
	if err := b.SignIn(s.Server.URL); err != nil {
		t.Fatal(err)
	}
	note := "#note-" + portaltest.Quiet
	steps(t, b, chromedp.Navigate(s.Server.URL+glassForm), chromedp.WaitVisible(note), chromedp.SendKeys(note, "fell in the hall"))
	steps(t, b, chromedp.WaitVisible("[data-locked]"), chromedp.SendKeys("#password", portaltest.Password), chromedp.Submit("#password"), chromedp.WaitVisible(".kept"))
	if got := ask[string](t, b, `document.querySelector("`+note+`").value`); got != "fell in the hall" {
		t.Errorf("her words are %q", got)
	}
	steps(t, b, chromedp.Click(`button[value="treatment"]`), chromedp.WaitVisible("#banner"))
	time.Sleep(200 * time.Millisecond)
	if kept := s.Drafts.Of("u1"); len(kept) != 0 {
		t.Errorf("what was sent is kept: %+v", kept)
	}
}

// TestSecretsAreNotKept fills in every field of a form that also takes a password.
func TestSecretsAreNotKept(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	s, b := stage(t, time.Hour, withEmergency(&fakeEmergency{}))
	if err := b.SignIn(s.Server.URL); err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(10 * time.Minute) // the proof is old
	note := "#note-" + portaltest.Quiet
	steps(t, b, chromedp.Navigate(s.Server.URL+glassForm), chromedp.WaitVisible(note),
		chromedp.SendKeys(note, "fell"), chromedp.SendKeys("#password-"+portaltest.Quiet, "s3cret words"), chromedp.SendKeys("#code-"+portaltest.Quiet, "918273"))
	eventually(t, b, "the page is locked", `document.querySelector("[data-lock]")?.click() || document.querySelector("[data-locked]") !== null`)
	kept := s.Drafts.Of("u1")
	if len(kept) != 1 || len(kept[0].Fields) != 1 || kept[0].Fields.Get("note") != "fell" {
		t.Errorf("kept are %+v", kept)
	}
}

// TestSigningOutClearsOtherTabs has two tabs of hers: what ends or locks the session in one
// clears the other, which asks for nothing by itself and is not looked at.
func TestSigningOutClearsOtherTabs(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	wake := `; document.dispatchEvent(new Event("visibilitychange"))`
	for _, c := range []struct{ name, does, leadsTo string }{
		{"signed out", `document.querySelector("form[action='/sign-out'] button").click()`, `["/sign-in", "/lock"]`}, // it may lock before the session is over
		{"locked", `document.querySelector("[data-lock]").click()`, `["/lock"]`},
		{"ended at the server", `await fetch("/sign-out", { method: "POST" })` + wake, `["/sign-in"]`},
		{"locked at the server", `await fetch("/lock", { method: "POST" })` + wake, `["/lock"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, b := stage(t, time.Hour)
			if err := b.SignIn(s.Server.URL); err != nil {
				t.Fatal(err)
			}
			steps(t, b, chromedp.Navigate(s.Server.URL+chartAddress+"/allergies"), chromedp.WaitVisible("#banner"))
			other, err := b.Tab()
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			steps(t, other, chromedp.Navigate(s.Server.URL+chartAddress), chromedp.WaitVisible(".scripts #banner"))
			if !ask[bool](t, b, shownName+` && document.querySelector("[data-live]") === null`) || !ask[bool](t, other, `document.querySelector("[data-live]") !== null && !document.hidden`) {
				t.Fatal("the chart is not shown in both, or the wrong one asks by itself")
			}
			ask[bool](t, other, `setTimeout(async () => { `+c.does+`; }) > 0`)
			eventually(t, b, "the chart is gone", `!`+shownName+` && `+c.leadsTo+`.includes(location.pathname)`)
		})
	}
}
