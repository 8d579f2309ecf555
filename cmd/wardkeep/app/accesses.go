package app

import (
	"context"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/portal"
)

// accesses tells pages who looked at a record.
type accesses struct {
	chart *chart.Chart
	*identity.Service
}

var _ portal.Accesses = accesses{}

func (a accesses) Accesses(ctx context.Context, actor identity.Actor, patient string, since time.Time, page string) ([]portal.Access, string, error) {
	got, err := a.chart.Accesses(ctx, actor, chart.AccessRequest{Patient: patient, Since: since, Page: page})
	list := make([]portal.Access, len(got.List))
	for i, one := range got.List {
		list[i] = portal.Access(one)
	}
	return list, got.Next, err
}
