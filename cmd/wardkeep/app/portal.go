package app

import (
	"context"
	"errors"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/portal"
	"github.com/wardkeep/wardkeep/internal/web"
)

// pageChart shows pages the chart.
type pageChart struct{ chart *chart.Chart }

var _ portal.Chart = pageChart{}

func (p pageChart) View(ctx context.Context, actor identity.Actor, req portal.ViewRequest) (*portal.View, error) {
	view, err := p.chart.View(ctx, actor, chart.ViewRequest{Name: req.Name, Patient: req.Patient, Searches: req.Searches})
	if err != nil {
		return nil, err
	}
	out := &portal.View{}
	if view.Patient != nil {
		out.Patient = view.Patient.Resource
	}
	for _, part := range view.Parts {
		out.Parts = append(out.Parts, portal.Part{
			Resources: bare(part.Resources), Included: bare(part.Included), More: part.More, Err: part.Err,
		})
	}
	return out, nil
}

func bare(list []chart.Resource) []*fhir.Resource {
	out := make([]*fhir.Resource, len(list))
	for i, res := range list {
		out[i] = res.Resource
	}
	return out
}

func (p pageChart) Read(ctx context.Context, actor identity.Actor, typ, id string) (*fhir.Resource, error) {
	res, err := p.chart.Read(ctx, actor, typ, id, 0)
	return res.Resource, err
}

func (p pageChart) Former(ctx context.Context, actor identity.Actor, typ, id string) (*fhir.Resource, error) {
	h, err := p.chart.History(ctx, actor, chart.HistoryRequest{Type: typ, ID: id, Count: 2})
	if err != nil || len(h.Versions) < 2 {
		return nil, err
	}
	return h.Versions[1].Resource, nil
}

// accounts signs people in to the portal.
type accounts struct{ identity *identity.Service }

var _ portal.Accounts = accounts{}

func origin(ctx context.Context, try portal.Attempt) identity.Origin {
	return identity.Origin{Source: try.Source, RequestID: web.EventOf(ctx).RequestID}
}

func (a accounts) Password(ctx context.Context, try portal.Attempt) (string, error) {
	c, err := a.identity.Begin(ctx, try.User, try.Password, origin(ctx, try))
	return c.Token, err
}

func (a accounts) Code(ctx context.Context, challenge string, try portal.Attempt) (portal.Entry, error) {
	g, err := a.identity.Finish(ctx, challenge, try.Code, origin(ctx, try))
	return portal.Entry{Token: g.Token, Recovered: g.RecoveryUsed, RecoveryLeft: g.RecoveryLeft}, err
}

func (a accounts) Session(ctx context.Context, token string, active bool) (portal.Session, error) {
	s, err := a.identity.Resume(ctx, token, identity.Origin{Background: !active, RequestID: web.EventOf(ctx).RequestID})
	if errors.Is(err, identity.ErrLocked) {
		err = nil // whose session it is stays known: the lock page leads back to it
	}
	return portal.Session{Actor: s.Actor, Locked: s.Locked}, err
}

func (a accounts) Lock(ctx context.Context, token string) error { return a.identity.Lock(ctx, token) }

func (a accounts) Unlock(ctx context.Context, token string, try portal.Attempt) (string, error) {
	g, err := a.identity.Unlock(ctx, token, try.Password, origin(ctx, try))
	return g.Token, err
}

func (a accounts) SignOut(ctx context.Context, token string) error {
	return a.identity.End(ctx, token, origin(ctx, portal.Attempt{}))
}

func (a accounts) BeginEnrolment(ctx context.Context, try portal.Attempt) (portal.Enrolment, error) {
	e, err := a.identity.BeginEnrolment(ctx, try.User, try.Code, try.Password, origin(ctx, try))
	return portal.Enrolment{Token: e.Token, Secret: e.Secret, URI: e.URI, Expires: e.Expires}, err
}

func (a accounts) FinishEnrolment(ctx context.Context, token string, try portal.Attempt) ([]string, error) {
	return a.identity.FinishEnrolment(ctx, token, try.Code, origin(ctx, try))
}
