package fhirhttp

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
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
		if rt.method != r.Method && !(rt.method == http.MethodGet && r.Method == http.MethodHead) || !rt.fits(parts) {
			continue
		}
		if rt.steps[0].name == "" && rt.level() != "system" {
			r.SetPathValue("type", parts[0])
		}
		for j, step := range rt.steps {
			if step.name != "" {
				r.SetPathValue(step.name, parts[j])
			}
		}
		return rt
	}
	return nil
}

// pathParts splits what stands behind /fhir. "/fhir" and "/fhir/" have one empty
// part; a slash at the end of others is passed over.
func pathParts(u *url.URL) ([]string, bool) {
	rest, ok := strings.CutPrefix(u.EscapedPath(), "/fhir")
	if !ok || rest != "" && rest[0] != '/' {
		return nil, false
	}
	parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(rest, "/"), "/"), "/")
	for i := range parts {
		var err error
		if parts[i], err = url.PathUnescape(parts[i]); err != nil {
			return nil, false
		}
	}
	return parts, true
}

// step is one part of a pattern: a name in braces, or a text.
type step struct{ name, text string }

// prepared returns the routes with their patterns taken apart.
func prepared(routes []route) []route {
	for i := range routes {
		rt := &routes[i]
		for part := range strings.SplitSeq(rt.pattern, "/") {
			name, wild := strings.CutPrefix(part, "{")
			if wild {
				rt.steps = append(rt.steps, step{name: strings.TrimSuffix(name, "}")})
			} else {
				rt.steps = append(rt.steps, step{text: part})
			}
		}
	}
	return routes
}

func (rt *route) fits(parts []string) bool {
	if len(rt.steps) != len(parts) {
		return false
	}
	for i, step := range rt.steps {
		have := parts[i]
		if step.name == "" && step.text != have || step.name != "" && (have == "" || have[0] == '_' || have[0] == '$') {
			return false
		}
	}
	return rt.types == nil || slices.Contains(rt.types, parts[0])
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

// correlation is what a client's own number of a request may look like, to be
// sent back to it (FHIR R4 3.1.0.1.6).
var correlation = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)

// ServeHTTP authenticates before anything else is looked at: who has no token
// does not learn which addresses there are.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rt := s.find(r)
	if rt != nil {
		r.Pattern = rt.method + " /fhir/" + rt.pattern
	}
	if id := r.Header.Get("X-Request-Id"); correlation.MatchString(id) {
		w.Header().Set("X-Correlation-Id", id)
	}
	if s.crossOrigin(w, r) {
		return
	}
	w.Header().Add("Vary", "Accept")
	w, r = s.pacing(w, r)
	ctx, cancel := context.WithTimeout(formed(r.Context(), r), maxTime)
	defer cancel()
	r = r.WithContext(ctx)
	if err := s.answer(w, r, rt); err != nil {
		Fail(w, r, err)
	}
}

func (s *server) answer(w http.ResponseWriter, r *http.Request, rt *route) error {
	var actor chart.Actor
	if rt != nil && rt.public {
		if err := s.Callers.AdmitStranger(r); err != nil {
			return err
		}
	} else {
		var err error
		if actor, err = s.authenticate(r); err != nil {
			return err
		}
		leave, err := s.Callers.Admit(actor)
		if err != nil {
			return err
		}
		defer leave()
		if actor, err = withPurpose(actor, r.Header); err != nil {
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
	if err := s.opaque(r, rt, actor); err != nil {
		return err
	}
	body := &ladenBody{ReadCloser: r.Body, ctx: r.Context(), free: freeBody, places: s.bodies}
	defer body.release()
	r.Body = body
	if s.Jobs != nil && rt.waits() && preferences(r).async {
		return s.later(w, r, actor)
	}
	return rt.serve(w, r, actor)
}

// authenticate returns who sends a request. Who is nobody is held up if he tries often.
func (c Config) authenticate(r *http.Request) (chart.Actor, error) {
	actor, err := c.Authenticate(r)
	if fault.Is(err, fault.Unauthenticated) {
		if often := c.Callers.AdmitStranger(r); often != nil {
			return chart.Actor{}, often
		}
	}
	return actor, err
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
