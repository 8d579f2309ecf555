package identity_test

import (
	"encoding/json"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// kept returns a mandate as it comes back from where it was kept.
func kept(t *testing.T, m identity.Mandate) (out identity.Mandate) {
	t.Helper()
	text, err := json.Marshal(m)
	must(t, err)
	must(t, json.Unmarshal(text, &out))
	return out
}

// A mandate gives a person the rights of today, and nobody else's.
func TestMandateOfPerson(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	m := kept(t, w.resume(w.signIn(ana)).Mandate(w.clock.Now()))
	none, wards := []string{}, []string{"ward-9"}
	_, err := w.ChangePerson(ctx, operator, ana.ID, "moved", identity.Change{Roles: &none, WardIDs: &wards})
	must(t, err)
	a, err := w.Act(ctx, m)
	must(t, err)
	if a.ID != ana.ID || len(a.Roles) != 0 || a.WardIDs[0] != "ward-9" || a.SessionID != "" || a.MFA != identity.AssuranceMulti {
		t.Errorf("actor %+v", a)
	}
	must(t, w.Disable(ctx, operator, ana.ID, "left"))
	_, err = w.Act(ctx, m)
	wantKind(t, err, fault.Denied)
}

// TestMandateKeepsThePurpose: what is done later is done for what was stated; what
// follows from roles follows from those of then.
func TestMandateKeepsThePurpose(t *testing.T) {
	w := newWorld(t)
	actor := w.resume(w.signIn(w.add("ana.okafor", "nurse")))
	for stated, want := range map[string]string{"": "HPAYMT", "HRESCH": "HRESCH"} {
		of := actor
		if stated != "" {
			of.Purpose = stated
		}
		m := kept(t, of.Mandate(w.clock.Now()))
		roles := []string{"billing"}
		_, err := w.ChangePerson(ctx, operator, actor.ID, "moved", identity.Change{Roles: &roles})
		must(t, err)
		a, err := w.Act(ctx, m)
		must(t, err)
		if a.Purpose != want {
			t.Errorf("%q stated: done for %q, not %q", stated, a.Purpose, want)
		}
	}
}

// A mandate of a program is never more than was granted, nor than is registered.
func TestMandateOfClient(t *testing.T) {
	w := newWorld(t)
	c, secret, err := w.AddClient(ctx, operator, "lab feed", readAll)
	must(t, err)
	c, err = w.AuthenticateClient(ctx, c.ID, secret, ward)
	must(t, err)
	asked, err := identity.ParseScopes("system/Patient.r")
	must(t, err)
	token, err := w.IssueToken(ctx, c, asked, ward)
	must(t, err)
	actor, err := w.Authenticate(ctx, token.Text, ward)
	must(t, err)
	m := kept(t, actor.Mandate(w.clock.Now()))
	a, err := w.Act(ctx, m)
	must(t, err)
	if a.Scopes.Access("Patient") != identity.AccessRead || a.Scopes.Access("Observation") != 0 {
		t.Errorf("actor %+v", a)
	}
	more := m
	more.Scopes, err = identity.ParseScopes("system/*.cruds")
	must(t, err)
	if a, err = w.Act(ctx, more); err != nil || a.Scopes.Access("Patient")&identity.AccessUpdate != 0 {
		t.Errorf("a mandate exceeds what is registered: %+v, %v", a, err)
	}
	must(t, w.DisableClient(ctx, operator, c.ID, "ended"))
	_, err = w.Act(ctx, m)
	wantKind(t, err, fault.Denied)
}

// TestMandateEndsWithTheSecret: what was ordered with a secret that was stolen ends
// when there is a new one, and so does what was kept before epochs were.
func TestMandateEndsWithTheSecret(t *testing.T) {
	w := newWorld(t)
	c, secret, err := w.AddClient(ctx, operator, "lab feed", readAll)
	must(t, err)
	ordered := func(secret string) identity.Mandate {
		c, err := w.AuthenticateClient(ctx, c.ID, secret, ward)
		must(t, err)
		token, err := w.IssueToken(ctx, c, nil, ward)
		must(t, err)
		actor, err := w.Authenticate(ctx, token.Text, ward)
		must(t, err)
		return kept(t, actor.Mandate(w.clock.Now()))
	}
	stolen := ordered(secret)
	former := stolen
	former.Epoch = 0
	for _, m := range []identity.Mandate{stolen, former} {
		a, err := w.Act(ctx, m)
		must(t, err)
		again := kept(t, a.Mandate(w.clock.Now())) // what it orders in turn
		if _, err := w.Act(ctx, again); err != nil {
			t.Errorf("of a mandate's own order: %v", err)
		}
	}
	secret, err = w.NewClientSecret(ctx, operator, c.ID, "it leaked")
	must(t, err)
	for _, m := range []identity.Mandate{stolen, former} {
		_, err := w.Act(ctx, m)
		wantKind(t, err, fault.Denied)
	}
	_, err = w.Act(ctx, ordered(secret))
	must(t, err)
}

func TestMandateOfNobody(t *testing.T) {
	w := newWorld(t)
	for _, m := range []identity.Mandate{{}, {Kind: identity.KindPerson, ID: "nobody"}, {Kind: identity.KindClient, ID: "nobody"}, {Kind: identity.KindSystem, ID: "import"}} {
		_, err := w.Act(ctx, m)
		wantKind(t, err, fault.Denied)
	}
}
