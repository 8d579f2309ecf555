package chart

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// MayImport demands that the actor may store records of the types under ids that
// others chose: create and update them, and read not only a part of them. Each
// record is decided on once more when it is filed. A refusal is told to the audit
// log.
func (c *Chart) MayImport(ctx context.Context, actor Actor, types ...string) error {
	for _, typ := range types {
		if c.mayImport(actor, typ) != nil {
			return c.Note(ctx, actor, "import", typ, "", fault.New(fault.Denied, "chart.MayImport",
				"Who imports a type may create and update it, and read all of it."))
		}
	}
	return nil
}

func (c *Chart) mayImport(actor Actor, typ string) error {
	for _, action := range []string{authz.Create, authz.Update} {
		if _, err := c.reach(actor, action, typ); err != nil {
			return err
		}
	}
	return c.mayChooseIDs(actor, typ)
}
