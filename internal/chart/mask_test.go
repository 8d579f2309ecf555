package chart_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/search"
)

// The numbers that nobody may see whole unasked: an SSN, and the number of an
// insurance card under a system that no table names.
const (
	ssn    = "987-65-4320"
	member = "M0818371-04"
)

const (
	typeMB    = `"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MB"}]}`
	sueSSN    = `{"system":"http://hl7.org/fhir/sid/us-ssn","value":"` + ssn + `"}`
	sueMember = `{` + typeMB + `,"system":"urn:payer","value":"` + member + `"}`
	sue       = `{"resourceType":"Patient","id":"sue","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">` + ssn + `</div>"},` +
		`"identifier":[{"system":"urn:mrn","value":"M-sue"},` + sueSSN + `,` + sueMember + `],"name":[{"family":"Stone","given":["Sue"]}],"birthDate":"1971-02-03"}`
)

// cover is a Coverage; lab, an Observation that names its patient by number and contains
// somebody with one.
const (
	cover = `{"resourceType":"Coverage","id":"cov","identifier":[{"system":"urn:payer","value":"` + member + `"}],"status":"active","subscriberId":"` + member + `","beneficiary":{"reference":"Patient/sue"},"payor":[{"display":"Payer"}]}`
	lab   = `{"resourceType":"Observation","id":"lab","contained":[{"resourceType":"Patient","id":"c","identifier":[` + sueSSN + `]}],"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2823-3"}]},` +
		`"subject":{"reference":"Patient/sue","identifier":` + sueMember + `},"performer":[{"reference":"#c"}],"note":[{"text":"Seen with card ` + member + `."}],"effectiveDateTime":"2026-11-22"}`
)

func numbered(t *testing.T, bits int) *rig {
	r := hospital(t, bits)
	p := r.as(identity.System("import", "importer"))
	for _, text := range []string{sue, cover, strings.Replace(lab, `"performer":[{"reference":"#c"}]`, `"focus":[{"reference":"#c"}]`, 1), stay("sue", "bed-7", "in-progress"),
		`{"resourceType":"CareTeam","id":"team-sue","status":"active","subject":{"reference":"Patient/sue"},"participant":[{"member":{"reference":"Practitioner/doctor"}}]}`} {
		p.put(text)
	}
	return r
}

// askers are everybody who sees sue.
func (r *rig) askers(t *testing.T) map[string]as {
	system, err := identity.ParseScopes("system/*.rs")
	check(t, err)
	user, err := identity.ParseScopes("user/*.rs")
	check(t, err)
	patient := person("patient")
	patient.PatientID = "sue"
	app := person("registration")
	app.ClientID, app.Scopes = "app", user
	return map[string]as{
		"nurse": r.as(person("nurse", "east")), "doctor": r.as(person("doctor")), "pharmacist": r.as(person("pharmacist", "east")),
		"registration": r.as(person("registration")), "billing": r.as(person("billing")), "patient": r.as(patient),
		"program": r.as(program(t)), "program that reads": r.as(identity.Actor{Kind: identity.KindClient, ID: "reader", Scopes: system, SessionID: "s", RequestID: "r"}),
		"app of the front desk": r.as(app),
	}
}

func whole(res chart.Resource) bool {
	return res.Resource != nil && (bytes.Contains(res.JSON(), []byte(ssn)) || bytes.Contains(res.JSON(), []byte(member)))
}

