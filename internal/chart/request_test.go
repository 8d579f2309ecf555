package chart_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// request is what a patient asks for.
func request(id, status, what, who, provision string) string {
	return fmt.Sprintf(`{"resourceType":"Consent","id":%q,"status":%q,"scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},`+
		`"category":[{"coding":[{"system":"%s","code":%q}]}],"patient":{"reference":"Patient/%s"},"performer":[{"reference":"Patient/%s"}],"policyRule":{"text":"house"},"provision":%s}`,
		id, status, chart.RequestSystem, what, who, who, provision)
}

func kindOf(kind string) string {
	return `"securityLabel":[{"system":"` + chart.KindSystem + `","code":"` + kind + `"}]`
}

// made creates what somebody asks for, and returns it as it is stored.
func (a as) made(t *testing.T, text string) string {
	t.Helper()
	out, err := a.chart.Create(context.Background(), a.actor, a.parse(text), nil)
	check(t, err)
	id := out.Resource.TypeID.ID
	return strings.Replace(text, `"id":"x"`, `"id":"`+id+`"`, 1)
}

func status(text, to string) string {
	before, after, _ := strings.Cut(text, `"status":"`)
	_, after, _ = strings.Cut(after, `"`)
	return before + `"status":"` + to + `"` + after
}

// colleague is a doctor of the ward whom nothing names.
func colleague(ward string) identity.Actor {
	a := person("doctor", ward)
	a.ID, a.PractitionerID = "doctor-2", "colleague"
	return a
}

