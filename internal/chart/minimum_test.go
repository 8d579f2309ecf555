package chart_test

import (
	"context"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/search"
)

// canary stands in every element that the role under test is not shown.
const canary = "CANARY-7f3a"

// full is an encounter with something in every element that some role lacks.
func full(id, who string) string {
	return `{"resourceType":"Encounter","id":"` + id + `","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">` + canary + `</div>"},` +
		`"contained":[{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/` + who + `"},"code":{"text":"` + canary + `"}}],` +
		`"extension":[{"url":"urn:x","valueString":"` + canary + `"}],` +
		`"status":"in-progress","class":{"code":"IMP"},"subject":{"reference":"Patient/` + who + `"},` +
		`"reasonCode":[{"coding":[{"system":"http://snomed.info/sct","code":"1"}],"text":"` + canary + `"}],` +
		`"reasonReference":[{"reference":"#c","display":"` + canary + `"}],"period":{"start":"2026-11-01"},"location":[{"location":{"reference":"Location/bed-7"}}]}`
}

// What is hidden leaves by no road of the door.
func TestHiddenElementsStay(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		all := r.as(program(t))
		all.put(full("enc", "ann"))
		all.put(`{"resourceType":"Bundle","id":"b","type":"collection"}`)
		billing := r.as(person("billing"))
		seen := ""
		show := func(what string, list []chart.Resource, err error) {
			t.Helper()
			check(t, err)
			if len(list) == 0 {
				t.Errorf("%s shows nothing", what)
			}
			for _, res := range list {
				if strings.Contains(string(res.JSON()), canary) {
					t.Errorf("%s shows what is hidden", what)
				}
				seen += string(res.JSON())
			}
		}
		one := func(res chart.Resource, err error) ([]chart.Resource, error) { return []chart.Resource{res}, err }
		list, err := one(r.chart.Read(ctx, billing.actor, "Encounter", "enc", 0))
		show("read", list, err)
		list, err = one(r.chart.Read(ctx, billing.actor, "Encounter", "enc", 1))
		show("vread", list, err)
		for _, query := range []string{
			"Encounter?_id=enc", "Patient?_id=ann&_revinclude=Encounter:subject", "Patient?_id=ann&_revinclude=*",
			"Encounter?_id=enc&_include=*", "Encounter?_sort=-date&_id=enc",
		} {
			typ, rest, _ := strings.Cut(query, "?")
			params, err := chart.ParseQuery(rest)
			check(t, err)
			found, err := r.chart.Search(ctx, billing.actor, chart.SearchRequest{Type: typ, Params: params})
			check(t, err)
			show(query, append(found.Matches, found.Included...), nil)
		}
		h, err := r.chart.History(ctx, billing.actor, chart.HistoryRequest{Type: "Encounter", ID: "enc"})
		check(t, err)
		show("history", h.Versions, nil)
		h, err = r.chart.History(ctx, billing.actor, chart.HistoryRequest{})
		check(t, err)
		show("all histories", h.Versions, nil)
		ev, err := r.chart.Everything(ctx, billing.actor, chart.EverythingRequest{Type: "Patient", ID: "ann"})
		check(t, err)
		show("everything", append(ev.Resources, ev.Included...), nil)
		view, err := r.chart.View(ctx, billing.actor, chart.ViewRequest{Name: "x", Patient: "ann", Searches: []string{"Encounter?patient=ann"}})
		check(t, err)
		show("view", view.Parts[0].Resources, view.Parts[0].Err)
		snap, err := r.chart.Snapshot(ctx)
		check(t, err)
		_, _, err = r.chart.ExportLeg(ctx, billing.actor, chart.Extent{Type: "Encounter"}, snap, 0, 0, func(list []chart.Resource) error {
			show("export", list, nil)
			return nil
		})
		check(t, err)
		if !strings.Contains(seen, "SUBSETTED") || !strings.Contains(seen, `"code":"1"`) {
			t.Error("what is shown is not what billing needs")
		}
	})
}

