package chart_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/store"
)

// visited is a hospital in which somebody has looked at ann's record.
func visited(t *testing.T) (r *rig, ann, zoe identity.Actor) {
	t.Helper()
	r = hospital(t, 64)
	all := r.as(program(t))
	all.put(`{"resourceType":"CareTeam","id":"team-ann","status":"active","subject":{"reference":"Patient/ann"},"participant":[{"member":{"reference":"Practitioner/doctor"}}]}`)
	all.put(`{"resourceType":"Observation","id":"both","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/ann"},"performer":[{"reference":"Patient/bob"}]}`)
	r.as(importer()).put(marked(strings.Replace(result("ann", "4", "2026"), "k-ann", "s-ann", 1), "SUD"))
	ann, zoe = person("patient"), person("proxy")
	ann.PatientID, ann.PractitionerID, zoe.PractitionerID = "ann", "", ""
	all.put(strings.Replace(related("ann", zoe.ID, `{"start":"2026"}`), `"patient"`, `"id":"zoe","patient"`, 1))
	r.clock.Advance(time.Hour)
	nurse, doctor := r.as(person("nurse", "east")), r.as(person("doctor"))
	check(t, nurse.get("Observation/k-ann"))
	check(t, nurse.get("Observation/both"))
	nurse.finds("Patient", "ann")
	check(t, doctor.get("Observation/s-ann"))
	check(t, r.as(ann).get("Patient/ann"))
	if nurse.get("Patient/bob") == nil {
		t.Fatal("she sees bob")
	}
	return r, ann, zoe
}

// told is what a reader is told of the last hour, the oldest first.
func (r *rig) told(t *testing.T, actor identity.Actor) (lines []string) {
	t.Helper()
	check(t, r.log.Integrate(context.Background()))
	got, err := r.chart.Accesses(context.Background(), actor, chart.AccessRequest{Patient: "ann", Since: noon.Add(time.Hour)})
	check(t, err)
	for _, a := range got.List {
		line := strings.TrimSpace(a.Actor + " " + a.Action + " " + a.Type)
		if a.Own {
			line = "own " + line
		}
		lines = append([]string{line}, lines...)
	}
	return lines
}

// TestAccesses holds that a patient is told who looked at her record, and who acts for
// her all but what she herself is not shown.
func TestAccesses(t *testing.T) {
	r, ann, zoe := visited(t)
	want := "nurse-1 read Observation, nurse-1, nurse-1 search Patient, doctor-1 read Observation, own patient-1 read Patient"
	if got := strings.Join(r.told(t, ann), ", "); got != want {
		t.Errorf("the patient is told\n%s, want\n%s", got, want)
	}
	// Not of the marked record, nor that she looks herself, nor of the record about two.
	if got := strings.Join(r.told(t, zoe), ", "); got != "nurse-1 read Observation, nurse-1 search Patient" {
		t.Errorf("who acts for her is told %s", got)
	}
	if got := r.told(t, ann); got[len(got)-1] != "proxy-1 view who looked at the record" {
		t.Errorf("that it was asked is told as %q", got)
	}
}

// TestAccessesAreForThePatient goes through those whom this road leads nowhere.
func TestAccessesAreForThePatient(t *testing.T) {
	r, ann, zoe := visited(t)
	bob, app, both, stranger := ann, ann, person("nurse", "east"), zoe
	bob.ID, bob.PatientID = "bob-1", "bob"
	app.ClientID = "app"
	both.Roles, both.PatientID = []string{"nurse", "patient"}, "bob"
	stranger.ID = "proxy-2"
	officer := person("privacy")
	for what, c := range map[string]struct {
		actor identity.Actor
		want  fault.Kind
	}{
		"another patient": {bob, fault.NotFound}, "an app": {app, fault.Denied}, "a nurse of the ward": {person("nurse", "east"), fault.Denied},
		"the treating doctor": {person("doctor"), fault.Denied}, "a nurse who is a patient, too": {both, fault.NotFound},
		"who acts for somebody else": {stranger, fault.NotFound}, "a privacy officer": {officer, fault.Denied}, "a program": {program(t), fault.Denied},
	} {
		_, err := r.chart.Accesses(context.Background(), c.actor, chart.AccessRequest{Patient: "ann"})
		wantKind(t, err, c.want, what)
	}
	r.store.gone.Store(true)
	got, err := r.chart.Accesses(context.Background(), ann, chart.AccessRequest{Patient: "ann"})
	wantKind(t, err, fault.Unavailable, "without a log")
	if len(got.List) > 0 {
		t.Error("something was told without a log")
	}
}

// counting counts how many entries of the log are fetched.
type counting struct {
	store.Store
	logs atomic.Int64
}

func (s *counting) Log(ctx context.Context, shard, from uint64, limit int) ([]store.Entry, error) {
	s.logs.Add(1)
	return s.Store.Log(ctx, shard, from, limit)
}

// TestAccessesArePaged holds that pages are of one reader, and cost what is on them,
// however long the log is.
func TestAccessesArePaged(t *testing.T) {
	r, ann, _ := visited(t)
	nurse, west := r.as(person("nurse", "east")), r.as(person("nurse", "west"))
	for range 60 {
		check(t, nurse.get("Patient/ann"))
	}
	for range 700 {
		check(t, west.get("Patient/bob"))
	}
	check(t, r.log.Integrate(context.Background()))
	count := &counting{Store: r.store.Store}
	r.store.Store = count
	ask := chart.AccessRequest{Patient: "ann", Since: noon.Add(time.Hour)}
	first, err := r.chart.Accesses(context.Background(), ann, ask)
	check(t, err)
	if len(first.List) != 50 || first.Next == "" {
		t.Fatalf("%d on the first page, next %q", len(first.List), first.Next)
	}
	if n := count.logs.Load(); n < 50 || n > 60 {
		t.Errorf("%d entries fetched for a page of 50", n)
	}
	ask.Page = first.Next
	second, err := r.chart.Accesses(context.Background(), ann, ask)
	check(t, err)
	if len(second.List) != 15 || second.Next != "" {
		t.Errorf("%d on the second page, next %q", len(second.List), second.Next)
	}
	bob := ann
	bob.ID, bob.PatientID = "bob-1", "bob"
	_, err = r.chart.Accesses(context.Background(), bob, chart.AccessRequest{Patient: "bob", Since: ask.Since, Page: first.Next})
	wantKind(t, err, fault.Invalid, "a page of somebody else")
}
