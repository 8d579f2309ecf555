package chart_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/search"
)

// hospital fills a rig: two wards, a patient on each, one at home, and notes.
func hospital(t *testing.T, bits int) *rig {
	r := newRig(t, bits)
	p := r.as(program(t))
	for _, text := range []string{
		`{"resourceType":"Location","id":"east","status":"active","name":"East"}`,
		`{"resourceType":"Location","id":"bed-7","status":"active","partOf":{"reference":"Location/east"}}`,
		`{"resourceType":"Location","id":"west","status":"active","name":"West"}`,
		patient("ann", "Adams", "1961-03-12"), patient("bob", "Brown", "1970-07-01"), patient("cat", "Clark", "1980-01-31"),
		stay("ann", "bed-7", "in-progress"), stay("bob", "west", "in-progress"), stay("cat", "east", "finished"),
		result("ann", "4.1", "2026-11-20"), result("bob", "6.8", "2026-11-21"), result("cat", "3.9", "2026-01-02"),
		`{"resourceType":"CareTeam","id":"team-cat","status":"active","subject":{"reference":"Patient/cat"},"participant":[{"member":{"reference":"Practitioner/doctor"}}]}`,
		`{"resourceType":"DocumentReference","id":"note-ann","status":"current","subject":{"reference":"Patient/ann"},"content":[{"attachment":{"title":"note"}}]}`,
	} {
		p.put(text)
	}
	return r
}

func patient(id, family, born string) string {
	return `{"resourceType":"Patient","id":"` + id + `","identifier":[{"system":"urn:mrn","value":"M-` + id + `"}],"name":[{"family":"` + family + `","given":["X"]}],"birthDate":"` + born + `"}`
}

func stay(who, where, status string) string {
	return `{"resourceType":"Encounter","id":"stay-` + who + `","status":"` + status + `","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"IMP"},"subject":{"reference":"Patient/` + who + `"},"location":[{"location":{"reference":"Location/` + where + `"}}]}`
}

func result(who, value, day string) string {
	return `{"resourceType":"Observation","id":"k-` + who + `","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2823-3"}]},"subject":{"reference":"Patient/` + who + `"},"effectiveDateTime":"` + day + `","valueQuantity":{"value":` + value + `,"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"}}`
}

// widths runs a test with wide tokens, which never collide, and with narrow
// ones, which always do: who sees what must not depend on it.
func widths(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Run("64 bits", func(t *testing.T) { test(t, hospital(t, 64)) })
	t.Run("12 bits", func(t *testing.T) { test(t, hospital(t, 12)) })
}

func TestNurseSeesHerWard(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		nurse := r.as(person("nurse", "east"))
		nurse.finds("Patient?_sort=family", "ann")
		nurse.finds("Observation", "k-ann")
		nurse.finds("Observation?subject:Patient.family=brown", "")
		nurse.finds("Observation?subject:Patient.family=adams", "k-ann")
		nurse.finds("Patient?_id=ann,bob,cat", "ann")
		nurse.finds("Patient?_id=ann&_revinclude=Observation:subject", "ann k-ann")
		nurse.finds("Location?_id=west", "west")
		nurse.finds("Location?_id=west,east&_sort=name&_revinclude=Encounter:location", "east west")
		if n := nurse.total("Patient"); n != 1 {
			t.Errorf("a nurse of one patient counts %d", n)
		}
		if n := nurse.total("Observation?value-quantity=gt5"); n != 0 {
			t.Errorf("a count tells of %d results of other wards", n)
		}
		check(t, nurse.get("Patient/ann"))
		for _, hidden := range []string{"Patient/bob", "Patient/cat", "Observation/k-bob", "Encounter/stay-bob", "Patient/nobody"} {
			wantKind(t, nurse.get(hidden), fault.NotFound, hidden)
		}
	})
}

