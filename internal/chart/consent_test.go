package chart_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/search"
)

// consent is a patient's Consent about privacy with a provision.
func consent(id, who, provision string) string {
	return fmt.Sprintf(`{"resourceType":"Consent","id":%q,"status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},`+
		`"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],"patient":{"reference":"Patient/%s"},"policyRule":{"text":"house"},"provision":%s}`, id, who, provision)
}

// to names an actor of a provision.
func to(ref string) string {
	return `"actor":[{"role":{"text":"recipient"},"reference":{"reference":"` + ref + `"}}]`
}

func purpose(code string) string {
	return `"purpose":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"` + code + `"}]`
}

func class(types ...string) string {
	var all []string
	for _, typ := range types {
		all = append(all, `{"system":"http://hl7.org/fhir/resource-types","code":"`+typ+`"}`)
	}
	return `"class":[` + strings.Join(all, ",") + `]`
}

// A denial closes what it speaks of to whom it names, in reads and in searches alike,
// at once, and takes nothing from anybody else.
func TestConsentDenies(t *testing.T) {
	deny := func(parts ...string) string { return `{"type":"deny",` + strings.Join(parts, ",") + `}` }
	for name, c := range map[string]struct {
		provision string
		result    bool // the doctor still sees the patient's result
		problem   bool // and her problem
	}{
		"the doctor":                 {deny(to("Practitioner/doctor")), false, false},
		"another doctor":             {deny(to("Practitioner/other")), true, true},
		"everybody":                  {`{"type":"deny"}`, false, false},
		"her organisation":           {deny(to("Organization/house")), false, false},
		"her role":                   {deny(to("PractitionerRole/role")), false, false},
		"a role she had":             {deny(to("PractitionerRole/former")), true, true},
		"her team":                   {deny(to("CareTeam/team")), false, false},
		"a group":                    {deny(to("Group/group")), false, false},
		"a kind of record":           {deny(to("Practitioner/doctor"), class("Observation")), false, true},
		"two kinds of record":        {deny(to("Practitioner/doctor"), class("Condition", "Observation")), false, false},
		"another kind of record":     {deny(to("Practitioner/doctor"), class("Procedure")), true, true},
		"her purpose":                {deny(purpose("TREAT")), false, false},
		"another purpose":            {deny(purpose("HPAYMT")), true, true},
		"a code":                     {deny(to("Practitioner/doctor"), `"code":[{"coding":[{"system":"http://loinc.org","code":"2823-3"}]}]`), false, true},
		"another code":               {deny(to("Practitioner/doctor"), `"code":[{"coding":[{"system":"http://loinc.org","code":"9999-9"}]}]`), true, true},
		"a label":                    {deny(to("Practitioner/doctor"), `"securityLabel":[{"system":"urn:house","code":"private"}]`), true, false},
		"one record":                 {deny(to("Practitioner/doctor"), `"data":[{"meaning":"instance","reference":{"reference":"Condition/c-ann"}}]`), true, false},
		"a visit and all of it":      {deny(to("Practitioner/doctor"), `"data":[{"meaning":"related","reference":{"reference":"Encounter/visit"}}]`), true, false},
		"a time that is over":        {deny(to("Practitioner/doctor"), `"period":{"end":"2026-11-21"}`), true, true},
		"a time that is now":         {deny(to("Practitioner/doctor"), `"period":{"start":"2026-11-22T11:00:00Z","end":"2026-11-22T13:00:00Z"}`), false, false},
		"a time to come":             {deny(to("Practitioner/doctor"), `"period":{"start":"2026-12-01"}`), true, true},
		"all but results":            {deny(to("Practitioner/doctor"), `"provision":[{"type":"permit",`+class("Observation")+`}]`), true, false},
		"all, with an empty excuse":  {deny(to("Practitioner/doctor"), `"provision":[{"type":"permit"}]`), true, true},
		"all, her colleagues may":    {deny(`"provision":[{"type":"permit",` + to("Practitioner/other") + `}]`), false, false},
		"all but her":                {deny(`"provision":[{"type":"permit",` + to("Practitioner/doctor") + `}]`), true, true},
		"an exception to an excuse":  {deny(`"provision":[{"type":"permit","provision":[{"type":"deny",` + class("Observation") + `}]}]`), false, true},
		"a permission with a denial": {`{"type":"permit","provision":[` + deny(to("Practitioner/doctor"), class("Condition")) + `]}`, true, false},
		"nothing but a denial":       {`{"provision":[` + deny(to("Practitioner/doctor")) + `]}`, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			widths(t, func(t *testing.T, r *rig) {
				doctor, nurse, program := r.as(person("doctor", "east")), r.as(person("nurse", "east")), r.as(program(t))
				staffed(program)
				sees(t, doctor, true, true)
				filed := r.as(importer())
				filed.put(consent("wish", "ann", c.provision))
				sees(t, doctor, c.result, c.problem)
				if !strings.Contains(name, "everybody") && !strings.Contains(name, "purpose") && !strings.HasPrefix(c.provision, `{"type":"deny","provision"`) {
					sees(t, nurse, true, true)
				}
				filed.put(strings.Replace(consent("wish", "ann", c.provision), "active", "inactive", 1))
				sees(t, doctor, true, true) // what was taken back counts no more
			})
		})
	}
}

