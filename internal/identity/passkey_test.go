package identity_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// keyWorld is a world with passkeys.
func keyWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.config.RelyingParty, w.config.Origin = party, origin
	w.Service = w.another()
	return w
}

// addKey gives somebody who just signed in a passkey.
func (w *world) addKey(g identity.Grant, name string) *softKey {
	w.t.Helper()
	ask, err := w.AskNewPasskey(ctx, g.Session.Actor)
	must(w.t, err)
	k := newSoftKey(w.t)
	must(w.t, w.AddPasskey(ctx, g.Session.Actor, k.create(ask), name))
	return k
}

func (w *world) signInKey(k *softKey) (identity.Grant, error) {
	w.t.Helper()
	ask, err := w.AskPasskey(ctx, ward)
	must(w.t, err)
	return w.SignInPasskey(ctx, k.get(ask), ward)
}

func TestPasskeySignIn(t *testing.T) {
	w := keyWorld(t)
	ana := w.add("ana.okafor", "nurse")
	k := w.addKey(w.signIn(ana), "Ward tablet")
	k.count = 7
	w.clock.Advance(time.Hour)
	g, err := w.signInKey(k)
	must(t, err)
	a := w.resume(g)
	if a.ID != ana.ID || a.MFA != identity.AssuranceMulti || !identity.Fresh(a, w.clock.Now()) {
		t.Fatalf("actor %+v", a)
	}
	if e := w.records.find("login"); e.Detail != "passkey" || e.Actor != ana.ID || e.Outcome != identity.Success {
		t.Fatalf("event %+v", e)
	}
	keys, err := w.Passkeys(ctx, a)
	must(t, err)
	if len(keys) != 1 || keys[0].Name != "Ward tablet" || !keys[0].Used.Equal(w.clock.Now()) || !keys[0].Added.Before(keys[0].Used) {
		t.Fatalf("passkeys %+v", keys)
	}
	if strings.Contains(w.records.dump(), g.Token) {
		t.Error("a token is stored")
	}
	must(t, w.Disable(ctx, operator, ana.ID, "left"))
	k.count++
	_, err = w.signInKey(k)
	wantKind(t, err, fault.Unauthenticated)
}

// Each way in which an answer can be wrong, all with one answer and an event.
func TestPasskeyRefused(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	for name, spoil := range map[string]func(*softKey){
		"another origin":  func(k *softKey) { k.origin = "https://ehr.example.org.evil.example" },
		"another port":    func(k *softKey) { k.origin = origin + ":8443" },
		"without TLS":     func(k *softKey) { k.origin = "http://ehr.example.org" },
		"another party":   func(k *softKey) { k.party = "example.org" },
		"not verified":    func(k *softKey) { k.flags = flagUP },
		"not present":     func(k *softKey) { k.flags = flagUV },
		"another key":     func(k *softKey) { k.foreign = other },
		"another user":    func(k *softKey) { k.user = []byte("somebodyelse") },
		"no user":         func(k *softKey) { k.user = nil },
		"a path for user": func(k *softKey) { k.user = []byte("../x") },
		"unknown key":     func(k *softKey) { k.id = []byte("0123456789abcdef") },
		"backed up now":   func(k *softKey) { k.flags |= flagBE | flagBS },
	} {
		t.Run(name, func(t *testing.T) {
			w := keyWorld(t)
			k := w.addKey(w.signIn(w.add("ana.okafor", "nurse")), "Phone")
			spoil(k)
			_, err := w.signInKey(k)
			wantKind(t, err, fault.Unauthenticated)
			if e := w.records.find("login"); e.Outcome != identity.Failure {
				t.Fatalf("event %+v", e)
			}
		})
	}
}

// A question is answered once, soon, and for what it was asked.
func TestPasskeyChallenges(t *testing.T) {
	w := keyWorld(t)
	ana := w.add("ana.okafor", "nurse")
	g := w.signIn(ana)
	k := w.addKey(g, "Phone")
	ask, err := w.AskPasskey(ctx, ward)
	must(t, err)
	_, err = w.SignInPasskey(ctx, k.get(ask), ward)
	must(t, err)
	_, err = w.another().SignInPasskey(ctx, k.get(ask), ward)
	wantKind(t, err, fault.Unauthenticated)

	ask, err = w.AskPasskey(ctx, ward)
	must(t, err)
	wrong := k.get(ask)
	wrong.JSON = []byte("{}")
	_, err = w.SignInPasskey(ctx, wrong, ward)
	wantKind(t, err, fault.Unauthenticated)
	_, err = w.SignInPasskey(ctx, k.get(ask), ward)
	wantKind(t, err, fault.Unauthenticated)

	ask, err = w.AskPasskey(ctx, ward)
	must(t, err)
	w.clock.Advance(3 * time.Minute)
	_, err = w.SignInPasskey(ctx, k.get(ask), ward)
	wantKind(t, err, fault.Unauthenticated)

	// One asked for within a session signs nobody in, and serves no other session.
	ask, err = w.AskOwnPasskey(ctx, g.Token)
	must(t, err)
	_, err = w.SignInPasskey(ctx, k.get(ask), ward)
	wantKind(t, err, fault.Unauthenticated)
	second := w.signIn(ana)
	_, err = w.StepUp(ctx, second.Token, identity.Proof{Passkey: k.get(ask)}, ward)
	wantKind(t, err, fault.Unauthenticated)
	w.resume(g)
	ask, err = w.AskPasskey(ctx, ward)
	must(t, err)
	_, err = w.StepUp(ctx, g.Token, identity.Proof{Passkey: k.get(ask)}, ward)
	wantKind(t, err, fault.Unauthenticated)
	_, err = w.SignInPasskey(ctx, identity.PasskeyAnswer{Ask: "x", JSON: []byte("{")}, ward)
	wantKind(t, err, fault.Unauthenticated)
}

