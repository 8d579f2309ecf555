package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// road is one way to the one door: what is sent to come to a record by it.
type road struct {
	name  string
	types []string // nil: all
	make  func(w *world, p *patient, r *record) request
	want  want // of who may not; blocked if not said
	show  bool // who may look is shown the record by it
	twin  bool // the record's id can be exchanged for one that does not exist
	// letter is the right that a change takes; "" for a look.
	letter string // "u+": for whole numbers
	by     string // the element it is found by
}

func get(format string, args ...any) request {
	return request{Method: "GET", Target: "/fhir/" + fmt.Sprintf(format, args...)}
}

func post(target, kind, body string) request {
	return request{Method: "POST", Target: "/fhir/" + target, Header: []string{"Content-Type: " + kind}, Body: body}
}

const (
	fhirJSON = "application/fhir+json"
	formKind = "application/x-www-form-urlencoded"
)

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // an object of this program's own
	}
	return string(b)
}

// codes are the parameters that find a record by its code.
var codes = map[string]string{
	"Condition": "code", "Observation": "code", "AllergyIntolerance": "code", "MedicationRequest": "code", "Procedure": "code", "DiagnosticReport": "code",
	"ServiceRequest": "code", "List": "code", "Immunization": "vaccine-code", "DocumentReference": "type", "Composition": "type", "Encounter": "type",
	"Coverage": "type", "Specimen": "type", "CarePlan": "category",
}

// dated are the parameters that find it by its date.
var dated = map[string]string{
	"Condition": "recorded-date", "Observation": "date", "AllergyIntolerance": "date", "MedicationRequest": "authoredon", "Procedure": "date",
	"DiagnosticReport": "date", "Immunization": "date", "Composition": "date", "Claim": "created", "Encounter": "date", "Appointment": "date",
}

func withIdentifier(make func(w *world, p *patient, r *record) request) func(w *world, p *patient, r *record) request {
	return func(w *world, p *patient, r *record) request {
		if r.Identifier == "" {
			return request{}
		}
		return make(w, p, r)
	}
}

func withPatient(make func(w *world, p *patient, r *record) request) func(w *world, p *patient, r *record) request {
	return func(w *world, p *patient, r *record) request {
		if r.Type == "Patient" || r.Type == "Binary" {
			return request{}
		}
		return make(w, p, r)
	}
}

func withCode(make func(r *record, parameter string) request) func(w *world, p *patient, r *record) request {
	return func(w *world, p *patient, r *record) request {
		if codes[r.Type] == "" || r.Code == "" {
			return request{}
		}
		return make(r, codes[r.Type])
	}
}

func at(format string) func(w *world, p *patient, r *record) request {
	return func(w *world, p *patient, r *record) request { return get(format, r.Type, r.ID) }
}

func byIdentifier(format string) func(w *world, p *patient, r *record) request {
	return withIdentifier(func(w *world, p *patient, r *record) request { return get(format, r.Type, r.Identifier) })
}

func bySSN(format string) func(w *world, p *patient, r *record) request {
	return func(_ *world, _ *patient, r *record) request { return get(format, r.Elements["ssn"][0]) }
}

func bundleOf(kind, method, url string, more object) string {
	entry := object{"request": object{"method": method, "url": url}}
	for k, v := range more {
		entry[k] = v
	}
	return text(object{"resourceType": "Bundle", "type": kind, "entry": []any{entry}})
}

// looks are the roads that read.
var looks = slices.Concat(instanceRoads, searchRoads, joinRoads, operationRoads)

