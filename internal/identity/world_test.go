package identity_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

const goodPassword = "three quiet herons at noon"

var (
	ctx      = context.Background()
	operator = identity.System("operator", "operator")
	ward     = identity.Origin{Source: "10.0.0.7", RequestID: "r1"}
	known    = identity.Identified{By: "Ward sister", How: identity.SeenKnown, Document: identity.NoDocument}
	outside  = identity.Origin{Source: "203.0.113.9", RequestID: "r2"}
)

// world is one storage with a service on it, and a count of derivations.
type world struct {
	*identity.Service
	t       *testing.T
	clock   *clock.Manual
	records *fakeRecords
	derived *atomic.Int64
	config  identity.Config
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c := clock.NewManual(time.Date(2026, 3, 7, 8, 0, 10, 0, time.UTC))
	w := &world{t: t, clock: c, records: newFake(c), derived: &atomic.Int64{}}
	w.config = identity.Config{
		Records: w.records, Audit: w.records, Gate: fakeGate{}, Clock: c, Pace: time.Nanosecond,
		// Cheap stands in for Argon2id where the test is not about it.
		Derive: func(password, salt []byte, c identity.Cost, size uint32) []byte {
			w.derived.Add(1)
			out := make([]byte, size)
			for i, b := range append(append([]byte{byte(c.Passes)}, salt...), password...) {
				out[i%len(out)] = out[i%len(out)]*31 + b
			}
			return out
		},
	}
	w.Service = w.another()
	return w
}

// another is a second process on the same storage.
func (w *world) another() *identity.Service {
	w.t.Helper()
	s, err := identity.New(w.config)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// somebody is a person who can sign in.
type somebody struct {
	identity.Person
	secret string
}

func (w *world) add(name string, roles ...string) somebody {
	w.t.Helper()
	p, e, err := w.Provision(ctx, operator, identity.NewPerson{
		UserName: name, Given: "Ana", Family: "Okafor", Roles: roles, WardIDs: []string{"ward-3"}, PractitionerID: "prac-" + name,
	}, identity.Credentials{Password: goodPassword})
	if err != nil {
		w.t.Fatal(err)
	}
	return somebody{p, e.Secret}
}

func (w *world) code(secret string) string {
	w.t.Helper()
	code, err := totp.GenerateCode(secret, w.clock.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	return code
}

func (w *world) trySignIn(s somebody, password string, o identity.Origin) (identity.Grant, error) {
	ch, err := w.Begin(ctx, s.UserName, password, o)
	if err != nil {
		return identity.Grant{}, err
	}
	return w.Finish(ctx, ch.Token, w.code(s.secret), o)
}

func (w *world) signIn(s somebody) identity.Grant {
	w.t.Helper()
	g, err := w.trySignIn(s, goodPassword, ward)
	if err != nil {
		w.t.Fatal(err)
	}
	w.clock.Advance(31 * time.Second) // past the code
	return g
}

func (w *world) resume(g identity.Grant) identity.Actor {
	w.t.Helper()
	view, err := w.Resume(ctx, g.Token, ward)
	if err != nil {
		w.t.Fatal(err)
	}
	return view.Actor
}

func wantKind(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Fatalf("got error %v, want kind %q", err, kind)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