// A counter that stands still tells of a copy: audited, and the key is refused
// from then on. Authenticators without a counter say zero for ever.
func TestCopiedPasskey(t *testing.T) {
	w := keyWorld(t)
	ana := w.add("ana.okafor", "nurse")
	g := w.signIn(ana)
	none, k := w.addKey(g, "Synced"), w.addKey(g, "Stick")
	for range 3 {
		_, err := w.signInKey(none)
		must(t, err)
	}
	k.count = 5
	_, err := w.signInKey(k)
	must(t, err)
	k.count = 4 // the other copy
	_, err = w.signInKey(k)
	wantKind(t, err, fault.Unauthenticated)
	if e := w.records.find("passkey-copied"); e.Outcome != identity.Failure || e.Actor != ana.ID {
		t.Fatalf("event %+v", e)
	}
	k.count = 6
	_, err = w.signInKey(k)
	wantKind(t, err, fault.Unauthenticated)
	keys, err := w.Passkeys(ctx, g.Session.Actor)
	must(t, err)
	if !keys[0].Suspect.IsZero() || keys[1].Suspect.IsZero() {
		t.Fatalf("passkeys %+v", keys)
	}
	_, err = w.signInKey(none)
	must(t, err)
}

func TestPasskeyUnlockAndStepUp(t *testing.T) {
	w := keyWorld(t)
	g := w.signIn(w.add("ana.okafor", "nurse"))
	k := w.addKey(g, "Phone")
	stranger := w.addKey(w.signIn(w.add("bo.lind", "nurse")), "Phone")
	w.resume(g)
	w.clock.Advance(5 * time.Minute)
	if _, err := w.Resume(ctx, g.Token, ward); !errors.Is(err, identity.ErrLocked) {
		t.Fatal(err)
	}
	ask, err := w.AskOwnPasskey(ctx, g.Token)
	must(t, err)
	if _, err = w.UnlockPasskey(ctx, g.Token, stranger.get(ask), ward); !errors.Is(err, identity.ErrLocked) {
		t.Fatalf("another's passkey unlocks: %v", err)
	}
	ask, err = w.AskOwnPasskey(ctx, g.Token)
	must(t, err)
	open, err := w.UnlockPasskey(ctx, g.Token, k.get(ask), ward)
	must(t, err)
	if open.Token == g.Token || !open.Session.Expires.Equal(g.Session.Expires) || !identity.Fresh(w.resume(open), w.clock.Now()) {
		t.Fatal("unlocked, but not as it must be")
	}
	for range 2 {
		w.clock.Advance(4 * time.Minute)
		w.resume(open)
	}
	if identity.Fresh(w.resume(open), w.clock.Now()) {
		t.Fatal("still fresh")
	}
	ask, err = w.AskOwnPasskey(ctx, open.Token)
	must(t, err)
	up, err := w.StepUp(ctx, open.Token, identity.Proof{Passkey: k.get(ask)}, ward)
	must(t, err)
	if up.Token == open.Token || !identity.Fresh(w.resume(up), w.clock.Now()) {
		t.Fatal("stepped up, but not as it must be")
	}
	if e := w.records.find("step-up"); e.Detail != "passkey" || e.Outcome != identity.Success {
		t.Fatalf("event %+v", e)
	}
}