func TestOthers(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		r.as(person("doctor", "west")).finds("Patient?_sort=family", "bob cat")
		r.as(person("doctor")).finds("Patient", "cat")
		r.as(program(t)).finds("Patient?_sort=-family", "cat bob ann")

		billing := r.as(person("billing", "east"))
		_, err := billing.find("DocumentReference")
		wantKind(t, err, fault.Denied, "billing searches notes")
		wantKind(t, billing.get("DocumentReference/note-ann"), fault.Denied, "billing reads a note")
		_, err = r.as(person("admin")).find("Patient")
		wantKind(t, err, fault.Denied, "an administrator searches patients")
		half := person("nurse", "east")
		half.MFA = 0
		_, err = r.as(half).find("Patient")
		wantKind(t, err, fault.Denied, "a nurse without a second factor")
		_, err = r.as(chart.Actor{}).find("Patient")
		wantKind(t, err, fault.Denied, "nobody")
	})
}

func TestMovesActAtOnce(t *testing.T) {
	r := hospital(t, 64)
	nurse, p := r.as(person("nurse", "east")), r.as(program(t))
	p.put(stay("bob", "east", "in-progress"))
	nurse.finds("Patient?_sort=family", "ann bob")
	p.put(stay("ann", "east", "finished"))
	nurse.finds("Patient", "bob")
	wantKind(t, nurse.get("Patient/ann"), fault.NotFound, "after the discharge")
}

func TestMarks(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		p := r.as(program(t))
		vip := strings.Replace(patient("bob", "Brown", "1970-07-01"), `"id":"bob"`, `"id":"bob","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"CEL"}]}`, 1)
		_ = vip
		sud := strings.Replace(result("ann", "1.0", "2026-11-22"), `"id":"k-ann"`, `"id":"sud-ann","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"ETH"}]}`, 1)
		importer := person("nurse", "east")
		importer.Kind, importer.Roles = "system", []string{"importer"}
		r.as(importer).put(sud)
		nurse := r.as(person("nurse", "east"))
		nurse.finds("Observation", "k-ann")
		wantKind(t, nurse.get("Observation/sud-ann"), fault.NotFound, "a nurse reads a substance-use record")
		if n := nurse.total("Observation"); n != 1 {
			t.Errorf("a count tells of %d records", n)
		}
		p.finds("Observation?_sort=_id", "k-ann k-bob k-cat")
		r.as(importer).put(vip)
		r.as(person("nurse", "west")).finds("Observation", "")
	})
}

func TestWrites(t *testing.T) {
	r := hospital(t, 64)
	ctx := context.Background()
	nurse := r.as(person("nurse", "east"))
	mine := nurse.parse(strings.Replace(result("ann", "4.4", "2026-11-22"), `"id":"k-ann",`, "", 1))
	out, err := r.chart.Create(ctx, nurse.actor, mine, nil)
	check(t, err)
	if !out.Created || out.Resource.Version != 1 {
		t.Errorf("created: %+v", out)
	}
	other := nurse.parse(strings.Replace(result("bob", "4.4", "2026-11-22"), `"id":"k-bob",`, "", 1))
	_, err = r.chart.Create(ctx, nurse.actor, other, nil)
	wantKind(t, err, fault.Denied, "a nurse files a result on another ward")
	moved := nurse.parse(strings.Replace(result("bob", "4.4", "2026-11-22"), "k-bob", "k-ann", 1))
	_, err = r.chart.Update(ctx, nurse.actor, moved, chart.Condition{})
	wantKind(t, err, fault.Denied, "a nurse moves a result to another ward's patient")
	_, err = r.chart.Update(ctx, nurse.actor, nurse.parse(result("bob", "9", "2026-11-22")), chart.Condition{})
	wantKind(t, err, fault.NotFound, "a nurse overwrites a hidden result")
	_, err = r.chart.Update(ctx, nurse.actor, nurse.parse(strings.Replace(result("ann", "9", "2026-11-22"), "k-ann", "chosen", 1)), chart.Condition{})
	wantKind(t, err, fault.NotFound, "a nurse chooses an id")
	_, err = r.chart.Delete(ctx, nurse.actor, "Observation", "k-bob", chart.Condition{})
	if !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Denied) {
		t.Errorf("a nurse deletes a hidden result: %v", err)
	}
}

