package main

import "net/url"

// joinRoads come to a record by another one.
var joinRoads = []road{
	{name: "chain patient.identifier", make: withPatient(func(_ *world, p *patient, r *record) request {
		return get("%s?patient.identifier=%s&_id=%s", r.Type, p.MRN, r.ID)
	})},
	{name: "chain patient:Patient.family", make: withPatient(func(_ *world, p *patient, r *record) request {
		return get("%s?patient:Patient.family=%s&_id=%s", r.Type, p.Family, r.ID)
	})},
	{name: "chain patient.birthdate", make: withPatient(func(_ *world, p *patient, r *record) request {
		return get("%s?patient.birthdate=%s&_id=%s&_summary=count", r.Type, p.Birth, r.ID)
	})},
	{name: "_has", make: hasRoad("Patient?_has:%s:patient:identifier=%s"), want: blocked},
	{name: "_has counted", make: hasRoad("Patient?_has:%s:patient:identifier=%s&_summary=count")},
	{name: "_has by POST", make: withPatient(withIdentifier(func(_ *world, _ *patient, r *record) request {
		return post("Patient/_search", formKind, url.Values{"_has:" + r.Type + ":patient:identifier": {r.Identifier}}.Encode())
	}))},
	{name: "_has in a chain", make: withPatient(withIdentifier(func(_ *world, _ *patient, r *record) request {
		return get("Condition?patient._has:%s:patient:identifier=%s", r.Type, r.Identifier)
	}))},
	{name: "_include", want: silent, make: withPatient(func(_ *world, p *patient, r *record) request {
		return get("%s?_id=%s&_include=%s:patient", r.Type, r.ID, r.Type)
	})},
	{name: "_include *", want: silent, make: at("%s?_id=%s&_include=*"), types: notBinary},
	{name: "_revinclude", want: silent, make: withPatient(func(_ *world, p *patient, r *record) request {
		return get("Patient?_id=%s&_revinclude=%s:patient", p.ID, r.Type)
	})},
	{name: "_revinclude:iterate", want: silent, make: withPatient(func(_ *world, p *patient, r *record) request {
		return get("Encounter?patient=%s&_include=Encounter:patient&_revinclude:iterate=%s:patient", p.ID, r.Type)
	})},
	{name: "_revinclude from a place", want: silent, types: []string{"Encounter"}, make: func(_ *world, p *patient, r *record) request {
		return get("Location?_revinclude=Encounter:location&_revinclude:iterate=Observation:encounter&_count=%d", 1+len(p.ID+r.ID)%7)
	}},
	{name: "_revinclude from staff", want: silent, types: []string{"CareTeam", "ServiceRequest", "Composition", "Claim", "Appointment"}, make: func(_ *world, p *patient, r *record) request {
		return get("Practitioner?_id=staff-0,nobody&_revinclude=*&_include:iterate=%s:patient", r.Type)
	}},
	{name: "compartment", make: withPatient(func(_ *world, p *patient, r *record) request { return get("Patient/%s/%s?_id=%s", p.ID, r.Type, r.ID) })},
	{name: "compartment *", want: silent, make: func(_ *world, p *patient, r *record) request {
		return get("Patient/%s/*?_type=%s&_count=5", p.ID, r.Type)
	}},
	{name: "compartment by POST", make: withPatient(func(_ *world, p *patient, r *record) request {
		return post("Patient/"+p.ID+"/"+r.Type+"/_search", formKind, "_id="+r.ID)
	})},
	{name: "compartment of an Encounter", want: silent, types: []string{"Condition", "Observation", "MedicationRequest", "Procedure"}, make: func(_ *world, p *patient, r *record) request {
		return get("Encounter/%s/%s?_id=%s", r.encounter, r.Type, r.ID)
	}},
	{name: "compartment of a relative", want: silent, types: []string{"RelatedPerson"}, make: func(_ *world, p *patient, r *record) request {
		return get("RelatedPerson/%s/*", r.ID)
	}},
	{name: "compartment of staff", want: silent, types: []string{"CareTeam", "Appointment"}, make: func(_ *world, p *patient, r *record) request {
		return get("Practitioner/staff-0/%s?_id=%s", r.Type, r.ID)
	}},
	{name: "identifier of a reference", make: withPatient(func(_ *world, p *patient, r *record) request {
		return get("%s?patient=Patient/%s&_sort=_lastUpdated&_id=%s&_total=accurate", r.Type, p.ID, r.ID)
	})},
	{name: "patient :missing", make: withPatient(func(_ *world, _ *patient, r *record) request {
		return get("%s?patient:missing=false&_id=%s", r.Type, r.ID)
	})},
}