// No road of the door shows a whole number, to nobody; the operator's export does.
func TestNumbersAreMaskedOnEveryRoad(t *testing.T) {
	r := numbered(t, 64)
	ctx := context.Background()
	for name, a := range r.askers(t) {
		shown := 0
		see := func(road string, list []chart.Resource) {
			t.Helper()
			for _, res := range list {
				if whole(res) {
					t.Errorf("%s: %s shows a whole number", name, road)
				}
				if res.Resource != nil && bytes.Contains(res.JSON(), []byte("***-**-4320")) {
					shown++
				}
			}
		}
		for _, ref := range []string{"Patient/sue", "Coverage/cov", "Observation/lab"} {
			typ, id, _ := strings.Cut(ref, "/")
			for _, version := range []uint64{0, 1} {
				if res, err := r.chart.Read(ctx, a.actor, typ, id, version); err == nil {
					see("read", []chart.Resource{res})
				}
			}
			h, err := r.chart.History(ctx, a.actor, chart.HistoryRequest{Type: typ, ID: id})
			if err == nil {
				see("history", h.Versions)
			}
			snap, err := r.chart.Snapshot(ctx)
			check(t, err)
			_, _, _ = r.chart.ExportLeg(ctx, a.actor, chart.Extent{Type: typ}, snap, 0, 0, func(list []chart.Resource) error {
				see("export", list)
				return nil
			})
		}
		for _, query := range []string{
			"Patient?_id=sue", "Patient?_id=sue&_revinclude=*", "Coverage?_id=cov&_include=*", "Observation?_id=lab&_include=*", "Patient?_id=sue&_elements=identifier",
			"Patient?_contained=true&_containedType=contained&birthdate:missing=true", "Patient?family=stone&_sort=birthdate",
		} {
			typ, rest, _ := strings.Cut(query, "?")
			params, err := chart.ParseQuery(rest)
			check(t, err)
			if found, err := r.chart.Search(ctx, a.actor, chart.SearchRequest{Type: typ, Params: params}); err == nil {
				see(query, append(found.Matches, found.Included...))
			}
		}
		if h, err := r.chart.History(ctx, a.actor, chart.HistoryRequest{}); err == nil {
			see("all histories", h.Versions)
		}
		if ev, err := r.chart.Everything(ctx, a.actor, chart.EverythingRequest{Type: "Patient", ID: "sue"}); err == nil {
			see("$everything", append(ev.Resources, ev.Included...))
		}
		if view, err := r.chart.View(ctx, a.actor, chart.ViewRequest{Name: "x", Patient: "sue", Searches: []string{"Coverage?beneficiary=sue", "Observation?subject=sue"}}); err == nil {
			see("view", append(append([]chart.Resource{*view.Patient}, view.Parts[0].Resources...), view.Parts[1].Resources...))
		}
		if last, err := r.chart.Last(ctx); err == nil {
			for at := last; at > 0 && at+8 > last; at-- {
				happened, _ := r.chart.Happenings(ctx, "Patient", at-1, 1)
				for _, h := range happened {
					if res, err := r.chart.Notify(ctx, a.actor, "s", h, nil); err == nil && res != nil {
						see("notification", []chart.Resource{*res})
					}
				}
			}
		}
		if shown == 0 {
			t.Errorf("%s sees nothing of sue: the test proves nothing", name)
		}
	}
	var out bytes.Buffer
	snap, err := r.chart.Snapshot(ctx)
	check(t, err)
	_, err = r.chart.Export(ctx, identity.System("export", "exporter"), "Patient", snap, &out)
	check(t, err)
	if !strings.Contains(out.String(), ssn) || !strings.Contains(out.String(), member) {
		t.Error("the operator's export is not whole")
	}
}

