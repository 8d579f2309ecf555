package fhirhttp

import (
	"net/http"
	"strings"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// unmaskRoutes are the operation by which one record is shown with whole numbers. It is
// none of R4's, and no part of a bundle: each is an act of its own.
func (s *server) unmaskRoutes() []route {
	var list []route
	for _, method := range []string{"GET", "POST"} {
		list = append(list, route{
			method: method, pattern: "{type}/{id}/$unmask", serve: s.handleUnmask, asks: []string{authz.Unmask}, alone: true,
			op: &operation{name: "unmask", definition: s.Base + "/OperationDefinition/unmask"},
		})
	}
	return list
}

// handleUnmask answers with the record; purpose, or the header for it, says what for.
func (s *server) handleUnmask(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	q, err := argumentsOf(r)
	if err != nil {
		return err
	}
	if q.twice("purpose") {
		return fault.New(fault.Invalid, "fhirhttp.handleUnmask", "State one purpose.")
	}
	purpose := strings.TrimPrefix(q.take("purpose"), systemActReason+"|")
	if purpose == "" && r.Header.Get(purposeHeader) != "" {
		purpose = actor.Purpose
	}
	if err := q.only(r, "purpose and _format"); err != nil {
		return err
	}
	res, err := s.Chart.Unmask(r.Context(), actor, r.PathValue("type"), r.PathValue("id"), purpose)
	if err != nil {
		return err
	}
	versionHeaders(w, res)
	writeResource(w, r, http.StatusOK, res.JSON())
	return nil
}
