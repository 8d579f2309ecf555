package identity_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// enrolled is somebody who has enrolled and whom nobody has attested.
func (w *world) enrolled(name string) somebody {
	w.t.Helper()
	p, inv, err := w.AddPerson(ctx, operator, identity.NewPerson{UserName: name, Given: "Bo", Family: "Lind", Roles: []string{"nurse"}})
	must(w.t, err)
	e, err := w.BeginEnrolment(ctx, name, inv.Code, goodPassword, ward)
	must(w.t, err)
	_, err = w.FinishEnrolment(ctx, e.Token, w.code(e.Secret), ward)
	must(w.t, err)
	w.clock.Advance(31 * time.Second)
	return somebody{p, e.Secret}
}

func (w *world) attest(p identity.Person, kind identity.AttestationKind) {
	w.t.Helper()
	must(w.t, w.Attest(ctx, operator, p.ID, kind, w.clock.Now(), "Personnel office"))
}

// vouch records both attestations.
func (w *world) vouch(p identity.Person) {
	w.t.Helper()
	w.attest(p, identity.AttestClearance)
	w.attest(p, identity.AttestTraining)
}

func (w *world) status(id string) identity.Status {
	w.t.Helper()
	p, err := w.Person(ctx, operator, id)
	must(w.t, err)
	return p.Status
}

// Nothing opens an account but both attestations, in whichever order with enrolment.
func TestAttestationsOpenAccounts(t *testing.T) {
	w := newWorld(t)
	bo := w.enrolled("bo.lind")
	if got := w.status(bo.ID); got != identity.StatusPending {
		t.Fatalf("enrolled: %s", got)
	}
	refused := func(when string) {
		t.Helper()
		_, err := w.trySignIn(bo, goodPassword, ward)
		if !fault.Is(err, fault.Denied) || !strings.Contains(fault.Public(err), "clearance") {
			t.Fatalf("%s: %v", when, err)
		}
		if e := w.records.find("login"); e.Outcome != identity.Failure || e.Actor != bo.ID {
			t.Fatalf("%s: event %+v", when, e)
		}
		w.clock.Advance(31 * time.Second)
	}
	refused("none")
	// Somebody who does not know both factors learns nothing of it.
	_, err := w.trySignIn(bo, "guess", ward)
	wantKind(t, err, fault.Unauthenticated)
	w.attest(bo.Person, identity.AttestClearance)
	w.attest(bo.Person, identity.AttestClearance) // renewed, not counted twice
	refused("clearance alone")
	w.attest(bo.Person, identity.AttestTraining)
	w.signIn(bo)
	p, err := w.Person(ctx, operator, bo.ID)
	must(t, err)
	if len(p.Attestations) != 2 || p.Attestations[1].By != "Personnel office" || p.Attestations[1].Recorder != operator.ID || p.Attestations[1].On.Hour() != 0 {
		t.Fatalf("attestations %+v", p.Attestations)
	}
	if e := w.records.find("attest"); e.Target != bo.ID || e.Reason != "Personnel office" || e.Detail != "training of 2026-03-07" {
		t.Fatalf("event %+v", e)
	}
	must(t, w.Disable(ctx, operator, bo.ID, "away"))
	must(t, w.Enable(ctx, operator, bo.ID, "back"))
	if got := w.status(bo.ID); got != identity.StatusActive {
		t.Fatalf("enabled again: %s", got)
	}

	early, _, err := w.AddPerson(ctx, operator, identity.NewPerson{UserName: "cy.brandt", Family: "Brandt"})
	must(t, err)
	w.attest(early, identity.AttestTraining)
	w.attest(early, identity.AttestClearance)
	if got := w.status(early.ID); got != identity.StatusInvited {
		t.Fatalf("attested before enrolling: %s", got)
	}
	must(t, w.Disable(ctx, operator, early.ID, "x"))
	must(t, w.Enable(ctx, operator, early.ID, "y"))
	if got := w.status(early.ID); got != identity.StatusInvited {
		t.Fatalf("enabled without having enrolled: %s", got)
	}
}

