package chart

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/search"
)

// catalogs keeps what each set of roles may search by.
type catalogs struct {
	mu    sync.Mutex
	whole *search.Catalog // that the others are parts of
	parts map[string]*search.Catalog
}

// catalogOf returns the parameters that an actor may search by: those that read
// nothing that is hidden from any of his roles, and masked numbers as he sees them.
func (c *Chart) catalogOf(actor Actor) *search.Catalog {
	whole := c.vault.Catalog()
	if seesWhole(actor) {
		return whole
	}
	hides, name := c.policy.Hides(actor), ""
	if hides != nil {
		name = strings.Join(c.policy.Working(actor), " ")
	}
	c.catalogs.mu.Lock()
	defer c.catalogs.mu.Unlock()
	if c.catalogs.whole != whole {
		c.catalogs.whole, c.catalogs.parts = whole, map[string]*search.Catalog{}
	}
	part := c.catalogs.parts[name]
	if part == nil {
		if part = whole; hides != nil {
			part = whole.Without(hides)
		}
		part = part.Masked(c.policy.Numbers())
		c.catalogs.parts[name] = part
	}
	return part
}

// shown cuts a version down to what the roles by which it is allowed show of it, with
// numbers masked.
func (c *Chart) shown(actor Actor, res Resource, roles []string) (Resource, error) {
	res, err := c.cut(actor, res, roles)
	if err != nil {
		return res, err
	}
	return c.masked(actor, res)
}

// cut is shown with whole numbers.
func (c *Chart) cut(actor Actor, res Resource, roles []string) (Resource, error) {
	res.roles = roles
	if res.Resource == nil || c.policy.Hides(actor) == nil {
		return res, nil
	}
	cut, err := res.Masked(func(typ string) *fhir.Mask { return c.policy.View(roles, typ) })
	res.Resource = cut
	return res, fault.Wrap(fault.Internal, "chart.shown", err)
}

// own cuts what a change has left behind down to what its author may see of it, with
// numbers masked.
func (c *Chart) own(ctx context.Context, actor Actor, res Resource) (Resource, error) {
	res, err := c.ownWhole(ctx, actor, res)
	if err != nil {
		return res, err
	}
	return c.masked(actor, res)
}

// ownWhole is own with whole numbers. One who may not read the type at all sees of it
// what any of his roles would.
func (c *Chart) ownWhole(ctx context.Context, actor Actor, res Resource) (Resource, error) {
	if c.policy.Hides(actor) == nil {
		return res, nil
	}
	roles, _, err := c.stand(actor).decide(ctx, authz.Read, res, res.patients, anyOf)
	if err != nil {
		return Resource{}, err
	}
	if len(roles) == 0 {
		roles = c.policy.Working(actor)
	}
	return c.cut(actor, res, roles)
}

// rowsQuery is the search that finds the rows a role is confined to. It is by R4's
// own parameters, so that no stored SearchParameter can widen it.
func (c *Chart) rowsQuery(rows *authz.Rows) (*search.Query, error) {
	if q, ok := c.rows.Load(rows); ok {
		return q.(*search.Query), nil
	}
	codes := make([]string, len(rows.Codes))
	for i, code := range rows.Codes {
		codes[i] = search.Escape(code.System) + "|" + search.Escape(code.Code)
	}
	q, err := search.Parse(rows.Type, []search.Param{{Key: rows.Param, Value: strings.Join(codes, ",")}}, search.Options{})
	if err == nil {
		c.rows.Store(rows, q)
	}
	return q, err
}

var (
	errHidden = fault.New(fault.Unprocessable, "chart.keepsHidden",
		"The resource has elements of which your role is not shown what they are. Leave them out: those that the record has are kept.")
	errPartHidden = fault.New(fault.Unprocessable, "chart.keepsHidden",
		"Of an element that this changes a part is hidden from your role. Send it as you were shown it, or ask somebody who sees all of it.")
)

