package app

import (
	"context"
	"encoding/json"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/portal"
	"github.com/wardkeep/wardkeep/internal/search"
)

// consents is what pages write and list of what patients ask for.
type consents struct {
	*chart.Chart
	*identity.Service
}

var _ portal.Consents = consents{}

func (c consents) Record(ctx context.Context, actor identity.Actor, res *fhir.Resource) error {
	_, err := c.Chart.Create(ctx, actor, res, nil)
	return err
}

// errSettled: somebody else was faster.
var errSettled = fault.New(fault.Conflict, "app.Settle", "It was changed in the meantime.")

func (c consents) Settle(ctx context.Context, actor identity.Actor, id, from, to, words string) error {
	steps := []map[string]any{{"op": "replace", "path": "/status", "value": to}}
	if words != "" {
		steps = append(steps, map[string]any{"op": "add", "path": "/extension", "value": []map[string]any{{"url": chart.AnswerExtension, "valueString": words}}})
	}
	text, err := json.Marshal(steps)
	if err != nil {
		return fault.Wrap(fault.Internal, "app.Settle", err)
	}
	apply, err := chart.PatchOf(chart.JSONPatch, text)
	if err != nil {
		return err
	}
	_, err = c.Chart.Patch(ctx, actor, "Consent", id, func(old *fhir.Resource) (*fhir.Resource, error) {
		if old.Root().Get("status").Text() != from {
			return nil, errSettled
		}
		return apply(old)
	}, chart.Condition{})
	return err
}

func (c consents) List(ctx context.Context, actor identity.Actor, query, page string) (list []*fhir.Resource, next string, err error) {
	result, err := c.search(ctx, actor, query, page)
	if err != nil {
		return nil, "", err
	}
	return bare(result.Matches), result.Next, nil
}

func (c consents) Count(ctx context.Context, actor identity.Actor, query string) (int, error) {
	result, err := c.search(ctx, actor, query+"&_summary=count", "")
	if err != nil {
		return 0, err
	}
	return result.Total, nil
}

func (c consents) search(ctx context.Context, actor identity.Actor, query, page string) (*chart.SearchResult, error) {
	params, err := chart.ParseQuery(query)
	if err != nil {
		return nil, err
	}
	if page != "" {
		params = []search.Param(nil)
	}
	return c.Chart.Search(ctx, actor, chart.SearchRequest{Type: "Consent", Params: params, Page: page})
}
