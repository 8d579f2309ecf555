package vault

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
)

var formatName = []byte("index")

// FormatCell says what format the words and cards of a store have. It is
// committed together with a new store's keys.
func FormatCell() record.Cell {
	return record.Cell{Space: record.SpaceMeta, Name: formatName, Value: []byte(search.Format)}
}

// CheckFormat refuses a store whose words and cards are of another format: its
// searches would find too little, and nobody would know. In a store of the
// format before only what is contained in records is not found by; such a search
// is refused.
func CheckFormat(ctx context.Context, s store.Store) error {
	values, err := s.Cells(ctx, record.SpaceMeta, [][]byte{formatName})
	if err != nil {
		return fault.Wrap(fault.Unavailable, "vault.CheckFormat", err)
	}
	if format := string(values[0]); format != search.Format && format != search.FormatBefore {
		return fault.New(fault.Conflict, "vault.CheckFormat",
			"The search index of this store is of another format. Export the records with the version that wrote them, and import them into a new store.")
	}
	return nil
}

// hasContained refuses a search in contained resources where those of some records
// may have no words.
func (v *Vault) hasContained(ctx context.Context) error {
	values, err := v.store.Cells(ctx, record.SpaceMeta, [][]byte{formatName})
	if err != nil {
		return err
	}
	if string(values[0]) == search.FormatBefore {
		return fault.New(fault.NotSupported, "vault.hasContained",
			"This store was made before contained resources were indexed, so _contained is false here. To search them, export the records and import them into a new store.")
	}
	return nil
}