// A disabled account is not opened by attestations, nor an unattested one by enabling.
func TestAttestationsReviveNobody(t *testing.T) {
	w := newWorld(t)
	bo := w.enrolled("bo.lind")
	must(t, w.Disable(ctx, operator, bo.ID, "away"))
	w.attest(bo.Person, identity.AttestClearance)
	must(t, w.Enable(ctx, operator, bo.ID, "back"))
	if got := w.status(bo.ID); got != identity.StatusPending {
		t.Fatalf("enabled, half attested: %s", got)
	}
	must(t, w.Disable(ctx, operator, bo.ID, "away"))
	w.attest(bo.Person, identity.AttestTraining)
	if got := w.status(bo.ID); got != identity.StatusDisabled {
		t.Fatalf("attested while disabled: %s", got)
	}
	must(t, w.EndPerson(ctx, operator, bo.ID, "left"))
	wantKind(t, w.Attest(ctx, operator, bo.ID, identity.AttestTraining, w.clock.Now(), "x"), fault.Unprocessable)
}

// An account that was active before attestations were asked for opens nothing.
func TestUnattestedAccountsAreShut(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	g := w.signIn(ana)
	m := g.Session.Actor.Mandate(w.clock.Now())
	w.records.strip(ana.ID, "attestations")
	w.Service = w.another()
	_, err := w.Resume(ctx, g.Token, ward)
	wantKind(t, err, fault.Unauthenticated)
	_, err = w.trySignIn(ana, goodPassword, ward)
	wantKind(t, err, fault.Denied)
	_, err = w.Act(ctx, m)
	wantKind(t, err, fault.Denied)
	w.attest(ana.Person, identity.AttestTraining)
	w.attest(ana.Person, identity.AttestClearance)
	w.clock.Advance(31 * time.Second)
	w.signIn(ana)
}

func TestAttestationRules(t *testing.T) {
	w := newWorld(t)
	ana, bo := w.add("ana.okafor", "admin"), w.add("bo.lind", "nurse")
	admin := w.signIn(ana).Session.Actor
	now := w.clock.Now()
	for name, c := range map[string]struct {
		actor identity.Actor
		kind  identity.AttestationKind
		on    time.Time
		by    string
		want  fault.Kind
	}{
		"of oneself":      {admin, identity.AttestTraining, now, "x", 0},
		"without a right": {w.signIn(bo).Session.Actor, identity.AttestTraining, now, "x", fault.Denied},
		"unknown kind":    {admin, "wisdom", now, "x", fault.Invalid},
		"of tomorrow":     {admin, identity.AttestTraining, now.Add(25 * time.Hour), "x", fault.Invalid},
		"without a date":  {admin, identity.AttestTraining, time.Time{}, "x", fault.Invalid},
		"of long ago":     {admin, identity.AttestTraining, now.AddDate(-60, 0, 0), "x", fault.Invalid},
		"by nobody":       {admin, identity.AttestTraining, now, " ", fault.Invalid},
		"by a long name":  {admin, identity.AttestTraining, now, strings.Repeat("x", 129), fault.Invalid},
	} {
		whom := bo.ID
		if c.want == 0 {
			whom, c.want = ana.ID, fault.Denied
		}
		if err := w.Attest(ctx, c.actor, whom, c.kind, c.on, c.by); !fault.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, w.Attest(ctx, admin, bo.ID, identity.AttestTraining, now, "x"))
}

// attestsBoth has an actor attest everything, and wants it refused as taking another
// person if refused is set.
func (w *world) attestsBoth(actor identity.Actor, p identity.Person, refused bool) {
	w.t.Helper()
	for _, kind := range identity.AttestationKinds() {
		err := w.Attest(ctx, actor, p.ID, kind, w.clock.Now(), "Personnel office")
		if !refused {
			must(w.t, err)
		} else if !fault.Is(err, fault.Denied) || !errors.Is(err, identity.ErrAnotherPerson) {
			w.t.Errorf("%s by %s: %v", kind, actor.ID, err)
		}
	}
}

