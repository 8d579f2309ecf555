package chart_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/search"
)

// marked gives a resource a security label of v3-ActCode.
func marked(text, code string) string {
	return strings.Replace(text, `","`, `","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"`+code+`"}]},"`, 1)
}

// importer may write anything and read nothing.
func importer() identity.Actor { return identity.System("importer", "importer") }

func (a as) version(ref string, version uint64) error {
	typ, id, _ := strings.Cut(ref, "/")
	_, err := a.chart.Read(context.Background(), a.actor, typ, id, version)
	return err
}

func (a as) history(ref string) (*chart.History, error) {
	typ, id, _ := strings.Cut(ref, "/")
	return a.chart.History(context.Background(), a.actor, chart.HistoryRequest{Type: typ, ID: id})
}

func TestAMarkCoversThePast(t *testing.T) {
	r := hospital(t, 64)
	nurse := r.as(person("nurse", "east"))
	check(t, nurse.version("Observation/k-ann", 1))
	r.as(importer()).put(marked(result("ann", "4.1", "2026-11-20"), "ETH"))
	wantKind(t, nurse.get("Observation/k-ann"), fault.NotFound, "the marked record")
	wantKind(t, nurse.version("Observation/k-ann", 1), fault.NotFound, "the version before the mark")
	_, err := nurse.history("Observation/k-ann")
	wantKind(t, err, fault.NotFound, "the history of a marked record")
}

func TestATombstoneKeepsItsMark(t *testing.T) {
	r := hospital(t, 64)
	r.as(importer()).put(marked(result("ann", "4.1", "2026-11-20"), "ETH"))
	// Nobody may delete a marked record: the tombstone is written as a server
	// of another release might have left it.
	r.bury(t, "Observation", "k-ann")
	for name, actor := range map[string]identity.Actor{"a nurse": person("nurse", "east"), "a program": program(t)} {
		who := r.as(actor)
		wantKind(t, who.get("Observation/k-ann"), fault.NotFound, name+" reads the tombstone of a marked record")
		_, err := who.history("Observation/k-ann")
		wantKind(t, err, fault.NotFound, name+" reads its history")
		_, err = r.chart.Update(context.Background(), actor, who.parse(result("ann", "1", "2026-11-20")), chart.Condition{})
		wantKind(t, err, fault.NotFound, name+" writes over it")
	}
	wantKind(t, r.as(person("nurse", "west")).get("Observation/k-ann"), fault.NotFound, "another ward")
}

func TestMovedRecords(t *testing.T) {
	r := hospital(t, 64)
	p := r.as(program(t))
	p.put(strings.Replace(result("bob", "4.1", "2026-11-20"), "k-bob", "k-ann", 1)) // filed for ann by mistake
	east, west := r.as(person("nurse", "east")), r.as(person("nurse", "west"))
	wantKind(t, east.get("Observation/k-ann"), fault.NotFound, "moved away")
	wantKind(t, east.version("Observation/k-ann", 1), fault.NotFound, "its past, to the ward it left")
	wantKind(t, west.version("Observation/k-ann", 1), fault.NotFound, "its past, to the ward it came to")
	h, err := west.history("Observation/k-ann")
	check(t, err)
	if len(h.Versions) != 1 || h.Versions[0].Version != 2 {
		t.Errorf("history shows %d versions", len(h.Versions))
	}
	for name, c := range map[string]struct {
		who  as
		want int
	}{"the ward it left": {east, 0}, "the ward it came to": {west, 1}} {
		for _, typ := range []string{"Observation", ""} {
			h, err := r.chart.History(context.Background(), c.who.actor, chart.HistoryRequest{Type: typ})
			check(t, err)
			got := 0
			for _, res := range h.Versions {
				if res.TypeID.ID == "k-ann" {
					got++
				}
			}
			if got != c.want {
				t.Errorf("%s: the history of %q shows %d versions", name, typ, got)
			}
		}
	}
	check(t, west.get("Observation/k-ann"))
}