// keepsHidden adds to a next version what of the one before its author was not
// shown, so that he does not erase it. What he was not shown he may not send,
// either: whether it is what is there would tell him what is there. It returns by
// which roles the one before was shown, nil if all of it was.
func (c *Chart) keepsHidden(ctx context.Context, actor Actor, old Resource, next *fhir.Resource) (whole *fhir.Resource, roles []string, err error) {
	if old.Resource == nil || actor.Kind == identity.KindSystem || c.policy.Hides(actor) == nil {
		return next, nil, nil
	}
	seen, err := c.ownWhole(ctx, actor, old)
	if err != nil || seen.Resource == old.Resource {
		return next, nil, err
	}
	offered, err := c.ownWhole(ctx, actor, Resource{Resource: next, TypeID: old.TypeID, patients: old.patients, Version: old.Version})
	if err != nil {
		return nil, nil, err
	}
	var before, shown, sent, admitted []member
	for _, part := range []struct {
		res  *fhir.Resource
		into *[]member
	}{{old.Resource, &before}, {seen.Resource, &shown}, {next, &sent}, {offered.Resource, &admitted}} {
		if *part.into, err = members(part.res.JSON()); err != nil {
			return nil, nil, err
		}
	}
	merged, err := merge(before, shown, sent, admitted)
	if err != nil {
		return nil, nil, err
	}
	whole, err = fhir.Parse(joined(merged))
	return whole, seen.roles, err
}

// merge makes the members of the next version: before as it is stored and as it was
// shown, sent as it came and as far as its author may see it.
func merge(before, shown, sent, admitted []member) ([]member, error) {
	var out []member
	for _, m := range sent {
		old, was := memberNamed(before, m.name)
		visible, _ := memberNamed(admitted, m.name)
		switch {
		case m.name == "meta":
			value, err := withoutTag(m.value)
			if err != nil {
				return nil, err
			}
			m.value = value
		case m.name == "text": // the narrative of what was sent, which he made
		case !sameJSON(visible, m.value):
			return nil, errHidden
		case was:
			if part, _ := memberNamed(shown, m.name); !sameJSON(part, old) {
				if !sameJSON(part, m.value) {
					return nil, errPartHidden
				}
				m.value = old
			}
		}
		out = append(out, m)
	}
	for _, m := range before {
		part, visible := memberNamed(shown, m.name)
		_, there := memberNamed(sent, m.name)
		switch {
		case there || m.name == "text" || m.name == "meta":
		case !visible:
			out = append(out, m)
		case !sameJSON(part, m.value):
			return nil, errPartHidden
		}
	}
	return out, nil
}

func memberNamed(list []member, name string) (json.RawMessage, bool) {
	i := slices.IndexFunc(list, func(m member) bool { return m.name == name })
	if i < 0 {
		return nil, false
	}
	return list[i].value, true
}

// sameJSON compares values whatever the order of members. Numbers are as they were
// written.
func sameJSON(a, b []byte) bool {
	x, errX := inOrder(a)
	y, errY := inOrder(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func inOrder(text []byte) ([]byte, error) {
	var value any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&value); err != nil {
		return nil, err
	}
	return json.Marshal(value)
}

// withoutTag takes the tag SUBSETTED off a meta: what is stored is whole again.
func withoutTag(meta json.RawMessage) (json.RawMessage, error) {
	list, err := members(meta)
	if err != nil {
		return nil, err
	}
	tags, there := memberNamed(list, "tag")
	if !there {
		return meta, nil
	}
	var all []json.RawMessage
	if err := json.Unmarshal(tags, &all); err != nil {
		return nil, fault.Wrap(fault.Internal, "chart.withoutTag", err)
	}
	all = slices.DeleteFunc(all, sameAs(json.RawMessage(fhir.Subsetted)))
	text, err := json.Marshal(all)
	return joined(setMember(list, "tag", text, len(all) == 0)), fault.Wrap(fault.Internal, "chart.withoutTag", err)
}
