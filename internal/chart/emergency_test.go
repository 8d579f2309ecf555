package chart_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/emergency"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/policies"
)

// emergencies is a hospital with the real book of emergencies.
func emergencies(t *testing.T) (*rig, *emergency.Book) {
	r := hospital(t, 64)
	policy, err := authz.NewAt(policies.Files, r.clock)
	check(t, err)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	book := emergency.New(emergency.Config{Docs: r.vault, Log: r.log, Gate: policy, Clock: r.clock, Slog: log})
	r.chart = chart.New(chart.Config{Vault: r.vault, Log: r.log, Policy: policy, Clock: r.clock, Slog: log, Glass: book})
	return r, book
}

// proven is somebody who just proved who he is.
func (r *rig) proven(a identity.Actor) identity.Actor {
	a.AuthTime = r.clock.Now()
	return a
}

// withMRN makes the identifier of a patient a medical record number.
func withMRN(text string) string {
	return strings.Replace(text, `"system":"urn:mrn"`,
		`"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"system":"urn:mrn"`, 1)
}

func (a as) breaks(patient string) error {
	_, err := a.chart.BreakGlass(context.Background(), a.actor, patient, emergency.Treatment, "unconscious")
	return err
}

// now is somebody as her session makes her now: with what the book says is open to her.
func (a as) now(book *emergency.Book) as {
	grants, err := book.Open(context.Background(), a.actor.ID)
	check(a.t, err)
	a.actor.Emergencies = nil
	for _, g := range grants {
		a.actor.Emergencies = append(a.actor.Emergencies, g.Patient)
	}
	return a
}

// TestBreakTheGlass: who just proved who she is opens a chart by a reason, of one
// patient, for four hours; the log and the reviewers' book know.
func TestBreakTheGlass(t *testing.T) {
	r, book := emergencies(t)
	ctx := context.Background()
	stale := r.as(doctorOf("eve"))
	if err := stale.breaks("bob"); !errors.Is(err, identity.ErrStepUp) {
		t.Fatalf("without a fresh proof: %v", err)
	}
	eve := r.as(r.proven(doctorOf("eve")))
	eve.finds("Patient", "")
	check(t, eve.breaks("bob"))
	check(t, eve.breaks("bob")) // pressed twice: one review
	eve = eve.now(book)
	eve.finds("Patient", "bob")
	eve.finds("Observation", "k-bob")
	r.as(doctorOf("fay")).now(book).finds("Patient", "")
	stale.now(book).finds("Patient", "bob") // the proof was for the opening, not for each page
	eve.put(result("bob", "5.0", "2026-11-22"))
	_, err := r.chart.Transaction(ctx, eve.actor, []chart.Entry{{Method: "POST", URL: "Observation", Place: "Bundle.entry[0]", Resource: eve.parse(strings.Replace(result("bob", "5.1", "2026-11-22"), "k-bob", "x", 1))}})
	check(t, err)

	if n, err := book.Waiting(ctx); err != nil || n != 1 {
		t.Errorf("%d reviews wait: %v", n, err)
	}
	check(t, r.log.Integrate(ctx))
	broken, err := r.log.Find(ctx, audit.Filter{Action: audit.ActionBreak, Outcome: audit.OutcomeSuccess})
	if again, failed := r.log.Find(ctx, audit.Filter{Action: audit.ActionBreakOn}); failed != nil || len(again) != 1 {
		t.Errorf("%d entries of the second press: %v", len(again), failed)
	}
	if err != nil || len(broken) != 1 {
		t.Fatalf("%d entries of the opening: %v", len(broken), err)
	}
	rec, err := r.log.Read(ctx, broken[0])
	if err != nil || rec.Purpose != "BTG" || rec.Actor != "eve" || len(rec.Patients) != 1 || rec.Reason != "treatment: unconscious" {
		t.Errorf("the entry says %+v: %v", rec, err)
	}
	for _, action := range []string{audit.ActionSearch, audit.ActionUpdate, "transaction"} {
		found, err := r.log.Find(ctx, audit.Filter{Actor: "eve", Patient: rec.Patients[0], Action: action})
		if err != nil || len(found) == 0 {
			t.Fatalf("%d of %s: %v", len(found), action, err)
		}
		for _, index := range found {
			if rec, err := r.log.Read(ctx, index); err != nil || rec.Purpose != "BTG" {
				t.Errorf("a %s in an emergency has purpose %q: %v", action, rec.Purpose, err)
			}
		}
	}

	r.clock.Advance(emergency.Life - time.Second)
	eve.now(book).finds("Patient", "bob")
	r.clock.Advance(time.Second)
	eve.now(book).finds("Patient", "")
}

