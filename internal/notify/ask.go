package notify

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/search"
)

// maxBundle bounds the bytes of an answer.
const maxBundle = 64 << 20

// Status returns the Parameters that tell how a Subscription does that the actor
// may read ($status of the Backport guide).
func (m *Manager) Status(ctx context.Context, actor chart.Actor, id string) ([]byte, error) {
	res, err := m.chart.Read(ctx, actor, "Subscription", id, 0)
	if err != nil {
		return nil, err
	}
	return m.statusOf(ctx, res)
}

// Statuses returns the Parameters of the Subscriptions with ids, or of all that
// the actor may find, if there are none; of those, the ones with one of the states,
// if there are any.
func (m *Manager) Statuses(ctx context.Context, actor chart.Actor, ids, states []string) ([][]byte, error) {
	var out [][]byte
	add := func(res chart.Resource) error {
		if len(states) > 0 && !slices.Contains(states, res.Root().Get("status").Text()) {
			return nil
		}
		status, err := m.statusOf(ctx, res)
		out = append(out, status)
		return err
	}
	for _, id := range ids {
		res, err := m.chart.Read(ctx, actor, "Subscription", id, 0)
		if err == nil {
			err = add(res)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(ids) > 0 {
		return out, nil
	}
	sr := chart.SearchRequest{Type: "Subscription", Params: []search.Param{{Key: "_count", Value: "1000"}}}
	if len(states) > 0 {
		sr.Params = append(sr.Params, search.Param{Key: "status", Value: strings.Join(states, ",")})
	}
	for {
		found, err := m.chart.Search(ctx, actor, sr)
		if err != nil {
			return nil, err
		}
		for _, res := range found.Matches {
			if err := add(res); err != nil {
				return nil, err
			}
		}
		if found.Next == "" {
			return out, nil
		}
		sr = chart.SearchRequest{Type: "Subscription", Page: found.Next}
	}
}

func (m *Manager) statusOf(ctx context.Context, res chart.Resource) ([]byte, error) {
	s, err := m.read(res.Resource)
	if err != nil {
		s = spec{id: res.TypeID.ID}
	}
	at, err := m.progress(ctx, s.id)
	if err != nil {
		return nil, err
	}
	root := res.Root()
	return m.status(&s, root.Get("status").Text(), asked, at.Events, root.Get("error").Text())
}

// progress returns how far a Subscription was served: by the worker that serves
// it, or as it was last kept.
func (m *Manager) progress(ctx context.Context, id string) (mark, error) {
	m.mu.Lock()
	w := m.workers[id]
	m.mu.Unlock()
	if w != nil {
		if at := w.shown.Load(); at != nil {
			return *at, nil
		}
	}
	var at mark
	value, err := m.chart.Mark(ctx, "notify/"+id)
	if err == nil && value != "" {
		err = fault.Wrap(fault.Internal, "notify.progress", json.Unmarshal([]byte(value), &at))
	}
	return at, err
}

// EventsRequest asks for events that a Subscription told of ($events of the
// Backport guide).
type EventsRequest struct {
	Since, Until *uint64 // numbers of events, both inclusive; nil: open
	Content      Content // "": what the Subscription says
}

// Events returns the notification of events that the actor's own Subscription of a
// topic told of: a history Bundle. Of each event the record is named as far as the
// actor may see that version of it now; its number and time are told always. The
// last hundred events are kept; older ones are Unprocessable.
func (m *Manager) Events(ctx context.Context, actor chart.Actor, id string, req EventsRequest) ([]byte, error) {
	res, err := m.chart.Read(ctx, actor, "Subscription", id, 0)
	if err != nil {
		return nil, err
	}
	lent, err := m.chart.Mandate(ctx, id)
	if err != nil {
		return nil, err
	}
	if lent.Kind != actor.Kind || lent.ID != actor.ID {
		return nil, fault.New(fault.NotFound, "notify.Events", "You have no Subscription of that id.")
	}
	s, err := m.read(res.Resource)
	if err != nil {
		return nil, err
	}
	if s.topic == "" {
		return nil, fault.New(fault.Unprocessable, "notify.Events", "Events have numbers where the criteria name a topic. Search for what changed by _lastUpdated.")
	}
	at, err := m.progress(ctx, id)
	if err != nil {
		return nil, err
	}
	if at.Owner != ownerOf(actor.Kind, actor.ID) {
		at.Recent = nil // of whoever had it before
	}
	first, positions, err := at.between(req.Since, req.Until)
	if err != nil {
		return nil, err
	}
	if req.Content == "" {
		req.Content = s.content
	}
	events := make([]happening, len(positions))
	told, err := m.chart.Told(ctx, actor, id, s.typ, positions, req.Content != Empty)
	if err != nil {
		return nil, err
	}
	for i, t := range told {
		events[i] = happening{number: first + uint64(i), at: t.Time, res: t.Resource}
	}
	root := res.Root()
	return m.bundle(&s, root.Get("status").Text(), askedOf, at.Events, root.Get("error").Text(), events, req.Content, m.clock.Now())
}
