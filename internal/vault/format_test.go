package vault_test

import (
	"context"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// cells is a store that has one cell, or none.
type cells struct {
	store.Store
	value []byte
}

func (c cells) Cells(_ context.Context, space record.Space, _ [][]byte) ([][]byte, error) {
	if space != record.SpaceMeta {
		return [][]byte{nil}, nil
	}
	return [][]byte{c.value}, nil
}

// A store whose index was made by other rules is refused, and so is one that does
// not say: it is from before there were rules to tell.
func TestFormat(t *testing.T) {
	if err := vault.CheckFormat(t.Context(), cells{value: vault.FormatCell().Value}); err != nil {
		t.Error(err)
	}
	if err := vault.CheckFormat(t.Context(), cells{value: []byte("2")}); err != nil {
		t.Errorf("a store from before contained resources had words: %v", err)
	}
	for _, value := range []string{"", "1", "4"} {
		if err := vault.CheckFormat(t.Context(), cells{value: []byte(value)}); !fault.Is(err, fault.Conflict) {
			t.Errorf("format %q: %v", value, err)
		}
	}
}

// In a store from before contained resources had words, a search for them would
// find too little: it is refused, and everything else goes on.
func TestFormatBefore(t *testing.T) {
	r := newRig(t)
	put(t, r.Vault, `{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},"asserter":{"reference":"#a"},"contained":[{"resourceType":"Patient","id":"a","gender":"male"}]}`)
	q, err := search.Parse("Patient", []search.Param{{Key: "gender", Value: "male"}, {Key: "_contained", Value: "true"}}, search.Options{Contained: true})
	check(t, err)
	found, err := find(r.Vault, q)
	check(t, err)
	if len(found) != 1 || found[0] != "c" {
		t.Errorf("found %v", found)
	}
	r.verifies("with a contained resource")
	cell := vault.FormatCell()
	cell.Value = []byte(search.FormatBefore)
	_, err = r.store.Commit(t.Context(), record.Batch{Time: noon, Cells: []record.Cell{cell}})
	check(t, err)
	_, err = find(r.Vault, q)
	wantKind(t, err, fault.NotSupported, "a search in contained resources")
	if found, err = find(r.Vault, query(t, "Condition", "subject", "Patient/p")); err != nil || len(found) != 1 {
		t.Errorf("found %v: %v", found, err)
	}
}