// TestEmergencyEnds: by hand, and then it is over on the next request.
func TestEmergencyEnds(t *testing.T) {
	r, book := emergencies(t)
	ctx := context.Background()
	eve := r.as(r.proven(doctorOf("eve")))
	check(t, eve.breaks("bob"))
	grants, err := book.Open(ctx, "eve")
	if err != nil || len(grants) != 1 {
		t.Fatalf("%d grants: %v", len(grants), err)
	}
	if err := book.End(ctx, doctorOf("fay"), grants[0].ID); !fault.Is(err, fault.Denied) {
		t.Errorf("somebody else ends it: %v", err)
	}
	check(t, book.End(ctx, eve.actor, grants[0].ID))
	eve.now(book).finds("Patient", "")
	if n, err := book.Waiting(ctx); err != nil || n != 1 {
		t.Errorf("%d reviews wait after the end: %v", n, err)
	}
}

// TestWhoMayNotBreakTheGlass goes through those to whom it does not open, each beside
// a doctor to whom it does.
func TestWhoMayNotBreakTheGlass(t *testing.T) {
	r, book := emergencies(t)
	all := r.as(program(t))
	all.put(`{"resourceType":"Practitioner","id":"eve"}`)
	app := r.proven(doctorOf("eve"))
	app.ClientID = "app"
	nobody := r.proven(doctorOf("eve"))
	nobody.SessionID = ""
	himself := r.proven(doctorOf("eve"))
	himself.PatientID = "bob"
	single := r.proven(doctorOf("eve"))
	single.MFA = identity.AssuranceSingle
	for name, c := range map[string]struct {
		actor   identity.Actor
		patient string
		kind    fault.Kind
	}{
		"an app that acts for her": {app, "bob", fault.Denied},
		"without a session":        {nobody, "bob", fault.NotFound},
		"by a password alone":      {single, "bob", fault.Denied},
		"her own record":           {himself, "bob", fault.NotFound},
		"nobody's record":          {r.proven(doctorOf("eve")), "nobody", fault.NotFound},
		"registration":             {r.proven(person("registration")), "bob", fault.Denied},
		"billing":                  {r.proven(person("billing")), "bob", fault.Denied},
		"an administrator":         {r.proven(person("admin")), "bob", fault.Denied},
		"a privacy officer":        {r.proven(person("privacy")), "bob", fault.Denied},
		"a patient":                {r.proven(person("patient")), "bob", fault.Denied},
		"a program":                {program(t), "bob", fault.Denied},
	} {
		err := r.as(c.actor).breaks(c.patient)
		if !fault.Is(err, c.kind) {
			t.Errorf("%s: %v, want %v", name, err, c.kind)
		}
		if ids, _ := r.as(c.actor).now(book).find("Observation?_id=k-bob"); len(ids) > 0 && c.actor.Kind == identity.KindPerson && name != "an administrator" { // who reads after a proof
			t.Errorf("%s: reads it", name)
		}
	}
	check(t, r.as(r.proven(doctorOf("eve"))).breaks("bob"))
	check(t, r.as(r.proven(person("nurse"))).breaks("bob"))
	check(t, r.as(r.proven(person("pharmacist"))).breaks("bob"))
}

// TestEmergencyOpensNoMore than the rules say: of well-known people, yes; notes of
// psychotherapy, never.
func TestEmergencyOpensNoMore(t *testing.T) {
	r, book := emergencies(t)
	r.as(importer()).put(marked(patient("vip", "Vance", "1950-02-03"), "CEL"))
	for id, code := range map[string]string{"talk": "PSYTHPN", "blood": "HIV"} {
		r.as(importer()).put(marked(strings.Replace(result("vip", "1", "2026-11-20"), "k-vip", id, 1), code))
	}
	eve := r.as(r.proven(doctorOf("eve")))
	check(t, eve.breaks("vip"))
	eve.now(book).finds("Patient", "vip")
	eve.now(book).finds("Observation", "blood")
}