// TestMarksStay plays the treating doctor, who may open marked records, and the
// nurse, who may not.
func TestMarksStay(t *testing.T) {
	r := hospital(t, 64)
	ctx := context.Background()
	note := marked(result("cat", "3.9", "2026-01-02"), "PSY")
	r.as(importer()).put(note)
	doctor := r.as(person("doctor"))
	check(t, doctor.get("Observation/k-cat"))
	_, err := r.chart.Update(ctx, doctor.actor, doctor.parse(result("cat", "3.9", "2026-01-02")), chart.Condition{})
	wantKind(t, err, fault.Unprocessable, "a doctor's update without the label")
	_, err = r.chart.Transaction(ctx, doctor.actor, []chart.Entry{{
		Method: "PUT", URL: "Observation/k-cat", Place: "Bundle.entry[0]", Resource: doctor.parse(result("cat", "3.9", "2026-01-02")),
	}})
	wantKind(t, err, fault.Unprocessable, "a transaction without the label")
	doctor.put(marked(result("cat", "4.0", "2026-01-02"), "PSY"))
	nurse := r.as(person("nurse", "east"))
	_, err = r.chart.Update(ctx, nurse.actor, nurse.parse(marked(result("ann", "4.1", "2026-11-20"), "ETH")), chart.Condition{})
	wantKind(t, err, fault.Denied, "a nurse marks a record")
	p := r.as(program(t))
	_, err = r.chart.Update(ctx, p.actor, p.parse(result("cat", "1", "2026-01-02")), chart.Condition{})
	wantKind(t, err, fault.NotFound, "a program takes a mark off")
}

// TestAWardThatWasLeft: one Encounter lists every place of a stay.
func TestAWardThatWasLeft(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		p := r.as(program(t))
		east, west := r.as(person("nurse", "east")), r.as(person("nurse", "west"))
		moved := func(first string) string {
			return strings.Replace(stay("ann", "west", "in-progress"), `"location":[`, `"location":[{"location":{"reference":"Location/bed-7"},`+first+`},`, 1)
		}
		for name, first := range map[string]string{
			"completed": `"status":"completed"`,
			"ended":     `"period":{"start":"2026-11-20","end":"2026-11-22T11:00:00Z"}`,
			"planned":   `"status":"planned"`,
		} {
			p.put(moved(first))
			if wantKind(t, east.get("Patient/ann"), fault.NotFound, name); t.Failed() {
				return
			}
			east.finds("Observation", "")
			west.finds("Patient?_sort=family", "ann bob")
		}
		p.put(moved(`"status":"active","period":{"end":"2026-11-23"}`))
		east.finds("Patient", "ann")
	})
}

func TestATeamThatWasLeft(t *testing.T) {
	r := hospital(t, 64)
	doctor := r.as(person("doctor"))
	check(t, doctor.get("Patient/cat"))
	team := `{"resourceType":"CareTeam","id":"team-cat","status":"active","subject":{"reference":"Patient/cat"},"participant":[{"member":{"reference":"Practitioner/doctor"},"period":{"end":"2026-11-21"}}]}`
	r.as(program(t)).put(team)
	wantKind(t, doctor.get("Patient/cat"), fault.NotFound, "after leaving the team")
	r.as(program(t)).put(strings.Replace(team, `"period":{"end":"2026-11-21"}`, `"period":{"end":"2026-11"}`, 1))
	check(t, doctor.get("Patient/cat"))
	r.clock.Advance(10 * 24 * time.Hour)
	wantKind(t, doctor.get("Patient/cat"), fault.NotFound, "after the last day")
}

func TestAPatientsOwnIDDecides(t *testing.T) {
	r := hospital(t, 64)
	r.as(importer()).put(marked(patient("vip", "Star", "1990-01-01"), "CEL"))
	p := r.as(program(t))
	// The id in the body of a creation is not the one it gets.
	out, err := r.chart.Create(context.Background(), p.actor, p.parse(patient("vip", "Other", "1991-01-01")), nil)
	check(t, err)
	if out.Resource.TypeID.ID == "vip" {
		t.Error("a creation took the id of its body")
	}
}

