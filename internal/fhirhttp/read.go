package fhirhttp

import (
	"net/http"
	"strconv"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

func (s *server) handleRead(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	return s.read(w, r, actor, 0)
}

func (s *server) handleVRead(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	version, err := strconv.ParseUint(r.PathValue("version"), 10, 63)
	if err != nil || version == 0 {
		return fault.New(fault.NotFound, "fhirhttp.handleVRead", "")
	}
	return s.read(w, r, actor, version)
}

func (s *server) read(w http.ResponseWriter, r *http.Request, actor chart.Actor, version uint64) error {
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	v, err := q.view(r)
	if err != nil {
		return err
	}
	if v.subset.Summary == fhir.SummaryCount {
		return fault.New(fault.Invalid, "fhirhttp.read", "_summary=count is for searches.")
	}
	res, err := s.Chart.Read(r.Context(), actor, r.PathValue("type"), r.PathValue("id"), version)
	if err != nil {
		return err
	}
	if unchanged(r.Header, res) {
		versionHeaders(w, res)
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	versionHeaders(w, res)
	writeResource(w, r, http.StatusOK, v.apply(res.Resource))
	return nil
}

func versionHeaders(w http.ResponseWriter, res chart.Resource) {
	w.Header().Set("ETag", etag(res.Version))
	w.Header().Set("Last-Modified", res.Updated.UTC().Format(http.TimeFormat))
}