// Whoever sees a number masked cannot find out by a search whether it is the one he has
// in mind: a right guess is answered like a wrong one, by each of the roads.
func TestMaskedNumbersAreNoOracle(t *testing.T) {
	for _, bits := range []int{64, 12} {
		r := numbered(t, bits)
		asks := []string{
			"Patient?identifier=%s", "Patient?identifier=http://hl7.org/fhir/sid/us-ssn|%s", "Patient?identifier=urn:payer|%s", "Patient?identifier=|%s", "Patient?identifier:not=%s&_id=sue",
			"Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MB|%s", "Patient?_filter=identifier%%20eq%%20%%22%s%%22", "Patient?_filter=not(identifier%%20eq%%20%%22%s%%22)%%20and%%20_id%%20eq%%20sue",
			"Patient?_filter=identifier%%20ne%%20%%22%s%%22%%20and%%20_id%%20eq%%20sue", "Observation?subject:Patient.identifier=%s", "Observation?subject:identifier=%s", "Observation?subject:identifier=urn:payer|%s",
			"Patient?_has:Observation:subject:subject:identifier=%s", "Patient?_has:Encounter:subject:subject:Patient.identifier=%s", "Coverage?identifier=%s", "Coverage?beneficiary:Patient.identifier=%s",
			"Patient?_contained=true&identifier=%s", "Patient?_contained=both&identifier=%s", "Patient?_text=%s", "Patient?_content=%s", "Coverage?_content=%s", "Observation?_content=%s", "Patient?identifier:text=%s",
			"Patient?identifier=%s&_summary=count", "Patient?identifier=nobody,%s",
		}
		askers := r.askers(t)
		for _, name := range []string{"nurse", "doctor", "registration", "billing", "patient", "program", "app of the front desk"} {
			a := askers[name]
			for _, ask := range asks {
				for right, wrong := range map[string]string{ssn: "987-65-4321", member: "M0818372-04"} {
					hit, errHit := a.find(fmt.Sprintf(ask, right))
					miss, errMiss := a.find(fmt.Sprintf(ask, wrong))
					if fmt.Sprint(hit, fault.KindOf(errHit), errHit) != fmt.Sprint(miss, fault.KindOf(errMiss), errMiss) {
						t.Errorf("%s: %s tells: %v %v, of a wrong one %v %v", name, ask, hit, errHit, miss, errMiss)
					}
					if errHit != nil && fault.KindOf(errHit) == fault.Internal {
						t.Errorf("%s: %s fails: %v", name, ask, errHit)
					}
				}
			}
		}
		// Without the check, as the server asks itself, the same searches tell.
		found := 0
		for _, ask := range asks {
			typ, rest, _ := strings.Cut(fmt.Sprintf(ask, member), "?")
			params, err := chart.ParseQuery(rest)
			check(t, err)
			q, err := search.Parse(typ, params, search.Options{})
			if err != nil {
				continue
			}
			if list, err := r.vault.All(context.Background(), q); err == nil && len(list) > 0 {
				found++
			}
		}
		if found < 8 {
			t.Errorf("only %d of the searches would find anything: the test proves little", found)
		}
	}
}

// What is no masked number is found as before.
func TestOtherNumbersAreFound(t *testing.T) {
	for _, bits := range []int{64, 12} {
		r := numbered(t, bits)
		for _, a := range []as{r.as(person("registration")), r.as(program(t))} {
			a.finds("Patient?identifier=M-sue", "sue")
			a.finds("Patient?identifier=urn:mrn|M-sue", "sue")
			a.finds("Patient?identifier=urn:mrn|M-sue,urn:mrn|M-ann&_sort=birthdate", "ann sue")
			a.finds("Patient?identifier=urn:mrn|", "ann bob cat sue")
			a.finds("Patient?identifier=http://hl7.org/fhir/sid/us-ssn|", "sue") // that there is one is shown
			a.finds("Patient?identifier:missing=false&_id=sue", "sue")
			a.finds("Encounter?subject:Patient.identifier=urn:mrn|M-sue", "stay-sue")
			a.finds("Patient?identifier:not=urn:mrn|M-sue", "ann bob cat")
			a.finds("Patient?_has:Encounter:subject:_id=stay-sue&identifier=M-sue", "sue")
		}
	}
}

// Refusals say why; what else could be done exactly is refused, too.
func TestWhatIsNotSearchedByNumbers(t *testing.T) {
	r := numbered(t, 64)
	a := r.as(program(t))
	for _, query := range []string{
		"Patient?identifier=http://hl7.org/fhir/sid/us-ssn|1", "Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|SS|1", "Coverage?identifier=1",
		"Patient?_sort=identifier", "Patient?_contained=true&identifier=1", "Observation?subject:identifier=http://hl7.org/fhir/sid/us-ssn|1", "Patient?_filter=identifier%20eq%20http://hl7.org/fhir/sid/us-ssn|1",
		"Coverage?beneficiary:Patient.identifier=http://hl7.org/fhir/sid/us-ssn|1",
	} {
		_, err := a.find(query)
		wantKind(t, err, fault.Invalid, query)
	}
	wantKind(t, r.chart.CheckScope(context.Background(), "Patient", "identifier=urn:mrn|1"), fault.Invalid, "a scope by a number")
	_, err := r.chart.Create(context.Background(), a.actor, a.parse(strings.Replace(sue, `"id":"sue",`, "", 1)), []search.Param{{Key: "identifier", Value: "http://hl7.org/fhir/sid/us-ssn|" + ssn}})
	wantKind(t, err, fault.Invalid, "a conditional create")
	_, err = r.chart.DeleteWhere(context.Background(), a.actor, "Patient", []search.Param{{Key: "identifier", Value: "http://hl7.org/fhir/sid/us-ssn|" + ssn}}, chart.Condition{})
	wantKind(t, err, fault.Invalid, "a conditional delete")
	wantKind(t, r.chart.Criteria(context.Background(), "Patient", []search.Param{{Key: "identifier", Value: "http://hl7.org/fhir/sid/us-ssn|" + ssn}}), fault.Invalid, "a subscription")
}

