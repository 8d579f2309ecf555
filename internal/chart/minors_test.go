package chart_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

var minors = chart.Minors{AdultAge: 18, Confidential: []chart.Confidential{{Category: "reproductive", FromAge: 12}, {Category: "violence", FromAge: 0}}}

// family is Kim, born on a day, her mother who acts for her, and what there is of her:
// plain records, and some of which each tells of a pregnancy in its own way. more is
// what else the registration of the mother says.
func family(r *rig, born, more string) {
	p := r.as(importer())
	kim := `"subject":{"reference":"Patient/kim"}`
	kims := `"patient":{"reference":"Patient/kim"}`
	pregnancy := `{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"Z32.01"}]}`
	bill := `"status":"active","type":{"text":"x"},"use":"claim","created":"2026-11-01","provider":{"reference":"Organization/house"},"priority":{"text":"x"},"insurance":[{"sequence":1,"focal":true,"coverage":{"display":"x"}}],` + kims
	eob := `"status":"active","type":{"text":"x"},"use":"claim","created":"2026-11-01","insurer":{"display":"x"},"provider":{"display":"x"},"outcome":"complete","insurance":[{"focal":true,"coverage":{"display":"x"}}],` + kims
	for _, text := range []string{
		strings.Replace(patient("kim", "Kern", born), `,"birthDate":""`, "", 1),
		`{"resourceType":"RelatedPerson","id":"mother",` + kims + `,"identifier":[{"system":"` + chart.AccountSystem + `","value":"proxy-1"}]` + more + `}`,
		`{"resourceType":"CareTeam","id":"kims","status":"active",` + kim + `,"participant":[{"member":{"reference":"Practitioner/doctor"}}]}`,
		`{"resourceType":"Observation","id":"plain","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2823-3"}]},` + kim + `}`,
		`{"resourceType":"Observation","id":"coded","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2106-3"}]},` + kim + `}`,
		`{"resourceType":"Observation","id":"answer","status":"final","code":{"text":"x"},"valueCodeableConcept":{"coding":[{"system":"http://snomed.info/sct","code":"77386006"}]},` + kim + `}`,
		`{"resourceType":"Observation","id":"within","status":"final","code":{"text":"x"},"encounter":{"reference":"Encounter/reason"},` + kim + `}`,
		`{"resourceType":"DiagnosticReport","id":"plain","status":"final","code":{"text":"x"},` + kim + `}`,
		`{"resourceType":"DiagnosticReport","id":"coded","status":"preliminary","code":{"coding":[{"system":"http://loinc.org","code":"2106-3"}]},` + kim + `}`,
		`{"resourceType":"Condition","id":"coded","code":` + pregnancy + `,` + kim + `}`,
		`{"resourceType":"Encounter","id":"plain","status":"finished","class":{"code":"AMB"},"account":[{"reference":"Account/all"}],` + kim + `}`,
		`{"resourceType":"Encounter","id":"reason","status":"finished","class":{"code":"AMB"},"reasonCode":[` + pregnancy + `],"account":[{"reference":"Account/own"}],"appointment":[{"reference":"Appointment/came"}],` + kim + `}`,
		`{"resourceType":"Encounter","id":"service","status":"finished","class":{"code":"AMB"},"serviceType":` + pregnancy + `,` + kim + `}`,
		`{"resourceType":"Encounter","id":"diagnosis","status":"finished","class":{"code":"AMB"},"diagnosis":[{"condition":{"reference":"Condition/coded"}}],` + kim + `}`,
		`{"resourceType":"Appointment","id":"plain","status":"booked","participant":[{"actor":{"reference":"Patient/kim"},"status":"accepted"}]}`,
		`{"resourceType":"Appointment","id":"coded","status":"booked","reasonCode":[` + pregnancy + `],"participant":[{"actor":{"reference":"Patient/kim"},"status":"accepted"}]}`,
		`{"resourceType":"Appointment","id":"came","status":"fulfilled","participant":[{"actor":{"reference":"Patient/kim"},"status":"accepted"}]}`,
		`{"resourceType":"Account","id":"all","status":"active","subject":[{"reference":"Patient/kim"}]}`,
		`{"resourceType":"Account","id":"own","status":"active","subject":[{"reference":"Patient/kim"}]}`,
		`{"resourceType":"Claim","id":"plain",` + bill + `,"item":[{"sequence":1,"productOrService":{"text":"x"},"encounter":[{"reference":"Encounter/plain"}]}]}`,
		`{"resourceType":"Claim","id":"item",` + bill + `,"item":[{"sequence":1,"productOrService":{"coding":[{"system":"http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets","code":"J7307"}]}}]}`,
		`{"resourceType":"Claim","id":"diagnosis",` + bill + `,"diagnosis":[{"sequence":1,"diagnosisCodeableConcept":` + pregnancy + `}]}`,
		`{"resourceType":"Claim","id":"visit",` + bill + `,"item":[{"sequence":1,"productOrService":{"text":"x"},"encounter":[{"reference":"Encounter/service"}]}]}`,
		`{"resourceType":"ExplanationOfBenefit","id":"plain",` + eob + `,"claim":{"reference":"Claim/plain"}}`,
		`{"resourceType":"ExplanationOfBenefit","id":"claim",` + eob + `,"claim":{"reference":"Claim/item"}}`,
	} {
		p.put(text)
	}
}

