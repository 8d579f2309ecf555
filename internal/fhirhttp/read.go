package fhirhttp

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"time"

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
	writeJSON(w, http.StatusOK, v.apply(res.Resource))
	return nil
}

func versionHeaders(w http.ResponseWriter, res chart.Resource) {
	w.Header().Set("ETag", etag(res.Version))
	w.Header().Set("Last-Modified", res.Updated.UTC().Format(http.TimeFormat))
}

func (s *server) handleHistory(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	hr := chart.HistoryRequest{Type: r.PathValue("type"), ID: r.PathValue("id"), Page: q.take("_page")}
	sent := slices.Clone(q.params)
	if text := q.take("_count"); text != "" {
		if hr.Count, err = strconv.Atoi(text); err != nil || hr.Count < 1 {
			return fault.New(fault.Invalid, "fhirhttp.handleHistory", "_count must be a positive number.")
		}
	}
	if text := q.take("_since"); text != "" {
		if hr.Since, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return fault.New(fault.Invalid, "fhirhttp.handleHistory", "_since must be an instant, such as 2026-03-07T14:05:00Z.")
		}
	}
	v, err := q.view(r)
	if err != nil {
		return err
	}
	h, err := s.Chart.History(r.Context(), actor, hr)
	if err != nil {
		return err
	}
	body, err := s.history(hr, sent, h, v)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}

// history writes a page of versions; its links repeat what was sent.
func (s *server) history(hr chart.HistoryRequest, sent chartParams, h *chart.History, v view) ([]byte, error) {
	address := s.Base + "/" + hr.Type + "/" + hr.ID
	head := fhir.BundleHead{Type: "history", Timestamp: s.Clock.Now(), Total: -1}
	head.Links = []fhir.Link{{Relation: "self", URL: link(address+"/_history", sent, "")}}
	if h.Next != "" {
		head.Links = append(head.Links, fhir.Link{Relation: "next", URL: link(address+"/_history", sent, h.Next)})
	}
	var out bytes.Buffer
	b := fhir.NewBundleWriter(&out, head)
	for _, res := range h.Versions {
		e := fhir.EntryHead{
			FullURL: address, Method: "PUT", URL: hr.Type + "/" + hr.ID,
			Status: "200 OK", ETag: etag(res.Version), LastModified: res.Updated,
		}
		switch {
		case res.Deleted:
			e.Method, e.Status = "DELETE", "204 No Content"
			b.Entry(e, nil)
			continue
		case res.Version == 1:
			e.Method, e.URL, e.Status = "POST", hr.Type, "201 Created"
		}
		b.Entry(e, v.apply(res.Resource))
	}
	err := b.Close()
	return out.Bytes(), err
}