var instanceRoads = []road{
	{name: "read", make: at("%s/%s"), show: true, twin: true},
	{name: "read, pretty XML", make: at("%s/%s?_format=xml&_pretty=true"), show: true, twin: true, types: notBinary},
	{name: "read _elements", make: at("%s/%s?_elements=id,identifier,code,name"), twin: true, types: notBinary},
	{name: "read _summary=text", make: at("%s/%s?_summary=text"), twin: true, types: notBinary},
	{name: "read HEAD", want: refused, make: func(_ *world, _ *patient, r *record) request {
		return request{Method: "HEAD", Target: "/fhir/" + r.Type + "/" + r.ID}
	}},
	{name: "read If-None-Match", want: refused, twin: true, make: func(_ *world, _ *patient, r *record) request {
		return get("%s/%s", r.Type, r.ID).with(`If-None-Match: W/"1"`)
	}},
	{name: "read If-Modified-Since", want: refused, twin: true, make: func(_ *world, _ *patient, r *record) request {
		return get("%s/%s", r.Type, r.ID).with("If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT")
	}},
	{name: "Binary by the record's address", types: []string{"Binary"}, twin: true, make: func(_ *world, _ *patient, r *record) request {
		return get("Binary/%s", r.ID).with("Accept: application/fhir+json")
	}},
	{name: "vread", make: at("%s/%s/_history/1"), show: true, twin: true},
	{name: "vread of a version that is not", make: at("%s/%s/_history/2"), twin: true},
	{name: "history of a record", make: at("%s/%s/_history"), show: true, twin: true},
	{name: "history _since", make: at("%s/%s/_history?_since=2020-01-01T00:00:00Z"), show: true, twin: true},
	{name: "history _at", make: at("%s/%s/_history?_at=2026"), twin: true},
	{name: "history _summary=count", make: at("%s/%s/_history?_summary=count"), twin: true},
}

var notBinary = func() (types []string) {
	for _, s := range slots {
		if s.typ != "Binary" && !slices.Contains(types, s.typ) {
			types = append(types, s.typ)
		}
	}
	return types
}()

