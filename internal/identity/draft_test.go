package identity_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

const glass = "/emergency/p001"

func draft(words string) identity.Draft {
	return identity.Draft{Form: glass, Page: glass, Fields: url.Values{"note": {words}}}
}

// kept returns what the session is given back of the note, "" if nothing.
func (w *world) kept(g identity.Grant) string {
	w.t.Helper()
	list, err := w.Drafts(ctx, w.resume(g), glass)
	must(w.t, err)
	for _, d := range list {
		if d.Form == glass {
			return d.Fields.Get("note")
		}
	}
	return ""
}

// TestDraftsAreTheirAuthors holds that what somebody typed comes back to her in every
// session of hers, and to nobody else.
func TestDraftsAreTheirAuthors(t *testing.T) {
	w := newWorld(t)
	ana, bo := w.add("ana.okafor", "nurse"), w.add("bo.lind", "nurse")
	desk := w.signIn(ana)
	here := w.resume(desk)
	must(t, w.KeepDraft(ctx, here, draft("fell in the hall")))
	must(t, w.KeepDraft(ctx, here, draft("fell in the hall at night")))
	began := 0
	for _, e := range w.records.events {
		if e.Action == "draft-keep" {
			began++
		}
		if strings.Contains(fmt.Sprintf("%+v", e), "fell") {
			t.Errorf("an event tells of the words: %+v", e)
		}
	}
	if began != 1 {
		t.Errorf("%d events tell of a draft that begins to be kept", began)
	}
	must(t, w.Lock(ctx, desk.Token))
	if list, err := w.Drafts(ctx, here, glass); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("a locked session is given %d drafts, %v", len(list), err)
	}
	wantKind(t, w.KeepDraft(ctx, here, draft("typed behind the lock")), fault.Unauthenticated)

	other := w.signIn(bo)
	if got := w.kept(other); got != "" {
		t.Errorf("somebody else is given %q", got)
	}
	stolen := w.resume(other) // her id in another's session
	stolen.ID = ana.ID
	_, err := w.Drafts(ctx, stolen, glass)
	wantKind(t, err, fault.Unauthenticated)

	unlocked, err := w.Unlock(ctx, desk.Token, goodPassword, ward)
	must(t, err)
	if got := w.kept(unlocked); got != "fell in the hall at night" {
		t.Errorf("unlocked, she is given %q", got)
	}
	if e := w.records.find("draft-show"); e.Actor != ana.ID || e.Session != unlocked.Session.ID {
		t.Errorf("that it was given is told as %+v", e)
	}
	elsewhere := w.signInAt(ana, "203.0.113.9", iphone)
	if got := w.kept(elsewhere); got == "" {
		t.Error("at another workstation she is given nothing")
	}
	list, err := w.Drafts(ctx, w.resume(elsewhere), "/")
	must(t, err)
	if len(list) != 1 || list[0].Fields != nil {
		t.Errorf("on another page: %+v", list)
	}
	program := w.resume(elsewhere)
	program.ClientID = "app"
	_, err = w.Drafts(ctx, program, glass)
	wantKind(t, err, fault.Denied)
	wantKind(t, w.DropDraft(ctx, program, glass), fault.Denied)
}

// TestDraftsEnd goes through all that ends them.
func TestDraftsEnd(t *testing.T) {
	for name, end := range map[string]func(*world, somebody, identity.Grant){
		"nothing": func(*world, somebody, identity.Grant) {}, // the control: else it is there
		"sent":    func(w *world, _ somebody, g identity.Grant) { must(w.t, w.DropDraft(ctx, w.resume(g), glass)) },
		"emptied": func(w *world, _ somebody, g identity.Grant) {
			must(w.t, w.KeepDraft(ctx, w.resume(g), identity.Draft{Form: glass, Page: glass}))
		},
		"signed out": func(w *world, _ somebody, g identity.Grant) { must(w.t, w.End(ctx, g.Token, ward)) },
		"disabled": func(w *world, s somebody, _ identity.Grant) {
			must(w.t, w.Disable(ctx, operator, s.ID, "left"))
			must(w.t, w.Enable(ctx, operator, s.ID, "back"))
		},
		"sessions ended": func(w *world, s somebody, _ identity.Grant) { must(w.t, w.EndAll(ctx, operator, s.ID, "lost phone")) },
		"half a day, though touched since": func(w *world, s somebody, _ identity.Grant) {
			w.clock.Advance(11 * time.Hour)
			must(w.t, w.KeepDraft(ctx, w.resume(w.signIn(s)), draft("longer")))
			w.clock.Advance(time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ana := w.add("ana.okafor", "nurse")
			g := w.signIn(ana)
			must(t, w.KeepDraft(ctx, w.resume(g), draft("fell in the hall")))
			end(w, ana, g)
			if got := w.kept(w.signIn(ana)); (got != "") != (name == "nothing") {
				t.Errorf("she is given %q", got)
			}
		})
	}
}

// TestPassersByEndNoDrafts holds that ending a locked session, which anybody at the
// workstation can, costs its owner nothing she typed.
func TestPassersByEndNoDrafts(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	g := w.signIn(ana)
	must(t, w.KeepDraft(ctx, w.resume(g), draft("fell in the hall")))
	must(t, w.Lock(ctx, g.Token))
	must(t, w.End(ctx, g.Token, ward))
	if got := w.kept(w.signIn(ana)); got == "" {
		t.Error("her draft is gone")
	}
}

func TestDraftsAreBounded(t *testing.T) {
	w := newWorld(t)
	here := w.resume(w.signIn(w.add("ana.okafor", "nurse")))
	wantKind(t, w.KeepDraft(ctx, here, draft(strings.Repeat("a", identity.MaxDraft))), fault.TooLarge)
	for _, secret := range []string{"password", "code", "passkey", "new", "again"} {
		wantKind(t, w.KeepDraft(ctx, here, identity.Draft{Form: glass, Page: glass, Fields: url.Values{secret: {"x"}}}), fault.Invalid)
	}
	for i := range identity.MaxDrafts + 2 {
		d := draft("words")
		d.Form = fmt.Sprintf("/people/p%d/end", i)
		must(t, w.KeepDraft(ctx, here, d))
	}
	list, err := w.Drafts(ctx, here, "/")
	must(t, err)
	if len(list) != identity.MaxDrafts || list[0].Form != "/people/p9/end" || list[7].Form != "/people/p2/end" {
		t.Errorf("kept are %+v", list)
	}
}

// TestNoDraftWithoutAudit holds that neither keeping nor giving back happens unseen.
func TestNoDraftWithoutAudit(t *testing.T) {
	w := newWorld(t)
	here := w.resume(w.signIn(w.add("ana.okafor", "nurse")))
	must(t, w.KeepDraft(ctx, here, draft("fell in the hall")))
	w.records.failNote = errors.New("the log is full")
	if list, err := w.Drafts(ctx, here, glass); !fault.Is(err, fault.Unavailable) {
		t.Errorf("without a log she is given %d, %v", len(list), err)
	}
	another := draft("more")
	another.Form = "/emergency/p002"
	wantKind(t, w.KeepDraft(ctx, here, another), fault.Unavailable)
	w.records.failNote = nil
	if list, err := w.Drafts(ctx, here, "/"); err != nil || len(list) != 1 {
		t.Errorf("%d drafts are kept, %v", len(list), err)
	}
}
