package fhirhttp

import (
	"net/http"

	"github.com/wardkeep/wardkeep/internal/chart"
)

// Line is a line of the table of routes, for tests.
type Line struct {
	Method, Pattern, Does, Level string
	Operation, Definition        string
	Types, Asks                  []string
	Free                         string
	Public, Alone                bool
	Claims                       map[string]any
}

// Serves reports whether the line is for a type.
func (l Line) Serves(typ string) bool {
	return (&route{pattern: l.Pattern, types: l.Types}).serves(typ)
}

// Lines returns the table.
func Lines(cfg Config) []Line {
	var lines []Line
	for _, rt := range (&server{Config: cfg}).table() {
		l := Line{
			Method: rt.method, Pattern: rt.pattern, Does: rt.does, Level: rt.level(), Types: rt.types,
			Asks: rt.asks, Free: rt.free, Public: rt.public, Alone: rt.alone, Claims: rt.claims,
		}
		if rt.op != nil {
			l.Operation, l.Definition = rt.op.name, rt.op.definition
		}
		lines = append(lines, l)
	}
	return lines
}

// Found returns the line that a request is routed to, -1 if there is none.
func Found(cfg Config, r *http.Request) int {
	s := &server{Config: cfg}
	s.routes = prepared(s.table())
	rt := s.find(r)
	for i := range s.routes {
		if rt == &s.routes[i] {
			return i
		}
	}
	return -1
}

// WithRogue returns the API with one more route, which asks nobody.
func WithRogue(cfg Config, line Line, says string) http.Handler {
	s := &server{Config: cfg, bundles: make(places, maxBundles), walks: make(places, maxWalks), bodies: make(places, maxBodies)}
	s.routes = prepared(append([]route{{
		method: line.Method, pattern: line.Pattern, asks: line.Asks, free: line.Free, public: line.Public,
		serve: func(w http.ResponseWriter, r *http.Request, _ chart.Actor) error {
			writeResource(w, r, http.StatusOK, []byte(says))
			return nil
		},
	}}, s.table()...))
	return s
}

// Walked returns the API while as many walks and bundles are under way as there may be.
func Walked(cfg Config) http.Handler {
	s := &server{Config: cfg, bundles: make(places), walks: make(places), bodies: make(places, maxBodies)}
	s.routes = prepared(s.table())
	return s
}

// Laden returns the API while as many large bodies are held as there may be.
func Laden(cfg Config) http.Handler {
	s := &server{Config: cfg, bundles: make(places, maxBundles), walks: make(places, maxWalks), bodies: make(places)}
	s.routes = prepared(s.table())
	return s
}
