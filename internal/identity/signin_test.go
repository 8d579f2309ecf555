package identity_test

import (
	"errors"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	g, err := w.trySignIn(somebody{identity.Person{UserName: "Ana.OKAFOR"}, ana.secret}, goodPassword, ward)
	must(t, err)
	a := g.Session.Actor
	if a.ID != ana.ID || a.Kind != identity.KindPerson || a.MFA != identity.AssuranceMulti || a.WardIDs[0] != "ward-3" ||
		a.PractitionerID != "prac-ana.okafor" || a.SessionID == "" || strings.Contains(g.Token, a.SessionID) {
		t.Fatalf("actor %+v", a)
	}
	if got := w.resume(g); got.ID != ana.ID || got.Source != ward.Source || got.RequestID != ward.RequestID {
		t.Fatalf("actor %+v", got)
	}
	e := w.records.events[len(w.records.events)-1]
	if e.Action != "login" || e.Outcome != identity.Success || e.Actor != ana.ID {
		t.Fatalf("event %+v", e)
	}
}

// What comes back, what is asked of storage, and how often a password is
// derived must not depend on whether the name exists or the password is right.
func TestBeginTellsNothing(t *testing.T) {
	w := newWorld(t)
	w.add("ana.okafor", "nurse")
	_, _, err := w.AddPerson(ctx, operator, identity.NewPerson{UserName: "invited", Family: "X"})
	must(t, err)
	gone := w.add("gone", "nurse")
	must(t, w.Disable(ctx, operator, gone.ID, "left"))
	cases := map[string][2]string{
		"right":       {"ana.okafor", goodPassword},
		"wrong":       {"ana.okafor", "wrong"},
		"unknown":     {"nobody.here", goodPassword},
		"no name":     {"", ""},
		"not a name":  {"Ünïcode \x00 name", "x"},
		"not a match": {"ana.okafor", strings.Repeat("long", 1000)},
		"invited":     {"invited", goodPassword},
		"disabled":    {"gone", goodPassword},
	}
	var want map[string]int
	for name, c := range cases {
		w.records.work()
		before := w.derived.Load()
		ch, err := w.Begin(ctx, c[0], c[1], identity.Origin{Source: "10.1.0." + name})
		must(t, err)
		if len(ch.Token) != 43 || !ch.Expires.Equal(w.clock.Now().Add(5*time.Minute)) {
			t.Errorf("%s: the challenge looks different", name)
		}
		if n := w.derived.Load() - before; n != 1 {
			t.Errorf("%s: %d derivations, want 1", name, n)
		}
		work := w.records.work()
		if want == nil {
			want = work
		}
		if !maps.Equal(work, want) {
			t.Errorf("%s: storage was asked %v, elsewhere %v", name, work, want)
		}
	}
}

func TestFinishHasOneAnswer(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	gone := w.add("gone", "nurse")
	must(t, w.Disable(ctx, operator, gone.ID, "left"))
	cases := []struct{ name, user, password, code string }{
		{"wrong password, right code", "ana.okafor", "wrong", w.code(ana.secret)},
		{"right password, wrong code", "ana.okafor", goodPassword, "000000"},
		{"right password, no code", "ana.okafor", goodPassword, ""},
		{"unknown", "nobody.here", goodPassword, "123456"},
		{"disabled, both right", "gone", goodPassword, w.code(gone.secret)},
	}
	texts := map[string]bool{}
	for i, c := range cases {
		o := identity.Origin{Source: "10.2.0." + string(rune('1'+i))}
		ch, err := w.Begin(ctx, c.user, c.password, o)
		must(t, err)
		_, err = w.Finish(ctx, ch.Token, c.code, o)
		wantKind(t, err, fault.Unauthenticated)
		texts[fault.Public(err)] = true
		if e := w.records.lastEvent(t); e.Action != "login" || e.Outcome != identity.Failure {
			t.Errorf("%s: event %+v", c.name, e)
		}
	}
	if len(texts) != 1 {
		t.Errorf("the answers differ: %v", texts)
	}
}

func TestCodeWorksOnce(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	code := w.code(ana.secret)
	_, err := w.trySignIn(ana, goodPassword, ward)
	must(t, err)
	ch, err := w.Begin(ctx, ana.UserName, goodPassword, ward)
	must(t, err)
	_, err = w.Finish(ctx, ch.Token, code, ward)
	wantKind(t, err, fault.Unauthenticated)
	// An older step is gone too, even where its code was never used.
	w.clock.Advance(30 * time.Second)
	later := w.code(ana.secret)
	w.clock.Advance(30 * time.Second)
	now := w.code(ana.secret)
	_, err = w.Finish(ctx, ch.Token, now, ward)
	must(t, err)
	ch, err = w.Begin(ctx, ana.UserName, goodPassword, ward)
	must(t, err)
	_, err = w.Finish(ctx, ch.Token, later, ward)
	wantKind(t, err, fault.Unauthenticated)
}