func TestTransactions(t *testing.T) {
	r := hospital(t, 64)
	p := r.as(program(t))
	fresh := func(text string) string { return strings.Replace(text, `"id":"k-ann",`, "", 1) }
	for name, c := range map[string]struct {
		want    fault.Kind
		entries []chart.Entry
	}{
		"a patch that is none": {fault.Invalid, []chart.Entry{
			{Method: "PUT", URL: "Observation/k-ann", Resource: p.parse(result("ann", "9", "2026-11-20"))},
			{Method: "PATCH", URL: "Observation/k-bob", Resource: p.parse(result("bob", "9", "2026-11-20"))},
		}},
		"another id": {fault.Invalid, []chart.Entry{{Method: "PUT", URL: "Observation/k-bob", Resource: p.parse(result("ann", "9", "2026-11-20"))}}},
		"the same twice": {fault.Invalid, []chart.Entry{
			{Method: "DELETE", URL: "Observation/k-ann"},
			{Method: "PUT", URL: "Observation/k-ann", Resource: p.parse(result("ann", "9", "2026-11-20"))},
		}},
		"one condition twice": {fault.Invalid, []chart.Entry{
			{Method: "POST", URL: "Patient", IfNoneExist: "identifier=urn:mrn|M-two", Resource: p.parse(patient("two", "Two", "1990"))},
			{Method: "POST", URL: "Patient", IfNoneExist: "identifier=urn:mrn|M-two", Resource: p.parse(patient("two", "Two", "1990"))},
		}},
		"a weak condition": {fault.Invalid, []chart.Entry{{Method: "PUT", URL: "Observation/k-ann", IfNoneMatch: `W/"1"`, Resource: p.parse(result("ann", "9", "2026-11-20"))}}},
		"one stale": {fault.Precondition, []chart.Entry{
			{Method: "POST", URL: "Observation", Resource: p.parse(fresh(result("ann", "9", "2026-11-20")))},
			{Method: "DELETE", URL: "Observation/k-bob", IfMatch: `W/"7"`},
		}},
	} {
		for i := range c.entries {
			c.entries[i].Place = "Bundle.entry"
		}
		_, err := r.chart.Transaction(context.Background(), p.actor, c.entries)
		wantKind(t, err, c.want, name)
	}
	if n := p.total("Observation"); n != 3 {
		t.Errorf("a refused transaction left %d records", n)
	}
	check(t, p.version("Observation/k-ann", 1))
	if err := p.version("Observation/k-ann", 2); err == nil {
		t.Error("a refused transaction changed a record")
	}
}

// TestFilingIsPatient: what is refused does not keep the rest out, and the mark
// of an import tells of what was refused.
func TestFilingIsPatient(t *testing.T) {
	r := hospital(t, 64)
	p := r.as(program(t))
	var refused []int
	out, err := r.chart.File(context.Background(), importer(), []chart.Entry{
		{Method: "PUT", URL: "Observation/k-new", Place: "1", Resource: p.parse(strings.Replace(result("ann", "9", "2026-11-20"), "k-ann", "k-new", 1))},
		{Method: "PUT", URL: "Observation/k-new", Place: "2", Resource: p.parse(strings.Replace(result("ann", "8", "2026-11-20"), "k-ann", "k-new", 1))},
	}, func(i int, _ error) { refused = append(refused, i) }, nil)
	check(t, err)
	if len(out) != 2 || !out[0].Created || len(refused) != 1 || refused[0] != 1 {
		t.Errorf("refused %v of %+v", refused, out)
	}
}

