package fhirhttp

import (
	"bytes"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
)

func (s *server) handleSearch(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	return s.search(w, r, actor, q)
}

// handleSearchForm takes a search as a form, so that what is searched for is in
// no URL and no log on the way (FHIR R4 3.1.1.3). Parameters may stand in both.
func (s *server) handleSearchForm(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return fault.New(fault.MediaType, "fhirhttp.handleSearchForm", "Send application/x-www-form-urlencoded to _search.")
	}
	text, err := readAll(r)
	if err != nil {
		return err
	}
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	form, err := chart.ParseQuery(string(text))
	if err != nil {
		return err
	}
	q.params = append(q.params, form...)
	return s.search(w, r, actor, q)
}

func (s *server) search(w http.ResponseWriter, r *http.Request, actor chart.Actor, q *query) error {
	if err := accepts(r, q.take("_format")); err != nil {
		return err
	}
	if q.take("_pretty") == "true" {
		prettily(r)
	}
	sr := chart.SearchRequest{
		Type: r.PathValue("type"), BaseURL: s.Base, Lenient: preferences(r).lenient,
		Page: q.take("_page"), Params: q.params,
	}
	if member := r.PathValue("member"); member != "" {
		sr.Compartment.Type, sr.Compartment.ID = sr.Type, r.PathValue("id")
		if sr.Type = member; member == "*" {
			sr.Type = ""
		} else if !fhir.IsResource(member) {
			return fault.New(fault.NotFound, "fhirhttp.search", "FHIR R4 has no resource type of that name.")
		}
	}
	result, err := s.Chart.Search(r.Context(), actor, sr)
	if err != nil {
		return err
	}
	body, err := s.searchset(result)
	if err != nil {
		return err
	}
	writeResource(w, r, http.StatusOK, body)
	return nil
}

// searchset writes a page. What was sought stands in its self link, as R4 asks,
// and in none that a client would call: those hold a sealed token.
func (s *server) searchset(result *chart.SearchResult) ([]byte, error) {
	v, err := viewOf(result.Query.Summary, result.Query.Elements)
	if err != nil {
		return nil, err
	}
	head := fhir.BundleHead{Type: "searchset", Timestamp: s.Clock.Now(), Total: int64(result.Total)}
	address := strings.TrimSuffix(s.Links+"/"+result.Asked.Address(), "/")
	head.Links = append(head.Links, fhir.Link{Relation: "self", URL: link(address, result.Query.Used, "")})
	if result.Next != "" {
		head.Links = append(head.Links, fhir.Link{Relation: "next", URL: link(s.Links, nil, result.Next)})
	}
	var out bytes.Buffer
	out.Grow(room(result.Matches) + room(result.Included))
	b := fhir.NewBundleWriter(&out, head)
	for _, res := range result.Matches {
		b.Entry(fhir.EntryHead{FullURL: s.fullURL(res), Mode: "match"}, v.apply(res.Resource))
	}
	for _, res := range result.Included {
		b.Entry(fhir.EntryHead{FullURL: s.fullURL(res), Mode: "include"}, v.apply(res.Resource))
	}
	leftOut(b, result.Query.Ignored)
	err = b.Close()
	return out.Bytes(), err
}

// leftOut adds to a searchset which parameters were not used (FHIR R4 3.1.1.4).
func leftOut(b *fhir.BundleWriter, ignored []string) {
	if len(ignored) == 0 {
		return
	}
	var issues []fault.Issue
	for _, name := range ignored {
		issues = append(issues, fault.Issue{Severity: "warning", Code: "not-supported", Text: name + " is not known here, or has no value, and was left out."})
	}
	b.Entry(fhir.EntryHead{Mode: "outcome"}, fhir.OutcomeOf(issues...))
}

// room is about how many bytes resources take in a Bundle.
func room(list []chart.Resource) int {
	const around = 256 // its name, its mode
	n := around
	for _, res := range list {
		n += around + len(res.JSON())
	}
	return n
}

// fullURL is the address of a record. A contained resource has none but its
// container's with its id as the fragment, and without an id none at all.
func (s *server) fullURL(res chart.Resource) string {
	address := s.Base + "/" + res.TypeID.Type + "/" + res.TypeID.ID
	switch {
	case !res.Contained:
		return address
	case res.ID() == "":
		return ""
	}
	return address + "#" + res.ID()
}

// link writes an address with a query. A page token is sealed: it shows nothing
// of what it points to.
func link(address string, params []search.Param, page string) string {
	var b strings.Builder
	b.WriteString(address)
	mark := byte('?')
	add := func(key, value string) {
		b.WriteByte(mark)
		b.WriteString(url.QueryEscape(key))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(value))
		mark = '&'
	}
	for _, p := range params {
		add(p.Key, p.Value)
	}
	if page != "" {
		add("_page", page)
	}
	return b.String()
}