// open and hidden are what the mother sees of Kim in any case, and what she does not
// see while Kim keeps it.
var (
	open   = []string{"Patient/kim", "Observation/plain", "DiagnosticReport/plain", "Encounter/plain", "Appointment/plain", "Account/all", "Claim/plain", "ExplanationOfBenefit/plain"}
	hidden = []string{
		"Observation/coded", "Observation/answer", "Observation/within", "DiagnosticReport/coded", "Condition/coded", "Encounter/reason", "Encounter/service", "Encounter/diagnosis",
		"Appointment/coded", "Appointment/came", "Account/own", "Claim/item", "Claim/diagnosis", "Claim/visit", "ExplanationOfBenefit/claim",
	}
)

func mother() identity.Actor {
	a := person("proxy")
	a.PractitionerID = ""
	return a
}

func herself(id string) identity.Actor {
	a := person("patient")
	a.PatientID, a.PractitionerID = id, ""
	return a
}

// meets compares what each road shows somebody with what it is to show: reads,
// versions, histories, searches, counts, includes, $everything.
func (a as) meets(t *testing.T, shown, not []string) {
	t.Helper()
	byType := map[string][]string{}
	for _, list := range []struct {
		refs []string
		want bool
	}{{shown, true}, {not, false}} {
		for _, ref := range list.refs {
			typ, id, _ := strings.Cut(ref, "/")
			byType[typ] = append(byType[typ], "")
			if list.want {
				byType[typ][len(byType[typ])-1] = id
			}
			_, past := a.history(ref)
			for road, err := range map[string]error{"read": a.get(ref), "version": a.version(ref, 1), "history": past} {
				if (err == nil) != list.want || err != nil && !fault.Is(err, fault.NotFound) {
					t.Errorf("%s of %s as %s: %v", road, ref, a.actor.Name, err)
				}
			}
		}
	}
	for typ, ids := range byType {
		ids = slices.DeleteFunc(ids, func(id string) bool { return id == "" })
		slices.Sort(ids)
		query := typ + "?patient=kim"
		if typ == "Patient" {
			query = typ + "?_id=kim"
		}
		a.finds(query+"&_sort=_id", strings.Join(ids, " "))
		if n := a.total(query); n != len(ids) {
			t.Errorf("%s as %s: counts %d of %d", typ, a.actor.Name, n, len(ids))
		}
	}
}