// staffed writes what the doctor belongs to, and a problem of the patient.
func staffed(a as) {
	for _, text := range []string{
		`{"resourceType":"Organization","id":"house","name":"House"}`,
		`{"resourceType":"PractitionerRole","id":"role","active":true,"practitioner":{"reference":"Practitioner/doctor"},"organization":{"reference":"Organization/house"}}`,
		`{"resourceType":"PractitionerRole","id":"former","period":{"end":"2026-01-01"},"practitioner":{"reference":"Practitioner/doctor"}}`,
		`{"resourceType":"CareTeam","id":"team","status":"active","participant":[{"member":{"reference":"Practitioner/doctor"}}]}`,
		`{"resourceType":"Group","id":"group","type":"practitioner","actual":true,"member":[{"entity":{"reference":"Practitioner/doctor"}}]}`,
		`{"resourceType":"Encounter","id":"visit","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/ann"}}`,
		`{"resourceType":"Condition","id":"c-ann","meta":{"security":[{"system":"urn:house","code":"private"}]},"subject":{"reference":"Patient/ann"},"encounter":{"reference":"Encounter/visit"},"code":{"text":"x"}}`,
	} {
		a.put(text)
	}
}

// TestVisitsWithAllThatIsOfThem: whatever names its visit is withheld with it.
func TestVisitsWithAllThatIsOfThem(t *testing.T) {
	wish := `{"type":"deny",` + to("Practitioner/doctor") + `,"data":[{"meaning":"related","reference":{"reference":"Encounter/visit"}}]}`
	of := map[string]string{
		"AdverseEvent":       `"actuality":"actual","subject":{"reference":"Patient/ann"}`,
		"AllergyIntolerance": `"patient":{"reference":"Patient/ann"}`,
		"Immunization":       `"status":"completed","vaccineCode":{"text":"x"},"patient":{"reference":"Patient/ann"},"occurrenceString":"x"`,
		"Procedure":          `"status":"completed","subject":{"reference":"Patient/ann"}`,
	}
	widths(t, func(t *testing.T, r *rig) {
		doctor, program, filed := r.as(person("doctor", "east")), r.as(program(t)), r.as(importer())
		staffed(program)
		for typ, rest := range of {
			filed.put(`{"resourceType":"` + typ + `","id":"of","encounter":{"reference":"Encounter/visit"},` + rest + `}`)
			check(t, doctor.get(typ+"/of"))
		}
		filed.put(consent("wish", "ann", wish))
		for typ := range of {
			wantKind(t, doctor.get(typ+"/of"), fault.NotFound, typ)
			doctor.finds(typ+"?_id=of", "")
		}
	})
}

// TestVisitsAreFound: each type that names its visit has a parameter for it.
func TestVisitsAreFound(t *testing.T) {
	named := 0
	for typ := range r4.Resources {
		for _, member := range []string{"encounter", "context"} {
			if of := r4.Lookup(typ, member); of == 0 || of.Type() != r4.Reference {
				continue
			}
			named++
			if _, err := search.Parse(typ.String(), []search.Param{{Key: member, Value: "Encounter/x"}}, search.Options{}); err != nil {
				t.Errorf("%s.%s: %v", typ, member, err)
			}
		}
	}
	if named < 30 {
		t.Errorf("%d types name their visit: not all were looked at", named)
	}
}

