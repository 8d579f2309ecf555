package fhirhttp

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/web"
)

// find returns the route of a request and fills in its path values.
func (s *server) find(r *http.Request) *route {
	parts, ok := pathParts(r.URL)
	if !ok {
		return nil
	}
	for i := range s.routes {
		rt := &s.routes[i]
		if rt.method != r.Method && !(rt.method == http.MethodGet && r.Method == http.MethodHead) {
			continue
		}
		if rt.fits(parts) {
			for j, part := range strings.Split(rt.pattern, "/") {
				if name, wild := placeholder(part); wild {
					r.SetPathValue(name, parts[j])
				} else if j == 0 && rt.level() != "system" {
					r.SetPathValue("type", part)
				}
			}
			return rt
		}
	}
	return nil
}

// pathParts splits what stands behind /fhir. "/fhir" and "/fhir/" have one empty
// part.
func pathParts(u *url.URL) ([]string, bool) {
	rest, ok := strings.CutPrefix(u.EscapedPath(), "/fhir")
	if !ok || rest != "" && rest[0] != '/' {
		return nil, false
	}
	parts := strings.Split(strings.TrimPrefix(rest, "/"), "/")
	for i := range parts {
		var err error
		if parts[i], err = url.PathUnescape(parts[i]); err != nil {
			return nil, false
		}
	}
	return parts, true
}

func (rt *route) fits(parts []string) bool {
	if strings.Count(rt.pattern, "/")+1 != len(parts) {
		return false
	}
	i := 0
	for want := range strings.SplitSeq(rt.pattern, "/") {
		have := parts[i]
		if _, wild := placeholder(want); !wild && want != have || wild && (have == "" || have[0] == '_' || have[0] == '$') {
			return false
		}
		i++
	}
	return rt.types == nil || slices.Contains(rt.types, parts[0])
}

func placeholder(part string) (name string, ok bool) {
	name, ok = strings.CutPrefix(part, "{")
	return strings.TrimSuffix(name, "}"), ok
}

// allowed lists the methods that an address takes.
func (s *server) allowed(r *http.Request) []string {
	var methods []string
	for _, method := range []string{"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"} {
		probe := r.Clone(r.Context())
		if probe.Method = method; s.find(probe) != nil {
			methods = append(methods, method)
		}
	}
	return methods
}

// absent tells an address that is not there from one that takes other methods.
func (s *server) absent(r *http.Request) error {
	if len(s.allowed(r)) > 0 {
		return fault.New(fault.NotAllowed, "fhirhttp.absent", "")
	}
	return fault.New(fault.NotFound, "fhirhttp.absent", "There is no such address. GET /fhir/metadata tells what is served.")
}

// ServeHTTP authenticates before anything else is looked at: who has no token
// does not learn which addresses there are.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rt := s.find(r)
	if rt != nil {
		r.Pattern = rt.method + " /fhir/" + rt.pattern
	}
	if s.crossOrigin(w, r) {
		return
	}
	if strings.Contains(r.URL.RawQuery, "_pretty=true") {
		w = pretty{w}
	}
	ctx, cancel := context.WithTimeout(r.Context(), maxTime)
	defer cancel()
	r = r.WithContext(ctx)
	if err := s.answer(w, r, rt); err != nil {
		Fail(w, r, err)
	}
}

func (s *server) answer(w http.ResponseWriter, r *http.Request, rt *route) error {
	var actor chart.Actor
	if rt == nil || !rt.public {
		var err error
		if actor, err = s.Authenticate(r); err != nil {
			return err
		}
		event := web.EventOf(r.Context())
		event.Add(slog.String("actor", actor.ID))
		actor.RequestID = event.RequestID
	}
	if rt == nil {
		if methods := s.allowed(r); len(methods) > 0 {
			w.Header().Set("Allow", strings.Join(methods, ", "))
		}
		return s.absent(r)
	}
	if err := known(r); err != nil {
		return err
	}
	return rt.serve(w, r, actor)
}

// known refuses types that R4 does not have, and ids it does not allow.
func known(r *http.Request) error {
	if typ := r.PathValue("type"); typ != "" && !fhir.IsResource(typ) {
		return fault.New(fault.NotFound, "fhirhttp.known", "FHIR R4 has no resource type of that name.")
	}
	if id := r.PathValue("id"); id != "" && !fhir.ValidID(id) {
		return fault.New(fault.Invalid, "fhirhttp.known", "An id has 1 to 64 letters, digits, hyphens and dots.")
	}
	return nil
}