// invites has an administrator invite somebody.
func (w *world) invites(by identity.Actor, name, role string) identity.Person {
	w.t.Helper()
	p, _, err := w.AddPerson(ctx, by, identity.NewPerson{UserName: name, Family: "X", Roles: []string{role}})
	must(w.t, err)
	return p
}

// administrators are two who have just signed in.
func (w *world) administrators() (ana, bea identity.Actor) {
	w.t.Helper()
	return w.signIn(w.add("ana.okafor", "admin")).Session.Actor, w.signIn(w.add("bea.stone", "admin")).Session.Actor
}

func (w *world) wantAttested(p identity.Person, n int, invitedBy string) {
	w.t.Helper()
	got, err := w.Person(ctx, operator, p.ID)
	must(w.t, err)
	if len(got.Attestations) != n || got.InvitedBy != invitedBy {
		w.t.Errorf("%d attestations, invited by %s; want %d, %s", len(got.Attestations), got.InvitedBy, n, invitedBy)
	}
}

// TestTwoPeopleLetSomebodyIn: one administrator alone makes no account that opens
// anything, be it a nurse's or another administrator's; the operator of the host
// may, and is on the record.
func TestTwoPeopleLetSomebodyIn(t *testing.T) {
	w := newWorld(t)
	ana, bea := w.administrators()
	for _, role := range []string{"nurse", "admin"} {
		p := w.invites(ana, "made."+role, role)
		w.attestsBoth(ana, p, true)
		w.wantAttested(p, 0, ana.ID)
		w.attestsBoth(bea, p, false)
		w.wantAttested(p, 2, ana.ID)
	}
	p := w.invites(operator, "first", "admin")
	w.attestsBoth(operator, p, false)
	w.wantAttested(p, 2, operator.ID)
}

// TestWhoGivesRightsDoesNotAttest, in whichever order; a name is no right.
func TestWhoGivesRightsDoesNotAttest(t *testing.T) {
	w := newWorld(t)
	ana, bea := w.administrators()
	family, roles, wards, practitioner := "Y", []string{"doctor"}, []string{identity.EveryWard}, "prac-9"
	for i, c := range []identity.Change{{Roles: &roles}, {WardIDs: &wards}, {PractitionerID: &practitioner}, {PatientID: &practitioner}} {
		p := w.invites(bea, fmt.Sprintf("invited%d", i), "billing")
		_, err := w.ChangePerson(ctx, ana, p.ID, "married", identity.Change{Family: &family, Roles: &p.Roles})
		must(t, err)
		w.attestsBoth(ana, p, false)
		_, err = w.ChangePerson(ctx, ana, p.ID, "needed", c)
		must(t, err)
		w.wantAttested(p, 0, bea.ID)
		w.attestsBoth(ana, p, true)
		w.attestsBoth(bea, p, true) // who invited
		w.attestsBoth(operator, p, false)
	}
}

// TestTakenInvitation: nobody enrols himself as somebody whom another has invited
// and a third attested. Whose invitation expired gets a new one of who gave it.
func TestTakenInvitation(t *testing.T) {
	w := newWorld(t)
	ana, bea := w.administrators()
	p := w.invites(ana, "invited", "nurse")
	w.attestsBoth(operator, p, false)
	_, err := w.ResetPassword(ctx, ana, p.ID, "the code expired", known)
	must(t, err)
	w.wantAttested(p, 2, ana.ID)
	_, err = w.ResetPassword(ctx, bea, p.ID, "the code is lost", known)
	must(t, err)
	w.wantAttested(p, 0, bea.ID)
	w.attestsBoth(bea, p, true)
	w.attestsBoth(ana, p, false)
}