// sees compares reads, searches and counts with what somebody is to see of Ann.
func sees(t *testing.T, who as, result, problem bool) {
	t.Helper()
	for ref, want := range map[string]bool{"Observation/k-ann": result, "Condition/c-ann": problem} {
		typ, _, _ := strings.Cut(ref, "/")
		err := who.get(ref)
		found, total := "", 0
		if want {
			check(t, err)
			found, total = strings.TrimPrefix(ref, typ+"/"), 1
		} else {
			wantKind(t, err, fault.NotFound, ref)
		}
		who.finds(typ+"?patient=ann", found)
		if n := who.total(typ + "?patient=ann"); n != total {
			t.Errorf("%s: counted %d", typ, n)
		}
	}
}

// A permission opens what it speaks of to whom it names, while it lasts, and no more.
func TestConsentPermits(t *testing.T) {
	permit := func(parts ...string) string { return `{"type":"permit",` + strings.Join(parts, ",") + `}` }
	for name, c := range map[string]struct {
		provision       string
		result, problem bool
	}{
		"the doctor":          {permit(to("Practitioner/eve")), true, true},
		"nobody by name":      {`{"type":"permit"}`, false, false},
		"another":             {permit(to("Practitioner/other")), false, false},
		"results":             {permit(to("Practitioner/eve"), class("Observation")), true, false},
		"her purpose":         {permit(to("Practitioner/eve"), purpose("TREAT")), true, true},
		"another purpose":     {permit(to("Practitioner/eve"), purpose("HRESCH")), false, false},
		"a time that is over": {permit(to("Practitioner/eve"), `"period":{"end":"2026-11-21"}`), false, false},
		"all but problems":    {permit(to("Practitioner/eve"), `"provision":[{"type":"deny",`+class("Condition")+`}]`), true, false},
		"all, but not to her": {permit(to("Practitioner/eve"), `"provision":[{"type":"deny",`+to("Practitioner/eve")+`}]`), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			widths(t, func(t *testing.T, r *rig) {
				program, eve := r.as(program(t)), r.as(doctorOf("eve"))
				staffed(program)
				sees(t, eve, false, false)
				program.put(consent("wish", "ann", c.provision))
				sees(t, eve, c.result, c.problem)
				wantKind(t, eve.get("Observation/k-bob"), fault.NotFound, "somebody else's")
				if err := eve.update(strings.Replace(result("ann", "5.0", "2026-11-22"), `"valueQuantity"`, `"issued":"2026-11-22T12:00:00Z","valueQuantity"`, 1)); err == nil {
					t.Error("a Consent to see opened a chart to changes")
				}
				program.put(strings.Replace(consent("wish", "ann", c.provision), "active", "inactive", 1))
				sees(t, eve, false, false)
			})
		})
	}
}

// A mark asks for more than a Consent, and the record of two patients for both of theirs.
func TestConsentOpensNoMarks(t *testing.T) {
	r := hospital(t, 64)
	program, eve := r.as(program(t)), r.as(doctorOf("eve"))
	r.as(importer()).put(marked(`{"resourceType":"Condition","id":"m","subject":{"reference":"Patient/ann"},"code":{"text":"x"}}`, "HIV"))
	program.put(`{"resourceType":"Appointment","id":"both","status":"booked","start":"2026-11-22T12:00:00Z","participant":[{"actor":{"reference":"Patient/ann"},"status":"accepted"},{"actor":{"reference":"Patient/bob"},"status":"accepted"}]}`)
	program.put(consent("a", "ann", `{"type":"permit",`+to("Practitioner/eve")+`}`))
	check(t, eve.get("Observation/k-ann"))
	wantKind(t, eve.get("Condition/m"), fault.NotFound, "a marked record")
	wantKind(t, eve.get("Appointment/both"), fault.NotFound, "a record of two")
	eve.finds("Appointment", "")
	program.put(consent("b", "bob", `{"type":"permit",`+to("Practitioner/eve")+`}`))
	check(t, eve.get("Appointment/both"))
	eve.finds("Appointment", "both")
}

