package fhirhttp

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
)

func (s *server) handleEverything(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	q, err := argumentsOf(r)
	if err != nil {
		return err
	}
	er := chart.EverythingRequest{Type: r.PathValue("type"), ID: r.PathValue("id"), Page: q.take("_page")}
	if er.Count, err = q.positive("_count"); err != nil {
		return err
	}
	er.Types, er.Since = q.all("_type"), q.take("_since")
	names := "_since, _type and _count"
	if er.Type == "Patient" {
		er.Start, er.End = q.take("start"), q.take("end")
		names += ", start and end"
	}
	if err := knownTypes(er.Types); err != nil {
		return err
	}
	if _, err := chart.Instant(er.Since); err != nil {
		return err
	}
	if err := q.only(r, names); err != nil {
		return err
	}
	out, err := s.Chart.Everything(r.Context(), actor, er)
	if err != nil {
		return err
	}
	address := s.Links + "/" + er.Type
	if er.ID != "" {
		address += "/" + er.ID
	}
	head := fhir.BundleHead{Type: "searchset", Timestamp: s.Clock.Now(), Total: -1}
	sent := er.Params()
	head.Links = []fhir.Link{{Relation: "self", URL: link(address+"/$everything", sent, "")}}
	if out.Next != "" {
		head.Links = append(head.Links, fhir.Link{Relation: "next", URL: link(address+"/$everything", sent, out.Next)})
	}
	return s.writeSearchset(w, r, head, out.Resources, out.Included)
}

// writeSearchset answers with a searchset of whole resources. ignored are
// parameters that were left out.
func (s *server) writeSearchset(w http.ResponseWriter, r *http.Request, head fhir.BundleHead, matches, included []chart.Resource, ignored ...string) error {
	var out bytes.Buffer
	b := fhir.NewBundleWriter(&out, head)
	for _, res := range matches {
		b.Entry(fhir.EntryHead{FullURL: s.fullURL(res), Mode: "match"}, res.JSON())
	}
	for _, res := range included {
		b.Entry(fhir.EntryHead{FullURL: s.fullURL(res), Mode: "include"}, res.JSON())
	}
	leftOut(b, ignored)
	if err := b.Close(); err != nil {
		return err
	}
	writeResource(w, r, http.StatusOK, out.Bytes())
	return nil
}

func (s *server) handleLastN(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	q, err := argumentsOf(r)
	if err != nil {
		return err
	}
	if err := accepts(r, q.take("_format")); err != nil {
		return err
	}
	q.take("_pretty")
	lr := chart.LastNRequest{Lenient: preferences(r).lenient}
	if lr.Max, err = q.positive("max"); err != nil {
		return err
	}
	lr.Params = q.params
	release, err := s.walks.take(r.Context()) // it may open 20,000 records
	if err != nil {
		return err
	}
	defer release()
	list, asked, err := s.Chart.LastN(r.Context(), actor, lr)
	if err != nil {
		return err
	}
	used := asked.Used
	if lr.Max > 0 {
		used = append(used, search.Param{Key: "max", Value: strconv.Itoa(lr.Max)})
	}
	head := fhir.BundleHead{Type: "searchset", Timestamp: s.Clock.Now(), Total: int64(len(list))}
	head.Links = []fhir.Link{{Relation: "self", URL: link(s.Links+"/Observation/$lastn", used, "")}}
	return s.writeSearchset(w, r, head, list, nil, asked.Ignored...)
}

func (s *server) handleDocument(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	q, err := argumentsOf(r)
	if err != nil {
		return err
	}
	persist := q.take("persist")
	if err := q.only(r, "persist"); err != nil {
		return err
	}
	switch {
	case persist != "" && persist != "true" && persist != "false":
		return fault.New(fault.Invalid, "fhirhttp.handleDocument", "persist is true or false.")
	case persist == "true" && r.Method != http.MethodPost:
		return fault.New(fault.NotAllowed, "fhirhttp.handleDocument", "A document is kept by a POST: a GET changes nothing.")
	}
	id := ""
	if persist == "true" {
		id = chart.NewID()
	}
	doc, err := s.Chart.Document(r.Context(), actor, r.PathValue("id"), s.Base, id)
	if err != nil {
		return err
	}
	if persist != "true" {
		writeResource(w, r, http.StatusOK, doc)
		return nil
	}
	res, err := fhir.Parse(doc)
	if err != nil {
		return fault.Wrap(fault.Internal, "fhirhttp.handleDocument", err)
	}
	out, err := s.Chart.Create(r.Context(), actor, res, nil)
	if err != nil {
		return err
	}
	return s.changed(w, r, out)
}

// handleMeta answers with the profiles, tags and labels of one record.
func (s *server) handleMeta(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	if err := q.only(r, "_format"); err != nil {
		return err
	}
	res, err := s.Chart.Read(r.Context(), actor, r.PathValue("type"), r.PathValue("id"), 0)
	if err != nil {
		return err
	}
	return writeMeta(w, r, res)
}

// handleMetas answers with those of a type, or of everything.
func (s *server) handleMetas(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	if err := q.only(r, "_format"); err != nil {
		return err
	}
	meta, err := s.Chart.Metas(r.Context(), actor, r.PathValue("type"))
	if err != nil {
		return err
	}
	return writeParameters(w, r, object{"name": "return", "valueMeta": json.RawMessage(meta)})
}

func (s *server) handleMetaAdd(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	meta, err := metaOf(r)
	if err != nil {
		return err
	}
	out, err := s.Chart.MetaAdd(r.Context(), actor, r.PathValue("type"), r.PathValue("id"), meta)
	if err != nil {
		return err
	}
	return writeMeta(w, r, out.Resource)
}

func (s *server) handleMetaDelete(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	meta, err := metaOf(r)
	if err != nil {
		return err
	}
	out, err := s.Chart.MetaDelete(r.Context(), actor, r.PathValue("type"), r.PathValue("id"), meta)
	if err != nil {
		return err
	}
	return writeMeta(w, r, out.Resource)
}

// metaOf reads the one parameter of $meta-add and $meta-delete.
func metaOf(r *http.Request) (fhir.Node, error) {
	if err := noQuery(r); err != nil {
		return fhir.Node{}, err
	}
	res, err := parametersOf(r)
	if err != nil {
		return fhir.Node{}, err
	}
	var meta fhir.Node
	n := 0
	for p := range res.Root().All("parameter") {
		n++
		if p.Get("name").Text() == "meta" {
			meta = p.Get("valueMeta")
		}
	}
	if n != 1 || !meta.Exists() {
		return meta, fault.New(fault.Invalid, "fhirhttp.metaOf", "Send Parameters with one parameter, meta, that has a valueMeta.")
	}
	return meta, nil
}

func writeMeta(w http.ResponseWriter, r *http.Request, res chart.Resource) error {
	versionHeaders(w, res)
	meta := res.Root().Get("meta").Raw()
	text := append([]byte(`{"resourceType":"Parameters","parameter":[{"name":"return","valueMeta":`), meta...)
	writeResource(w, r, http.StatusOK, append(text, `}]}`...))
	return nil
}
