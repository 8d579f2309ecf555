package app

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/portal"
)

// pageChart shows pages the chart.
type pageChart struct{ chart *chart.Chart }

var _ portal.Chart = pageChart{}

func (p pageChart) View(ctx context.Context, actor identity.Actor, req portal.ViewRequest) (*portal.View, error) {
	view, err := p.chart.View(ctx, actor, chart.ViewRequest{Name: req.Name, Patient: req.Patient, Searches: req.Searches})
	if err != nil {
		return nil, err
	}
	out := &portal.View{Kept: view.Kept}
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

func (p pageChart) Reaches(actor identity.Actor, typ string) bool {
	return p.chart.Reaches(actor, typ)
}

// numbers shows pages whole numbers.
type numbers struct{ *chart.Chart }

func (n numbers) Unmask(ctx context.Context, actor identity.Actor, typ, id, purpose string) (*fhir.Resource, error) {
	res, err := n.Chart.Unmask(ctx, actor, typ, id, purpose)
	return res.Resource, err
}
