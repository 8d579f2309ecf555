package search_test

import (
	"context"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/search"
)

// testTerms is plainMembers and plainTree as a terminology.
type testTerms struct{}

func (testTerms) Members(_ context.Context, valueSet string, add func(system, code string)) error {
	members, ok := plainMembers[valueSet]
	if !ok {
		return fault.New(fault.NotFound, "Members", "")
	}
	for _, m := range members {
		add(m[0], m[1])
	}
	return nil
}

func (testTerms) Below(_ context.Context, system, code string) ([]string, error) {
	return plainTree[[2]string{system, code}], nil
}

func (testTerms) Above(_ context.Context, system, code string) (out []string, err error) {
	for top, below := range plainTree {
		for _, b := range below {
			if top[0] == system && b == code {
				out = append(out, top[1])
			}
		}
	}
	return out, nil
}

// A code list nobody has loaded is refused, never an empty answer.
func TestUnknownTerms(t *testing.T) {
	for _, query := range []string{"code:in=http://x.org/vs/secret", "code:not-in=http://x.org/vs/secret", "encounter.type:in=http://x.org/vs/secret"} {
		q, err := parse(t, "Observation", query, search.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, terms := range []search.Terms{testTerms{}, nil} {
			if _, err = q.Resolve(t.Context(), terms); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", query, err)
			}
		}
		if _, err = q.Plan(t.Context(), newMemory(t, 64, nil), nil); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s unresolved: %v", query, err)
		}
	}
}