// An emergency opens what was withheld, and the patient's own view stays open.
func TestConsentAndEmergencies(t *testing.T) {
	r, book := emergencies(t)
	doctor := r.as(r.proven(person("doctor", "east")))
	r.as(importer()).put(consent("wish", "ann", `{"type":"deny"}`))
	wantKind(t, doctor.get("Observation/k-ann"), fault.NotFound, "before")
	check(t, doctor.breaks("ann"))
	check(t, doctor.now(book).get("Observation/k-ann"))
	ann := person("patient")
	ann.PatientID, ann.PractitionerID = "ann", ""
	check(t, r.as(ann).get("Observation/k-ann"))
}

// What cannot be enforced is refused when it is written; filed by an import, it
// denies as much as it may mean and permits nothing.
func TestConsentsThatCannotBeEnforced(t *testing.T) {
	for place, part := range map[string]string{
		"Consent.provision.actor":         `"actor":[{"role":{"text":"x"},"reference":{"display":"the neighbour"}}]`,
		"Consent.provision.class":         class("Observation")[:len(class("Observation"))-1] + `,{"system":"urn:x","code":"y"}]`,
		"Consent.provision.purpose":       purpose("UNHEARDOF"),
		"Consent.provision.dataPeriod":    `"dataPeriod":{"start":"2020"}`,
		"Consent.provision.code":          `"code":[{"text":"embarrassing"}]`,
		"Consent.provision.securityLabel": `"securityLabel":[{"display":"x"}]`,
		"Consent.provision.data":          `"data":[{"meaning":"dependents","reference":{"reference":"Condition/c"}}]`,
		"Consent.provision.action":        `"action":[{"text":"x"}]`,
	} {
		t.Run(place, func(t *testing.T) {
			r := hospital(t, 64)
			doctor, registration := r.as(person("doctor", "east")), r.as(person("registration"))
			err := registration.create(consent("wish", "ann", `{"type":"deny",`+part+`}`))
			wantKind(t, err, fault.Unprocessable, "a Consent")
			if !strings.Contains(fault.Public(err), place) {
				t.Errorf("the refusal does not say where: %q", fault.Public(err))
			}
			check(t, registration.create(strings.Replace(consent("wish", "ann", `{"type":"deny",`+part+`}`), "active", "proposed", 1)))
			r.as(importer()).put(consent("filed", "ann", `{"type":"permit",`+part+`}`))
			wantKind(t, r.as(doctorOf("eve")).get("Observation/k-ann"), fault.NotFound, "by an odd permission")
			check(t, doctor.get("Observation/k-ann"))
			r.as(importer()).put(consent("filed", "ann", `{"type":"deny",`+part+`}`))
			wantKind(t, doctor.get("Observation/k-ann"), fault.NotFound, "under an odd denial")
		})
	}
}

// Nobody opens records to herself by a Consent, nor takes away one that is against her.
func TestNobodyConsentsForHerself(t *testing.T) {
	r := hospital(t, 64)
	staffed(r.as(program(t)))
	doctor := r.as(person("doctor", "east"))
	for _, ref := range []string{"Practitioner/doctor", "Organization/house", "CareTeam/team"} {
		wantKind(t, doctor.create(consent("new", "ann", `{"type":"permit",`+to(ref)+`}`)), fault.Denied, ref)
	}
	wantKind(t, doctor.create(consent("new", "ann", `{"type":"deny","provision":[{"type":"permit",`+to("Practitioner/doctor")+`}]}`)), fault.Denied, "nested")
	check(t, doctor.create(consent("new", "ann", `{"type":"permit",`+to("Practitioner/other")+`}`)))

	both := r.as(twoRoles("doctor", "registration", "east"))
	r.as(importer()).put(consent("wish", "ann", `{"type":"deny",`+to("Practitioner/"+both.actor.PractitionerID)+`}`))
	wantKind(t, both.get("Observation/k-ann"), fault.NotFound, "denied")
	wantKind(t, both.update(strings.Replace(consent("wish", "ann", `{"type":"deny"}`), "active", "inactive", 1)), fault.Denied, "taking it back")
	check(t, r.as(person("registration")).update(strings.Replace(consent("wish", "ann", `{"type":"deny"}`), "active", "inactive", 1)))
	check(t, both.get("Observation/k-ann"))
}

