package fhirhttp

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

func (s *server) handleCreate(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	if err := noQuery(r); err != nil {
		return err
	}
	res, err := sent(r)
	if err != nil {
		return err
	}
	if res.Type() != r.PathValue("type") {
		return errWrongType
	}
	var where chartParams
	if text := r.Header.Get("If-None-Exist"); text != "" {
		if where, err = conditionOf(text); err != nil {
			return err
		}
	}
	out, err := s.Chart.Create(r.Context(), actor, res, where)
	if err != nil {
		return err
	}
	return s.changed(w, r, out)
}

func (s *server) handleUpdate(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	cond, err := unconditional(r)
	if err != nil {
		return err
	}
	res, err := sent(r)
	if err != nil {
		return err
	}
	switch {
	case res.Type() != r.PathValue("type"):
		return errWrongType
	case res.ID() == "":
		return fault.New(fault.Invalid, "fhirhttp.handleUpdate", "The resource must carry the id of the address.")
	case res.ID() != r.PathValue("id"):
		return fault.New(fault.Invalid, "fhirhttp.handleUpdate", "The resource has another id than the address.")
	}
	out, err := s.Chart.Update(r.Context(), actor, res, cond)
	if err != nil {
		return err
	}
	return s.changed(w, r, out)
}

func (s *server) handleUpdateWhere(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	where, cond, err := conditional(r)
	if err != nil {
		return err
	}
	res, err := sent(r)
	if err != nil {
		return err
	}
	if res.Type() != r.PathValue("type") {
		return errWrongType
	}
	out, err := s.Chart.UpdateWhere(r.Context(), actor, res, where, cond)
	if err != nil {
		return err
	}
	return s.changed(w, r, out)
}

func (s *server) handleDelete(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	cond, err := unconditional(r)
	if err != nil {
		return err
	}
	out, err := s.Chart.Delete(r.Context(), actor, r.PathValue("type"), r.PathValue("id"), cond)
	if err != nil {
		return err
	}
	return s.deleted(w, r, out)
}

func (s *server) handleDeleteWhere(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	where, cond, err := conditional(r)
	if err != nil {
		return err
	}
	out, err := s.Chart.DeleteWhere(r.Context(), actor, r.PathValue("type"), where, cond)
	if err != nil {
		return err
	}
	return s.deleted(w, r, out)
}

// unconditional reads what a change of a record by its name assumes of it.
func unconditional(r *http.Request) (chart.Condition, error) {
	if err := noQuery(r); err != nil {
		return chart.Condition{}, err
	}
	return writeCondition(r.Header)
}

// conditional reads the search for the record to change, and what is assumed of it.
func conditional(r *http.Request) (where chartParams, cond chart.Condition, err error) {
	if where, err = conditionOf(r.URL.RawQuery); err == nil {
		cond, err = writeCondition(r.Header)
	}
	return where, cond, err
}

func (s *server) deleted(w http.ResponseWriter, r *http.Request, out chart.Outcome) error {
	if !out.Unchanged {
		w.Header().Set("ETag", etag(out.Resource.Version))
	}
	if preferences(r).result == "OperationOutcome" {
		writeResource(w, r, http.StatusOK, stored())
		return nil
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// changed answers a create or update as Prefer: return asks.
func (s *server) changed(w http.ResponseWriter, r *http.Request, out chart.Outcome) error {
	res := out.Resource
	status := http.StatusOK
	versionHeaders(w, res)
	location := s.Links + "/" + res.TypeID.Type + "/" + res.TypeID.ID + "/_history/" + strconv.FormatUint(res.Version, 10)
	w.Header().Set("Content-Location", location)
	if out.Created {
		status = http.StatusCreated
	}
	if out.Created || out.Unchanged { // made, or found by a conditional create
		w.Header().Set("Location", location)
	}
	switch preferences(r).result {
	case "minimal":
		w.WriteHeader(status)
	case "OperationOutcome":
		writeResource(w, r, status, stored(out.Issues...))
	default:
		writeResource(w, r, status, res.JSON())
	}
	return nil
}

// stored is what Prefer: return=OperationOutcome brings when all went well.
// findings are what validation has to say of it.
func stored(findings ...fault.Issue) []byte {
	done := fault.Issue{Severity: "information", Code: "informational", Text: "The change was made."}
	return fhir.OutcomeOf(append([]fault.Issue{done}, findings...)...)
}

var errWrongType = fault.New(fault.Invalid, "fhirhttp", "The resource is of another type than the address.")

// sent reads the resource of a create or update.
func sent(r *http.Request) (*fhir.Resource, error) {
	if r.PathValue("type") == "Binary" {
		return binaryBody(r)
	}
	return body(r)
}

// body reads and parses one resource.
func body(r *http.Request) (*fhir.Resource, error) {
	media, err := sentType(r)
	if err != nil {
		return nil, err
	}
	src, err := readAll(r)
	if err != nil {
		return nil, err
	}
	if src, err = inJSON(media, src); err != nil {
		return nil, err
	}
	return fhir.Parse(src)
}

func readAll(r *http.Request) ([]byte, error) {
	src, err := io.ReadAll(r.Body)
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return nil, fault.New(fault.TooLarge, "fhirhttp.readAll", "The body is over the size limit.")
	case fault.Is(err, fault.Unavailable): // no place for a large body
		return nil, err
	case err != nil:
		return nil, fault.New(fault.Invalid, "fhirhttp.readAll", "The body ended early.")
	}
	return src, nil
}
