package fhirhttp_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/identity"
)

// order is a MedicationRequest that contains medications: code and id of each.
func order(id, subject string, codes ...string) string {
	var in, reasons []string
	for i, code := range codes {
		in = append(in, fmt.Sprintf(`{"resourceType":"Medication","id":"m%d","status":"active","code":{"coding":[{"system":"urn:drugs","code":"%s"}]}}`, i+1, code))
		reasons = append(reasons, fmt.Sprintf(`{"url":"urn:x","valueReference":{"reference":"#m%d"}}`, i+1))
	}
	return `{"resourceType":"MedicationRequest","id":"` + id + `","extension":[` + strings.Join(reasons, ",") + `],"contained":[` + strings.Join(in, ",") +
		`],"status":"active","intent":"order","medicationReference":{"reference":"#m1"},"subject":{"reference":"` + subject + `"}}`
}

// walk follows a search from page to page and returns its entries and the total
// that each page says.
func (r *rig) walk(path string, headers ...string) (urls []string, totals []int) {
	r.t.Helper()
	for path != "" {
		b := r.bundle(r.do(200, "GET", path, "", headers...))
		for _, e := range b.Entry {
			urls = append(urls, strings.TrimPrefix(e.FullURL, base+"/"))
		}
		if b.Total != nil {
			totals = append(totals, *b.Total)
		}
		path = b.link("next")
	}
	return urls, totals
}

func TestContainedSearch(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/p", patient("p", "A"))
	r.do(201, "PUT", "/Medication/own", `{"resourceType":"Medication","id":"own","code":{"coding":[{"system":"urn:drugs","code":"b"}]}}`)
	for i, codes := range []string{"a b b", "a", "b c b"} {
		r.clock.Advance(time.Second)
		id := fmt.Sprintf("r%d", i+1)
		r.do(201, "PUT", "/MedicationRequest/"+id, order(id, "Patient/p", strings.Fields(codes)...))
	}
	r.do(201, "PUT", "/MedicationRequest/r4", `{"resourceType":"MedicationRequest","id":"r4","status":"active","intent":"order","medicationReference":{"reference":"Medication/own"},"subject":{"reference":"Patient/p"}}`)
	for path, want := range map[string]string{
		"/Medication?code=b": "Medication/own",
		"/Medication?code=b&_contained=false&_containedType=contained":            "Medication/own",
		"/Medication?code=urn:drugs|b&_contained=true":                            "MedicationRequest/r1 MedicationRequest/r3",
		"/Medication?code=b&_contained=both":                                      "Medication/own MedicationRequest/r1 MedicationRequest/r3",
		"/Medication?code=a&_contained=true&_containedType=container":             "MedicationRequest/r1 MedicationRequest/r2",
		"/Medication?code=b&_contained=true&_containedType=contained":             "MedicationRequest/r1#m2 MedicationRequest/r1#m3 MedicationRequest/r3#m1 MedicationRequest/r3#m3",
		"/Medication?code=b&_contained=both&_containedType=contained":             "Medication/own MedicationRequest/r1#m2 MedicationRequest/r1#m3 MedicationRequest/r3#m1 MedicationRequest/r3#m3",
		"/Medication?code:not=b&_contained=true&_containedType=contained":         "MedicationRequest/r1#m1 MedicationRequest/r2#m1 MedicationRequest/r3#m2",
		"/Medication?code=a&code=b&_contained=true":                               "",
		"/Medication?_id=m2&_contained=true&_containedType=contained":             "MedicationRequest/r1#m2 MedicationRequest/r3#m2",
		"/Medication?_contained=true&_sort=-_lastUpdated":                         "MedicationRequest/r3 MedicationRequest/r2 MedicationRequest/r1",
		"/MedicationRequest?_contained=true":                                      "",
		"/MedicationRequest?status=active&_contained=both&_sort=_lastUpdated":     "MedicationRequest/r1 MedicationRequest/r2 MedicationRequest/r3 MedicationRequest/r4",
		"/Medication?_filter=code eq c or code eq a&_contained=true&_pretty=true": "MedicationRequest/r1 MedicationRequest/r2 MedicationRequest/r3",
		// Chains of ordinary searches go on into what records contain.
		"/MedicationRequest?medication.code=a":                         "MedicationRequest/r1 MedicationRequest/r2",
		"/MedicationRequest?medication.code=b":                         "MedicationRequest/r3 MedicationRequest/r4",
		"/MedicationRequest?medication.code=c":                         "",
		"/MedicationRequest?medication.code:not=b&_sort=-_id":          "MedicationRequest/r2 MedicationRequest/r1",
		"/MedicationRequest?medication._id=m1&patient.name=A":          "MedicationRequest/r1 MedicationRequest/r2 MedicationRequest/r3",
		"/Patient?_has:MedicationRequest:patient:medication.code=a":    "Patient/p",
		"/Provenance?target:MedicationRequest.medication.code=urn:x|b": "",
	} {
		for _, count := range []string{"1", "2", "3", "50"} {
			urls, totals := r.walk(strings.ReplaceAll(path, " ", "%20") + "&_total=accurate&_count=" + count)
			if got := strings.Join(urls, " "); got != want {
				t.Errorf("%s by %s: %s, want %s", path, count, got, want)
			}
			if n := len(strings.Fields(want)); slices.ContainsFunc(totals, func(have int) bool { return have != n }) || len(totals) == 0 {
				t.Errorf("%s by %s: totals %v, want %d", path, count, totals, n)
			}
		}
		b := r.bundle(r.do(200, "GET", strings.ReplaceAll(path, " ", "%20")+"&_summary=count", ""))
		if *b.Total != len(strings.Fields(want)) {
			t.Errorf("%s: count %d", path, *b.Total)
		}
	}
	b := r.bundle(r.do(200, "GET", "/Medication?code=c&_contained=true&_containedType=contained", ""))
	if e := b.Entry[0]; e.Resource.ResourceType != "Medication" || e.Resource.ID != "m2" || e.Search.Mode != "match" {
		t.Errorf("entry %+v", e)
	}
	r.do(400, "GET", "/Medication?manufacturer.name=x&_contained=true", "")
	r.do(400, "GET", "/Medication?_contained=true&_include=MedicationRequest:subject", "")
	r.do(400, "GET", "/?_type=Medication&_contained=true", "")
	r.do(400, "GET", "/Patient/p/Medication?_contained=true", "")
	r.do(400, "POST", "/Medication", `{"resourceType":"Medication"}`, "If-None-Exist: code=a&_contained=true")
}