// Who reads a record masked and writes it back destroys nothing, by any means.
func TestMaskedNumbersAreKept(t *testing.T) {
	r := numbered(t, 64)
	ctx := context.Background()
	for _, a := range []as{r.as(person("registration")), r.as(program(t))} {
		for _, ref := range []string{"Patient/sue", "Coverage/cov"} {
			typ, id, _ := strings.Cut(ref, "/")
			seen, err := r.chart.Read(ctx, a.actor, typ, id, 0)
			check(t, err)
			out, err := r.chart.Update(ctx, a.actor, a.parse(string(seen.JSON())), chart.Condition{})
			check(t, err)
			if whole(out.Resource) {
				t.Errorf("the answer to an update of %s is whole", ref)
			}
		}
		apply, err := chart.PatchOf(chart.JSONPatch, []byte(`[{"op":"add","path":"/gender","value":"female"},{"op":"add","path":"/identifier/-","value":{"system":"urn:new","value":"1"}},{"op":"remove","path":"/identifier/3"}]`))
		check(t, err)
		_, err = r.chart.Patch(ctx, a.actor, "Patient", "sue", apply, chart.Condition{})
		check(t, err)
		out, err := r.chart.MetaAdd(ctx, a.actor, "Patient", "sue", a.parse(`{"resourceType":"Basic","code":{"text":"x"},"meta":{"tag":[{"code":"t"}]}}`).Root().Get("meta"))
		check(t, err)
		if whole(out.Resource) {
			t.Error("the answer to $meta-add is whole")
		}
		kept := r.kept(t, "Patient", "sue") + r.kept(t, "Coverage", "cov")
		for _, want := range []string{sueSSN, `"value":"` + member + `"`, `"subscriberId":"` + member + `"`, `"gender":"female"`} {
			if !strings.Contains(kept, want) {
				t.Errorf("%s: %s is gone:\n%s", a.actor.Name, want, kept)
			}
		}
		if strings.Contains(kept, "SUBSETTED") || strings.Contains(kept, "masked") {
			t.Errorf("what was shown is stored:\n%s", kept)
		}
	}
}

// kept is a record as it is stored.
func (r *rig) kept(t *testing.T, typ, id string) string {
	t.Helper()
	var out bytes.Buffer
	snap, err := r.chart.Snapshot(context.Background())
	check(t, err)
	_, err = r.chart.Export(context.Background(), identity.System("export", "exporter"), typ, snap, &out)
	check(t, err)
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, `"id":"`+id+`"`) {
			return line
		}
	}
	t.Fatalf("%s/%s is not there", typ, id)
	return ""
}

