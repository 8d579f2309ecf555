package vault_test

import (
	"context"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
	"github.com/wardkeep/wardkeep/internal/store/storetest"
	"github.com/wardkeep/wardkeep/internal/vault"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// rig is a vault on a store whose administrator may turn hostile.
type rig struct {
	*vault.Vault
	t     *testing.T
	store *storetest.Hostile
	clock *clock.Manual
	bits  int // of tokens; 0: all
}

func newRig(t *testing.T) *rig { return newRigOf(t, 0) }

func newRigOf(t *testing.T, bits int) *rig {
	t.Helper()
	r := &rig{t: t, clock: clock.NewManual(noon), bits: bits}
	engine, err := pebble.OpenMemory(r.clock)
	check(t, err)
	t.Cleanup(func() { check(t, engine.Close()) })
	r.store = storetest.NewHostile(engine)
	cfg := r.keys(r.store)
	batch, err := seal.Init(context.Background(), cfg)
	check(t, err)
	batch.Time = noon
	_, err = r.store.Commit(context.Background(), batch)
	check(t, err)
	r.Vault = r.stand(r.store)
	return r
}

func (r *rig) keys(s store.Store) seal.Config {
	return seal.Config{Tenant: "test", Keyring: local.New([32]byte{1}), Cells: s, Clock: r.clock, TokenBits: r.bits}
}

// stand opens another vault on the rig's store, as another server would: it
// remembers nothing of what the first one saw.
func (r *rig) stand(s store.Store) *vault.Vault {
	r.t.Helper()
	ctx := context.Background()
	sealer := r.sealerOn(s)
	log, err := audit.Open(ctx, audit.Config{Store: s, Sealer: sealer, Keyring: local.New([32]byte{1}), Clock: r.clock, Tenant: "test"})
	check(r.t, err)
	r.t.Cleanup(func() { _ = log.Close(ctx) }) // after a test the store may be in any state
	return vault.New(vault.Config{Store: s, Sealer: sealer, Log: log, Clock: r.clock})
}

func (r *rig) sealerOn(s store.Store) *seal.Sealer {
	r.t.Helper()
	sealer, err := seal.Open(context.Background(), r.keys(s))
	check(r.t, err)
	return sealer
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func id(typ, id string) vault.TypeID { return vault.TypeID{Type: typ, ID: id} }

func parse(t *testing.T, text string) *fhir.Resource {
	t.Helper()
	res, err := fhir.Parse([]byte(text))
	check(t, err)
	return res
}

// put commits the next version of a resource.
func put(t *testing.T, v *vault.Vault, text string) vault.Record {
	t.Helper()
	ctx := context.Background()
	res := parse(t, text)
	old, err := v.Get(ctx, id(res.Type(), res.ID()))
	check(t, err)
	records, err := v.Commit(ctx, vault.Tx{Changes: []vault.Change{{TypeID: id(res.Type(), res.ID()), Expect: old.Version, Resource: res}}})
	check(t, err)
	return records[0]
}

func patient(name, family string) string {
	return `{"resourceType":"Patient","id":"` + name + `","name":[{"family":"` + family + `"}]}`
}

func finding(name, who string) string {
	return `{"resourceType":"Condition","id":"` + name + `","subject":{"reference":"Patient/` + who + `"}}`
}

func query(t *testing.T, typ string, pairs ...string) *search.Query {
	t.Helper()
	var params []search.Param
	for i := 0; i < len(pairs); i += 2 {
		params = append(params, search.Param{Key: pairs[i], Value: pairs[i+1]})
	}
	q, err := search.Parse(typ, params, search.Options{})
	check(t, err)
	return q
}

func find(v *vault.Vault, q *search.Query) ([]string, error) {
	result, err := v.Search(context.Background(), vault.SearchRequest{Query: q, Limit: 10})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, r := range result.Records {
		ids = append(ids, r.ID)
	}
	return ids, nil
}

func keyOf(t *testing.T, v *vault.Vault, of vault.TypeID) record.Key {
	t.Helper()
	keys, err := v.Keys(context.Background(), []vault.TypeID{of})
	check(t, err)
	if keys[0].IsZero() {
		t.Fatalf("nobody has named %s", of.ID)
	}
	return keys[0]
}

func wantKind(t *testing.T, err error, want fault.Kind, what string) {
	t.Helper()
	if !fault.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}
