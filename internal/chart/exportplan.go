package chart

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// ErrEnough, returned by a visit of an export, ends a leg behind what was visited.
var ErrEnough = vault.ErrEnough

// ExportOrder is an export as it is asked for.
type ExportOrder struct {
	Query       string   // for the audit log
	Types       []string // none: all that the actor may see
	Filters     map[string][][]search.Param
	Compartment bool   // of patients, or of a Group's members
	Group       string // id; "" for none
	Patients    []string
}

// PlanExport finds out before a job is filed whether the export may be made, and
// returns the types it has.
func (c *Chart) PlanExport(ctx context.Context, actor Actor, o ExportOrder) ([]string, error) {
	req := c.begin(actor, audit.ActionExport, "")
	req.event.Query = o.Query
	types, err := c.planExport(ctx, req, o)
	if err := req.finish(ctx, err); err != nil {
		return nil, err
	}
	return types, nil
}

func (c *Chart) planExport(ctx context.Context, req *request, o ExportOrder) ([]string, error) {
	types, err := c.exportTypes(req.actor, o)
	if err != nil {
		return nil, err
	}
	listed := setOf(types)
	for typ, filters := range o.Filters {
		if _, ok := listed[typ]; !ok {
			return nil, fault.New(fault.Invalid, "chart.planExport", "_typeFilter names a type that is not exported.")
		}
		for _, params := range filters {
			if _, err := c.exportQuery(ctx, req.actor, typ, params); err != nil {
				return nil, err
			}
		}
	}
	if o.Group == "" {
		return types, nil
	}
	members, _, err := c.members(ctx, req, o.Group, 0)
	if err != nil {
		return nil, err
	}
	known := setOf(members)
	for _, id := range o.Patients {
		if _, ok := known[id]; !ok {
			return nil, fault.New(fault.Invalid, "chart.planExport", "patient names somebody who is no member of the Group.")
		}
	}
	return types, nil
}

func (c *Chart) exportTypes(actor Actor, o ExportOrder) ([]string, error) {
	var types []string
	inside := func(typ string) bool {
		return !o.Compartment || typ == "Patient" || r4.CompartmentElements("Patient", typ) != nil
	}
	for _, typ := range o.Types {
		if !inside(typ) {
			return nil, fault.New(fault.Invalid, "chart.exportTypes", "_type names a type that is not in the compartment of patients. Export it from the whole server.")
		}
		if err := c.mayExport(actor, typ); err != nil {
			return nil, err
		}
		types = append(types, typ)
	}
	if len(o.Types) > 0 {
		return types, nil
	}
	for t := range r4.Resources {
		if typ := t.String(); inside(typ) && c.mayExport(actor, typ) == nil {
			types = append(types, typ)
		}
	}
	if len(types) == 0 {
		return nil, fault.New(fault.Denied, "chart.exportTypes", "You may export no type of record.")
	}
	return types, nil
}

// mayExport demands that records of the type may be read, and searched for.
func (c *Chart) mayExport(actor Actor, typ string) error {
	if _, err := c.reach(actor, authz.Read, typ); err != nil {
		return err
	}
	_, err := c.reach(actor, authz.Search, typ)
	return err
}

// GroupPatients returns the ids of the patients who are members of a Group, and
// the version it had: 0 asks for the current one.
func (c *Chart) GroupPatients(ctx context.Context, actor Actor, id string, version uint64) ([]string, uint64, error) {
	req := c.begin(actor, "read", "Group")
	req.event.Query = "Group/" + id
	members, version, err := c.members(ctx, req, id, version)
	if err := req.finish(ctx, err); err != nil {
		return nil, 0, err
	}
	return members, version, nil
}

func (c *Chart) members(ctx context.Context, req *request, id string, version uint64) ([]string, uint64, error) {
	action := authz.Read
	if version != 0 {
		action = authz.VRead
	}
	group, err := c.read(ctx, req.actor, action, vault.Ref{TypeID: typeIDOf("Group", id), Version: version})
	if err != nil {
		return nil, 0, err
	}
	req.discloses(group)
	ids := []string{}
	for m := range group.Root().All("member") {
		ref := fhir.ParseLiteral(m.Get("entity").Get("reference").Text())
		if ref.Base == "" && ref.Type == "Patient" && ref.ID != "" && m.Get("inactive").Text() != "true" && !c.census.over(m.Get("period")) {
			ids = append(ids, ref.ID)
		}
	}
	return ids, group.Version, nil
}

// Note tells the audit log of something that is about records and shows none, such
// as the order of a job, and returns err, or why it could not be told.
func (c *Chart) Note(ctx context.Context, actor Actor, action, typ, about string, err error) error {
	req := c.begin(actor, action, typ)
	req.event.Query = about
	return req.finish(ctx, err)
}

// FetchFile decides whether an actor may be given a file of records of a type that
// a job of his has made, and tells the audit log. The records are listed in the
// entries that the job left.
func (c *Chart) FetchFile(ctx context.Context, actor Actor, typ, about string) error {
	var err error
	if typ != "Bundle" && typ != "OperationOutcome" { // these hold what was decided on when they were made
		err = c.mayExport(actor, typ)
	}
	return c.Note(ctx, actor, audit.ActionExport, typ, about, err)
}