// What a minor keeps to herself is hidden from who acts for her, on every road, and
// from nobody else.
func TestMinorsKeepToThemselves(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		family(r, "2012-05-05", `,"relationship":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-RoleCode","code":"MTH"}]}]`)
		all := slices.Concat(open, hidden)
		r.as(mother()).meets(t, open, hidden)
		r.as(herself("kim")).meets(t, all, nil)
		bills := func(ref string) bool {
			return strings.HasPrefix(ref, "Claim/") || strings.HasPrefix(ref, "Exp") || strings.HasPrefix(ref, "Account/")
		}
		r.as(person("doctor")).meets(t, slices.DeleteFunc(slices.Clone(all), bills), nil)
		r.as(mother()).finds("Patient?_id=kim&_revinclude=Observation:patient", "kim plain")
		r.as(mother()).finds("Observation?patient=kim&_include=Observation:encounter", "plain")
		r.as(mother()).finds("Patient?_has:Observation:patient:code=2106-3", "")
		r.as(mother()).finds("Patient?_has:Observation:patient:code=2823-3", "kim")
		r.as(mother()).finds("Encounter?reason-code=Z32.01", "")
		notice := `{"resourceType":"Subscription","status":"requested","reason":"x","criteria":"Observation?patient=kim","channel":{"type":"websocket"}}`
		wantKind(t, r.as(mother()).create(notice), fault.Denied, "notices to who acts for others")
		everything := func(who as) (n int) {
			result, err := r.chart.Everything(context.Background(), who.actor, chart.EverythingRequest{Type: "Patient", ID: "kim"})
			check(t, err)
			for _, res := range result.Resources {
				if slices.Contains(hidden, res.TypeID.Type+"/"+res.TypeID.ID) {
					n++
				}
			}
			return n
		}
		if n := everything(r.as(mother())); n != 0 {
			t.Errorf("everything has %d", n)
		}
		if n := everything(r.as(herself("kim"))); n != len(hidden) {
			t.Errorf("her own has %d", n)
		}
	})
}

// Ages count in whole days where the hospital is; a leap day's birthday is the end of
// February; whose age is not known is a minor, whose parents are not known to be hers.
func TestAgesOfMinors(t *testing.T) {
	parent := `,"relationship":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-RoleCode","code":"MTH"}]}]`
	guardian := strings.Replace(parent, "MTH", "GUARD", 1)
	for name, c := range map[string]struct {
		born, more, now string
		opens, tells    bool // the chart, and what is confidential
	}{
		"a small child":                    {"2020-01-01", parent, "2026-11-22T12:00:00Z", true, true},
		"the day before she is twelve":     {"2014-11-22", parent, "2026-11-21T23:59:59Z", true, true},
		"the day she is twelve":            {"2014-11-22", parent, "2026-11-22T00:00:00Z", true, false},
		"the day before she is of age":     {"2008-11-22", parent, "2026-11-21T23:59:59Z", true, false},
		"the day she is of age":            {"2008-11-22", parent, "2026-11-22T00:00:00Z", false, false},
		"of age with a guardian":           {"2008-11-22", guardian, "2026-11-22T00:00:00Z", true, true},
		"nearly of age with a guardian":    {"2008-11-22", guardian, "2026-11-21T23:59:59Z", true, false},
		"registered since she was a minor": {"2008-11-22", `,"period":{"start":"2020-01-01"}`, "2026-11-22T00:00:00Z", false, false},
		"registered anew":                  {"2008-11-22", parent + `,"period":{"start":"2026-11-22"}`, "2026-11-23T00:00:00Z", true, true},
		"a leap day, the day before":       {"2008-02-29", parent, "2026-02-27T23:59:59Z", true, false},
		"a leap day, the end of February":  {"2008-02-29", parent, "2026-02-28T00:00:00Z", false, false},
		"the year alone, before it":        {"2014", parent, "2025-12-31T23:59:59Z", true, true},
		"the year alone, in it":            {"2014", parent, "2026-01-01T00:00:00Z", true, false},
		"the year alone, of age perhaps":   {"2008", parent, "2026-01-01T00:00:00Z", false, false},
		"the year alone, a minor perhaps":  {"2008", guardian, "2026-12-30T00:00:00Z", true, false},
		"not known":                        {"", parent, "2026-11-22T12:00:00Z", false, false},
		"not known, with a guardian":       {"", guardian, "2026-11-22T12:00:00Z", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, c.now)
			check(t, err)
			r := newRigAt(t, 64, now)
			family(r, c.born, c.more)
			for ref, want := range map[string]bool{"Observation/plain": c.opens, "Observation/coded": c.tells, "Claim/item": c.tells} {
				_, id, _ := strings.Cut(ref, "/")
				typ := strings.TrimSuffix(ref, "/"+id)
				found, err := r.as(mother()).find(fmt.Sprintf("%s?patient=kim&_id=%s", typ, id))
				check(t, err)
				if err := r.as(mother()).get(ref); (err == nil) != want || (len(found) == 1) != want {
					t.Errorf("%s: want %v, found %v, read: %v", ref, want, found, err)
				}
			}
			check(t, r.as(herself("kim")).get("Observation/coded"))
		})
	}
}