// Many servers are handed the same code at once: one session comes of it.
func TestCodeRace(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	code := w.code(ana.secret)
	var servers []*identity.Service
	var tokens []string
	for range 8 {
		s := w.another()
		ch, err := s.Begin(ctx, ana.UserName, goodPassword, ward)
		if after, wait := identity.RetryAfter(err); wait {
			w.clock.Advance(after)
			ch, err = s.Begin(ctx, ana.UserName, goodPassword, ward)
		}
		must(t, err)
		servers, tokens = append(servers, s), append(tokens, ch.Token)
	}
	var won atomic.Int64
	var wait sync.WaitGroup
	for i, s := range servers {
		wait.Go(func() {
			if _, err := s.Finish(ctx, tokens[i], code, ward); err == nil {
				won.Add(1)
			} else if !fault.Is(err, fault.Unauthenticated) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d sessions for one code", won.Load())
	}
}

func TestChallengeEnds(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	begin := func() string {
		ch, err := w.Begin(ctx, ana.UserName, goodPassword, ward)
		must(t, err)
		return ch.Token
	}
	// After three tries.
	token := begin()
	for range 3 {
		_, err := w.Finish(ctx, token, "000000", ward)
		wantKind(t, err, fault.Unauthenticated)
	}
	_, err := w.Finish(ctx, token, w.code(ana.secret), ward)
	wantKind(t, err, fault.Unauthenticated)
	// After five minutes.
	token = begin()
	w.clock.Advance(5 * time.Minute)
	_, err = w.Finish(ctx, token, w.code(ana.secret), ward)
	wantKind(t, err, fault.Unauthenticated)
	// After success.
	token = begin()
	_, err = w.Finish(ctx, token, w.code(ana.secret), ward)
	must(t, err)
	w.clock.Advance(time.Minute)
	_, err = w.Finish(ctx, token, w.code(ana.secret), ward)
	wantKind(t, err, fault.Unauthenticated)
	// When the account changes in between.
	token = begin()
	must(t, w.EndAll(ctx, operator, ana.ID, "stolen tablet"))
	_, err = w.Finish(ctx, token, w.code(ana.secret), ward)
	wantKind(t, err, fault.Unauthenticated)
	// And a token that never was.
	for _, bad := range []string{"", "x", strings.Repeat("A", 43), strings.Repeat("A", 42) + "="} {
		_, err = w.Finish(ctx, bad, w.code(ana.secret), ward)
		wantKind(t, err, fault.Unauthenticated)
	}
}

func TestRecoveryCode(t *testing.T) {
	w := newWorld(t)
	ana, codes := w.enrol("ana.okafor")
	if len(codes) != 10 {
		t.Fatalf("%d recovery codes", len(codes))
	}
	ch, err := w.Begin(ctx, ana.UserName, goodPassword, ward)
	must(t, err)
	typed := strings.ToUpper(strings.ReplaceAll(codes[3], "-", " "))
	g, err := w.Finish(ctx, ch.Token, typed, ward)
	must(t, err)
	if !g.RecoveryUsed || g.RecoveryLeft != 9 {
		t.Fatalf("grant %+v", g)
	}
	ch, err = w.Begin(ctx, ana.UserName, goodPassword, ward)
	must(t, err)
	_, err = w.Finish(ctx, ch.Token, typed, ward)
	wantKind(t, err, fault.Unauthenticated)
}

func TestNothingSecretIsStoredOrLogged(t *testing.T) {
	w := newWorld(t)
	ana, codes := w.enrol("ana.okafor")
	g := w.signIn(ana)
	_, err := w.Begin(ctx, goodPassword, goodPassword, ward) // typed into the wrong field
	must(t, err)
	c, secret, err := w.AddClient(ctx, operator, "lab feed", identity.Scopes{{Type: "*", Access: identity.AccessRead}})
	must(t, err)
	token, err := w.IssueToken(ctx, c, nil, ward)
	must(t, err)
	dump := w.records.dump()
	for name, text := range map[string]string{
		"password": goodPassword, "session": g.Token, "client secret": secret, "token": token.Text, "recovery code": codes[0],
	} {
		if strings.Contains(dump, text) {
			t.Errorf("%s found in storage or log", name)
		}
	}
	for _, e := range w.records.events {
		for _, text := range []string{goodPassword, ana.secret, secret} {
			if strings.Contains(strings.Join([]string{e.Actor, e.Detail, e.Reason, e.Target, e.Session}, " "), text) {
				t.Errorf("event %s holds a secret", e.Action)
			}
		}
	}
}

// If the audit log cannot be written, nobody gets in.
func TestNoAuditNoSignIn(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	w.records.failNote = errors.New("disk full")
	_, err := w.Begin(ctx, ana.UserName, goodPassword, ward)
	wantKind(t, err, fault.Unavailable)
	c, _, err := w.AddClient(ctx, operator, "lab feed", identity.Scopes{{Type: "*", Access: identity.AccessRead}})
	must(t, err)
	_, err = w.IssueToken(ctx, c, nil, ward)
	wantKind(t, err, fault.Unavailable)
}

// enrol invites somebody, who enrols.
func (w *world) enrol(name string) (somebody, []string) {
	w.t.Helper()
	p, inv, err := w.AddPerson(ctx, operator, identity.NewPerson{UserName: name, Given: "Ana", Family: "Okafor", Roles: []string{"nurse"}})
	must(w.t, err)
	w.vouch(p)
	e, err := w.BeginEnrolment(ctx, name, inv.Code, goodPassword, ward)
	must(w.t, err)
	codes, err := w.FinishEnrolment(ctx, e.Token, w.code(e.Secret), ward)
	must(w.t, err)
	w.clock.Advance(31 * time.Second)
	return somebody{p, e.Secret}, codes
}
