package chart_test

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// held is a hold of what a provision names, by a ground, until a time ("" for ever).
func held(id, ground, by, until, more string) string {
	period := ""
	if until != "" {
		period = `,"period":{"end":"` + until + `"}`
	}
	return fmt.Sprintf(`{"resourceType":"Consent","id":%q,"status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},`+
		`"category":[{"coding":[{"system":"%s","code":%q}]}],"patient":{"reference":"Patient/ann"},"performer":[{"reference":%q}],"policyRule":{"text":"She said that she would."},`+
		`"provision":{"type":"deny"%s%s}}`, id, chart.HoldSystem, ground, by, period, more)
}

const (
	itsData  = `,"data":[{"meaning":"instance","reference":{"reference":"Observation/k-ann"}}]`
	tomorrow = "2026-11-23T12:00:00Z"
)

// holding has somebody act for Ann, whose doctor is on the ward.
func holding(t *testing.T, r *rig) (patient, proxy, doctor as) {
	staffed(r.as(program(t)))
	r.as(importer()).put(strings.Replace(related("ann", "proxy-1", `{"start":"2026-01-01"}`), `"patient"`, `"id":"rp","patient"`, 1))
	return r.as(herself("ann")), r.as(mother()), r.as(person("doctor", "east"))
}

// A hold keeps what it names from whom it names, on every road, and from nobody else.
func TestHolds(t *testing.T) {
	patientOnly, proxyOnly := strings.Replace(to("Patient/ann"), `"actor"`, `,"actor"`, 1), strings.Replace(to("RelatedPerson/rp"), `"actor"`, `,"actor"`, 1)
	visit := `,"data":[{"meaning":"related","reference":{"reference":"Encounter/visit"}}]`
	for name, c := range map[string]struct {
		text                      string
		self, proxy               bool // see the result
		selfProblem, proxyProblem bool // and the problem
	}{
		"harm, from both":           {held("h", "harm", "Practitioner/doctor", tomorrow, itsData), false, false, true, true},
		"harm, from the patient":    {held("h", "harm", "Practitioner/doctor", tomorrow, itsData+patientOnly), false, true, true, true},
		"harm, from a proxy":        {held("h", "harm", "Practitioner/doctor", tomorrow, itsData+proxyOnly), true, false, true, true},
		"harm, a visit":             {held("h", "harm", "Practitioner/doctor", tomorrow, visit), true, true, false, false},
		"asked for, from both":      {held("h", "patient-request", "Patient/ann", "", itsData), false, false, true, true},
		"asked for, from a proxy":   {held("h", "patient-request", "Patient/ann", "", itsData+proxyOnly), true, false, true, true},
		"harm, filed without end":   {held("h", "harm", "Practitioner/doctor", "", itsData), true, true, true, true},
		"harm, over":                {held("h", "harm", "Practitioner/doctor", "2026-11-22T11:00:00Z", itsData), true, true, true, true},
		"no hold, but a denial":     {consent("h", "ann", `{"type":"deny"`+itsData+patientOnly+`}`), true, true, true, true},
		"ended":                     {strings.Replace(held("h", "harm", "Practitioner/doctor", tomorrow, itsData), "active", "inactive", 1), true, true, true, true},
		"of another patient's name": {strings.ReplaceAll(held("h", "patient-request", "Patient/bob", "", itsData), "Patient/ann", "Patient/bob"), true, true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			widths(t, func(t *testing.T, r *rig) {
				patient, proxy, doctor := holding(t, r)
				r.as(importer()).put(c.text)
				for who, see := range map[*as][2]bool{&patient: {c.self, c.selfProblem}, &proxy: {c.proxy, c.proxyProblem}, &doctor: {true, true}} {
					sees(t, *who, see[0], see[1])
				}
				all := r.as(program(t))
				all.finds("Observation?patient=ann", "k-ann")
				harm := strings.Contains(c.text, `"harm"`) && !(c.self && c.selfProblem)
				if err := patient.get("Consent/h"); harm != (err != nil) && !strings.Contains(c.text, "bob") {
					t.Errorf("the Consent itself, as the patient: %v", err)
				}
			})
		})
	}
}

