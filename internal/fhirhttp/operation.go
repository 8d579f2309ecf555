package fhirhttp

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
)

// recordRoutes are the operations on records that R4 itself defines.
func (s *server) recordRoutes() []route {
	const defs = "http://hl7.org/fhir/OperationDefinition/"
	var list []route
	add := func(methods, pattern, name, definition string, serve handler, asks ...string) {
		for method := range strings.FieldsSeq(methods) {
			list = append(list, route{
				method: method, pattern: pattern, serve: serve, asks: asks,
				affects: method == "POST" && slices.Contains([]string{"document", "meta-add", "meta-delete"}, name),
				op:      &operation{name: name, definition: defs + definition},
			})
		}
	}
	look := []string{authz.Read, authz.Search}
	add("GET POST", "Patient/{id}/$everything", "everything", "Patient-everything", s.handleEverything, look...)
	add("GET POST", "Patient/$everything", "everything", "Patient-everything", s.handleEverything, look...)
	add("GET POST", "Encounter/{id}/$everything", "everything", "Encounter-everything", s.handleEverything, look...)
	add("GET POST", "Observation/$lastn", "lastn", "Observation-lastn", s.handleLastN, authz.Search)
	add("GET POST", "Composition/{id}/$document", "document", "Composition-document", s.handleDocument, authz.Read, authz.Create)
	add("GET", "{type}/{id}/$meta", "meta", "Resource-meta", s.handleMeta, authz.Read)
	add("GET", "{type}/$meta", "meta", "Resource-meta", s.handleMetas, authz.Search)
	add("GET", "$meta", "meta", "Resource-meta", s.handleMetas, authz.Search)
	add("POST", "{type}/{id}/$meta-add", "meta-add", "Resource-meta-add", s.handleMetaAdd, authz.Update)
	add("POST", "{type}/{id}/$meta-delete", "meta-delete", "Resource-meta-delete", s.handleMetaDelete, authz.Update)
	return list
}

// argumentsOf reads the parameters of an operation: those of the address, and of
// a POST those of a form or a Parameters resource. Only primitive values can be
// written that way.
func argumentsOf(r *http.Request) (*query, error) {
	q, err := queryOf(r)
	if err != nil || r.Method != http.MethodPost || r.ContentLength == 0 {
		return q, err
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && media == "application/x-www-form-urlencoded" {
		text, err := readAll(r)
		if err != nil {
			return nil, err
		}
		form, err := chart.ParseQuery(string(text))
		q.params = append(q.params, form...)
		return q, err
	}
	given, err := parametersOf(r)
	if err != nil {
		return nil, err
	}
	for p := range given.Root().All("parameter") {
		value := p.Get("value")
		if value.Type() == "Reference" {
			value = value.Get("reference")
		}
		if !value.IsPrimitive() || value.Text() == "" {
			return nil, fault.New(fault.Invalid, "fhirhttp.argumentsOf", "The parameters of this operation have primitive values or references, and no parts.")
		}
		q.params = append(q.params, search.Param{Key: p.Get("name").Text(), Value: value.Text()})
	}
	return q, nil
}

// parametersOf reads a Parameters resource.
func parametersOf(r *http.Request) (*fhir.Resource, error) {
	res, err := body(r)
	if err != nil {
		return nil, err
	}
	if res.Type() != "Parameters" {
		return nil, fault.New(fault.Invalid, "fhirhttp.parametersOf", "Send a Parameters resource to this operation.")
	}
	return res, nil
}

// all returns every value of a parameter, split at commas, and removes them.
func (q *query) all(name string) []string {
	var list []string
	for _, p := range q.params {
		if p.Key == name {
			list = append(list, split(p.Value)...)
		}
	}
	q.take(name)
	return list
}

// only refuses parameters that an operation does not know; lenient handling does
// not apply, because an operation that ignored one could return too much.
func (q *query) only(r *http.Request, names string) error {
	if err := accepts(r, q.take("_format")); err != nil {
		return err
	}
	q.take("_pretty")
	if len(q.params) > 0 {
		return fault.New(fault.Invalid, "fhirhttp.only", "This operation takes only "+names+".")
	}
	return nil
}

// positive reads a number of entries, 0 if it is absent.
func (q *query) positive(name string) (int, error) {
	text := q.take(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fault.New(fault.Invalid, "fhirhttp.positive", name+" must be a positive number.")
	}
	return n, nil
}

func knownTypes(types []string) error {
	for _, typ := range types {
		if !fhir.IsResource(typ) {
			return fault.New(fault.Invalid, "fhirhttp.knownTypes", "_type lists types of FHIR R4, such as Patient,Observation.")
		}
	}
	return nil
}