func TestConditionsWithoutWordsRace(t *testing.T) {
	r := hospital(t, 64)
	p := r.as(program(t))
	where := []search.Param{{Key: "beneficiary", Value: "Patient/ann"}}
	created := make(chan bool, 16)
	for range cap(created) {
		go func() {
			res := p.parse(`{"resourceType":"Coverage","status":"active","beneficiary":{"reference":"Patient/ann"},"payor":[{"reference":"Patient/ann"}]}`)
			out, err := r.chart.Create(context.Background(), p.actor, res, where)
			created <- err == nil && out.Created
		}()
	}
	n := 0
	for range cap(created) {
		if <-created {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d creations succeeded", n)
	}
}

// TestRefusalsNameWhatWasTried: the officer must be able to see who tried to
// open or change which record, and what a condition probed for.
func TestRefusalsNameWhatWasTried(t *testing.T) {
	r := hospital(t, 64)
	ctx := context.Background()
	nurse := r.as(person("nurse", "east"))
	_, _ = r.chart.Update(ctx, nurse.actor, nurse.parse(result("bob", "9", "2026-11-22")), chart.Condition{})
	_, _ = r.chart.Delete(ctx, nurse.actor, "Encounter", "stay-bob", chart.Condition{})
	_, _ = r.chart.Create(ctx, nurse.actor, nurse.parse(strings.Replace(result("ann", "4", "2026"), `"id":"k-ann",`, "", 1)), []search.Param{{Key: "code", Value: "2823-3"}})
	_, _ = r.chart.Transaction(ctx, nurse.actor, []chart.Entry{{Method: "PUT", URL: "Observation/k-bob", Place: "Bundle.entry[0]", Resource: nurse.parse(result("bob", "9", "2026-11-22"))}})
	check(t, r.log.Integrate(ctx))
	var got []string
	check(t, r.log.Search(ctx, audit.Filter{Actor: nurse.actor.ID}, func(rec *audit.Record) error {
		got = append(got, rec.Query)
		return nil
	}))
	want := "Observation/k-bob;Encounter/stay-bob;code=2823-3;PUT Observation/k-bob"
	if text := strings.Join(got, ";"); text != want {
		t.Errorf("the log says %q", text)
	}
}

// TestAnEntryNamesOnce: what an entry names by its key it does not name again.
func TestAnEntryNamesOnce(t *testing.T) {
	r := hospital(t, 64)
	ctx := context.Background()
	p := r.as(program(t))
	res, err := r.chart.Read(ctx, p.actor, "Observation", "k-ann", 0)
	check(t, err)
	_, err = r.chart.Update(ctx, p.actor, p.parse(result("ann", "9", "2026-11-22")), chart.Condition{})
	check(t, err)
	_, err = r.chart.Read(ctx, p.actor, "Observation", "k-nobody", 0)
	wantKind(t, err, fault.NotFound, "a read of nothing")
	_, err = r.chart.Delete(ctx, p.actor, "Observation", "k-nobody", chart.Condition{})
	wantKind(t, err, fault.NotFound, "a deletion of nothing")
	check(t, r.log.Integrate(ctx))
	var got []string
	check(t, r.log.Search(ctx, audit.Filter{Actor: p.actor.ID}, func(rec *audit.Record) error {
		said := rec.Action + " " + rec.Query
		for _, i := range rec.Items {
			said += fmt.Sprint(" version ", i.Version)
		}
		got = append(got, said)
		return nil
	}))
	want := []string{"read  version 1", "update  version 2", "read Observation/k-nobody", "delete Observation/k-nobody"}
	if n := len(want); len(got) < n || !slices.Equal(got[len(got)-n:], want) {
		t.Errorf("the log says %q of version %d, want %q", got, res.Version, want)
	}
}

func TestIncludesAreNeverCutShort(t *testing.T) {
	r := hospital(t, 64)
	var entries []chart.Entry
	p := r.as(program(t))
	for range 2100 {
		entries = append(entries, chart.Entry{Method: "POST", URL: "Observation", Place: "x", Resource: p.parse(strings.Replace(result("ann", "1", "2026"), `"id":"k-ann",`, "", 1))})
	}
	_, err := r.chart.Transaction(context.Background(), p.actor, entries)
	check(t, err)
	_, err = p.find("Patient?_id=ann&_revinclude=Observation:subject")
	wantKind(t, err, fault.TooCostly, "2101 records included")
}

// TestChainsTellOfNothingHidden asks records that everybody may see about the
// patients they name.
func TestChainsTellOfNothingHidden(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		p := r.as(program(t))
		for _, who := range []string{"ann", "bob"} {
			p.put(`{"resourceType":"Schedule","id":"plan-` + who + `","actor":[{"reference":"Patient/` + who + `"}]}`)
			p.put(`{"resourceType":"Slot","id":"slot-` + who + `","status":"free","schedule":{"reference":"Schedule/plan-` + who + `"},"start":"2026-11-23T08:00:00Z","end":"2026-11-23T09:00:00Z"}`)
		}
		r.as(importer()).put(marked(patient("vip", "Star", "1990-01-01"), "CEL"))
		p.put(`{"resourceType":"Schedule","id":"plan-vip","actor":[{"reference":"Patient/vip"}]}`)
		nurse := r.as(person("nurse", "east"))
		nurse.finds("Schedule", "plan-ann plan-bob plan-vip")
		for _, a := range []struct {
			who         as
			query, want string
		}{
			{nurse, "Schedule?actor:Patient.family=adams", "plan-ann"},
			{nurse, "Schedule?actor:Patient.family=brown", ""},
			{nurse, "Schedule?actor:Patient.family=adams,brown&_sort=_id", "plan-ann"},
			{nurse, "Schedule?actor:Patient.birthdate=gt1900", "plan-ann"},
			{nurse, "Schedule?actor:Patient._id=bob", ""},
			{nurse, "Slot?schedule.actor:Patient.family=adams", "slot-ann"},
			{nurse, "Slot?schedule.actor:Patient.family=brown", ""},
			{p, "Slot?schedule.actor:Patient.family=brown", "slot-bob"},
			{p, "Schedule?actor:Patient.family=star", ""},
			{p, "Schedule?actor:Patient.birthdate=gt1900&_sort=_id", "plan-ann plan-bob"},
		} {
			a.who.finds(a.query, a.want)
			if n, want := a.who.total(a.query), len(strings.Fields(a.want)); n != want {
				t.Errorf("%s as %s counts %d, not %d", a.query, a.who.actor.ID, n, want)
			}
		}
	})
}