// What a patient proposes counts once an officer agrees, as it stands, and until the
// patient takes it back.
func TestRestrictionsAreProposedAndAnswered(t *testing.T) {
	r := hospital(t, 64)
	patient, proxy, doctor := holding(t, r)
	officer := r.as(person("privacy"))
	provision := `{"type":"deny",` + to("Practitioner/doctor") + `,` + class("Observation") + `}`
	wish := patient.made(t, request("x", "proposed", chart.RequestRestriction, "ann", provision))
	sees(t, doctor, true, true)
	officerToo := colleague("east")
	officerToo.Roles = []string{"doctor", "privacy"}
	for what, c := range map[string]struct {
		who  as
		text string
	}{
		"she agrees herself":        {patient, status(wish, "active")},
		"it is hers no more":        {patient, strings.Replace(status(wish, "inactive"), "Observation", "Condition", 1)},
		"a proxy agrees":            {proxy, status(wish, "active")},
		"a proxy takes it back":     {proxy, status(wish, "inactive")},
		"another patient does":      {r.as(herself("bob")), status(wish, "inactive")},
		"more than was asked for":   {officer, strings.Replace(status(wish, "active"), `,`+class("Observation"), "", 1)},
		"less than was asked for":   {officer, strings.Replace(status(wish, "active"), "Practitioner/doctor", "Practitioner/other", 1)},
		"an officer takes it back":  {officer, status(wish, "inactive")},
		"who is named agrees":       {doctor, status(wish, "active")},
		"the front desk agrees":     {r.as(person("registration")), status(wish, "active")},
		"it refuses, in its words":  {r.as(person("registration")), strings.Replace(status(wish, "rejected"), "house", "home", 1)},
		"an officer, by other work": {r.as(stating(officerToo, "HRESCH")), status(wish, "active")},
		"another doctor agrees":     {r.as(colleague("east")), status(wish, "active")},
		"another doctor ends it":    {r.as(colleague("east")), status(wish, "inactive")},
	} {
		if err := c.who.update(c.text); err == nil || fault.Is(err, fault.Internal) {
			t.Errorf("%s: %v", what, err)
		}
	}
	sees(t, doctor, true, true)
	answer := `"extension":[{"url":"` + chart.AnswerExtension + `","valueString":"Agreed."}],"status"`
	check(t, officer.update(strings.Replace(status(wish, "active"), `"status"`, answer, 1)))
	sees(t, doctor, false, true)
	wantKind(t, officer.update(status(wish, "rejected")), fault.Denied, "an answer is final")
	wantKind(t, r.as(colleague("east")).update(status(wish, "inactive")), fault.Denied, "lifted by a doctor whom it does not name")
	wantKind(t, r.as(colleague("east")).create(request("x", "active", chart.RequestRestriction, "ann", provision)), fault.Denied, "agreed to by a doctor")
	wantKind(t, patient.update(strings.Replace(status(wish, "active"), "Observation", "Condition", 1)), fault.Denied, "changed by the patient")
	check(t, patient.update(strings.Replace(status(wish, "inactive"), `"status"`, answer, 1)))
	sees(t, doctor, true, true)

	refused := patient.made(t, request("x", "proposed", chart.RequestRestriction, "ann", provision))
	check(t, officer.update(status(refused, "rejected")))
	wantKind(t, patient.update(status(refused, "active")), fault.Denied, "refused, and put in force")
	for what, text := range map[string]string{
		"in force at once":      request("x", "active", chart.RequestRestriction, "ann", provision),
		"paid in full, by her":  request("x", "active", chart.RequestPaid, "ann", `{"type":"deny",`+purpose("HPAYMT")+`,"data":[{"meaning":"related","reference":{"reference":"Encounter/visit"}}]}`),
		"in no category":        status(consent("x", "ann", provision), "proposed"),
		"about somebody else":   request("x", "proposed", chart.RequestRestriction, "bob", provision),
		"asked by another":      strings.Replace(request("x", "proposed", chart.RequestRestriction, "ann", provision), `"performer":[{"reference":"Patient/ann"`, `"performer":[{"reference":"Patient/bob"`, 1),
		"a permission":          request("x", "proposed", chart.RequestRestriction, "ann", `{"type":"permit",`+to("Practitioner/eve")+`}`),
		"a permission within":   request("x", "proposed", chart.RequestRestriction, "ann", `{"type":"deny","provision":[{"type":"permit",`+to("Practitioner/eve")+`}]}`),
		"what nobody can keep":  request("x", "proposed", chart.RequestRestriction, "ann", `{"type":"deny","dataPeriod":{"start":"2026-11-22"}}`),
		"a kind that is no one": request("x", "proposed", chart.RequestRestriction, "ann", `{"type":"deny",`+kindOf("gossip")+`}`),
	} {
		if err := patient.create(text); !fault.Is(err, fault.Denied) && !fault.Is(err, fault.Unprocessable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	authors, err := func() (map[string]string, error) {
		check(t, r.log.Integrate(context.Background()))
		return r.chart.Authors(context.Background(), officer.actor, []string{strings.Split(refused, `"`)[7], "nobody"})
	}()
	if err != nil || len(authors) != 1 || authors[strings.Split(refused, `"`)[7]] != "patient-1" {
		t.Errorf("who recorded it: %v, %v", authors, err)
	}
	_, err = r.chart.Authors(context.Background(), doctor.actor, nil)
	wantKind(t, err, fault.Denied, "a doctor asks who recorded it")
}

// Who is a doctor and a privacy officer decides on harm as any doctor, and records no
// other Consent for that.
func TestADoctorOfThePrivacyOffice(t *testing.T) {
	r := hospital(t, 64)
	_, _, doctor := holding(t, r)
	both := doctor
	both.actor.Roles = []string{"doctor", "privacy"}
	far := r.as(person("privacy"))
	far.actor.Roles, far.actor.PractitionerID, far.actor.WardIDs = []string{"doctor", "privacy"}, doctor.actor.PractitionerID, nil
	harm := held("x", "harm", "Practitioner/doctor", tomorrow, itsData)
	wantKind(t, far.create(harm), fault.Denied, "of a patient she has nothing to do with")
	wantKind(t, both.create(consent("x", "ann", `{"type":"deny",`+to("Practitioner/other")+`}`)), fault.Denied, "another Consent")
	decided := both.made(t, harm)
	wantKind(t, both.update(strings.Replace(status(decided, "inactive"), `"code":"harm"`, `"code":"other"`, 1)), fault.Denied, "ended as something else")
	wantKind(t, far.update(status(decided, "inactive")), fault.Denied, "ended from afar")
	check(t, both.update(status(decided, "inactive")))
	wantKind(t, far.update(strings.Replace(status(decided, "inactive"), "She said", "He said", 1)), fault.Denied, "what is over, from afar")
}

// What a patient asks for is bounded, one by one and many at once, and no other's is.
func TestRequestsAreBounded(t *testing.T) {
	const most = 50
	r := hospital(t, 64)
	patient, _, _ := holding(t, r)
	wish := func(who string) string {
		return request("x", "proposed", chart.RequestRestriction, who, `{"type":"deny",`+to("Practitioner/doctor")+`,`+class("Observation")+`}`)
	}
	together := func(n int) error {
		entries := make([]chart.Entry, n)
		for i := range entries {
			entries[i] = chart.Entry{Method: "POST", URL: "Consent", Resource: patient.parse(wish("ann"))}
		}
		_, err := r.chart.Transaction(context.Background(), patient.actor, entries)
		return err
	}
	wantKind(t, together(most+1), fault.Throttled, "all at once")
	check(t, together(most-2))
	last, other := patient.made(t, wish("ann")), patient.made(t, wish("ann"))
	wantKind(t, patient.create(wish("ann")), fault.Throttled, "one more")
	wantKind(t, together(1), fault.Throttled, "one more in a transaction")
	check(t, r.as(herself("bob")).create(wish("bob")))
	check(t, r.as(person("registration")).create(wish("ann"))) // what is asked for at the front desk
	check(t, patient.update(status(last, "inactive")))
	wantKind(t, patient.create(wish("ann")), fault.Throttled, "as many as before")
	check(t, r.as(person("privacy")).update(status(other, "rejected")))
	check(t, patient.create(wish("ann")))
}

// A kind of care is denied by all its labels and codes, in reads and searches alike.
func TestAKindOfCareIsDenied(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		family(r, "1990-05-05", "")
		doctor := r.as(person("doctor"))
		kims := []string{"Observation/plain", "Observation/coded", "Observation/answer", "Condition/coded", "Encounter/plain", "Encounter/reason"}
		look := func(hidden ...string) {
			t.Helper()
			for _, ref := range kims {
				typ, id, _ := strings.Cut(ref, "/")
				ids, err := doctor.find(typ + "?_id=" + id)
				want := !strings.Contains(strings.Join(hidden, " "), ref)
				if err != nil || (len(ids) == 1) != want || (doctor.get(ref) == nil) != want {
					t.Errorf("%s: found %v, %v", ref, ids, err)
				}
			}
		}
		look()
		r.as(importer()).put(request("wish", "active", chart.RequestRestriction, "kim", `{"type":"deny",`+to("Practitioner/doctor")+`,`+kindOf("reproductive")+`}`))
		look("Observation/coded", "Observation/answer", "Condition/coded", "Encounter/reason")
		r.as(importer()).put(request("wish", "active", chart.RequestRestriction, "kim", `{"type":"deny",`+to("Practitioner/doctor")+`,`+kindOf("mental")+`}`))
		look()
		r.as(importer()).put(request("wish", "active", chart.RequestRestriction, "kim", `{"type":"deny",`+to("Practitioner/doctor")+`,`+kindOf("gossip")+`}`))
		look(kims...) // a denial that is not understood is no narrower
	})
}