// A hold without its ground, author, reason or end is refused, with the place; so is one
// by who is no doctor of the patient's, or for too long.
func TestWhatIsNoHold(t *testing.T) {
	r := hospital(t, 64)
	_, _, doctor := holding(t, r)
	harm := held("h", "harm", "Practitioner/doctor", tomorrow, itsData)
	change := func(old, new string) string {
		if !strings.Contains(harm, old) {
			t.Fatal(old)
		}
		return strings.Replace(harm, old, new, 1)
	}
	for name, c := range map[string]struct{ text, place string }{
		"no such ground":    {change(`"code":"harm"`, `"code":"convenience"`), "Consent.category"},
		"two grounds":       {change(`"category":[`, `"category":[{"coding":[{"system":"urn:wardkeep:hold","code":"patient-request"}]},`), "Consent.category"},
		"no author":         {change(`"performer":[{"reference":"Practitioner/doctor"}],`, ``), "Consent.performer"},
		"another author":    {change(`Practitioner/doctor`, `Practitioner/other`), "Consent.performer"},
		"no reason":         {change(`She said that she would.`, ` `), "Consent.policyRule.text"},
		"no end":            {change(`,"period":{"end":"`+tomorrow+`"}`, ``), "Consent.provision.period.end"},
		"an end too late":   {change(tomorrow, "2026-12-22T12:00:01Z"), "Consent.provision.period.end"},
		"an end that is by": {change(tomorrow, "2026-11-22T12:00:00Z"), "Consent.provision.period.end"},
		"against staff":     {change(itsData, itsData+`,`+to("Practitioner/other")), "Consent.provision.actor"},
		"everything":        {change(itsData, ``), "Consent.provision.data"},
		"a kind of record":  {change(itsData, itsData+`,`+class("Observation")), "Consent.provision"},
		"a permission":      {change(`"deny"`, `"permit"`), "Consent.provision.type"},
		"another scope":     {change(`patient-privacy`, `research`), "Consent.scope"},
		"asked by a doctor": {change(`"code":"harm"`, `"code":"patient-request"`), "Consent.performer"},
	} {
		err := doctor.create(c.text)
		wantKind(t, err, fault.Unprocessable, name)
		if !strings.Contains(fault.Public(err), c.place) {
			t.Errorf("%s: the refusal does not say where: %q", name, fault.Public(err))
		}
	}
	for _, who := range []as{r.as(person("registration")), r.as(person("nurse", "east")), r.as(doctorOf("eve")), r.as(program(t)), r.as(mother()), r.as(herself("ann")), r.as(herself("bob"))} {
		by := "Practitioner/" + cmp.Or(who.actor.PractitionerID, "doctor")
		wantKind(t, who.create(held("h", "harm", by, tomorrow, itsData)), fault.Denied, who.actor.ID)
	}
	both := twoRoles("doctor", "proxy", "east")
	r.as(importer()).put(strings.Replace(related("ann", both.ID, `{"start":"2026-01-01"}`), `"patient"`, `"id":"too","patient"`, 1))
	wantKind(t, r.as(both).create(harm), fault.Denied, "a doctor who acts for her")
	r.as(importer()).put(strings.Replace(related("ann", both.ID, `{"end":"2026-01-01"}`), `"patient"`, `"id":"too","patient"`, 1))
	check(t, doctor.create(harm))
	check(t, doctor.create(change(tomorrow, "2026-12-22T12:00:00Z")))
}

// TestFiledDecisionsEnd: what an import files ends as well, thirty days after it was.
func TestFiledDecisionsEnd(t *testing.T) {
	r := hospital(t, 64)
	patient, _, _ := holding(t, r)
	r.as(importer()).put(held("h", "harm", "Practitioner/doctor", "2027-06-01", itsData))
	sees(t, patient, false, true)
	r.clock.Advance(30*24*time.Hour - time.Second)
	sees(t, patient, false, true)
	r.clock.Advance(2 * time.Second)
	sees(t, patient, true, true)
}