var searchRoads = []road{
	{name: "search _id", make: at("%s?_id=%s"), show: true, twin: true, types: notBinary},
	{name: "search identifier", make: byIdentifier("%s?identifier=%s"), show: true, by: "identifier"},
	{name: "search identifier with system", make: byIdentifier("%s?identifier=urn:wardkeep:attack|%s"), show: true, by: "identifier"},
	{name: "search by SSN", types: []string{"Patient"}, by: "ssn", make: bySSN("Patient?identifier=%s")},
	{name: "search by SSN and system", types: []string{"Patient"}, by: "ssn", make: bySSN("Patient?identifier=http://hl7.org/fhir/sid/us-ssn|%s")},
	{name: "search by type and SSN", types: []string{"Patient"}, by: "ssn", make: bySSN("Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|SS|%s")},
	{name: "chain by SSN", types: []string{"Patient"}, by: "ssn", make: bySSN("Encounter?patient.identifier=%s")},
	{name: "_filter by SSN", types: []string{"Patient"}, by: "ssn", make: bySSN(`Patient?_filter=identifier%%20eq%%20"%s"`)},
	{name: "_content by SSN", types: []string{"Patient"}, by: "ssn", make: bySSN("Patient?_content=%s")},
	{name: "unmask", letter: "u+", types: []string{"Patient", "Coverage"}, make: func(_ *world, _ *patient, r *record) request {
		return get("%s/%s/$unmask?purpose=TREAT", r.Type, r.ID)
	}},
	{name: "search :not", want: silent, make: byIdentifier("%s?identifier:not=%s&_count=3")},
	{name: "search patient", want: blocked, show: false, make: withPatient(func(_ *world, p *patient, r *record) request {
		return get("%s?patient=%s&_count=5&_id=%s", r.Type, p.ID, r.ID)
	})},
	{name: "search patient by POST", show: true, make: withPatient(func(_ *world, p *patient, r *record) request {
		return post(r.Type+"/_search", formKind, url.Values{"patient": {p.ID}, "_id": {r.ID}}.Encode())
	})},
	{name: "search code", make: withCode(func(r *record, c string) request { return get("%s?%s=%s", r.Type, c, r.Code) }), show: true},
	{name: "search code:text", make: withCode(func(r *record, c string) request {
		return get("%s?%s:text=%s", r.Type, c, r.Elements[elementOfCode(r)+".text"][0])
	})},
	{name: "search code, several", make: withCode(func(r *record, c string) request { return get("%s?%s=none,%s", r.Type, c, r.Code) })},
	{name: "search date", make: func(_ *world, p *patient, r *record) request {
		if dated[r.Type] == "" {
			return request{}
		}
		return get("%s?%s=gt1990&_id=%s", r.Type, dated[r.Type], r.ID)
	}},
	{name: "search system", want: blocked, make: func(_ *world, _ *patient, r *record) request { return get("?_type=%s&_id=%s", r.Type, r.ID) }, types: notBinary},
	{name: "search by POST system", make: func(_ *world, _ *patient, r *record) request {
		return post("_search", formKind, "_type="+r.Type+"&_id="+r.ID)
	}, types: notBinary},
	{name: "count", make: at("%s?_id=%s&_summary=count"), types: notBinary},
	{name: "count by identifier", make: byIdentifier("%s?identifier=%s&_summary=count")},
	{name: "total", make: byIdentifier("%s?identifier=%s&_total=accurate&_count=0")},
	{name: "_elements", make: byIdentifier("%s?identifier=%s&_elements=id")},
	{name: "_summary=data", make: byIdentifier("%s?identifier=%s&_summary=data")},
	{name: "_summary=text", make: byIdentifier("%s?identifier=%s&_summary=text")},
	{name: "search as XML", make: byIdentifier("%s?identifier=%s&_format=xml")},
	{name: "search with gzip", make: withIdentifier(func(_ *world, _ *patient, r *record) request {
		return get("%s?identifier=%s", r.Type, r.Identifier).with("Accept-Encoding: gzip")
	})},
	{name: "sort", make: at("%s?_id=%s&_sort=-_lastUpdated"), types: notBinary},
	{name: "sort by identifier", want: silent, make: withPatient(func(_ *world, p *patient, r *record) request {
		return get("%s?_sort=%s&patient=%s", r.Type, firstOf(dated[r.Type], "_id"), p.ID)
	})},
	{name: "_filter", make: byIdentifier(`%s?_filter=identifier%%20eq%%20"%s"`)},
	{name: "_filter with or", make: byIdentifier(`%s?_filter=identifier%%20eq%%20"none"%%20or%%20identifier%%20eq%%20"%s"`)},
	{name: "_filter with not", want: silent, make: byIdentifier(`%s?_filter=not(identifier%%20eq%%20"%s")&_count=2`)},
	{name: "_list", make: func(_ *world, p *patient, r *record) request {
		return get("%s?_list=%s&_id=%s", r.Type, p.record("List").ID, r.ID)
	}, types: notBinary},
	{name: "_contained", want: silent, make: byIdentifier("%s?identifier=%s&_contained=both")},
	{name: "_content", make: byIdentifier("%s?_content=%s")},
	{name: "_text", make: func(_ *world, _ *patient, r *record) request {
		if len(r.Elements["text"]) == 0 {
			return request{}
		}
		return get("%s?_text=%s", r.Type, r.Elements["text"][0])
	}},
	{name: "search lenient", make: withIdentifier(func(_ *world, _ *patient, r *record) request {
		return get("%s?identifier=%s&nosuch=1", r.Type, r.Identifier).with("Prefer: handling=lenient")
	})},
	{name: "birth date", types: []string{"Patient"}, make: func(_ *world, p *patient, _ *record) request { return get("Patient?birthdate=%s", p.Birth) }},
	{name: "family", types: []string{"Patient"}, make: func(_ *world, p *patient, _ *record) request { return get("Patient?family=%s", p.Family) }},
	{name: "family prefix", types: []string{"Patient"}, make: func(_ *world, p *patient, _ *record) request { return get("Patient?family=%s", p.Family[:14]) }},
	{name: "family :contains", types: []string{"Patient"}, make: func(_ *world, p *patient, _ *record) request {
		return get("Patient?family:contains=%s", p.Family[8:18])
	}},
	{name: "family :exact", types: []string{"Patient"}, make: func(_ *world, p *patient, _ *record) request { return get("Patient?family:exact=%s", p.Family) }},
	{name: "MRN", types: []string{"Patient"}, make: func(_ *world, p *patient, _ *record) request {
		return get("Patient?identifier=urn:wardkeep:mrn|%s", p.MRN)
	}},
	{name: "telecom", types: []string{"Patient"}, make: func(_ *world, _ *patient, r *record) request {
		return get("Patient?phone=%s", r.Elements["telecom"][0])
	}},
	{name: "address", types: []string{"Patient"}, make: func(_ *world, _ *patient, r *record) request {
		return get("Patient?address=%s", r.Elements["address"][0])
	}},
}

// elementOfCode is the element that a record's code stands in.
func elementOfCode(r *record) string {
	for e, words := range r.Elements {
		if !strings.Contains(e, ".") && slices.Contains(words, r.Code) {
			return e
		}
	}
	return "code"
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