// Paid in full: recorded by who takes the money, counts at once, and is all of Consents
// that billing sees or writes.
func TestPaidInFull(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		staffed(r.as(program(t)))
		billing := r.as(person("billing"))
		visit := `"data":[{"meaning":"related","reference":{"reference":"Encounter/visit"}}]`
		paid := request("x", "active", chart.RequestPaid, "ann", `{"type":"deny",`+purpose("HPAYMT")+`,`+visit+`}`)
		for what, text := range map[string]string{
			"no visit":         strings.Replace(paid, `,`+visit, "", 1),
			"somebody":         strings.Replace(paid, visit, visit+`,`+to("Practitioner/eve"), 1),
			"another purpose":  strings.Replace(paid, "HPAYMT", "TREAT", 1),
			"a permission":     strings.Replace(paid, `"deny"`, `"permit"`, 1),
			"until a day":      strings.Replace(paid, visit, visit+`,"period":{"end":"2027-01-01"}`, 1),
			"a result":         strings.Replace(strings.Replace(paid, "Encounter/visit", "Observation/k-ann", 1), "related", "instance", 1),
			"asked by nobody":  strings.Replace(paid, `"performer":[{"reference":"Patient/ann"}],`, "", 1),
			"another Consent":  consent("x", "ann", `{"type":"deny"}`),
			"a restriction":    strings.Replace(paid, chart.RequestPaid, chart.RequestRestriction, 1),
			"a patient's hold": held("x", "patient-request", "Patient/ann", "", itsData),
		} {
			if err := billing.create(text); !fault.Is(err, fault.Denied) && !fault.Is(err, fault.Unprocessable) {
				t.Errorf("%s: %v", what, err)
			}
		}
		check(t, billing.get("Encounter/visit"))
		r.as(importer()).put(consent("wish", "ann", `{"type":"deny",`+to("Practitioner/eve")+`}`))
		paid = billing.made(t, paid)
		wantKind(t, billing.get("Encounter/visit"), fault.NotFound, "the visit")
		billing.finds("Consent", strings.Split(paid, `"`)[7])
		wantKind(t, billing.get("Consent/wish"), fault.NotFound, "another Consent")
		wantKind(t, billing.update(status(paid, "inactive")), fault.Denied, "taken back by billing")
		sees(t, r.as(person("doctor", "east")), true, true)
		check(t, r.as(person("registration")).update(status(paid, "inactive")))
		check(t, billing.get("Encounter/visit"))
	})
}