// A day begins where the hospital is.
func TestMinorsAndZones(t *testing.T) {
	r := newRigAt(t, 64, time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC))
	family(r, "2008-11-22", `,"relationship":[{"coding":[{"code":"GUARD"}]}]`)
	for name, want := range map[string]bool{"America/New_York": false, "Asia/Tokyo": true} {
		zone, err := time.LoadLocation(name)
		check(t, err)
		there := minors
		there.Zone = zone
		r.open(there)
		if err := r.as(mother()).get("Observation/coded"); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What tells of it may come later, in a code of a visit, and go again.
func TestWhatMinorsKeepActsAtOnce(t *testing.T) {
	r := newRig(t, 64)
	family(r, "2012-05-05", "")
	before, err := r.chart.Rights(t.Context(), mother())
	check(t, err)
	visit := `{"resourceType":"Encounter","id":"plain","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/kim"}}`
	r.as(importer()).put(strings.Replace(visit, `"class"`, `"serviceType":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"Z33.1"}]},"class"`, 1))
	wantKind(t, r.as(mother()).get("Encounter/plain"), fault.NotFound, "the visit")
	wantKind(t, r.as(mother()).get("Claim/plain"), fault.NotFound, "its bill")
	r.as(mother()).finds("Claim?patient=kim", "")
	if after, err := r.chart.Rights(t.Context(), mother()); err != nil || after == before {
		t.Error("rights are the same", err)
	}
	r.as(importer()).put(visit)
	r.as(mother()).finds("Claim?patient=kim", "plain")
}

// A Consent opens a minor's chart to one who acts for others, and not what she keeps.
func TestAConsentOpensNotWhatMinorsKeep(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		family(r, "2012-05-05", `,"active":false`)
		aunt := mother()
		aunt.ID = "aunt"
		r.as(importer()).put(strings.NewReplacer(`"id":"mother"`, `"id":"aunt"`, "proxy-1", "aunt").Replace(
			`{"resourceType":"RelatedPerson","id":"aunt","patient":{"reference":"Patient/ann"},"identifier":[{"system":"` + chart.AccountSystem + `","value":"aunt"}]}`))
		r.as(aunt).meets(t, nil, slices.Concat(open, hidden))
		r.as(importer()).put(consent("wish", "kim", `{"type":"permit",`+to("RelatedPerson/aunt")+`}`))
		r.as(aunt).meets(t, open, hidden)
	})
}

// A visit that was deleted tells of no more than it did, and what nobody keeps is seen.
func TestDeletedVisitsOfMinors(t *testing.T) {
	r := newRig(t, 64)
	family(r, "2012-05-05", "")
	r.bury(t, "Encounter", "service")
	r.bury(t, "Claim", "item")
	r.bury(t, "Claim", "plain")
	for ref, want := range map[string]bool{"Encounter/service": false, "Claim/item": false, "Claim/plain": true} {
		if _, err := r.as(mother()).history(ref); (err == nil) != want {
			t.Errorf("%s: %v", ref, err)
		}
		_, err := r.as(herself("kim")).history(ref)
		check(t, err)
	}
	r.open(chart.Minors{AdultAge: 18})
	for _, ref := range []string{"Encounter/service", "Claim/item", "Observation/coded", "Claim/visit"} {
		_, err := r.as(mother()).history(ref)
		check(t, err)
	}
	r.as(mother()).finds("Observation?patient=kim&_sort=_id", "answer coded plain within")
}