// A decision opens by itself when it is over, or when another doctor of the patient ends
// it; it is not made longer, and each is in the log.
func TestDecisionsEnd(t *testing.T) {
	r := hospital(t, 64)
	patient, _, doctor := holding(t, r)
	harm := held("h", "harm", "Practitioner/doctor", "2026-11-22T12:00:30Z", itsData)
	result, err := r.chart.Create(context.Background(), doctor.actor, doctor.parse(harm), nil)
	check(t, err)
	harm = strings.Replace(harm, `"id":"h"`, `"id":"`+result.Resource.TypeID.ID+`"`, 1)
	sees(t, patient, false, true)
	for what, text := range map[string]string{
		"longer": strings.Replace(harm, "12:00:30Z", "12:00:40Z", 1),
		"wider":  strings.Replace(harm, itsData, `,"data":[{"meaning":"instance","reference":{"reference":"Condition/c-ann"}}]`, 1),
	} {
		wantKind(t, doctor.update(text), fault.Unprocessable, what)
	}
	ended := strings.Replace(harm, `"status":"active"`, `"status":"inactive"`, 1)
	wantKind(t, r.as(person("registration")).update(ended), fault.Denied, "ended by registration")
	wantKind(t, patient.update(ended), fault.NotFound, "ended by the patient")
	sees(t, patient, false, true)
	r.clock.Advance(31 * time.Second)
	sees(t, patient, true, true)
	check(t, doctor.create(held("x", "harm", "Practitioner/doctor", "2026-11-23", itsData)))
	sees(t, patient, false, true)
	ids, err := doctor.find("Consent?category=urn:wardkeep:hold|harm&patient=ann&_sort=-_lastUpdated")
	check(t, err)
	second := person("doctor", "east")
	second.ID, second.PractitionerID = "second", "second"
	check(t, r.as(second).update(strings.Replace(strings.Replace(harm, result.Resource.TypeID.ID, ids[0], 1), `"active"`, `"inactive"`, 1)))
	sees(t, patient, true, true)
	check(t, r.log.Integrate(context.Background()))
	written := 0
	check(t, r.log.Search(context.Background(), audit.Filter{}, func(e *audit.Record) error {
		if e.Type == "Consent" && e.Outcome == audit.OutcomeSuccess && (e.Action == "create" || e.Action == "update") && strings.HasPrefix(e.Actor, "doctor") || e.Actor == "second" {
			written++
		}
		return nil
	}))
	if written != 3 {
		t.Errorf("the log has %d decisions", written)
	}
}

// The patient asks for a hold and takes it back, at once; she writes no other Consent.
func TestPatientsAskForHolds(t *testing.T) {
	r := hospital(t, 64)
	patient, proxy, doctor := holding(t, r)
	asked := held("h", "patient-request", "Patient/ann", "", itsData+`,`+to("RelatedPerson/rp"))
	result, err := r.chart.Create(context.Background(), patient.actor, patient.parse(asked), nil)
	check(t, err)
	id := result.Resource.TypeID.ID
	asked = strings.Replace(asked, `"id":"h"`, `"id":"`+id+`"`, 1)
	sees(t, patient, true, true)
	sees(t, proxy, false, true)
	sees(t, doctor, true, true)
	patient.finds("Consent", id)
	proxy.finds("Consent", "")
	for what, text := range map[string]string{
		"a permission":        consent(id, "ann", `{"type":"permit",`+to("Practitioner/eve")+`}`),
		"a denial":            consent(id, "ann", `{"type":"deny"}`),
		"another patient's":   strings.ReplaceAll(asked, "Patient/ann", "Patient/bob"),
		"a doctor's decision": strings.NewReplacer("patient-request", "harm", `"performer":[{"reference":"Patient/ann"`, `"performer":[{"reference":"Practitioner/patient"`).Replace(asked),
	} {
		wantKind(t, patient.update(text), fault.Denied, what)
		wantKind(t, patient.create(text), fault.Denied, what+", new")
	}
	if err := proxy.update(strings.Replace(asked, `"status":"active"`, `"status":"inactive"`, 1)); err == nil {
		t.Error("a proxy ends it")
	}
	check(t, patient.update(strings.Replace(asked, `"status":"active"`, `"status":"inactive"`, 1)))
	sees(t, proxy, true, true)
}

