package chart

import (
	"context"
	"time"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// Subscription is a stored Subscription, the mandate of whoever wrote it and the
// headers that he gave it.
type Subscription struct {
	Resource
	Mandate identity.Mandate
	Headers []string
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
		lent, err := c.lentBy(ctx, rec.ID)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		s.Mandate, s.Headers = lent.Mandate, lent.Headers
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
	Time     time.Time
}

// Happenings returns what was committed to records of a type behind a position,
// in order, at most limit of it. It is for the server itself and tells nobody.
func (c *Chart) Happenings(ctx context.Context, typ string, after record.Position, limit int) ([]Happened, error) {
	records, err := c.vault.Feed(ctx, typ, after, limit)
	var list []Happened
	for _, r := range records {
		list = append(list, Happened{ID: r.TypeID, Version: r.Version, Position: r.Position, Deleted: r.Deleted, Time: r.Time})
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

// Criteria reads the condition of a Subscription as its notifications will, and
// says what in it cannot be answered.
func (c *Chart) Criteria(ctx context.Context, typ string, params []search.Param) error {
	_, err := c.criteria(ctx, Actor{}, typ, params)
	return err
}

func (c *Chart) criteria(ctx context.Context, actor Actor, typ string, params []search.Param) (*search.Query, error) {
	q, err := search.Parse(typ, params, c.options(actor))
	if err == nil {
		q, err = q.Resolve(ctx, c.lexicon)
	}
	return q, err
}

func (c *Chart) notifiable(ctx context.Context, req *request, of Happened, criteria []search.Param) (*Resource, error) {
	if _, err := c.reach(req.actor, authz.Search, of.ID.Type); err != nil {
		return nil, err
	}
	q, err := c.criteria(ctx, req.actor, of.ID.Type, append([]search.Param{{Key: "_id", Value: of.ID.ID}}, criteria...))
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

// Told is an event of the past. Resource is the version it told of, nil if the
// actor may not see it, or if it is gone.
type Told struct {
	Time     time.Time
	Resource *Resource
}

// Told returns what was committed at positions that a Subscription told of, with
// the records as far as the actor may see them now, if they are wanted. The audit
// entry is durable when it returns.
func (c *Chart) Told(ctx context.Context, actor Actor, subscription, typ string, at []record.Position, records bool) ([]Told, error) {
	req := c.begin(actor, "events", typ)
	req.event.Query = "Subscription/" + subscription + "/$events"
	list, err := c.told(ctx, req, typ, at, records)
	if err := req.finish(ctx, err); err != nil {
		return nil, err
	}
	return list, nil
}

func (c *Chart) told(ctx context.Context, req *request, typ string, at []record.Position, records bool) ([]Told, error) {
	if _, err := c.reach(req.actor, authz.VRead, typ); err != nil {
		return nil, err
	}
	list := make([]Told, len(at))
	for i, position := range at {
		happened, err := c.Happenings(ctx, typ, position-1, 1)
		if err != nil {
			return nil, err
		}
		if len(happened) == 0 || happened[0].Position != position {
			continue
		}
		list[i].Time = happened[0].Time
		if !records {
			continue
		}
		res, err := c.read(ctx, req.actor, authz.VRead, vault.Ref{TypeID: happened[0].ID, Version: happened[0].Version})
		switch {
		case err == nil:
			req.discloses(res)
			list[i].Resource = &res
		case !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Gone):
			return nil, err
		}
	}
	return list, nil
}

// Mark returns the value of a mark of progress, "" if there is none.
func (c *Chart) Mark(ctx context.Context, name string) (string, error) {
	return c.vault.JobValue(ctx, name)
}
