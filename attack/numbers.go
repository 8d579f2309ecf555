package main

import (
	"net/url"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// numbers are asked for by who sees the record they stand in, but not them: by what would
// find, sort, compare or test by them, and by asking for them whole without what it takes.
func (a *attack) numbers() (all []attempt) {
	for _, c := range slices.Concat(a.pages, a.selfPages) {
		all = append(all, a.detailsOf(c)...)
	}
	for _, c := range slices.Concat(a.apps, a.narrow, a.clients, a.selves) {
		left := 2
		for _, i := range a.rng.Perm(len(a.patients)) {
			p := a.patients[i]
			r := p.Records[0]
			if left == 0 || a.may(c, r, "") == expect.Forbidden {
				continue
			}
			left--
			all = append(all, a.guesses(c, p)...)
			all = append(all, a.unmasks(c, p)...)
		}
	}
	return all
}

const ssnSystem = "http://hl7.org/fhir/sid/us-ssn"

// guesses are questions whose answer would tell whether a guess is right. Right or wrong,
// they are answered alike.
func (a *attack) guesses(c *caller, p *patient) (all []attempt) {
	r, coverage := p.Records[0], p.record("Coverage")
	number, member := r.Elements["ssn"][0], coverage.Elements["subscriberId"][0]
	add := func(q request, word string) {
		other, guess := q, a.word("guess", word)
		other.Target, other.Body, other.Header = strings.ReplaceAll(q.Target, word, guess), strings.ReplaceAll(q.Body, word, guess), slices.Clone(q.Header)
		for i := range other.Header {
			other.Header[i] = strings.ReplaceAll(other.Header[i], word, guess)
		}
		route := strings.NewReplacer(number, "…", member, "…", p.ID, "ID", coverage.ID, "ID").Replace(q.Method + " " + strings.TrimPrefix(q.Target, "/fhir/"))
		all = append(all, attempt{Route: route, Trick: "masked numbers", As: c, Relation: c.relation(p), Type: "Patient", Target: r, Req: q, Want: silent, Twin: &other})
	}
	for _, x := range []string{
		"Patient?identifier=%s", "Patient?identifier=" + ssnSystem + "|%s", "Patient?identifier=none,%s", "Patient?identifier:not=%s&_id=" + p.ID, "Patient?identifier:text=%s", "Patient?identifier:contains=%s",
		"Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|SS|%s", "Patient?_id=" + p.ID + "&identifier=%s&_summary=count", "Patient?_id=" + p.ID + "&identifier=%s&_elements=id", `Patient?_filter=identifier%%20eq%%20"%s"`,
		`Patient?_filter=_id%%20eq%%20` + p.ID + `%%20and%%20not(identifier%%20eq%%20"%s")`, `Patient?_filter=identifier%%20co%%20"%s"`, `Patient?_filter=identifier%%20ne%%20"%s"%%20and%%20_id%%20eq%%20` + p.ID, "Patient?_text=%s", "Patient?_content=%s",
		"Encounter?patient.identifier=%s", "Encounter?patient:Patient.identifier=" + ssnSystem + "|%s", "Encounter?patient:identifier=" + ssnSystem + "|%s", "Encounter?subject:identifier=%s", `Encounter?_filter=patient.identifier%%20eq%%20"%s"`,
		"Observation?patient.identifier:not=%s&patient=" + p.ID + "&_summary=count", "Condition?patient._has:Encounter:patient:patient.identifier=%s", "Patient?_contained=both&identifier=%s", "?_type=Patient&identifier=%s", "Patient/" + p.ID + "/Encounter?patient.identifier=%s",
		"RelatedPerson?patient.identifier=%s", "Appointment?patient.identifier=%s", "Encounter?patient.identifier=%s&_include=Encounter:patient", "Patient?identifier=%s&_revinclude=*", "Patient/$export?_typeFilter=Patient%%3Fidentifier%%3D%s",
	} {
		add(get(strings.ReplaceAll(strings.ReplaceAll(x, "%%", "%%%%"), "%s", "%[1]s")+"%[2]s", number, ""), number)
	}
	for _, x := range []string{
		"Coverage?identifier=%s", "Coverage?_content=%s", "Coverage?_id=" + coverage.ID + "&identifier:not=%s", "Patient?_has:Coverage:beneficiary:identifier=%s", "Encounter?patient._has:Coverage:beneficiary:identifier=%s", "Patient?_has:Coverage:beneficiary:_content=%s",
		`Coverage?_filter=identifier%%20eq%%20"%s"`, "Coverage?_text=%s", "Claim?patient._has:Coverage:beneficiary:identifier=%s",
	} {
		add(get(strings.ReplaceAll(strings.ReplaceAll(x, "%%", "%%%%"), "%s", "%[1]s")+"%[2]s", member, ""), member)
	}
	for route, q := range map[string]request{
		"part of the number": get("Patient?identifier=%s", number[:12]), "beginning of the number": get(`Patient?_id=%s&_filter=identifier%%20sw%%20"%s"`, p.ID, number[:12]), "last four": get("Patient?identifier=%s", number[18:]),
		"last four by _filter": get(`Patient?_id=%s&_filter=identifier%%20ew%%20"%s"`, p.ID, number[18:]), "a part by _content": get("Patient?_content=%s", number[4:18]),
	} {
		all = append(all, attempt{Route: route, Trick: "masked numbers", As: c, Relation: c.relation(p), Type: "Patient", Target: r, Req: q, Want: blocked})
	}
	add(post("Patient/_search", formKind, url.Values{"identifier": {ssnSystem + "|" + number}}.Encode()), number)
	add(post("", fhirJSON, bundleOf("batch", "GET", "Patient?identifier="+number, nil)), number)
	add(post("Patient", fhirJSON, `{"resourceType":"Patient","active":true}`).with("If-None-Exist: identifier="+number), number)
	add(post("", fhirJSON, bundleOf("transaction", "POST", "Patient", object{"resource": object{"resourceType": "Encounter", "status": "planned", "class": object{"code": "AMB"}, "subject": object{"reference": "Patient?identifier=" + number}}})), number)
	add(request{Method: "DELETE", Target: "/fhir/Patient?identifier=" + number}, number)
	add(patch("Patient?identifier="+number, "application/merge-patch+json", `{"language":"en"}`), number)
	add(patch("Patient/"+p.ID, "application/json-patch+json", `[{"op":"test","path":"/identifier/1/value","value":"`+number+`"}]`), number)
	add(patch("Coverage/"+coverage.ID, "application/json-patch+json", `[{"op":"test","path":"/subscriberId","value":"`+member+`"}]`), member)
	add(patch("Patient/"+p.ID, fhirJSON, `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.identifier.where(value = '`+number+`').use"},{"name":"value","valueCode":"usual"}]}]}`), number)
	for _, sort := range []string{"Patient?_sort=identifier", "Patient?_sort=-identifier&_count=50", "Coverage?_sort=identifier", "Patient?_sort=_lastUpdated,identifier", "Encounter?_sort=subject:Patient.identifier"} {
		all = append(all, attempt{Route: sort, Trick: "masked numbers", As: c, Relation: c.relation(p), Type: "Patient", Target: r, Req: get("%s&_id=%s", sort, p.ID), Want: refused})
	}
	return all
}

// purposes are some that are good, and such as are none here.
var purposes = []string{"HPAYMT", "TREAT", "HOPERAT", "PATRQT", "FAMRQT", "", "BTG", "ETREAT", "SYSADMN", "HMARKT", "HRESCH", "hpaymt", "TREAT,HPAYMT", "TREAT&purpose=HPAYMT", "%00"}

// unmasks ask for whole numbers by who may not, or for no purpose, or where there is none
// to be asked for.
func (a *attack) unmasks(c *caller, p *patient) (all []attempt) {
	for _, r := range []*record{p.Records[0], p.record("Coverage"), p.record("Encounter")} {
		add := func(route string, q request) {
			all = append(all, attempt{Route: route, Trick: "unmask", As: c, Relation: c.relation(p), Type: r.Type, Target: r, Req: q, Want: refused})
		}
		at := r.Type + "/" + r.ID
		add("$unmask in a batch", post("", fhirJSON, bundleOf("transaction", "GET", at+"/$unmask?purpose=HPAYMT", nil)))
		add("$unmask of a version", get("%s/_history/1/$unmask?purpose=HPAYMT", at))
		add("$unmask of a type", get("%s/$unmask?purpose=HPAYMT&_id=%s", r.Type, r.ID))
		for _, purpose := range purposes {
			if expect.MayState(c.Who, purpose) != expect.Forbidden {
				continue
			}
			if r.Type == "Encounter" && purpose != "" {
				continue // there is no number in it
			}
			add("$unmask for "+purpose, get("%s/$unmask?purpose=%s", at, purpose))
			add("$unmask by POST for "+purpose, post(at+"/$unmask", formKind, "purpose="+purpose))
			if purpose != "%00" {
				add("$unmask by header for "+purpose, get("%s/$unmask", at).with("X-Purpose-Of-Use: "+purpose))
			}
		}
	}
	r := p.Records[0]
	if c.Role == "registration" {
		q := get("Patient/%s/$unmask?purpose=HOPERAT", p.ID)
		all = append(all, attempt{Route: "$unmask", Trick: "legitimate", As: c, Relation: c.relation(p), Type: r.Type, Target: r, Req: q, Want: shown, Show: r.Elements["ssn"]})
	}
	return all
}

// detailsOf are whole numbers asked for on pages.
func (a *attack) detailsOf(c *caller) (all []attempt) {
	for i, p := range a.patients {
		if i%5 != 0 && a.may(c, p.Records[0], "") == expect.Forbidden {
			continue
		}
		other := a.patients[(i+7)%len(a.patients)]
		for _, purpose := range []string{"HPAYMT", "TREAT", "", "BTG", "ETREAT", "SYSADMN"} {
			add := func(route, record string) {
				q := formTo("/chart/"+p.ID+"/details", url.Values{"record": {record}, "purpose": {purpose}})
				all = append(all, attempt{Route: route + " for " + purpose, Trick: "unmask", As: c, Relation: c.relation(p), Type: "page", Target: p.Records[0], Req: q, Want: refused})
			}
			if expect.MayState(c.Who, purpose) == expect.Forbidden || a.may(c, p.Records[0], "") == expect.Forbidden {
				add("POST details", "Patient/"+p.ID)
				add("POST details", "Coverage/"+p.record("Coverage").ID)
			}
			add("POST details of another chart", "Patient/"+other.ID)
			add("POST details of another record", "Observation/"+p.record("Observation INR").ID)
		}
	}
	return all
}
