package vault_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// at once runs n of them and returns how many came through.
func atOnce(n int, do func(i int) error) (won int, errs []error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i := range n {
		wg.Go(func() {
			err := do(i)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else {
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	return won, errs
}

// TestUniqueWords: many vaults, one name, one winner.
func TestUniqueWords(t *testing.T) {
	ctx := context.Background()
	r := newRig(t)
	vaults := []*vault.Vault{r.Vault, r.stand(r.store)}
	won, errs := atOnce(16, func(i int) error {
		return vaults[i%2].PutDocs(ctx, audit.Event{}, []vault.DocWrite{{
			TypeID: id("user", fmt.Sprint("u", i)), Body: []byte(`{}`),
			Unique: []search.Word{{Field: "name", Value: []byte("kim")}},
		}})
	})
	if won != 1 {
		t.Errorf("%d bear the name", won)
	}
	for _, err := range errs {
		wantKind(t, err, fault.Conflict, "a loser")
	}
	docs, err := r.FindDocs(ctx, "user", "name", []byte("kim"))
	check(t, err)
	if len(docs) != 1 {
		t.Errorf("%d are found", len(docs))
	}
}

// TestTwoVaults: two servers name the same patient for the first time at the
// same time, over and over; there is one key and nothing is lost.
func TestTwoVaults(t *testing.T) {
	ctx := context.Background()
	r := newRig(t)
	vaults := []*vault.Vault{r.Vault, r.stand(r.store)}
	for round := range 5 {
		who := fmt.Sprint("p", round)
		won, errs := atOnce(8, func(i int) error {
			name := fmt.Sprintf("c%d-%d", round, i)
			_, err := vaults[i%2].Commit(ctx, vault.Tx{Changes: []vault.Change{{TypeID: id("Condition", name), Resource: parse(t, finding(name, who))}}})
			return err
		})
		if won != 8 {
			t.Fatalf("%d of 8: %v", won, errs)
		}
		if keyOf(t, vaults[0], id("Patient", who)) != keyOf(t, vaults[1], id("Patient", who)) {
			t.Fatal("a patient has two keys")
		}
		for _, v := range vaults {
			ids, err := find(v, query(t, "Condition", "subject", "Patient/"+who))
			check(t, err)
			if len(ids) != 8 {
				t.Errorf("%d of 8 are found", len(ids))
			}
		}
	}
}

func TestOneVersionOneWinner(t *testing.T) {
	r := newRig(t)
	vaults := []*vault.Vault{r.Vault, r.stand(r.store)}
	put(t, r.Vault, patient("ann", "Adams"))
	won, errs := atOnce(8, func(i int) error {
		_, err := vaults[i%2].Commit(context.Background(), vault.Tx{Changes: []vault.Change{{
			TypeID: id("Patient", "ann"), Expect: 1, Resource: parse(t, patient("ann", "Brown")),
		}}})
		return err
	})
	if won != 1 {
		t.Errorf("%d won", won)
	}
	for _, err := range errs {
		wantKind(t, err, fault.Conflict, "a loser")
	}
}

// TestLostRacesAreRunAgain: a guard that fails because of a name or key, or a
// clock that went on, is nothing the caller should hear of.
func TestLostRacesAreRunAgain(t *testing.T) {
	r := newRig(t)
	kinds := map[string]fault.Kind{"a guard": fault.Conflict, "the clock": fault.Unavailable}
	for name, err := range map[string]error{"a guard": store.ErrGuard, "the clock": store.ErrStale} {
		flaky := &failing{Store: r.store, err: err}
		v := r.stand(flaky)
		flaky.times.Store(3)
		if rec := put(t, v, patient("ann", "Adams")); rec.Version == 0 {
			t.Errorf("%s: nothing was written", name)
		}
		flaky.times.Store(1 << 30)
		_, err := v.Commit(context.Background(), vault.Tx{Changes: []vault.Change{{TypeID: id("Patient", "x"), Resource: parse(t, patient("x", "X"))}}})
		wantKind(t, err, kinds[name], name+" for ever")
		flaky.times.Store(0)
	}
}

// failing refuses some commits that hold records.
type failing struct {
	store.Store
	err   error
	times atomic.Int64
}

func (f *failing) Commit(ctx context.Context, b record.Batch) (store.Receipt, error) {
	if len(b.Puts) > 0 && f.times.Add(-1) >= 0 {
		return nil, f.err
	}
	return f.Store.Commit(ctx, b)
}

func TestTurns(t *testing.T) {
	ctx := context.Background()
	r := newRig(t)
	other := r.stand(r.store)
	first, err := r.Turn(ctx, "Patient?x")
	check(t, err)
	second, err := other.Turn(ctx, "Patient?x")
	check(t, err)
	commit := func(v *vault.Vault, name string, turn vault.Turn) error {
		_, err := v.Commit(ctx, vault.Tx{
			Changes: []vault.Change{{TypeID: id("Patient", name), Resource: parse(t, patient(name, "A"))}},
			Absent:  []vault.Absent{{Turn: turn}},
		})
		return err
	}
	check(t, commit(r.Vault, "one", first))
	wantKind(t, commit(other, "two", second), fault.Conflict, "who came second")
	third, err := other.Turn(ctx, "Patient?x")
	check(t, err)
	check(t, commit(other, "two", third))
	r.clock.Advance(2 * time.Hour)
	fourth, err := other.Turn(ctx, "Patient?x")
	check(t, err)
	check(t, commit(other, "three", fourth))
}