func TestPasskeysAreManaged(t *testing.T) {
	w := keyWorld(t)
	ana := w.add("ana.okafor", "nurse")
	g := w.signIn(ana)
	k := w.addKey(g, "Phone")
	ask, err := w.AskNewPasskey(ctx, g.Session.Actor)
	must(t, err)
	if !strings.Contains(string(ask.Options), b64(k.id)) || !strings.Contains(string(ask.Options), `"userVerification":"required"`) || !strings.Contains(string(ask.Options), `"residentKey":"required"`) {
		t.Errorf("options %s", ask.Options)
	}
	wantKind(t, w.AddPasskey(ctx, g.Session.Actor, k.create(ask), "Again"), fault.Unprocessable)
	unverified := newSoftKey(t)
	unverified.flags = flagUP
	ask, err = w.AskNewPasskey(ctx, g.Session.Actor)
	must(t, err)
	wantKind(t, w.AddPasskey(ctx, g.Session.Actor, unverified.create(ask), "No PIN"), fault.Unauthenticated)
	// Somebody else's passkey is nobody's second time.
	bo := w.signIn(w.add("bo.lind", "nurse"))
	ask, err = w.AskNewPasskey(ctx, bo.Session.Actor)
	must(t, err)
	wantKind(t, w.AddPasskey(ctx, bo.Session.Actor, k.create(ask), "Mine"), fault.Conflict)
	k.user = []byte(ana.ID)

	stale := g.Session.Actor
	stale.AuthTime = stale.AuthTime.Add(-time.Hour)
	if _, err := w.AskNewPasskey(ctx, stale); !errors.Is(err, identity.ErrStepUp) {
		t.Errorf("an old proof adds a passkey: %v", err)
	}
	keys, err := w.Passkeys(ctx, g.Session.Actor)
	must(t, err)
	if err := w.RemovePasskey(ctx, stale, keys[0].ID); !errors.Is(err, identity.ErrStepUp) {
		t.Errorf("an old proof removes a passkey: %v", err)
	}
	wantKind(t, w.RemovePasskey(ctx, bo.Session.Actor, keys[0].ID), fault.NotFound)
	must(t, w.RemovePasskey(ctx, g.Session.Actor, keys[0].ID))
	_, err = w.signInKey(k)
	wantKind(t, err, fault.Unauthenticated)
}

// Somebody enrols with a passkey alone, cannot remove it, and a reset takes it.
func TestEnrolWithPasskey(t *testing.T) {
	w := keyWorld(t)
	p, inv, err := w.AddPerson(ctx, operator, identity.NewPerson{UserName: "bo.lind", Given: "Bo", Family: "Lind", Roles: []string{"nurse"}})
	must(t, err)
	w.vouch(p)
	e, err := w.BeginEnrolment(ctx, p.UserName, inv.Code, goodPassword, ward)
	must(t, err)
	ask, err := w.AskEnrolmentPasskey(ctx, e.Token)
	must(t, err)
	k := newSoftKey(t)
	recovery, err := w.FinishEnrolmentPasskey(ctx, e.Token, k.create(ask), "Phone", ward)
	must(t, err)
	if len(recovery) != 10 {
		t.Fatalf("%d recovery codes", len(recovery))
	}
	g, err := w.signInKey(k)
	must(t, err)
	keys, err := w.Passkeys(ctx, g.Session.Actor)
	must(t, err)
	wantKind(t, w.RemovePasskey(ctx, g.Session.Actor, keys[0].ID), fault.Unprocessable)
	// No authenticator: the password needs a recovery code.
	ch, err := w.Begin(ctx, p.UserName, goodPassword, ward)
	must(t, err)
	_, err = w.Finish(ctx, ch.Token, "000000", ward)
	wantKind(t, err, fault.Unauthenticated)
	_, err = w.Finish(ctx, ch.Token, recovery[0], ward)
	must(t, err)

	// A new password is confirmed by the passkey she has.
	inv, err = w.ResetPassword(ctx, operator, p.ID, "forgotten", known)
	must(t, err)
	const fresh = "seven brown owls at dawn"
	e, err = w.BeginEnrolment(ctx, p.UserName, inv.Code, fresh, ward)
	must(t, err)
	ask, err = w.AskEnrolmentPasskey(ctx, e.Token)
	must(t, err)
	_, err = w.FinishEnrolmentPasskey(ctx, e.Token, newSoftKey(t).get(ask), "", ward)
	wantKind(t, err, fault.Unauthenticated)
	ask, err = w.AskEnrolmentPasskey(ctx, e.Token)
	must(t, err)
	more, err := w.FinishEnrolmentPasskey(ctx, e.Token, k.get(ask), "", ward)
	must(t, err)
	if more != nil {
		t.Error("new recovery codes for an old factor")
	}
	_, err = w.signInKey(k)
	must(t, err)
	_, err = w.ResetMFA(ctx, identity.System("other", "operator"), p.ID, "lost", known)
	must(t, err)
	_, err = w.signInKey(k)
	wantKind(t, err, fault.Unauthenticated)
}

func TestNoPasskeysWithoutAName(t *testing.T) {
	w := newWorld(t)
	_, err := w.AskPasskey(ctx, ward)
	wantKind(t, err, fault.NotSupported)
	_, err = w.SignInPasskey(ctx, identity.PasskeyAnswer{Ask: strings.Repeat("A", 43)}, ward)
	wantKind(t, err, fault.NotSupported)
	w.config.RelyingParty, w.config.Origin = "192.0.2.7", "https://192.0.2.7"
	if _, err := identity.New(w.config); err == nil {
		t.Error("an address is taken for a domain")
	}
}
