package vault_test

import (
	"maps"
	"testing"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// TestNamed: a name is found by its key as long as the record can be opened.
func TestNamed(t *testing.T) {
	r := newRig(t)
	var keys []record.Key
	for _, text := range []string{patient("ann", "Lee"), patient("bob", "Ray"), finding("f", "ann"), patient("gone", "Fay")} {
		keys = append(keys, put(t, r.Vault, text).Key)
	}
	old, err := r.Get(t.Context(), id("Patient", "gone"))
	check(t, err)
	_, err = r.Commit(t.Context(), vault.Tx{Changes: []vault.Change{{TypeID: old.TypeID, Expect: 1}}})
	check(t, err)
	named, err := r.Named(t.Context(), append(keys, record.Key{}, record.Key{1}))
	check(t, err)
	want := map[record.Key]vault.TypeID{
		keys[0]: id("Patient", "ann"), keys[1]: id("Patient", "bob"), keys[2]: id("Condition", "f"), keys[3]: id("Patient", "gone"),
	}
	if !maps.Equal(named, want) {
		t.Errorf("named %v, want %v", named, want)
	}
	receipt, err := r.store.Commit(t.Context(), record.Batch{Cells: []record.Cell{r.sealerOn(r.store).Shred(keys[0])}})
	check(t, err)
	check(t, receipt.Wait())
	delete(want, keys[0])
	delete(want, keys[2])
	if named, err = r.stand(r.store).Named(t.Context(), keys); err != nil || !maps.Equal(named, want) {
		t.Errorf("after ann's shred: named %v, want %v: %v", named, want, err)
	}
}