// A masked value that stands for nothing stored is refused by its place; by a patch, and
// by what is refused, nobody finds out a number.
func TestMaskedNumbersAreNotGuessed(t *testing.T) {
	r := numbered(t, 64)
	ctx := context.Background()
	a := r.as(person("registration"))
	seen, err := r.chart.Read(ctx, a.actor, "Patient", "sue", 0)
	check(t, err)
	copied := strings.Replace(strings.Replace(string(seen.JSON()), `"id":"sue"`, `"id":"ann"`, 1), "M-sue", "M-ann", 1)
	err = a.update(copied)
	wantKind(t, err, fault.Unprocessable, "a copy into another chart")
	if out := fhir.Outcome(err); !bytes.Contains(out, []byte("Patient.identifier[1].value")) || bytes.Contains(out, []byte("4320")) {
		t.Errorf("the refusal says %s", out)
	}
	_, err = r.chart.Create(ctx, a.actor, a.parse(copied), nil)
	wantKind(t, err, fault.Unprocessable, "a copy into a new chart")
	for _, guess := range []string{ssn, "987-65-4321"} {
		apply, err := chart.PatchOf(chart.JSONPatch, []byte(`[{"op":"test","path":"/identifier/1/value","value":"`+guess+`"}]`))
		check(t, err)
		_, err = r.chart.Patch(ctx, a.actor, "Patient", "sue", apply, chart.Condition{})
		if err == nil {
			t.Error("a patch compares with what is masked")
		}
		apply, err = chart.PatchOf(chart.FHIRPathPatch, []byte(`{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"delete"},{"name":"path","valueString":"Patient.identifier.where(value='`+guess+`')"}]}]}`))
		check(t, err)
		_, err = r.chart.Patch(ctx, a.actor, "Patient", "sue", apply, chart.Condition{})
		check(t, err) // which finds nothing to delete
		if kept := r.kept(t, "Patient", "sue"); !strings.Contains(kept, ssn) {
			t.Error("a patch finds what is masked")
		}
	}
	_, err = r.chart.Validate(ctx, a.actor, chart.ValidateRequest{Type: "Patient", ID: "sue", Mode: "update", Resource: a.parse(string(seen.JSON()))})
	check(t, err)
	_, err = r.chart.Validate(ctx, a.actor, chart.ValidateRequest{Type: "Patient", ID: "ann", Mode: "update", Resource: a.parse(copied)})
	wantKind(t, err, fault.Unprocessable, "$validate of a copy")
}

// Who may ask for a whole number gets it for a purpose, and the log tells of it.
func TestUnmask(t *testing.T) {
	r := numbered(t, 64)
	ctx := context.Background()
	may := map[string]bool{"registration": true, "billing": true, "patient": true, "app of the front desk": true}
	for name, a := range r.askers(t) {
		res, err := r.chart.Unmask(ctx, a.actor, "Patient", "sue", "HPAYMT")
		if may[name] {
			check(t, err)
			if !strings.Contains(string(res.JSON()), ssn) || !strings.Contains(string(res.JSON()), member) {
				t.Errorf("%s gets %s", name, res.JSON())
			}
		} else if err == nil || !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v", name, err)
		}
	}
	desk := r.as(person("registration"))
	for what, try := range map[string]func() error{
		"no purpose":      func() error { _, err := r.chart.Unmask(ctx, desk.actor, "Patient", "sue", ""); return err },
		"another purpose": func() error { _, err := r.chart.Unmask(ctx, desk.actor, "Patient", "sue", "HMARKT"); return err },
	} {
		wantKind(t, try(), fault.Invalid, what)
	}
	_, err := r.chart.Unmask(ctx, desk.actor, "Observation", "lab", "TREAT")
	wantKind(t, err, fault.Denied, "a result")
	_, err = r.chart.Unmask(ctx, desk.actor, "Patient", "nobody", "TREAT")
	wantKind(t, err, fault.NotFound, "nobody")
	other := person("patient")
	other.PatientID = "ann"
	_, err = r.chart.Unmask(ctx, other, "Patient", "sue", "PATRQT")
	wantKind(t, err, fault.NotFound, "another patient")

	// The right to her own numbers is none to those of whom she treats.
	both := twoRoles("doctor", "patient")
	both.PatientID = "ann"
	_, err = r.chart.Unmask(ctx, both, "Patient", "sue", "PATRQT")
	wantKind(t, err, fault.Denied, "a doctor's patient, as a patient")
	_, err = r.chart.Unmask(ctx, both, "Patient", "ann", "PATRQT")
	check(t, err)

	check(t, r.log.Integrate(ctx))
	told := 0
	check(t, r.log.Search(ctx, audit.Filter{Actor: "billing-1", Action: authz.Unmask}, func(rec *audit.Record) error {
		told++
		if rec.Purpose != "HPAYMT" || len(rec.Items) != 1 || rec.Detail != "Patient.identifier[1].value Patient.identifier[2].value" || rec.Outcome != audit.OutcomeSuccess {
			t.Errorf("the entry is %+v", rec.Event)
		}
		return nil
	}))
	if told != 1 {
		t.Errorf("%d entries of one unmasking", told)
	}

	r.store.gone.Store(true)
	if _, err := r.chart.Unmask(ctx, desk.actor, "Patient", "sue", "HPAYMT"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("without a log: %v", err)
	}
	r.store.gone.Store(false)
}