func hasRoad(format string) func(w *world, p *patient, r *record) request {
	return withPatient(withIdentifier(func(_ *world, _ *patient, r *record) request { return get(format, r.Type, r.Identifier) }))
}

// operationRoads are the named operations, bundles, and what is done later.
var operationRoads = []road{
	{name: "Patient/$everything", want: silent, types: []string{"Patient"}, make: func(_ *world, p *patient, _ *record) request { return get("Patient/%s/$everything", p.ID) }, twin: true},
	{name: "Patient/$everything _type", want: silent, make: func(_ *world, p *patient, r *record) request {
		return get("Patient/%s/$everything?_type=%s", p.ID, r.Type)
	}},
	{name: "Patient/$everything by POST", want: silent, types: []string{"Patient"}, make: func(_ *world, p *patient, _ *record) request {
		return post("Patient/"+p.ID+"/$everything", fhirJSON, text(object{"resourceType": "Parameters", "parameter": []any{object{"name": "_count", "valueInteger": 50}}}))
	}},
	{name: "$everything of a type", want: silent, types: []string{"Patient"}, make: func(w *world, p *patient, _ *record) request {
		return get("Patient/$everything?_count=20&_since=20%02d-01-01T00:00:00Z", len(p.MRN+p.Birth)%20)
	}},
	{name: "Encounter/$everything", want: silent, types: []string{"Encounter"}, make: at("%s/%s/$everything"), twin: true},
	{name: "$lastn", want: silent, types: []string{"Observation"}, make: func(_ *world, p *patient, r *record) request {
		return get("Observation/$lastn?patient=%s&code=%s", p.ID, r.Code)
	}},
	{name: "$lastn max", want: silent, types: []string{"Observation"}, make: func(_ *world, p *patient, r *record) request {
		return get("Observation/$lastn?patient=%s&category=laboratory,vital-signs,social-history&max=%d", p.ID, 1+len(r.Slot)%9)
	}},
	{name: "$document", types: []string{"Composition"}, make: at("%s/%s/$document"), twin: true},
	{name: "$meta", want: refused, make: at("%s/%s/$meta"), twin: true},
	{name: "$validate of a record", want: silent, make: at("%s/%s/$validate"), twin: true},
	{name: "batch read", make: func(_ *world, _ *patient, r *record) request {
		return post("", fhirJSON, bundleOf("batch", "GET", r.Type+"/"+r.ID, nil))
	}, twin: true},
	{name: "batch search", make: withIdentifier(func(_ *world, _ *patient, r *record) request {
		return post("", fhirJSON, bundleOf("batch", "GET", r.Type+"?identifier="+r.Identifier, nil))
	})},
	{name: "batch history", make: func(_ *world, _ *patient, r *record) request {
		return post("", fhirJSON, bundleOf("batch", "GET", r.Type+"/"+r.ID+"/_history", nil))
	}},
	{name: "batch $everything", want: silent, types: []string{"Patient"}, make: func(_ *world, p *patient, _ *record) request {
		return post("", fhirJSON, bundleOf("batch", "GET", "Patient/"+p.ID+"/$everything", nil))
	}},
	{name: "transaction read", make: func(_ *world, _ *patient, r *record) request {
		return post("", fhirJSON, bundleOf("transaction", "GET", r.Type+"/"+r.ID, nil))
	}},
	{name: "transaction search", make: withIdentifier(func(_ *world, _ *patient, r *record) request {
		return post("", fhirJSON, bundleOf("transaction", "GET", r.Type+"?identifier="+r.Identifier+"&_include=*", nil))
	})},
	{name: "batch If-None-Match", make: func(_ *world, _ *patient, r *record) request {
		return post("", fhirJSON, text(object{"resourceType": "Bundle", "type": "batch", "entry": []any{object{"request": object{"method": "GET", "url": r.Type + "/" + r.ID, "ifNoneMatch": `W/"1"`}}}}))
	}, twin: true},
}