// TestEmergencyMovesNobody: a nurse who broke the glass neither moves the patient nor
// ends his stay, and makes none that would outlast the emergency.
func TestEmergencyMovesNobody(t *testing.T) {
	r, book := emergencies(t)
	nurse := r.as(r.proven(person("nurse", identity.EveryWard)))
	nurse.actor.WardIDs = nil
	check(t, nurse.breaks("cat")) // who lies nowhere
	check(t, nurse.breaks("bob"))
	nurse = nurse.now(book)
	nurse.finds("Patient?_sort=family", "bob cat")
	for what, text := range map[string]string{
		"a stay of hers": stay("cat", "east", "in-progress"), "a move": stay("bob", "east", "in-progress"), "a discharge": stay("bob", "west", "finished"),
	} {
		if err := nurse.update(text); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	if err := nurse.create(strings.Replace(stay("cat", "east", "in-progress"), `"id":"stay-cat",`, "", 1)); err == nil {
		t.Error("a new stay is taken")
	}
	check(t, nurse.update(result("bob", "5.0", "2026-11-22"))) // the control
}

// TestManyEmergencies: beyond five in ten minutes each wants its own proof.
func TestManyEmergencies(t *testing.T) {
	r, _ := emergencies(t)
	for i := range 7 {
		r.as(program(t)).put(patient(fmt.Sprintf("p%d", i), "Many", "1990-01-01"))
	}
	eve := r.as(r.proven(doctorOf("eve")))
	r.clock.Advance(time.Minute)
	for i := range 5 {
		check(t, eve.breaks(fmt.Sprintf("p%d", i)))
	}
	if err := eve.breaks("p5"); !errors.Is(err, identity.ErrStepUp) {
		t.Errorf("the sixth by an old proof: %v", err)
	}
	check(t, r.as(r.proven(doctorOf("eve"))).breaks("p5"))
	r.clock.Advance(10 * time.Minute)
	eve = r.as(r.proven(doctorOf("eve")))
	r.clock.Advance(time.Minute)
	check(t, eve.breaks("p6"))
}

// TestEmergencyTellsNothing of who is there before it is told why.
func TestEmergencyTellsNothing(t *testing.T) {
	r, _ := emergencies(t)
	for _, patient := range []string{"bob", "nobody"} {
		_, err := r.chart.BreakGlass(context.Background(), r.proven(doctorOf("eve")), patient, "", "")
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", patient, err)
		}
	}
}

// TestReviews: an officer closes each with a finding, once, and never her own.
func TestReviews(t *testing.T) {
	r, book := emergencies(t)
	ctx := context.Background()
	check(t, r.as(r.proven(doctorOf("eve"))).breaks("bob"))
	officer := person("privacy")
	if _, err := book.Reviews(ctx, doctorOf("eve")); !fault.Is(err, fault.Denied) {
		t.Errorf("a doctor reads the reviews: %v", err)
	}
	waiting, err := book.Reviews(ctx, officer)
	if err != nil || len(waiting) != 1 || waiting[0].Person != "eve" || waiting[0].Patient != "bob" {
		t.Fatalf("waiting: %+v, %v", waiting, err)
	}
	id := waiting[0].ID
	own := officer
	own.ID = "eve"
	for name, c := range map[string]struct {
		actor   identity.Actor
		verdict emergency.Verdict
		text    string
		kind    fault.Kind
	}{
		"her own":           {own, emergency.Justified, "", fault.Denied},
		"a doctor":          {doctorOf("fay"), emergency.Justified, "", fault.Denied},
		"no such verdict":   {officer, "fine", "", fault.Invalid},
		"without any words": {officer, emergency.Unjustified, " ", fault.Invalid},
	} {
		if err := book.Close(ctx, c.actor, id, c.verdict, c.text); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v, want %v", name, err, c.kind)
		}
	}
	if err := book.Close(ctx, officer, id, emergency.Justified, ""); !fault.Is(err, fault.Conflict) {
		t.Errorf("closed while the chart is open: %v", err)
	}
	check(t, book.Close(ctx, officer, id, emergency.Unjustified, "Talked to her."))
	r.as(doctorOf("eve")).now(book).finds("Patient", "")
	if err := book.Close(ctx, officer, id, emergency.Justified, ""); !fault.Is(err, fault.Conflict) {
		t.Errorf("closed twice: %v", err)
	}
	if n, err := book.Waiting(ctx); err != nil || n != 0 {
		t.Errorf("%d reviews wait: %v", n, err)
	}
	if g, _, err := book.Review(ctx, officer, id); err != nil || g.Finding == nil || g.Finding.By != officer.ID {
		t.Errorf("closed: %+v, %v", g, err)
	}
	check(t, r.log.Integrate(ctx))
	for _, action := range []string{"search", "read", "review-emergency"} {
		found, err := r.log.Find(ctx, audit.Filter{Actor: officer.ID, Action: action, Type: emergency.Type})
		if err != nil || len(found) == 0 {
			t.Fatalf("%d entries of %s: %v", len(found), action, err)
		}
		if rec, err := r.log.Read(ctx, found[0]); err != nil || len(rec.Patients) != 1 {
			t.Errorf("%s is in the trail of %d patients: %v", action, len(rec.Patients), err)
		}
	}
}

