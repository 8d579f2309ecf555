package chart_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/policies"
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

// Who may ask for a whole number gets it for a purpose, and the log tells of it.
func TestUnmask(t *testing.T) {
	r := numbered(t, 64)
	ctx := context.Background()
	may := map[string]bool{"registration": true, "billing": true, "patient": true, "app of the front desk": true}
	for name, a := range r.askers(t) {
		purpose := "HPAYMT"
		if name == "patient" {
			purpose = "PATRQT"
		}
		res, err := r.chart.Unmask(ctx, a.actor, "Patient", "sue", purpose)
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

	for role, purpose := range map[string]string{"billing": "TREAT", "patient": "HPAYMT"} {
		_, err := r.chart.Unmask(ctx, person(role), "Patient", "sue", purpose)
		wantKind(t, err, fault.Denied, role+" for "+purpose)
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
	policy, err := authz.NewAt(policies.Files, r.clock)
	check(t, err)
	var said bytes.Buffer
	r.chart = chart.New(chart.Config{Vault: r.vault, Log: r.log, Policy: policy, Clock: r.clock, Slog: slog.New(slog.NewTextHandler(&said, nil))})
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
	if n := strings.Count(said.String(), "alert: somebody asks for whole numbers again and again"); n != 1 || strings.Contains(said.String(), "sue") {
		t.Errorf("%d alerts: %s", n, said.String())
	}
	r.clock.Advance(11 * time.Minute)
	if _, err := r.chart.Unmask(context.Background(), desk.actor, "Patient", "sue", "HPAYMT"); err != nil {
		t.Error(err)
	}
}