// By what is hidden one can neither find, sort, chain, include nor count: it is as
// if there were no such parameter.
func TestHiddenElementsAreNotAsked(t *testing.T) {
	r := hospital(t, 64)
	r.as(program(t)).put(full("enc", "ann"))
	billing := r.as(person("billing"))
	_, unknown := billing.find("Encounter?no-such-parameter=1")
	wantKind(t, unknown, fault.Invalid, "unknown")
	for _, query := range []string{
		"Encounter?reason-code=1", "Encounter?reason-code:missing=false", "Encounter?reason-code:not=1", "Encounter?_sort=reason-reference",
		"Encounter?reason-reference.code=1", "Patient?_has:Encounter:subject:reason-code=1", "Patient?_has:Encounter:reason-reference:status=x",
		"Encounter?_filter=reason-code%20eq%201", "Encounter?_text=canary", "Encounter?_content=canary", "Encounter?participant=Practitioner/x",
		"Encounter?_include=Encounter:reason-reference", "Condition?_revinclude=Encounter:reason-reference", "Claim?encounter.reason-code=1",
		"Encounter?_contained=true", "Encounter?_total=accurate&reason-code=1", "Patient?general-practitioner=Practitioner/x",
	} {
		if _, err := billing.find(query); err == nil {
			t.Errorf("%s is answered", query)
		} else if fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.Denied {
			t.Errorf("%s: %v", query, err)
		}
	}
	_, _, err := r.chart.ExportLeg(context.Background(), billing.actor, chart.Extent{Type: "Encounter",
		Filters: [][]search.Param{{{Key: "reason-code", Value: "1"}}}}, chart.Snapshot{At: 1}, 0, 0, nil)
	wantKind(t, err, fault.Invalid, "an export's filter")
	both := person("billing", "east")
	both.Roles = []string{"billing", "nurse"}
	if _, err := r.as(both).find("Encounter?reason-code=1"); err == nil {
		t.Error("a second role searches in what the first is not shown")
	}
	r.as(person("nurse", "east")).finds("Encounter?reason-code=1", "enc")
}

// Pharmacists find and open the results that go with drugs, and no others.
func TestRowsOfAPharmacist(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		all := r.as(program(t))
		of := func(id, code string) string {
			return strings.NewReplacer(`"id":"k-ann"`, `"id":"`+id+`"`, "2823-3", code).Replace(result("ann", "4", "2026-11-20"))
		}
		all.put(of("inr", "6301-6"))
		all.put(of("mood", "44249-1"))
		pharmacist := r.as(person("pharmacist", "*"))
		pharmacist.finds("Observation?patient=ann&_sort=_id", "inr k-ann")
		pharmacist.finds("Observation?code=44249-1", "")
		pharmacist.finds("Patient?_id=ann&_revinclude=Observation:subject", "ann k-ann inr")
		pharmacist.finds("Patient?_has:Observation:patient:code=44249-1", "")
		pharmacist.finds("Patient?_has:Observation:patient:code=6301-6", "ann")
		if n := pharmacist.total("Observation?patient=ann"); n != 2 {
			t.Errorf("counts %d", n)
		}
		check(t, pharmacist.get("Observation/inr"))
		wantKind(t, pharmacist.get("Observation/mood"), fault.NotFound, "a result that goes with no drug")
		h, err := r.chart.History(context.Background(), pharmacist.actor, chart.HistoryRequest{Type: "Observation"})
		check(t, err)
		for _, v := range h.Versions {
			if v.TypeID.ID == "mood" {
				t.Error("history tells of it")
			}
		}
		r.bury(t, "Observation", "mood")
		wantKind(t, pharmacist.get("Observation/mood"), fault.NotFound, "its tombstone")
		r.bury(t, "Observation", "inr")
		wantKind(t, pharmacist.get("Observation/inr"), fault.Gone, "a tombstone of what she saw")
	})
}

