package chart_test

import (
	"context"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

const ofCategory = "http://terminology.hl7.org/CodeSystem/observation-category"

// measured is an Observation of a category.
func measured(who, category string) string {
	text := strings.Replace(result(who, "4.1", "2026-11-20"), "k-"+who, category+"-"+who, 1)
	return strings.Replace(text, `"code":`, `"category":[{"coding":[{"system":"`+ofCategory+`","code":"`+category+`"}]}],"code":`, 1)
}

func granted(t *testing.T, text string) identity.Scopes {
	t.Helper()
	scopes, err := identity.ParseScopes(text)
	check(t, err)
	return scopes
}

// app is a program that acts for a nurse of ward east, opened for a patient.
func app(t *testing.T, scopes, patient string) identity.Actor {
	t.Helper()
	actor := person("nurse", "east")
	actor.ClientID, actor.ConnectionID, actor.PatientContext, actor.Scopes = "app", "c", patient, granted(t, scopes)
	return actor
}

func categories(t *testing.T, r *rig) {
	t.Helper()
	for _, who := range []string{"ann", "bob", "cat"} {
		for _, category := range []string{"laboratory", "vital-signs"} {
			r.as(program(t)).put(measured(who, category))
		}
	}
}

// A granular scope is one more condition on every road.
func TestGranularScopes(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		categories(t, r)
		actor := program(t)
		actor.Scopes = granted(t, "system/Observation.cruds?category="+ofCategory+"|laboratory system/Patient.rs")
		lab := r.as(actor)
		lab.finds("Observation?_sort=_id", "laboratory-ann laboratory-bob laboratory-cat")
		lab.finds("Observation?category=vital-signs", "")
		lab.finds("Observation?_id=vital-signs-ann,laboratory-ann", "laboratory-ann")
		lab.finds("Patient?_has:Observation:subject:category=vital-signs", "")
		lab.finds("Patient?_has:Observation:subject:category=laboratory&_sort=_id", "ann bob cat")
		lab.finds("Patient?_id=ann&_revinclude=Observation:subject", "ann laboratory-ann")
		if n := lab.total("Observation"); n != 3 {
			t.Errorf("it counts %d", n)
		}
		check(t, lab.get("Observation/laboratory-ann"))
		wantKind(t, lab.get("Observation/vital-signs-ann"), fault.NotFound, "another category")
		wantKind(t, lab.get("Observation/k-ann"), fault.NotFound, "no category")
		wantKind(t, lab.get("Encounter/stay-ann"), fault.Denied, "another type")
		_, err := lab.history("Observation/vital-signs-ann")
		wantKind(t, err, fault.NotFound, "its history")
		h, err := r.chart.History(context.Background(), actor, chart.HistoryRequest{Type: "Observation"})
		check(t, err)
		if len(h.Versions) != 3 {
			t.Errorf("the history of the type shows %d versions", len(h.Versions))
		}
	})
}

// Who may write a part only moves nothing into it or out of it.
func TestGranularWrites(t *testing.T) {
	r := hospital(t, 64)
	categories(t, r)
	actor := program(t)
	actor.Scopes = granted(t, "system/Observation.cruds?category=laboratory")
	lab := r.as(actor)
	write := func(text string) error {
		_, err := r.chart.Update(context.Background(), actor, lab.parse(text), chart.Condition{})
		return err
	}
	check(t, write(measured("ann", "laboratory")))
	wantKind(t, write(measured("ann", "vital-signs")), fault.NotFound, "what is of another category")
	moved := strings.Replace(measured("ann", "vital-signs"), "vital-signs-ann", "laboratory-ann", 1)
	wantKind(t, write(moved), fault.Denied, "out of its part")
	_, err := r.chart.Create(context.Background(), actor, lab.parse(result("ann", "1", "2026-11-20")), nil)
	wantKind(t, err, fault.Denied, "a new one outside")
	_, err = r.chart.Create(context.Background(), actor, lab.parse(measured("ann", "laboratory")), nil)
	check(t, err)
	wantKind(t, write(strings.Replace(measured("ann", "laboratory"), "laboratory-ann", "chosen", 1)), fault.NotFound, "an id of its choice")
}

func TestExportByGranularScope(t *testing.T) {
	r := hospital(t, 64)
	categories(t, r)
	for scopes, want := range map[string]int{"system/Observation.rs": 9, "system/Observation.rs?category=laboratory": 3} {
		actor := program(t)
		actor.Scopes = granted(t, scopes)
		s, err := r.chart.Snapshot(context.Background())
		check(t, err)
		var out strings.Builder
		n, err := r.chart.Export(context.Background(), actor, "Observation", s, &out)
		check(t, err)
		if n != want || strings.Count(out.String(), "\n") != want {
			t.Errorf("%s: %d records", scopes, n)
		}
	}
}

