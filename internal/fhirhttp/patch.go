package fhirhttp

import (
	"mime"
	"net/http"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// handlePatch takes JSON Patch, JSON Merge Patch and FHIRPath Patch, told apart
// by Content-Type (FHIR R4 3.1.0.6).
func (s *server) handlePatch(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	if err := noQuery(r); err != nil {
		return err
	}
	apply, cond, err := patchOf(r)
	if err != nil {
		return err
	}
	out, err := s.Chart.Patch(r.Context(), actor, r.PathValue("type"), r.PathValue("id"), apply, cond)
	if err != nil {
		return err
	}
	return s.changed(w, r, out)
}

func (s *server) handlePatchWhere(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	where, err := conditionOf(r.URL.RawQuery)
	if err != nil {
		return err
	}
	apply, cond, err := patchOf(r)
	if err != nil {
		return err
	}
	out, err := s.Chart.PatchWhere(r.Context(), actor, r.PathValue("type"), where, apply, cond)
	if err != nil {
		return err
	}
	return s.changed(w, r, out)
}

func patchOf(r *http.Request) (chart.Patch, chart.Condition, error) {
	cond, err := writeCondition(r.Header)
	if err != nil {
		return nil, cond, err
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if enc := r.Header.Get("Content-Encoding"); err != nil || enc != "" && enc != "identity" {
		return nil, cond, fault.New(fault.MediaType, "fhirhttp.patchOf", "Say by Content-Type what kind of patch it is, and send it without Content-Encoding.")
	}
	src, err := readAll(r)
	if err != nil {
		return nil, cond, err
	}
	apply, err := chart.PatchOf(media, src)
	return apply, cond, err
}
