package fhirhttp_test

import (
	"encoding/csv"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// about are the records the searches of US Core are tried on: one of each type
// that they find, by the members that are not the same in all.
var about = map[string]string{
	"AllergyIntolerance":    `"patient":{"reference":"Patient/p1"}`,
	"CarePlan":              `"status":"active","intent":"plan","subject":{"reference":"Patient/p1"},"category":[{"coding":[{"system":"urn:s","code":"assess-plan"}]}]`,
	"CareTeam":              `"status":"active","subject":{"reference":"Patient/p1"}`,
	"Condition":             `"subject":{"reference":"Patient/p1"},"category":[{"coding":[{"system":"urn:s","code":"problem-list-item"}]}]`,
	"Coverage":              `"status":"active","beneficiary":{"reference":"Patient/p1"},"payor":[{"display":"x"}]`,
	"Device":                `"status":"active","patient":{"reference":"Patient/p1"}`,
	"DiagnosticReport":      `"status":"final","code":{"coding":[{"system":"urn:s","code":"cbc"}]},"category":[{"coding":[{"system":"urn:s","code":"LAB"}]}],"subject":{"reference":"Patient/p1"},"effectiveDateTime":"2026-03-04"`,
	"DocumentReference":     `"status":"current","type":{"coding":[{"system":"urn:s","code":"summary"}]},"category":[{"coding":[{"system":"urn:s","code":"note"}]}],"subject":{"reference":"Patient/p1"},"date":"2026-03-04T10:00:00Z","content":[{"attachment":{"title":"x"}}]`,
	"Encounter":             `"status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/p1"},"period":{"start":"2026-03-04","end":"2026-03-04"}`,
	"FamilyMemberHistory":   `"status":"completed","patient":{"reference":"Patient/p1"},"relationship":{"text":"mother"}`,
	"Goal":                  `"lifecycleStatus":"active","description":{"text":"x"},"subject":{"reference":"Patient/p1"}`,
	"Immunization":          `"status":"completed","vaccineCode":{"text":"x"},"patient":{"reference":"Patient/p1"},"occurrenceDateTime":"2026-03-04"`,
	"Location":              `"name":"North House","address":{"city":"Springfield"}`,
	"MedicationDispense":    `"status":"completed","type":{"coding":[{"system":"urn:s","code":"FF"}]},"medicationCodeableConcept":{"text":"x"},"subject":{"reference":"Patient/p1"}`,
	"MedicationRequest":     `"status":"active","intent":"order","medicationCodeableConcept":{"text":"x"},"subject":{"reference":"Patient/p1"}`,
	"Observation":           `"status":"final","code":{"coding":[{"system":"urn:s","code":"bp"}]},"category":[{"coding":[{"system":"urn:s","code":"vital-signs"}]}],"subject":{"reference":"Patient/p1"},"effectiveDateTime":"2026-03-04"`,
	"Organization":          `"name":"North House","address":[{"city":"Springfield"}]`,
	"Patient":               `"identifier":[{"system":"urn:mrn","value":"42"}],"name":[{"family":"Shaw","given":["Amy"]}],"birthDate":"1987-02-20"`,
	"Practitioner":          `"identifier":[{"system":"urn:npi","value":"42"}],"name":[{"family":"Bone","given":["Ronald"]}]`,
	"PractitionerRole":      `"practitioner":{"reference":"Practitioner/positive"},"specialty":[{"coding":[{"system":"urn:s","code":"208D"}]}]`,
	"Procedure":             `"status":"completed","subject":{"reference":"Patient/p1"},"performedDateTime":"2026-03-04"`,
	"QuestionnaireResponse": `"status":"completed","subject":{"reference":"Patient/p1"}`,
	"RelatedPerson":         `"patient":{"reference":"Patient/p1"}`,
	"ServiceRequest":        `"status":"active","intent":"order","code":{"coding":[{"system":"urn:s","code":"rehab"}]},"category":[{"coding":[{"system":"urn:s","code":"lab"}]}],"subject":{"reference":"Patient/p1"},"authoredOn":"2026-03-04"`,
	"Specimen":              `"subject":{"reference":"Patient/p1"}`,
}

// asks are, for a parameter, values that find the record and values that do not.
// What is given for a type goes before what is given for all.
var asks = map[string][2][]string{
	"_id":                          {{"positive"}, {"nobody"}},
	"patient":                      {{"Patient/p1", "p1"}, {"Patient/p2", "p2"}},
	"intent":                       {{"order"}, {"plan"}},
	"date":                         {{"2026-03-04", "ge2026-03-01", "lt2026-04-01"}, {"2026-03-06", "gt2026-03-31", "le2026-01-01"}},
	"authored":                     {{"2026-03-04", "ge2026-03-01"}, {"gt2026-03-31"}},
	"name":                         {{"North", "north ho"}, {"South"}},
	"address":                      {{"Spring"}, {"Shelby"}},
	"birthdate":                    {{"1987-02-20", "lt2000"}, {"1987-02-21"}},
	"specialty":                    {{"208D", "urn:s|208D"}, {"urn:t|208D", "x"}},
	"practitioner":                 {{"Practitioner/positive"}, {"Practitioner/negative"}},
	"practitioner.identifier":      {{"urn:npi|42"}, {"urn:npi|43"}},
	"practitioner.name":            {{"Bone"}, {"Flesh"}},
	"Patient.name":                 {{"Shaw", "amy"}, {"Bone"}},
	"Practitioner.name":            {{"Ron"}, {"Amy"}},
	"Patient.identifier":           {{"urn:mrn|42", "42"}, {"urn:mrn|43"}},
	"Practitioner.identifier":      {{"urn:npi|42", "42"}, {"urn:npi|43"}},
	"CarePlan.category":            {{"assess-plan", "urn:s|assess-plan"}, {"urn:t|assess-plan"}},
	"Condition.category":           {{"problem-list-item"}, {"encounter-diagnosis"}},
	"DiagnosticReport.category":    {{"LAB", "urn:s|LAB"}, {"RAD"}},
	"DiagnosticReport.code":        {{"cbc", "urn:s|cbc"}, {"bmp"}},
	"DiagnosticReport.status":      {{"final"}, {"partial"}},
	"DocumentReference.category":   {{"note"}, {"picture"}},
	"DocumentReference.type":       {{"summary", "urn:s|summary"}, {"letter"}},
	"DocumentReference.status":     {{"current"}, {"superseded"}},
	"MedicationDispense.type":      {{"FF"}, {"RF"}},
	"MedicationDispense.status":    {{"completed"}, {"declined"}},
	"Observation.category":         {{"vital-signs"}, {"laboratory"}},
	"Observation.code":             {{"bp", "urn:s|bp"}, {"hr"}},
	"Observation.status":           {{"final"}, {"preliminary"}},
	"Procedure.status":             {{"completed"}, {"stopped"}},
	"QuestionnaireResponse.status": {{"completed"}, {"stopped"}},
	"ServiceRequest.category":      {{"lab"}, {"img"}},
	"ServiceRequest.code":          {{"rehab"}, {"none"}},
	"CarePlan.status":              {{"active"}, {"draft"}},
	"CareTeam.status":              {{"active"}, {"inactive"}},
	"Device.status":                {{"active"}, {"inactive"}},
	"MedicationRequest.status":     {{"active"}, {"draft"}},
	"ServiceRequest.status":        {{"active"}, {"draft"}},
}

func valuesOf(t *testing.T, typ, code string) (hits, misses []string) {
	t.Helper()
	v, ok := asks[typ+"."+code]
	if !ok {
		v, ok = asks[code]
	}
	if !ok {
		t.Fatalf("no values for %s.%s", typ, code)
	}
	return v[0], v[1]
}

// search returns whether the query is answered and finds the record.
func (r *rig) finds(t *testing.T, typ string, params url.Values) bool {
	t.Helper()
	b := r.bundle(r.do(200, "GET", "/"+typ+"?"+params.Encode(), ""))
	if form := r.bundle(r.do(200, "POST", "/"+typ+"/_search", params.Encode(), "Content-Type: application/x-www-form-urlencoded")); len(form.Entry) != len(b.Entry) {
		t.Errorf("%s: %d are found by POST, %d by GET", typ, len(form.Entry), len(b.Entry))
	}
	for _, e := range b.Entry {
		if e.Resource.ID == "positive" {
			return true
		}
	}
	return false
}

// TestUSCoreSearches goes through every line of US Core's search requirements
// that says SHALL: the search is answered, finds what it must, and nothing else.
func TestUSCoreSearches(t *testing.T) {
	root := os.Getenv("WARDKEEP_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(root, "us-core", "search_requirements.csv"))
	if err != nil {
		t.Skip("no search requirements: set WARDKEEP_TESTDATA")
	}
	defer func() { check(t, f.Close()) }()
	rows, err := csv.NewReader(f).ReadAll()
	check(t, err)
	r := newRig(t)
	for _, id := range []string{"p1", "p2"} {
		r.do(201, "PUT", "/Patient/"+id, patient(id, "Other"))
	}
	for typ, members := range about {
		r.do(201, "PUT", "/"+typ+"/positive", `{"resourceType":"`+typ+`","id":"positive",`+members+`}`)
	}
	column := func(row []string, name string) string { return row[slices.Index(rows[0], name)] }
	lines := 0
	for _, row := range rows[1:] {
		typ, codes := column(row, "base"), strings.Split(column(row, "code"), ",")
		base, or, chain := column(row, "base_conf"), column(row, "multipleOr_conf"), column(row, "shall_chain")
		if base != "SHALL" && or != "SHALL" {
			continue
		}
		lines++
		if base == "SHALL" {
			r.together(t, typ, codes)
		}
		if or == "SHALL" {
			hits, misses := valuesOf(t, typ, codes[0])
			if !r.finds(t, typ, url.Values{codes[0]: {misses[0] + "," + hits[0]}}) {
				t.Errorf("%s?%s with two values does not find what has one", typ, codes[0])
			}
		}
		for next := range strings.FieldsFuncSeq(chain, func(c rune) bool { return c == ',' }) {
			r.together(t, typ, []string{codes[0] + "." + next})
		}
	}
	if lines < 60 {
		t.Errorf("only %d lines say SHALL", lines)
	}
	t.Logf("%d lines", lines)
}

// together searches by all parameters at once: with values that fit each, then
// with one that does not.
func (r *rig) together(t *testing.T, typ string, codes []string) {
	t.Helper()
	fit := url.Values{}
	for _, code := range codes {
		hits, _ := valuesOf(t, typ, code)
		fit.Set(code, hits[0])
	}
	for _, code := range codes {
		hits, misses := valuesOf(t, typ, code)
		for i, value := range append(slices.Clone(hits), misses...) {
			query := url.Values{}
			for k, v := range fit {
				query[k] = v
			}
			query.Set(code, value)
			if got := r.finds(t, typ, query); got != (i < len(hits)) {
				t.Errorf("%s?%s: found %v", typ, query.Encode(), got)
			}
		}
	}
}