// Whoever may not see a container sees nothing of what it contains: neither in
// entries nor in totals, nor by searching for it.
func TestContainedIsHidden(t *testing.T) {
	r := newRig(t)
	for name, text := range map[string]string{"drugs": "system/Medication.rs", "orders": "system/Medication.rs system/MedicationRequest.rs"} {
		scopes, err := identity.ParseScopes(text)
		check(t, err)
		r.actors[name] = identity.Actor{Kind: identity.KindClient, ID: name, Scopes: scopes, SessionID: "s"}
	}
	r.do(201, "PUT", "/Patient/p", patient("p", "A"))
	r.do(201, "PUT", "/Location/east", `{"resourceType":"Location","id":"east"}`)
	r.do(201, "PUT", "/Patient/q", patient("q", "B"))
	r.do(201, "PUT", "/Encounter/e", `{"resourceType":"Encounter","id":"e","status":"in-progress","class":{"code":"IMP"},"subject":{"reference":"Patient/p"},"location":[{"location":{"reference":"Location/east"}}]}`)
	r.do(201, "PUT", "/MedicationRequest/mine", order("mine", "Patient/p", "a"))
	r.do(201, "PUT", "/MedicationRequest/other", order("other", "Patient/q", "a", "z"))
	const all = "/Medication?code=a&_contained=both&_total=accurate"
	for who, want := range map[string]string{"program": "MedicationRequest/mine MedicationRequest/other", "drugs": "", "orders": "MedicationRequest/mine MedicationRequest/other", "nurse": "MedicationRequest/mine"} {
		urls, totals := r.walk(all, as(who))
		if got := strings.Join(urls, " "); got != want || totals[0] != len(strings.Fields(want)) {
			t.Errorf("%s finds %q, total %v", who, got, totals)
		}
	}
	if urls, totals := r.walk("/Medication?code=z&_contained=true&_containedType=contained&_total=accurate", as("nurse")); urls != nil || totals[0] != 0 {
		t.Errorf("the nurse finds %v, total %v", urls, totals)
	}
	if urls, totals := r.walk("/MedicationRequest?medication.code=a&_total=accurate", as("nurse")); len(urls) != 1 || totals[0] != 1 {
		t.Errorf("by a chain the nurse finds %v, total %v", urls, totals)
	}
	r.do(403, "GET", all, "", as("obs"))
}