// TestADischargeDuringASearch is no disagreement of index and policy.
func TestADischargeDuringASearch(t *testing.T) {
	r := hospital(t, 64)
	nurse, p := r.as(person("nurse", "east")), r.as(program(t))
	for name, road := range map[string]func(){
		"search": func() { nurse.finds("Observation", "") },
		"condition": func() {
			res := nurse.parse(strings.Replace(result("ann", "4", "2026"), `"id":"k-ann",`, "", 1))
			_, err := r.chart.Create(context.Background(), nurse.actor, res, []search.Param{{Key: "code", Value: "2823-3"}})
			wantKind(t, err, fault.Denied, "a creation after the discharge")
		},
	} {
		p.put(stay("ann", "bed-7", "in-progress"))
		nurse.finds("Observation", "k-ann")
		discharge := func() { p.put(stay("ann", "bed-7", "finished")) }
		r.store.meanwhile.Store(&discharge)
		if road(); t.Failed() {
			t.Error(name)
		}
	}
}

// Who may write and not read is told the same of what is there, out of his reach, and of
// what is not.
func TestUpdatesTellNobodyWhatIsThere(t *testing.T) {
	r := hospital(t, 64)
	writer := r.as(app(t, "user/Observation.cud", ""))
	for _, id := range []string{"k-bob", "k-nobody"} {
		text := strings.Replace(result("bob", "5.0", "2026-11-22"), "k-bob", id, 1)
		wantKind(t, writer.update(text), fault.NotFound, id)
	}
}

// The rows of a role confine what it makes, too.
func TestTheLaboratoryFilesItsOwn(t *testing.T) {
	r := hospital(t, 64)
	lab := r.as(person("lab"))
	if err := lab.create(measured("ann", "laboratory")); err != nil {
		t.Error(err)
	}
	wantKind(t, lab.create(measured("ann", "vital-signs")), fault.Denied, "vital signs")
	wantKind(t, lab.create(result("ann", "5.0", "2026-11-22")), fault.Denied, "a result of no category")
}
