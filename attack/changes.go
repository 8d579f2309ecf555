package main

import (
	"maps"
	"net/url"
)

// changeRoads are the roads that write. Who may not must be refused, and find nothing out.
var changeRoads = []road{
	{name: "update", letter: "u", twin: true, make: func(_ *world, _ *patient, r *record) request { return put(r.Type+"/"+r.ID, changed(r, r.ID)) }},
	{name: "update If-Match", letter: "u", make: func(_ *world, _ *patient, r *record) request {
		return put(r.Type+"/"+r.ID, changed(r, r.ID)).with(`If-Match: W/"1"`)
	}},
	{name: "update If-None-Match *", letter: "u", make: func(_ *world, _ *patient, r *record) request {
		return put(r.Type+"/"+r.ID, changed(r, r.ID)).with("If-None-Match: *")
	}},
	{name: "JSON patch", letter: "u", twin: true, make: func(_ *world, _ *patient, r *record) request {
		return patch(r.Type+"/"+r.ID, "application/json-patch+json", `[{"op":"add","path":"/language","value":"en"}]`)
	}},
	{name: "JSON patch that tests", letter: "u", twin: true, make: func(_ *world, _ *patient, r *record) request {
		return patch(r.Type+"/"+r.ID, "application/json-patch+json", `[{"op":"test","path":"/id","value":"`+r.ID+`"}]`)
	}},
	{name: "merge patch", letter: "u", twin: true, make: func(_ *world, _ *patient, r *record) request {
		return patch(r.Type+"/"+r.ID, "application/merge-patch+json", `{"language":"en"}`)
	}},
	{name: "FHIRPath patch", letter: "u", make: func(_ *world, _ *patient, r *record) request {
		return patch(r.Type+"/"+r.ID, fhirJSON, `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"add"},{"name":"path","valueString":"`+
			r.Type+`"},{"name":"name","valueString":"language"},{"name":"value","valueCode":"en"}]}]}`)
	}},
	{name: "delete", letter: "d", twin: true, make: func(_ *world, _ *patient, r *record) request {
		return request{Method: "DELETE", Target: "/fhir/" + r.Type + "/" + r.ID}
	}},
	{name: "conditional delete", letter: "d", want: silent, twin: true, make: withIdentifier(func(_ *world, _ *patient, r *record) request {
		return request{Method: "DELETE", Target: "/fhir/" + r.Type + "?identifier=" + r.Identifier}
	})},
	{name: "conditional patch", letter: "u", twin: true, make: withIdentifier(func(_ *world, _ *patient, r *record) request {
		return patch(r.Type+"?identifier="+r.Identifier, "application/merge-patch+json", `{"language":"en"}`)
	})},
	{name: "conditional update", letter: "u", make: withIdentifier(func(_ *world, _ *patient, r *record) request {
		return put(r.Type+"?identifier="+r.Identifier+"&_id="+r.ID, changed(r, r.ID))
	})},
	{name: "create for somebody else's patient", letter: "c", make: func(_ *world, _ *patient, r *record) request {
		return post(r.Type, fhirJSON, text(changed(r, "")))
	}},
	{name: "conditional create", letter: "c", make: withIdentifier(func(_ *world, _ *patient, r *record) request {
		return post(r.Type, fhirJSON, text(changed(r, ""))).with("If-None-Exist: identifier=" + r.Identifier)
	})},
	{name: "batch update", letter: "u", make: func(_ *world, _ *patient, r *record) request {
		return post("", fhirJSON, bundleOf("batch", "PUT", r.Type+"/"+r.ID, object{"resource": changed(r, r.ID)}))
	}},
	{name: "batch delete", letter: "d", make: func(_ *world, _ *patient, r *record) request {
		return post("", fhirJSON, bundleOf("batch", "DELETE", r.Type+"/"+r.ID, nil))
	}},
	{name: "transaction update", letter: "u", make: func(_ *world, _ *patient, r *record) request {
		return post("", fhirJSON, bundleOf("transaction", "PUT", r.Type+"/"+r.ID, object{"resource": changed(r, r.ID)}))
	}},
	{name: "transaction create", letter: "c", make: func(_ *world, _ *patient, r *record) request {
		return post("", fhirJSON, bundleOf("transaction", "POST", r.Type, object{"resource": changed(r, "")}))
	}},
	{name: "transaction delete", letter: "d", want: silent, twin: true, make: withIdentifier(func(_ *world, _ *patient, r *record) request {
		return post("", fhirJSON, bundleOf("transaction", "DELETE", r.Type+"?identifier="+r.Identifier, nil))
	})},
	{name: "transaction patch", letter: "u", make: func(_ *world, _ *patient, r *record) request {
		return post("", fhirJSON, bundleOf("transaction", "PATCH", r.Type+"/"+r.ID, object{"resource": object{
			"resourceType": "Parameters", "parameter": []any{object{"name": "operation", "part": []any{
				object{"name": "type", "valueCode": "add"}, object{"name": "path", "valueString": r.Type}, object{"name": "name", "valueString": "language"}, object{"name": "value", "valueCode": "en"}}}}}}))
	}},
	{name: "$meta-add", letter: "u", twin: true, make: func(_ *world, _ *patient, r *record) request {
		return post(r.Type+"/"+r.ID+"/$meta-add", fhirJSON, `{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"code":"x"}]}}]}`)
	}},
	{name: "$meta-delete", letter: "u", make: func(_ *world, _ *patient, r *record) request {
		return post(r.Type+"/"+r.ID+"/$meta-delete", fhirJSON, `{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"security":[{"system":"`+conf+`","code":"R"}]}}]}`)
	}},
	{name: "Binary with the patient's context", letter: "c", types: []string{"Binary"}, make: func(_ *world, p *patient, _ *record) request {
		return post("Binary", "text/plain", "planted").with("X-Security-Context: Patient/" + p.ID)
	}},
	{name: "$validate mode=delete", letter: "d", want: silent, make: at("%s/%s/$validate?mode=delete"), twin: true},
	{name: "$validate mode=update", letter: "u", want: silent, twin: true, make: func(_ *world, _ *patient, r *record) request {
		return post(r.Type+"/"+r.ID+"/$validate?mode=update", fhirJSON, text(object{"resourceType": r.Type, "id": r.ID}))
	}},
	{name: "update by a form's method", letter: "d", make: func(_ *world, _ *patient, r *record) request {
		return post(r.Type+"/"+r.ID+"?_method=DELETE", formKind, url.Values{"_method": {"DELETE"}}.Encode())
	}},
}

func put(target string, body object) request {
	q := post(target, fhirJSON, text(body))
	q.Method = "PUT"
	return q
}

func patch(target, kind, body string) request {
	q := post(target, kind, body)
	q.Method = "PATCH"
	return q
}

// changed is a record's body with a change in it.
func changed(r *record, id string) object {
	b := maps.Clone(r.body)
	b["language"] = "en"
	delete(b, "id")
	if id != "" {
		b["id"] = id
	}
	return b
}