// TestLocator: by the whole number, or full name and birth date; of well-known people
// by both; and no more of them than who they are.
func TestLocator(t *testing.T) {
	r, _ := emergencies(t)
	all := r.as(program(t))
	bob := strings.Replace(withMRN(patient("bob", "Brown", "1970-07-01")), `"name":`, `"telecom":[{"system":"phone","value":"555"}],"gender":"male","name":`, 1)
	all.put(strings.Replace(bob, `"identifier":[`, `"identifier":[{"system":"http://hl7.org/fhir/sid/us-ssn","value":"999-12-3456"},`, 1))
	r.as(importer()).put(withMRN(marked(patient("vip", "Vance", "1950-02-03"), "CEL")))
	r.as(importer()).put(withMRN(marked(patient("ill", "Ilk", "1955-02-03"), "HIV")))
	eve := doctorOf("eve")
	full := emergency.Whom{Given: "x", Family: " brown", Born: "1970-07-01"}
	for name, c := range map[string]struct {
		whom emergency.Whom
		want string
	}{
		"number":                  {emergency.Whom{MRN: "M-bob"}, "bob"},
		"name and birth date":     {full, "bob"},
		"number and name":         {emergency.Whom{MRN: "M-bob", Given: "X", Family: "Brown", Born: "1970-07-01"}, "bob"},
		"number and another name": {emergency.Whom{MRN: "M-bob", Given: "X", Family: "Braun", Born: "1970-07-01"}, ""},
		"part of the number":      {emergency.Whom{MRN: "M-bo"}, ""},
		"another identifier":      {emergency.Whom{MRN: "999-12-3456"}, ""},
		"part of the name":        {emergency.Whom{Given: "X", Family: "Bro", Born: "1970-07-01"}, ""},
		"another birth date":      {emergency.Whom{Given: "X", Family: "Brown", Born: "1970-07-02"}, ""},
		"the other order":         {emergency.Whom{Given: "Brown", Family: "x", Born: "1970-07-01"}, "bob"},
		"marked by number":        {emergency.Whom{MRN: "M-ill"}, "ill"},
		"vip by number":           {emergency.Whom{MRN: "M-vip"}, ""},
		"vip by name":             {emergency.Whom{Given: "X", Family: "Vance", Born: "1950-02-03"}, ""},
		"vip by both":             {emergency.Whom{MRN: "M-vip", Given: "X", Family: "Vance", Born: "1950-02-03"}, "vip"},
	} {
		found, err := r.chart.Locate(context.Background(), eve, c.whom)
		var ids []string
		for _, p := range found {
			ids = append(ids, p.ID())
			for _, secret := range []string{"555", "999-12"} {
				if strings.Contains(string(p.JSON()), secret) {
					t.Errorf("%s: tells %s", name, secret)
				}
			}
		}
		if err != nil || strings.Join(ids, " ") != c.want {
			t.Errorf("%s: found %v, want %q: %v", name, ids, c.want, err)
		}
	}
	for name, whom := range map[string]emergency.Whom{
		"nothing": {}, "a name alone": {Given: "X", Family: "Brown"}, "a birth date alone": {Born: "1970-07-01"}, "no date": {Given: "X", Family: "Brown", Born: "July"},
	} {
		if _, err := r.chart.Locate(context.Background(), doctorOf("gil"), whom); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, role := range []string{"nurse", "pharmacist", "registration"} {
		// A mark that tells of an illness changes nothing of the answer.
		if found, err := r.chart.Locate(context.Background(), person(role), emergency.Whom{MRN: "M-ill"}); err != nil || len(found) != 1 {
			t.Errorf("%s: %d found of the marked: %v", role, len(found), err)
		}
		if found, err := r.chart.Locate(context.Background(), person(role), full); err != nil || len(found) != 1 {
			t.Errorf("%s: %d found: %v", role, len(found), err)
		}
	}
	for _, role := range []string{"billing", "admin", "privacy", "auditor", "patient", "lab"} {
		if _, err := r.chart.Locate(context.Background(), person(role), full); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v", role, err)
		}
	}
	if _, err := r.chart.Locate(context.Background(), program(t), full); !fault.Is(err, fault.Denied) {
		t.Errorf("a program: %v", err)
	}
}

// TestLocatorIsSlow: who asks too often waits; the next window, and others, do not.
func TestLocatorIsSlow(t *testing.T) {
	r, _ := emergencies(t)
	ask := func(name string) error {
		_, err := r.chart.Locate(context.Background(), doctorOf(name), emergency.Whom{MRN: "none"})
		return err
	}
	for range 20 {
		check(t, ask("eve"))
	}
	if err := ask("eve"); !fault.Is(err, fault.Throttled) {
		t.Errorf("the twenty-first question: %v", err)
	}
	check(t, ask("fay"))
	r.clock.Advance(10 * time.Minute)
	check(t, ask("eve"))
}