// Who writes what he sees a part of erases nothing of the rest, changes nothing of
// it, and learns nothing from the answer.
func TestWritesKeepWhatIsHidden(t *testing.T) {
	r := hospital(t, 64)
	ctx := context.Background()
	all, clerk := r.as(program(t)), r.as(person("registration"))
	all.put(full("enc", "ann"))
	update := func(text string) (chart.Outcome, error) {
		return r.chart.Update(ctx, clerk.actor, clerk.parse(text), chart.Condition{})
	}
	stored := func() string {
		res, err := r.chart.Read(ctx, all.actor, "Encounter", "enc", 0)
		check(t, err)
		return string(res.JSON())
	}
	seen, err := r.chart.Read(ctx, clerk.actor, "Encounter", "enc", 0)
	check(t, err)
	out, err := update(strings.Replace(string(seen.JSON()), `"in-progress"`, `"onleave"`, 1))
	check(t, err)
	if strings.Contains(string(out.Resource.JSON()), canary) {
		t.Error("the answer shows what is hidden")
	}
	now := stored()
	for _, want := range []string{`"onleave"`, `"reasonCode"`, `"reasonReference"`, `"contained"`, `"extension"`} {
		if !strings.Contains(now, want) {
			t.Errorf("%s is gone", want)
		}
	}
	if strings.Contains(now, "SUBSETTED") || strings.Contains(now, "<div") {
		t.Error("what is stored is not whole, or its narrative is old")
	}
	_, err = update(strings.Replace(string(seen.JSON()), `"status"`, `"reasonCode":[{"text":"x"}],"status"`, 1))
	wantKind(t, err, fault.Unprocessable, "a hidden element is changed")

	patch := func(text string) error {
		apply, err := chart.PatchOf(chart.JSONPatch, []byte(text))
		check(t, err)
		out, err := r.chart.Patch(ctx, clerk.actor, "Encounter", "enc", apply, chart.Condition{})
		if err == nil && strings.Contains(string(out.Resource.JSON()), canary) {
			t.Error("the answer to a patch shows what is hidden")
		}
		return err
	}
	check(t, patch(`[{"op":"replace","path":"/status","value":"in-progress"}]`))
	if !strings.Contains(stored(), canary) {
		t.Error("a patch erases what is hidden")
	}
	right := patch(`[{"op":"test","path":"/reasonCode/0/text","value":"` + canary + `"}]`)
	wrong := patch(`[{"op":"test","path":"/reasonCode/0/text","value":"x"}]`)
	if right == nil || wrong == nil || right.Error() != wrong.Error() {
		t.Error("a patch tells what is hidden:", right, wrong)
	}
	if err := patch(`[{"op":"copy","from":"/reasonCode","path":"/serviceType"}]`); err == nil {
		t.Error("a patch copies what is hidden")
	}
}

// Callers who see a part only get the same answer whether an id is there or not.
func TestIDsAreNotChosen(t *testing.T) {
	r := hospital(t, 64)
	r.as(importer()).put(marked(patient("vip", "Star", "1970"), "CEL"))
	for _, actor := range []identity.Actor{person("nurse", "east"), person("registration"), person("lab")} {
		body := func(id string) string { return patient(id, "New", "1980-01-01") }
		if actor.HasRole("lab") || actor.HasRole("nurse") {
			body = func(id string) string { return strings.Replace(result("bob", "4", "2026"), "k-bob", id, 1) }
		}
		there := map[bool]string{true: "vip", false: "k-bob"}[actor.HasRole("registration")]
		var errs [2]error
		for i, id := range []string{there, "nobody-has-this"} {
			_, errs[i] = r.chart.Update(context.Background(), actor, r.as(actor).parse(body(id)), chart.Condition{})
		}
		if fault.KindOf(errs[0]) != fault.NotFound || fault.KindOf(errs[1]) != fault.NotFound || fault.Public(errs[0]) != fault.Public(errs[1]) {
			t.Errorf("%s: %v; %v", actor.Name, errs[0], errs[1])
		}
	}
}

// A scope may not be narrowed by what the person is not shown: which records it lets
// through would tell the program.
func TestScopesAskNothingHidden(t *testing.T) {
	r := hospital(t, 64)
	r.as(program(t)).put(full("enc", "ann"))
	for scope, want := range map[string]bool{"user/Encounter.rs?status=in-progress": true, "user/Encounter.rs?reason-code=1": false} {
		app := person("billing")
		app.ClientID, app.ConnectionID, app.Scopes = "app", "c", granted(t, scope)
		if err := r.as(app).get("Encounter/enc"); (err == nil) != want {
			t.Errorf("%s: %v", scope, err)
		}
		if _, err := r.as(app).find("Encounter?_id=enc"); (err == nil) != want {
			t.Errorf("%s, a search: %v", scope, err)
		}
	}
}

// What a role reaches is told without a look at any record, and a fresh proof that is
// wanted first does not take it away.
func TestReaches(t *testing.T) {
	r := newRig(t, 64)
	for _, c := range []struct {
		role, typ string
		want      bool
	}{
		{"nurse", "MedicationRequest", true}, {"nurse", "Claim", false}, {"billing", "Encounter", true}, {"billing", "MedicationRequest", false},
		{"billing", "Observation", false}, {"pharmacist", "AllergyIntolerance", true}, {"lab", "MedicationRequest", false}, {"admin", "Observation", true},
	} {
		if got := r.chart.Reaches(person(c.role, "east"), c.typ); got != c.want {
			t.Errorf("%s reaches %s: %v", c.role, c.typ, got)
		}
	}
}
