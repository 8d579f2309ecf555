package app

import (
	"context"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// checkTenant refuses a folder whose audit log, signed by its own root key, says that
// it is another organisation's, before any key or entry is written to it.
func (h *House) checkTenant(ctx context.Context) error {
	owner, err := verify.TenantOf(ctx, h.Store, h.Keyring.Public())
	if err != nil || owner == h.Config.Tenant {
		return nil // a new store; or one that does not open under this key, as is found next
	}
	return fault.New(fault.Invalid, "app.checkTenant", fmt.Sprintf(
		"%s is the folder of tenant %s, and was opened as that of %s: everything in it is bound to the first name. Use --tenant %s, or name the right folder",
		h.Config.Dir, owner, h.Config.Tenant, owner))
}

// untouched guards the keys of a new store: a store that is in use, and has none of this
// tenant, is another's and gets none.
func untouched() record.Guard {
	format := vault.FormatCell()
	return record.Guard{Cell: &record.Cell{Space: format.Space, Name: format.Name}}
}
