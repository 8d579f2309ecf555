package profile_test

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/profile"
	"github.com/wardkeep/wardkeep/internal/terminology"
)

// terms answers questions about codes by what is built in and on a shelf.
type terms struct{ service *terminology.Service }

func codes(s shelf) profile.Codes {
	return terms{terminology.New(terminology.Config{Source: terminology.Sources(terminology.Definitions(), s), Clock: clock.System{}})}
}

var verdicts = map[terminology.Verdict]profile.Verdict{
	terminology.Unknown: profile.Unknown, terminology.Valid: profile.Valid, terminology.Invalid: profile.Invalid,
}

func (c terms) InValueSet(ctx context.Context, valueSet string, code profile.Code) (profile.Verdict, error) {
	v, err := c.service.InValueSet(ctx, valueSet, terminology.Coding(code))
	return verdicts[v], err
}

func (c terms) InSystem(ctx context.Context, code profile.Code) (profile.Verdict, error) {
	v, err := c.service.InSystem(ctx, terminology.Coding(code))
	return verdicts[v], err
}

func (c terms) Subsumes(ctx context.Context, a, b profile.Code) (profile.Verdict, error) {
	v, err := c.service.IsAbove(ctx, terminology.Coding(a), terminology.Coding(b))
	return verdicts[v], err
}
