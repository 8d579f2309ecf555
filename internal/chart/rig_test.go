package chart_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
	"github.com/wardkeep/wardkeep/internal/vault"
	"github.com/wardkeep/wardkeep/policies"
)

// rig is the trust core in memory, on a clock that stands still.
type rig struct {
	t     testing.TB
	store *switched
	log   *audit.Log
	vault *vault.Vault
	chart *chart.Chart
	clock *clock.Manual
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newRig(t testing.TB, tokenBits int) *rig {
	t.Helper()
	return newRigAt(t, tokenBits, noon)
}

func newRigAt(t testing.TB, tokenBits int, now time.Time) *rig {
	t.Helper()
	r := &rig{t: t, clock: clock.NewManual(now)}
	engine, err := pebble.OpenMemory(r.clock)
	check(t, err)
	r.store = &switched{Store: engine}
	t.Cleanup(func() { check(t, engine.Close()) })
	r.stand(tokenBits)
	return r
}

// stand builds the floors between store and chart.
func (r *rig) stand(tokenBits int) {
	ctx := context.Background()
	keyring := local.New([32]byte{1})
	cfg := seal.Config{Tenant: "test", Keyring: keyring, Cells: r.store, Clock: r.clock, TokenBits: tokenBits}
	batch, err := seal.Init(ctx, cfg)
	check(r.t, err)
	batch.Time = r.clock.Now()
	_, err = r.store.Commit(ctx, batch)
	check(r.t, err)
	sealer, err := seal.Open(ctx, cfg)
	check(r.t, err)
	r.log, err = audit.Open(ctx, audit.Config{Store: r.store, Sealer: sealer, Keyring: keyring, Clock: r.clock, Tenant: "test", Logger: slog.New(slog.NewTextHandler(r.t.Output(), nil))})
	check(r.t, err)
	r.t.Cleanup(func() { _ = r.log.Close(ctx) })
	r.vault = vault.New(vault.Config{Store: r.store, Sealer: sealer, Log: r.log, Clock: r.clock})
	r.open(minors)
}

// open opens the door anew, with other ages.
func (r *rig) open(minors chart.Minors) {
	policy, err := authz.NewAt(policies.Files, r.clock)
	check(r.t, err)
	r.chart = chart.New(chart.Config{
		Vault: r.vault, Log: r.log, Policy: policy, Clock: r.clock, Slog: slog.New(slog.DiscardHandler), Minors: minors,
	})
}

// bury lays a tombstone past all policy.
func (r *rig) bury(t *testing.T, typ, id string) {
	t.Helper()
	old, err := r.vault.Get(context.Background(), vault.TypeID{Type: typ, ID: id})
	check(t, err)
	_, err = r.vault.Commit(context.Background(), vault.Tx{Changes: []vault.Change{{
		TypeID: old.TypeID, Expect: old.Version, Patients: old.Patients,
	}}})
	check(t, err)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// person is somebody signed in with two factors.
func person(role string, wards ...string) identity.Actor {
	return identity.Actor{
		Kind: identity.KindPerson, ID: role + "-1", Name: role, Roles: []string{role}, WardIDs: wards,
		PractitionerID: role, MFA: identity.AssuranceMulti, SessionID: "s", Purpose: identity.PurposeOf([]string{role}), RequestID: "r",
	}
}

// program is a client with every scope.
func program(t *testing.T) identity.Actor {
	t.Helper()
	scopes, err := identity.ParseScopes("system/*.cruds")
	check(t, err)
	return identity.Actor{Kind: identity.KindClient, ID: "program", Scopes: scopes, SessionID: "s", RequestID: "r"}
}

// as speaks in somebody's name.
type as struct {
	*rig
	actor identity.Actor
}

func (r *rig) as(actor identity.Actor) as { return as{r, actor} }

func (a as) parse(text string) *fhir.Resource {
	a.t.Helper()
	res, err := fhir.Parse([]byte(text))
	check(a.t, err)
	return res
}

// put stores a resource under the id it carries.
func (a as) put(text string) chart.Resource {
	a.t.Helper()
	out, err := a.chart.Update(context.Background(), a.actor, a.parse(text), chart.Condition{})
	check(a.t, err)
	return out.Resource
}

func (a as) get(ref string) error {
	typ, id, _ := strings.Cut(ref, "/")
	_, err := a.chart.Read(context.Background(), a.actor, typ, id, 0)
	return err
}

// find returns the ids that a search finds, in order.
func (a as) find(query string) ([]string, error) {
	typ, rest, _ := strings.Cut(query, "?")
	params, err := chart.ParseQuery(rest)
	check(a.t, err)
	result, err := a.chart.Search(context.Background(), a.actor, chart.SearchRequest{Type: typ, Params: params})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, list := range [][]chart.Resource{result.Matches, result.Included} {
		for _, res := range list {
			ids = append(ids, res.TypeID.ID)
		}
	}
	return ids, nil
}

func (a as) finds(query, want string) {
	a.t.Helper()
	ids, err := a.find(query)
	if err != nil {
		a.t.Errorf("%s as %s: %v", query, a.actor.Name, err)
		return
	}
	if got := strings.Join(ids, " "); got != want {
		a.t.Errorf("%s as %s: got %q, want %q", query, a.actor.Name, got, want)
	}
}

func (a as) total(query string) int {
	a.t.Helper()
	typ, rest, _ := strings.Cut(query, "?")
	params, err := chart.ParseQuery(rest)
	check(a.t, err)
	params = append(params, search.Param{Key: "_summary", Value: "count"})
	result, err := a.chart.Search(context.Background(), a.actor, chart.SearchRequest{Type: typ, Params: params})
	check(a.t, err)
	return result.Total
}

// kind is want if err is of that kind.
func wantKind(t *testing.T, err error, want fault.Kind, what string) {
	t.Helper()
	if !fault.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// switched is a store whose device can be taken away.
type switched struct {
	store.Store
	gone atomic.Bool
	// meanwhile is run once, at the next reading of bodies.
	meanwhile atomic.Pointer[func()]
}

func (s *switched) Get(ctx context.Context, refs []store.Ref, want store.Want) ([]record.Row, error) {
	s.happen()
	return s.Store.Get(ctx, refs, want)
}

func (s *switched) Find(ctx context.Context, f store.Find, visit store.Visit) (store.Found, error) {
	if f.Want&store.WantBody != 0 {
		s.happen()
	}
	return s.Store.Find(ctx, f, visit)
}

func (s *switched) happen() {
	if f := s.meanwhile.Swap(nil); f != nil {
		(*f)()
	}
}

var errDevice = errors.New("the device is gone")

func (s *switched) Commit(ctx context.Context, b record.Batch) (store.Receipt, error) {
	if s.gone.Load() {
		return nil, errDevice
	}
	return s.Store.Commit(ctx, b)
}