func TestVersions(t *testing.T) {
	r := hospital(t, 64)
	ctx := context.Background()
	p := r.as(program(t))
	r.clock.Advance(time.Minute)
	second := p.put(result("ann", "4.2", "2026-11-20"))
	if second.Version != 2 || !second.Updated.Equal(noon.Add(time.Minute)) {
		t.Errorf("second version: %d %v", second.Version, second.Updated)
	}
	_, err := r.chart.Update(ctx, p.actor, p.parse(result("ann", "4.3", "2026-11-20")), chart.Condition{IfMatch: 1})
	wantKind(t, err, fault.Precondition, "a stale If-Match")
	_, err = r.chart.Delete(ctx, p.actor, "Observation", "k-ann", chart.Condition{})
	check(t, err)
	wantKind(t, p.get("Observation/k-ann"), fault.Gone, "after deletion")
	p.finds("Observation?_sort=_id", "k-bob k-cat")
	h, err := r.chart.History(ctx, p.actor, chart.HistoryRequest{Type: "Observation", ID: "k-ann"})
	check(t, err)
	if len(h.Versions) != 3 || !h.Versions[0].Deleted || h.Versions[2].Version != 1 {
		t.Errorf("history: %d versions", len(h.Versions))
	}
	old, err := r.chart.Read(ctx, p.actor, "Observation", "k-ann", 1)
	check(t, err)
	if got := old.Root().Get("value").Get("value").Text(); got != "4.1" {
		t.Errorf("version 1 says %s", got)
	}
	back := p.put(result("ann", "5.0", "2026-11-20"))
	if back.Version != 4 {
		t.Errorf("after deletion comes version %d", back.Version)
	}
}

func TestConditionalCreateRaces(t *testing.T) {
	r := newRig(t, 64)
	p := r.as(program(t))
	where := []search.Param{{Key: "identifier", Value: "urn:mrn|M-new"}}
	created := make(chan bool, 32)
	for range cap(created) {
		go func() {
			res := p.parse(strings.Replace(patient("new", "New", "2000-01-01"), `"id":"new",`, "", 1))
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
	if n != 1 || p.total("Patient?identifier=urn:mrn|M-new") != 1 {
		t.Errorf("%d creations succeeded", n)
	}
}

func TestPages(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		p := r.as(program(t))
		for _, query := range []string{"Observation?_count=1", "Observation?_count=1&_sort=-date", "Observation?_count=2&_sort=value-quantity"} {
			typ, rest, _ := strings.Cut(query, "?")
			params, err := chart.ParseQuery(rest)
			check(t, err)
			seen, page := map[string]bool{}, ""
			for range 10 {
				result, err := r.chart.Search(context.Background(), p.actor, chart.SearchRequest{Type: typ, Params: params, Page: page})
				check(t, err)
				for _, m := range result.Matches {
					if seen[m.TypeID.ID] {
						t.Errorf("%s shows %s twice", query, m.TypeID.ID)
					}
					seen[m.TypeID.ID] = true
				}
				if page = result.Next; page == "" {
					break
				}
				_, err = r.chart.Search(context.Background(), person("doctor", "east"), chart.SearchRequest{Type: typ, Params: params, Page: page})
				wantKind(t, err, fault.Invalid, "somebody else's page")
			}
			if len(seen) != 3 {
				t.Errorf("%s shows %d of 3", query, len(seen))
			}
		}
	})
}