// What was written by another server is known after some seconds, and a time that
// comes acts by itself.
func TestConsentTimes(t *testing.T) {
	r := hospital(t, 64)
	doctor := r.as(person("doctor", "east"))
	r.as(program(t)).put(consent("wish", "ann", `{"type":"deny","period":{"start":"2026-11-22T12:00:10Z","end":"2026-11-22T12:00:20Z"}}`))
	for _, want := range []bool{true, false, true} {
		if err := doctor.get("Observation/k-ann"); (err == nil) != want {
			t.Errorf("at %v: %v", r.clock.Now(), err)
		}
		r.clock.Advance(11 * time.Second)
	}
}

// Rights change with what Consents say: what was kept for somebody is not shown after.
func TestConsentsAreRights(t *testing.T) {
	r := hospital(t, 64)
	doctor := person("doctor", "east")
	before, err := r.chart.Rights(t.Context(), doctor)
	check(t, err)
	r.as(program(t)).put(consent("wish", "ann", `{"type":"deny",`+to("Practitioner/doctor")+`}`))
	after, err := r.chart.Rights(t.Context(), doctor)
	check(t, err)
	if before == after {
		t.Error("rights are the same")
	}
	if other, err := r.chart.Rights(t.Context(), identity.System("x", "exporter")); err != nil || other == "" {
		t.Error(err)
	}
}

// Whatever a Consent says, a search finds what a read shows: were the two to disagree,
// the search would end with an alarm.
func TestConsentsAreOneForReadsAndSearches(t *testing.T) {
	for _, bits := range []int{64, 12} {
		r := hospital(t, bits)
		staffed(r.as(program(t)))
		doctor, eve, filed := r.as(person("doctor", "east")), r.as(doctorOf("eve")), r.as(importer())
		seen := map[bool]int{}
		rapid.Check(t, func(t *rapid.T) {
			filed.put(consent("wish", "ann", provisionLike(t, 3)))
			for _, who := range []as{doctor, eve} {
				for _, ref := range []string{"Observation/k-ann", "Condition/c-ann", "Encounter/visit", "Patient/ann"} {
					typ, id, _ := strings.Cut(ref, "/")
					shown := who.get(ref) == nil
					seen[shown]++
					found, err := who.find(typ + "?_id=" + id)
					if err != nil || (len(found) == 1) != shown {
						t.Fatalf("%s as %s: read %v, found %v, %v", ref, who.actor.PractitionerID, shown, found, err)
					}
				}
			}
		})
		if seen[true] == 0 || seen[false] == 0 {
			t.Errorf("one way alone was met: %v", seen)
		}
	}
}

// provisionLike makes a provision of a few conditions, with others in it.
func provisionLike(t *rapid.T, depth int) string {
	pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	parts := []string{`"type":"` + pick("type", "deny", "permit") + `"`}
	for _, part := range []string{
		pick("actor", "", "", to("Practitioner/doctor"), to("Practitioner/eve"), to("Organization/house"), `"actor":[{"role":{"text":"x"},"reference":{"display":"x"}}]`),
		pick("purpose", "", "", "", purpose("TREAT"), purpose("HPAYMT")),
		pick("class", "", "", class("Observation"), class("Condition", "Encounter")),
		pick("code", "", "", "", `"code":[{"coding":[{"code":"2823-3"}]}]`, `"code":[{"text":"x"}]`),
		pick("label", "", "", "", `"securityLabel":[{"system":"urn:house","code":"private"}]`),
		pick("data", "", "", "", `"data":[{"meaning":"related","reference":{"reference":"Encounter/visit"}}]`, `"data":[{"meaning":"instance","reference":{"reference":"Condition/c-ann"}}]`),
		pick("period", "", "", "", `"period":{"end":"2026-11-21"}`, `"dataPeriod":{"end":"2026-11-21"}`),
	} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if n := rapid.IntRange(0, depth-1).Draw(t, "nested"); n > 0 {
		parts = append(parts, `"provision":[`+provisionLike(t, depth-1)+`]`)
	}
	return "{" + strings.Join(parts, ",") + "}"
}
