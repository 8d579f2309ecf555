package chart

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/terminology"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// Terminology lets ask put a question about codes: whoever may read records of a
// type may ask about what is loaded of it. With an id, stored is that record,
// read as the actor may and told in the audit entry; else it is nil. name is the
// operation's.
func (c *Chart) Terminology(ctx context.Context, actor Actor, name, typ, id string, ask func(s *terminology.Service, stored *fhir.Resource) error) error {
	req := c.begin(actor, name, typ)
	if req.open = id == ""; !req.open {
		req.event.Query = typ + "/" + id + "/$" + name
	}
	return req.finish(ctx, c.terminology(ctx, req, typ, id, ask))
}

func (c *Chart) terminology(ctx context.Context, req *request, typ, id string, ask func(*terminology.Service, *fhir.Resource) error) error {
	var stored Resource
	var err error
	if id == "" {
		_, err = c.reach(req.actor, authz.Read, typ)
	} else {
		stored, err = c.read(ctx, req.actor, authz.Read, vault.Ref{TypeID: typeIDOf(typ, id)})
	}
	if err != nil {
		return err
	}
	service, err := c.lexicon.current(ctx)
	if err != nil {
		return err
	}
	if id != "" {
		req.discloses(stored)
	}
	return ask(service, stored.Resource)
}
