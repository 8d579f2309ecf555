package chart

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/wardkeep/wardkeep/internal/search"
)

// silence is whether something that a request asked for was left out of its answer.
type silence struct{ atomic.Bool }

type silenceKey struct{}

// Heeding returns a context, and a function that tells whether a request made with it
// was shown less than it asked for: because that is hidden, or because there is none.
// Both look alike; how long it took to find out does not, so who answers such a
// request must not answer when it is done.
func Heeding(ctx context.Context) (context.Context, func() bool) {
	s := new(silence)
	return context.WithValue(ctx, silenceKey{}, s), s.Load
}

// withholds notes that something asked for is not shown.
func withholds(ctx context.Context) {
	if s, ok := ctx.Value(silenceKey{}).(*silence); ok {
		s.Store(true)
	}
}

// named is the least number of records that a search must show to show something for
// all that it names, such as identifiers with commas between.
func named(params []search.Param) int {
	most := 1
	for _, p := range params {
		if p.Key == "_id" || !strings.HasPrefix(p.Key, "_") {
			most = max(most, 1+strings.Count(p.Value, ","))
		}
	}
	return most
}
