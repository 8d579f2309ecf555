package chart_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/search"
)

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
