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
	req.name, req.named = typ+"/"+id, true
	res, err := c.read(ctx, actor, action, vault.Ref{TypeID: typeIDOf(typ, id), Version: version})
	if err == nil {
		err = res.whole()
	}
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
	refs := []vault.Ref{{TypeID: ref.TypeID}}
	if ref.Version != 0 {
		refs = append(refs, ref)
	}
	records, err := c.vault.Read(ctx, refs)
	if err != nil {
		return Resource{}, err
	}
	var res Resource
	for _, rec := range records {
		if res, err = c.visible(ctx, actor, action, rec); err != nil {
			return Resource{}, err
		}
	}
	if res.Deleted {
		return Resource{}, fault.New(fault.Gone, "chart.read", "")
	}
	return res, nil
}

// visible opens a version that the actor may see; any other is fault.NotFound.
// Of a past version the caller MUST ask about the current one first: a record
// that was marked, or moved to another patient, since then is closed with all
// its past.
func (c *Chart) visible(ctx context.Context, actor Actor, action string, rec vault.Record) (Resource, error) {
	if !rec.Exists() {
		return Resource{}, fault.New(fault.NotFound, "chart.visible", "")
	}
	res, err := open(rec)
	if err != nil {
		return Resource{}, err
	}
	res, allowed, err := c.stand(actor).permit(ctx, action, res)
	if err == nil && !allowed {
		err = fault.New(fault.NotFound, "chart.visible", "")
	}
	return res, err
}