// Results of a kind, of tests taken since a day, are kept from the patient until the day
// that she chose, and she ends that at once; older ones she sees all along.
func TestNewResultsAreHeld(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		patient, proxy, doctor := holding(t, r)
		const laboratory = `"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"code"`
		file := func(id, day, category string) {
			text := strings.Replace(result("ann", "5.0", day), "k-ann", id, 1)
			if day == "" {
				text = strings.Replace(text, `"effectiveDateTime":"",`, "", 1)
			}
			r.as(importer()).put(strings.Replace(text, `"code"`, category, 1))
		}
		look := func(who as, want string) {
			t.Helper()
			who.finds("Observation?patient=ann&_sort=_id", want)
			for _, id := range []string{"k-ann", "eve", "new", "old", "other", "undated"} {
				if err := who.get("Observation/" + id); (err == nil) != strings.Contains(" "+want+" ", " "+id+" ") {
					t.Errorf("%s: %v", id, err)
				}
			}
		}
		const all = "eve k-ann new old other undated"
		shape := `,` + class("Observation", "DiagnosticReport") + `,` + kindOf("laboratory") + `,"dataPeriod":{"start":"2026-11-20"},` + to("Patient/ann")
		asked := held("x", "patient-request", "Patient/ann", "2026-11-25", shape)
		for what, text := range map[string]string{
			"without an end":       held("x", "patient-request", "Patient/ann", "", shape),
			"of all there is":      strings.Replace(asked, `,`+class("Observation", "DiagnosticReport"), "", 1),
			"of bills":             strings.Replace(asked, "DiagnosticReport", "Claim", 1),
			"until a record is":    strings.Replace(asked, `"dataPeriod":{"start"`, `"dataPeriod":{"end":"2027-01-01","start"`, 1),
			"a kind of no such":    strings.Replace(asked, "laboratory", "gossip", 1),
			"from an instant on":   strings.Replace(asked, "2026-11-20", "2026-11-20T00:00:00Z", 1),
			"and one record, too":  strings.Replace(asked, `,"dataPeriod"`, itsData+`,"dataPeriod"`, 1),
			"a record from a time": held("x", "patient-request", "Patient/ann", "", itsData+`,"dataPeriod":{"start":"2026-11-20"}`),
		} {
			wantKind(t, patient.create(text), fault.Unprocessable, what)
		}
		wantKind(t, doctor.create(held("x", "harm", "Practitioner/doctor", tomorrow, shape)), fault.Unprocessable, "decided by a doctor")
		file("old", "2026-11-19", laboratory)
		asked = patient.made(t, asked)
		file("new", "2026-11-21", laboratory)
		file("undated", "", laboratory)
		file("eve", "2026-11-19T23:59:59Z", laboratory)
		file("other", "2026-11-21", `"code"`) // of no kind
		look(patient, "eve k-ann old other")
		look(proxy, all)
		look(doctor, all)
		check(t, patient.update(status(asked, "inactive")))
		look(patient, all)
		asked = patient.made(t, strings.Replace(held("x", "patient-request", "Patient/ann", "2026-11-25", shape), kindOf("laboratory")+",", "", 1))
		look(patient, "eve old")
		wantKind(t, proxy.update(status(asked, "inactive")), fault.Denied, "ended by a proxy")
		r.clock.Advance(4 * 24 * time.Hour)
		look(patient, all)
	})
}

// What a minor asks for, and what is asked about a kind of care or a visit that she
// keeps to herself, is not told to her mother; of a grown woman it is.
func TestRequestsOfMinorsAreTheirOwn(t *testing.T) {
	for born, want := range map[string]string{"2012-05-05": "plain", "1990-05-05": "asked label plain visit"} {
		widths(t, func(t *testing.T, r *rig) {
			family(r, born, `,"relationship":[{"coding":[{"code":"HPOWATT"}]}]`)
			mother, all := r.as(mother()), r.as(importer())
			deny := `{"type":"deny",` + to("Practitioner/eve")
			all.put(request("asked", "proposed", chart.RequestRestriction, "kim", deny+`}`))
			all.put(consent("label", "kim", deny+`,"securityLabel":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"SEX"}]}`))
			all.put(consent("plain", "kim", deny+`}`))
			all.put(consent("visit", "kim", deny+`,"data":[{"meaning":"related","reference":{"reference":"Encounter/reason"}}]}`))
			mother.finds("Consent?_sort=_id", want)
			for _, id := range []string{"asked", "label", "plain", "visit"} {
				if err := mother.get("Consent/" + id); (err == nil) != strings.Contains(want, id) {
					t.Errorf("%s: %v", id, err)
				}
			}
			r.as(herself("kim")).finds("Consent?_sort=_id", "asked label plain visit")
		})
	}
}