// Nobody reads numbers by the hundred.
func TestUnmaskIsBounded(t *testing.T) {
	r := numbered(t, 64)
	desk := r.as(person("registration"))
	got := 0
	for range 50 {
		if _, err := r.chart.Unmask(context.Background(), desk.actor, "Patient", "sue", "HPAYMT"); err == nil {
			got++
		} else {
			wantKind(t, err, fault.Throttled, "one too many")
		}
	}
	if got != 20 {
		t.Errorf("%d numbers in one window", got)
	}
	r.clock.Advance(11 * time.Minute)
	if _, err := r.chart.Unmask(context.Background(), desk.actor, "Patient", "sue", "HPAYMT"); err != nil {
		t.Error(err)
	}
}

// A search parameter that somebody adds is no way to the numbers, either.
func TestAddedParametersAreNoOracle(t *testing.T) {
	r := hospital(t, 64)
	var added []*search.Parameter
	for i, kind := range []string{"string", "token"} {
		added = append(added, &search.Parameter{
			Number: uint32(i + 1), Code: "number-" + kind, Type: kind, Base: []string{"Patient"}, Expression: "Patient.identifier.value", Indexing: true, Searchable: true,
			Eval: func(res *fhir.Resource, visit func(fhir.Node, string)) error {
				for id := range res.Root().All("identifier") {
					visit(id.Get("value"), "")
				}
				return nil
			},
		})
	}
	catalog, err := search.Base().With(added...)
	check(t, err)
	r.vault.UseCatalog(catalog)
	r.as(identity.System("import", "importer")).put(sue)
	a := r.as(program(t))
	for _, kind := range []string{"string", "token"} {
		a.finds("Patient?number-"+kind+"=M-sue", "sue")
		a.finds("Patient?number-"+kind+"="+ssn, "")
		a.finds("Patient?_filter=number-"+kind+"%20eq%20"+member, "")
		_, err := a.find("Patient?_sort=number-" + kind)
		wantKind(t, err, fault.Invalid, "order by "+kind)
		q, err := search.Parse("Patient", []search.Param{{Key: "number-" + kind, Value: ssn}}, search.Options{Catalog: catalog})
		check(t, err)
		if list, err := r.vault.All(context.Background(), q); err != nil || len(list) != 1 {
			t.Errorf("the server itself finds %d by %s: the test proves nothing (%v)", len(list), kind, err)
		}
	}
	a.finds("Patient?number-string:contains=65-43", "")
}

// By a profile of one's own making nobody asks for a number, sign by sign.
func TestFindingsTellNoNumbers(t *testing.T) {
	r := numbered(t, 64)
	ctx := context.Background()
	door := r.validating(chart.Validation{Mode: chart.ValidateWarn})
	a := r.as(program(t))
	_, err := a.write(door, `{"resourceType":"StructureDefinition","id":"guess","url":"http://example.org/guess","name":"Guess","status":"active","kind":"resource","abstract":false,"type":"Patient","derivation":"constraint",`+
		`"baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","differential":{"element":[{"id":"Patient","path":"Patient","constraint":[{"key":"g-1","severity":"error","human":"no","expression":"identifier.where(value.startsWith('98')).empty()"}]}]}}`)
	check(t, err)
	told := func(text string) string {
		out, err := a.write(door, text)
		check(t, err)
		return fmt.Sprint(out.Issues)
	}
	seen, err := r.chart.Read(ctx, a.actor, "Patient", "sue", 0)
	check(t, err)
	claiming := strings.Replace(string(seen.JSON()), `"meta":{`, `"meta":{"profile":["http://example.org/guess"],`, 1)
	if got := told(claiming); strings.Contains(got, "g-1") {
		t.Errorf("the profile tells of the number: %s", got)
	}
	if kept := r.kept(t, "Patient", "sue"); !strings.Contains(kept, ssn) {
		t.Error("the number is gone")
	}
	// Of a number that its author sends himself, it tells.
	own := strings.Replace(patient("new", "New", "1990-01-01"), `"id":"new"`, `"id":"new","meta":{"profile":["http://example.org/guess"]}`, 1)
	if got := told(strings.Replace(own, `{"system":"urn:mrn","value":"M-new"}`, sueSSN, 1)); !strings.Contains(got, "g-1") {
		t.Errorf("the profile finds nothing in what was sent: the test proves nothing: %s", got)
	}
}
