package identity_test

import (
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// TestNoResetWithoutIdentification: neither factor is taken away unless it is said who
// recognised the person, how, and by which kind of document; then it is on her record
// and in the audit log.
func TestNoResetWithoutIdentification(t *testing.T) {
	w := newWorld(t)
	ana, admin := w.add("ana.okafor", "nurse"), w.add("mia.garcia", "admin")
	g := w.signIn(ana)
	by := w.resume(w.signIn(admin))
	good := identity.Identified{By: "Front desk", How: identity.SeenInPerson, Document: "passport", Note: "came after her shift"}
	with := func(change func(*identity.Identified)) identity.Identified {
		i := good
		change(&i)
		return i
	}
	for name, bad := range map[string]identity.Identified{
		"nothing":                    {},
		"by nobody":                  with(func(i *identity.Identified) { i.By = "  " }),
		"by too many":                with(func(i *identity.Identified) { i.By = strings.Repeat("x", 129) }),
		"no way":                     with(func(i *identity.Identified) { i.How = "" }),
		"another way":                with(func(i *identity.Identified) { i.How = "by telephone" }),
		"no kind of document":        with(func(i *identity.Identified) { i.Document = "" }),
		"another document":           with(func(i *identity.Identified) { i.Document = "library card" }),
		"in person without document": with(func(i *identity.Identified) { i.Document = identity.NoDocument }),
		"by video without document":  with(func(i *identity.Identified) { i.How, i.Document = identity.SeenByVideo, identity.NoDocument }),
		"a long note":                with(func(i *identity.Identified) { i.Note = strings.Repeat("x", 129) }),
	} {
		for _, who := range []identity.Actor{by, operator} {
			_, err := w.ResetMFA(ctx, who, ana.ID, "lost", bad)
			_, other := w.ResetPassword(ctx, who, ana.ID, "forgotten", bad)
			if !fault.Is(err, fault.Unprocessable) || !fault.Is(other, fault.Unprocessable) {
				t.Errorf("%s: %v, %v", name, err, other)
			}
		}
	}
	w.resume(g) // nothing happened
	for _, seen := range []identity.Identified{good, known} {
		_, err := w.ResetMFA(ctx, by, ana.ID, "lost", seen)
		must(t, err)
		if e := w.records.lastEvent(t); e.Action != "reset-mfa" || e.Reason != "lost" || !strings.Contains(e.Detail, "identified by "+seen.By+", "+seen.How+", "+seen.Document) || !strings.HasSuffix(e.Detail, seen.Note) {
			t.Errorf("event %+v", e)
		}
		p, err := w.Person(ctx, by, ana.ID)
		must(t, err)
		last := p.Attestations[len(p.Attestations)-1]
		if len(p.Attestations) != 3 || last.Kind != identity.AttestIdentity || last.By != seen.By || last.How != seen.How || last.Document != seen.Document || last.Note != seen.Note || last.Recorder != admin.ID || !last.Recorded.Equal(w.clock.Now()) {
			t.Errorf("record %+v", p.Attestations)
		}
	}
	// It is no clearance, and cannot be recorded by itself.
	wantKind(t, w.Attest(ctx, by, ana.ID, identity.AttestIdentity, w.clock.Now(), "x"), fault.Invalid)
}