func TestEveryRoadIsAudited(t *testing.T) {
	r := hospital(t, 64)
	ctx := context.Background()
	nurse := r.as(person("nurse", "east"))
	count := func() int {
		check(t, r.log.Integrate(ctx))
		n := 0
		check(t, r.log.Search(ctx, audit.Filter{Actor: nurse.actor.ID}, func(*audit.Record) error { n++; return nil }))
		return n
	}
	roads := map[string]func(){
		"read":    func() { _ = nurse.get("Patient/ann") },
		"refused": func() { _ = nurse.get("Patient/bob") },
		"denied":  func() { _, _ = nurse.find("Claim") },
		"search":  func() { _, _ = nurse.find("Patient") },
		"history": func() { _, _ = r.chart.History(ctx, nurse.actor, chart.HistoryRequest{Type: "Patient", ID: "ann"}) },
		"view": func() {
			_, _ = r.chart.View(ctx, nurse.actor, chart.ViewRequest{Name: "chart", Patient: "ann", Searches: []string{"Observation?patient=ann"}})
		},
		"create": func() {
			_, _ = r.chart.Create(ctx, nurse.actor, nurse.parse(strings.Replace(result("ann", "4", "2026"), `"id":"k-ann",`, "", 1)), nil)
		},
		"transaction": func() {
			_, _ = r.chart.Transaction(ctx, nurse.actor, []chart.Entry{{Method: "DELETE", URL: "Patient/bob", Place: "Bundle.entry[0]"}})
		},
	}
	for name, road := range roads {
		before := count()
		road()
		if got := count() - before; got != 1 {
			t.Errorf("%s leaves %d entries", name, got)
		}
	}
}

// TestNothingWithoutAudit takes the audit log's device away: no road gives
// anything any more, and says why.
func TestNothingWithoutAudit(t *testing.T) {
	r := hospital(t, 64)
	ctx := context.Background()
	p := r.as(program(t))
	res := p.parse(result("ann", "4", "2026"))
	r.store.gone.Store(true)
	for name, road := range map[string]func() error{
		"read":   func() error { return p.get("Patient/ann") },
		"search": func() error { ids, err := p.find("Patient"); return given(len(ids), err) },
		"update": func() error { _, err := r.chart.Update(ctx, p.actor, res, chart.Condition{}); return err },
		"history": func() error {
			_, err := r.chart.History(ctx, p.actor, chart.HistoryRequest{Type: "Patient", ID: "ann"})
			return err
		},
		"view": func() error {
			view, err := r.chart.View(ctx, p.actor, chart.ViewRequest{Name: "chart", Patient: "ann"})
			if view != nil {
				return nil
			}
			return err
		},
		"export": func() error {
			var out strings.Builder
			s, err := r.chart.Snapshot(ctx)
			check(t, err)
			_, err = r.chart.Export(ctx, p.actor, "Patient", s, &out)
			return given(out.Len(), err)
		},
	} {
		wantKind(t, road(), fault.Unavailable, name)
	}
}

// given hides an error behind which something was given all the same.
func given(n int, err error) error {
	if n > 0 {
		return nil
	}
	return err
}

// TestNamingIsNotCaring plays those who care for one patient and try to reach
// another by naming both in one record.
func TestNamingIsNotCaring(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		doctor := r.as(person("doctor")) // in the care team of cat alone
		team := `{"resourceType":"CareTeam","id":"team-cat","status":"active","subject":{"reference":"Patient/cat"},"participant":[{"member":{"reference":"Practitioner/doctor"}},{"member":{"reference":"Patient/bob"}}]}`
		_, err := r.chart.Update(ctx, doctor.actor, doctor.parse(team), chart.Condition{})
		wantKind(t, err, fault.Denied, "a doctor adds a stranger to the team")
		r.as(program(t)).put(team) // even so
		doctor.finds("Patient", "cat")
		wantKind(t, doctor.get("Patient/bob"), fault.NotFound, "a stranger named in the team")

		nurse := r.as(person("nurse", "east"))
		for name, performer := range map[string]string{"her own patient": "Patient/ann", "nobody yet": "Patient/to-come"} {
			text := strings.Replace(result("bob", "1", "2026"), `"id":"k-bob"`, `"performer":[{"reference":"`+performer+`"}]`, 1)
			if performer == "Patient/to-come" {
				text = strings.Replace(result("ann", "1", "2026"), `"id":"k-ann"`, `"performer":[{"reference":"`+performer+`"}]`, 1)
			}
			_, err := r.chart.Create(ctx, nurse.actor, nurse.parse(text), nil)
			wantKind(t, err, fault.Denied, "a nurse writes for a stranger by naming "+name)
		}
	})
}
