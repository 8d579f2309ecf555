package chart

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// TypeMandate is the internal type under which it is kept who wrote a
// Subscription last: notifications are made with his rights.
const TypeMandate = "Mandate"

// mandated adds to a change of a Subscription who makes it, in the same commit.
// The notifier's changes, of its status, leave that as it is, and so do those of
// others that change neither what is told nor where to: nobody lends his rights
// to an endpoint by a tag. What an import filed has no mandate, whoever had one
// for what it wrote over.
func (c *Chart) mandated(ctx context.Context, actor Actor, old *Resource, p plan) (plan, error) {
	server := actor.Kind == identity.KindSystem
	if p.change.Type != "Subscription" || server && slices.Contains(actor.Roles, "notifier") {
		return p, nil
	}
	if p.change.Resource != nil && c.vet != nil && !server {
		var before *fhir.Resource
		if old != nil {
			before = old.Resource
		}
		if err := c.vet(ctx, before, p.change.Resource); err != nil {
			return p, err
		}
	}
	id := typeIDOf(TypeMandate, p.change.ID)
	rec, err := c.vault.Get(ctx, id)
	if err != nil {
		return p, err
	}
	mandate := p.change.Resource != nil && !server
	if has := rec.Exists() && !rec.Deleted; has && mandate {
		lent, err := c.lentBy(ctx, p.change.ID)
		if err != nil {
			return p, err
		}
		if other := lent.Kind != actor.Kind || lent.ID != actor.ID; other && old != nil && tellsTheSame(old.Resource, p.change.Resource) {
			return p, nil
		}
	} else if !has && !mandate {
		return p, nil
	}
	doc := vault.DocWrite{TypeID: id, Expect: rec.Version}
	if mandate {
		if doc.Body, err = json.Marshal(actor.Mandate(c.clock.Now())); err != nil {
			return p, fault.Wrap(fault.Internal, "chart.mandated", err)
		}
	}
	p.docs = append(p.docs, doc)
	return p, nil
}

// lentBy returns the mandate of a Subscription that has one.
func (c *Chart) lentBy(ctx context.Context, id string) (m identity.Mandate, err error) {
	doc, err := c.vault.GetDoc(ctx, TypeMandate, id)
	if err == nil {
		err = fault.Wrap(fault.Internal, "chart.lentBy", json.Unmarshal(doc.Body, &m))
	}
	return m, err
}

// tellsTheSame reports whether two versions of a Subscription have the same
// criteria and channel.
func tellsTheSame(old, next *fhir.Resource) bool {
	if old == nil {
		return false // a tombstone
	}
	a, b := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if json.Unmarshal(old.JSON(), &a) != nil || json.Unmarshal(next.JSON(), &b) != nil {
		return false
	}
	for _, name := range []string{"criteria", "_criteria", "channel"} {
		if !bytes.Equal(a[name], b[name]) {
			return false
		}
	}
	return true
}

// Subscription is a stored Subscription and the mandate of whoever wrote it.
type Subscription struct {
	Resource
	Mandate identity.Mandate
}

// Subscriptions returns all that are stored, for the notifier: it tells nobody.
func (c *Chart) Subscriptions(ctx context.Context) ([]Subscription, error) {
	q, err := search.Parse("Subscription", nil, search.Options{})
	if err != nil {
		return nil, err
	}
	records, err := c.vault.AllWithBodies(ctx, q)
	if err != nil {
		return nil, err
	}
	var all []Subscription
	for _, rec := range records {
		s := Subscription{}
		if s.Resource, err = open(rec); err != nil {
			return nil, err
		}
		// One that an import filed has no mandate, and thus no rights.
		if s.Mandate, err = c.lentBy(ctx, rec.ID); err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Happened is a version that was committed.
type Happened struct {
	ID       vault.TypeID
	Version  uint64
	Position record.Position
	Deleted  bool
}

// Happenings returns what was committed to records of a type behind a position,
// in order, at most limit of it. It is for the server itself and tells nobody.
func (c *Chart) Happenings(ctx context.Context, typ string, after record.Position, limit int) ([]Happened, error) {
	records, err := c.vault.Feed(ctx, typ, after, limit)
	var list []Happened
	for _, r := range records {
		list = append(list, Happened{ID: r.TypeID, Version: r.Version, Position: r.Position, Deleted: r.Deleted})
	}
	return list, err
}

// Last returns the position of the newest commit that is visible.
func (c *Chart) Last(ctx context.Context) (record.Position, error) { return c.vault.Last(ctx) }

// Notify returns the record if it is current in that version, fits the criteria
// and may be found by the actor; nil if not. The audit entry that tells of the
// notification is durable when it returns.
func (c *Chart) Notify(ctx context.Context, actor Actor, subscription string, of Happened, criteria []search.Param) (*Resource, error) {
	req := c.begin(actor, "notify", of.ID.Type)
	req.event.Query = "Subscription/" + subscription
	res, err := settled(req, func() (*Resource, error) { return c.notifiable(ctx, req, of, criteria) })
	if err == nil && res == nil {
		return nil, nil // nothing is disclosed
	}
	return res, req.finish(ctx, err)
}

func (c *Chart) notifiable(ctx context.Context, req *request, of Happened, criteria []search.Param) (*Resource, error) {
	if _, err := c.reach(req.actor, authz.Search, of.ID.Type); err != nil {
		return nil, err
	}
	params := append([]search.Param{{Key: "_id", Value: of.ID.ID}}, criteria...)
	q, err := search.Parse(of.ID.Type, params, c.options())
	if err == nil {
		q, err = q.Resolve(ctx, c.lexicon)
	}
	if err != nil {
		return nil, err
	}
	found, err := c.vault.Search(ctx, vault.SearchRequest{Query: q, Narrow: c.narrow(req.actor), Limit: 1})
	if err != nil || len(found.Records) == 0 || found.Records[0].Version != of.Version {
		return nil, err
	}
	list, err := c.admit(ctx, req, found.Records)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// Mark returns the value of a mark of progress, "" if there is none.
func (c *Chart) Mark(ctx context.Context, name string) (string, error) {
	return c.vault.JobValue(ctx, name)
}