// A privacy officer lists what is kept from patients and what they ask for, of well-known
// people too, and nothing else of a chart; she writes none of it.
func TestOfficersSeeHolds(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		_, _, doctor := holding(t, r)
		r.as(importer()).put(consent("wish", "ann", `{"type":"deny",`+to("Practitioner/eve")+`}`))
		r.as(importer()).put(held("hold", "harm", "Practitioner/doctor", tomorrow, itsData))
		officer := r.as(person("privacy"))
		r.as(importer()).put(strings.Replace(patient("vic", "Vip", "1950-01-01"), `"id"`, `"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"CEL"}]},"id"`, 1))
		r.as(importer()).put(consent("known", "vic", `{"type":"deny",`+to("Practitioner/eve")+`}`))
		officer.finds("Consent?status=active", "wish hold known")
		check(t, officer.get("Consent/hold"))
		wantKind(t, officer.get("Observation/k-ann"), fault.Denied, "a result")
		wantKind(t, officer.get("Patient/vic"), fault.Denied, "who it is")
		wantKind(t, officer.create(held("x", "harm", "Practitioner/privacy", tomorrow, itsData)), fault.Denied, "a hold of hers")
		wantKind(t, officer.update(strings.Replace(consent("wish", "ann", `{"type":"deny",`+to("Practitioner/eve")+`}`), "active", "inactive", 1)), fault.Denied, "ending a wish")
		wantKind(t, r.as(person("registration")).get("Consent/known"), fault.NotFound, "another office")
		doctor.finds("Consent?category=urn:wardkeep:hold|harm&status=active", "hold")
	})
}

// Whatever is held, of whom and from whom, a search finds what a read shows: were the two
// to disagree, the search would end with an alarm.
func TestHoldsAreOneForReadsAndSearches(t *testing.T) {
	for _, bits := range []int{64, 12} {
		r := hospital(t, bits)
		patient, proxy, doctor := holding(t, r)
		family(r, "2012-05-05", "")
		seen := map[bool]int{}
		rapid.Check(t, func(t *rapid.T) {
			pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
			who := pick("patient", "ann", "kim")
			text := held("h", pick("ground", "harm", "patient-request", "other"), pick("by", "Practitioner/doctor", "Patient/"+who), pick("end", tomorrow, "2026-11-21", ""),
				`,"data":[{"meaning":"`+pick("meaning", "instance", "related")+`","reference":{"reference":"`+pick("data", "Observation/k-ann", "Encounter/visit", "Encounter/plain", "Claim/plain", "Observation/coded")+`"}}]`+
					pick("actor", "", ","+to("Patient/"+who), ","+to("RelatedPerson/rp"), ","+to("RelatedPerson/mother"), ","+to("Practitioner/doctor")))
			r.as(importer()).put(strings.ReplaceAll(text, "Patient/ann", "Patient/"+who))
			for _, who := range []as{patient, proxy, r.as(herself("kim")), doctor} {
				for _, ref := range []string{"Observation/k-ann", "Condition/c-ann", "Encounter/visit", "Encounter/plain", "Claim/plain", "Observation/coded", "Consent/h"} {
					typ, id, _ := strings.Cut(ref, "/")
					if typ == "Claim" && who.actor.HasRole("doctor") {
						continue
					}
					shown := who.get(ref) == nil
					seen[shown]++
					found, err := who.find(typ + "?_id=" + id)
					if err != nil || (len(found) == 1) != shown {
						t.Fatalf("%s as %s: read %v, found %v, %v", ref, who.actor.ID, shown, found, err)
					}
				}
			}
		})
		if seen[true] == 0 || seen[false] == 0 {
			t.Errorf("one way alone was met: %v", seen)
		}
	}
}

// Whom a decision keeps something from is told until when, and nobody else.
func TestWhoIsHeldFromIsTold(t *testing.T) {
	r := hospital(t, 64)
	patient, proxy, doctor := holding(t, r)
	kept := func(who as, of string) time.Time {
		view, err := r.chart.View(context.Background(), who.actor, chart.ViewRequest{Name: "chart", Patient: of})
		check(t, err)
		return view.Kept
	}
	r.as(importer()).put(held("asked", "patient-request", "Patient/ann", tomorrow, itsData))
	if !kept(patient, "ann").IsZero() {
		t.Error("she is told what she asked for herself")
	}
	r.as(importer()).put(held("h", "harm", "Practitioner/doctor", tomorrow, itsData+`,`+to("Patient/ann")))
	if end := noon.Add(24 * time.Hour); !kept(patient, "ann").Equal(end) || !kept(proxy, "ann").IsZero() || !kept(doctor, "ann").IsZero() || !kept(r.as(herself("bob")), "bob").IsZero() {
		t.Error("the wrong people are told")
	}
	r.clock.Advance(25 * time.Hour)
	if !kept(patient, "ann").IsZero() {
		t.Error("told after it is over")
	}
}
