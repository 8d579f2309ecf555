package vault_test

import (
	"context"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
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
	for _, value := range []string{"", "1", "3"} {
		if err := vault.CheckFormat(t.Context(), cells{value: []byte(value)}); !fault.Is(err, fault.Conflict) {
			t.Errorf("format %q: %v", value, err)
		}
	}
}
