package chart

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// Read returns the current version of a record, or version version of it if that
// is not 0. A record the actor may not see is fault.NotFound, as if it were not
// there; a deleted one is fault.Gone to those who might have seen it.
func (c *Chart) Read(ctx context.Context, actor Actor, typ, id string, version uint64) (Resource, error) {
	action, name := authz.Read, "read"
	if version != 0 {
		action, name = authz.VRead, "vread"
	}
	req := c.begin(actor, name, typ)
	req.event.Query = typ + "/" + id
	res, err := c.read(ctx, actor, action, vault.Ref{TypeID: typeIDOf(typ, id), Version: version})
	if err == nil {
		req.discloses(res)
	}
	if err := req.finish(ctx, err); err != nil {
		return Resource{}, err
	}
	return res, nil
}

func (c *Chart) read(ctx context.Context, actor Actor, action string, ref vault.Ref) (Resource, error) {
	if _, err := c.reach(actor, action, ref.Type); err != nil {
		return Resource{}, err
	}
	records, err := c.vault.Read(ctx, []vault.Ref{ref})
	if err != nil {
		return Resource{}, err
	}
	if !records[0].Exists() {
		return Resource{}, fault.New(fault.NotFound, "chart.read", "")
	}
	res, err := open(records[0])
	if err != nil {
		return Resource{}, err
	}
	allowed, err := c.permit(ctx, actor, action, res)
	switch {
	case err != nil:
		return Resource{}, err
	case !allowed:
		return Resource{}, fault.New(fault.NotFound, "chart.read", "")
	case res.Deleted:
		return Resource{}, fault.New(fault.Gone, "chart.read", "")
	}
	return res, nil
}