// An app sees what the person sees, of that what its scopes say, and of patients
// the one it was opened for.
func TestDelegatedAccess(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		categories(t, r)
		r.as(program(t)).put(stay("bob", "bed-7", "in-progress")) // now both are the nurse's
		both := r.as(person("nurse", "east"))
		both.finds("Patient?_sort=_id", "ann bob")

		ann := r.as(app(t, "patient/*.rs", "ann"))
		ann.finds("Patient", "ann")
		ann.finds("Observation?_sort=_id", "k-ann laboratory-ann vital-signs-ann")
		ann.finds("Observation?subject=Patient/bob", "")
		ann.finds("Observation?subject:Patient.family=brown", "")
		ann.finds("Location?_id=west", "west") // no patient in it
		check(t, ann.get("Observation/k-ann"))
		for _, hidden := range []string{"Patient/bob", "Observation/k-bob", "Encounter/stay-bob"} {
			check(t, both.get(hidden))
			wantKind(t, ann.get(hidden), fault.NotFound, hidden)
		}
		_, err := r.chart.Update(context.Background(), ann.actor, ann.parse(measured("ann", "laboratory")), chart.Condition{})
		wantKind(t, err, fault.Denied, "writing by a scope to read")

		narrow := r.as(app(t, "patient/Observation.rs?category=laboratory user/Patient.r", "ann"))
		narrow.finds("Observation", "laboratory-ann")
		check(t, narrow.get("Patient/bob")) // by the scope of level user
		wantKind(t, narrow.get("Patient/cat"), fault.NotFound, "no patient of hers")
		_, err = narrow.find("Patient")
		wantKind(t, err, fault.Denied, "a search without the scope")

		cat := r.as(app(t, "patient/*.cruds", "cat"))
		cat.finds("Patient", "")
		wantKind(t, cat.get("Patient/cat"), fault.NotFound, "a patient the person may not see")
		none := r.as(app(t, "patient/*.cruds", ""))
		none.finds("Patient", "")
		wantKind(t, none.get("Patient/ann"), fault.NotFound, "no patient in context")
		everything := r.as(app(t, "user/*.cruds", ""))
		everything.finds("Patient?_sort=_id", "ann bob")
	})
}

// Writing, the patient in context must be the only one it is about.
func TestDelegatedWrites(t *testing.T) {
	r := hospital(t, 64)
	r.as(program(t)).put(stay("bob", "bed-7", "in-progress"))
	actor := app(t, "patient/*.cruds", "ann")
	create := func(text string) error {
		_, err := r.chart.Create(context.Background(), actor, r.as(actor).parse(text), nil)
		return err
	}
	check(t, create(measured("ann", "vital-signs")))
	wantKind(t, create(measured("bob", "vital-signs")), fault.Denied, "another patient")
	both := strings.Replace(measured("ann", "vital-signs"), `"effectiveDateTime"`, `"performer":[{"reference":"Patient/bob"}],"effectiveDateTime"`, 1)
	wantKind(t, create(both), fault.Denied, "both")
	check(t, func() error {
		_, err := r.chart.Create(context.Background(), person("nurse", "east"), r.as(actor).parse(both), nil)
		return err
	}())
}

func TestCheckScope(t *testing.T) {
	r := hospital(t, 64)
	for query, ok := range map[string]bool{
		"category=laboratory": true, "category=" + ofCategory + "|laboratory": true, "code=http://loinc.org|2823-3": true,
		"_security=x|R": true, "category=a,b": true, "category=a&status=final": true,
		"_count=1": false, "_sort=date": false, "_include=x": false, "_has=x": false, "_filter=x": false, "_text=x": false, "nonsense=1": false, "_id=x": false,
	} {
		err := r.chart.CheckScope(context.Background(), "Observation", query)
		if (err == nil) != ok {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// A scope tells nobody what is hidden from him: what he may not search by, it is
// not narrowed by either.
func TestScopesTellNothingHidden(t *testing.T) {
	r := hospital(t, 64)
	actor := person("billing")
	actor.ClientID, actor.ConnectionID = "app", "c"
	actor.Scopes = granted(t, "user/Patient.rs?general-practitioner=Practitioner/x")
	check(t, r.chart.CheckScope(context.Background(), "Patient", "general-practitioner=Practitioner/x"))
	_, err := r.as(actor).find("Patient")
	wantKind(t, err, fault.Denied, "narrowed by what is hidden")
	actor.Scopes = granted(t, "user/Patient.rs?gender=female")
	_, err = r.as(actor).find("Patient")
	check(t, err)
}
