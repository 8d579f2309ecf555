package fhirhttp

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// handleHistory answers for a record, a type or everything (FHIR R4 3.1.0.12).
func (s *server) handleHistory(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	hr := chart.HistoryRequest{Type: r.PathValue("type"), ID: r.PathValue("id"), Page: q.take("_page")}
	sent := slices.Clone(q.params)
	if err := q.history(&hr); err != nil {
		return err
	}
	v, err := q.view(r)
	if err != nil {
		return err
	}
	hr.CountOnly = v.subset.Summary == fhir.SummaryCount && len(v.subset.Elements) == 0
	if hr.ID == "" {
		release, err := s.walks.take(r.Context())
		if err != nil {
			return err
		}
		defer release()
	}
	h, err := s.Chart.History(r.Context(), actor, hr)
	if err != nil {
		return err
	}
	body, err := s.history(strings.TrimPrefix(r.URL.Path, "/fhir"), sent, h, v)
	if err != nil {
		return err
	}
	writeResource(w, r, http.StatusOK, body)
	return nil
}

// history takes the parameters of a history.
func (q *query) history(hr *chart.HistoryRequest) (err error) {
	refuse := func(text string) error { return fault.New(fault.Invalid, "fhirhttp.history", text) }
	if text := q.take("_count"); text != "" {
		if hr.Count, err = strconv.Atoi(text); err != nil || hr.Count < 1 {
			return refuse("_count must be a positive number.")
		}
	}
	if text := q.take("_since"); text != "" {
		if hr.Since, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return refuse("_since must be an instant, such as 2026-03-07T14:05:00Z.")
		}
	}
	if text := q.take("_at"); text != "" {
		if hr.AtFrom, hr.AtUntil, err = period(text); err != nil {
			return err
		}
	}
	if sort := q.take("_sort"); sort != "" && sort != "-_lastUpdated" {
		return refuse("A history comes newest first and is not sorted otherwise. Leave _sort out.")
	}
	if q.take("_list") != "" {
		return fault.New(fault.NotSupported, "fhirhttp.history", "_list is not served for histories. Read the list, and the history of its members.")
	}
	return nil
}

// precisions are the forms of a dateTime and the time that each covers.
var precisions = []struct {
	layout string
	end    func(time.Time) time.Time
}{
	{"2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }},
	{"2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }},
	{"2006-01-02", func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
}

// period is the time that a dateTime covers, of a date without a zone in UTC.
func period(text string) (from, until time.Time, err error) {
	for _, p := range precisions {
		if from, err = time.Parse(p.layout, text); err == nil {
			return from, p.end(from), nil
		}
	}
	if from, err = time.Parse(time.RFC3339Nano, text); err == nil {
		return from, from.Add(grain(text)), nil
	}
	return from, until, fault.New(fault.Invalid, "fhirhttp.period", "_at must be a dateTime, such as 2026-03-07 or 2026-03-07T14:05:00Z.")
}

// grain is the time that the last digit of an instant's seconds counts.
func grain(text string) time.Duration {
	_, fraction, _ := strings.Cut(text, ".")
	unit := time.Second
	for _, digit := range fraction {
		if digit < '0' || digit > '9' || unit == 1 {
			break
		}
		unit /= 10
	}
	return unit
}

// history writes a page of versions; its links repeat what was sent.
func (s *server) history(path string, sent chartParams, h *chart.History, v view) ([]byte, error) {
	address := s.Links + path
	head := fhir.BundleHead{Type: "history", Timestamp: s.Clock.Now(), Total: int64(h.Total)}
	head.Links = []fhir.Link{{Relation: "self", URL: link(address, sent, "")}}
	if h.Next != "" {
		head.Links = append(head.Links, fhir.Link{Relation: "next", URL: link(address, sent, h.Next)})
	}
	var out bytes.Buffer
	b := fhir.NewBundleWriter(&out, head)
	for _, res := range h.Versions {
		e := fhir.EntryHead{
			FullURL: s.fullURL(res), Method: http.MethodPut, URL: res.TypeID.Type + "/" + res.TypeID.ID,
			Status: "200 OK", ETag: etag(res.Version), LastModified: res.Updated,
		}
		switch {
		case res.Deleted:
			e.Method, e.Status = http.MethodDelete, "204 No Content"
			b.Entry(e, nil)
			continue
		case res.Posted:
			e.Method, e.URL, e.Status = http.MethodPost, res.TypeID.Type, "201 Created"
		case res.Version == 1: // update as create (FHIR R4 3.1.0.4.1)
			e.Status = "201 Created"
		}
		b.Entry(e, v.apply(res.Resource))
	}
	err := b.Close()
	return out.Bytes(), err
}
