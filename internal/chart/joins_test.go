package chart_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

func (a as) create(text string) error {
	a.t.Helper()
	_, err := a.chart.Create(context.Background(), a.actor, a.parse(text), nil)
	return err
}

func (a as) update(text string) error {
	a.t.Helper()
	_, err := a.write(a.chart, text)
	return err
}

// twoRoles is somebody with wards and a second role.
func twoRoles(first, second string, wards ...string) identity.Actor {
	a := person(first, wards...)
	a.Roles, a.AuthTime = []string{first, second}, noon
	a.Purpose = identity.PurposeOf(a.Roles)
	return a
}

func booking(start, status, mine string) string {
	return `{"resourceType":"Appointment","status":"` + status + `","start":"` + start + `","end":"` + start + `","participant":[` +
		`{"actor":{"reference":"Patient/bob"},"status":"accepted"},{"actor":{"reference":"Practitioner/doctor"},"status":"` + mine + `"}]}`
}

// What does not count yet would by the clock, or by what others do to it.
func TestNobodyJoinsInAdvance(t *testing.T) {
	r := hospital(t, 64)
	doctor := r.as(person("doctor", "west"))
	doctor.actor.Roles = []string{"doctor", "registration", "lab"} // who may write all of it
	later := noon.Add(30*24*time.Hour + time.Minute).Format(time.RFC3339)
	of := func(typ, status, named string) string {
		return `{"resourceType":"` + typ + `","status":"` + status + `","intent":"order","subject":{"reference":"Patient/bob"},` + named + `}`
	}
	me := `{"reference":"Practitioner/doctor"}`
	texts := map[string]string{
		"an appointment too far away yet": booking(later, "booked", "accepted"),
		"an appointment proposed":         booking("2026-11-23T09:00:00Z", "proposed", "accepted"),
		"an appointment waited for":       booking("2026-11-23T09:00:00Z", "waitlist", "accepted"),
		"an appointment declined":         booking("2026-11-23T09:00:00Z", "booked", "declined"),
		"an encounter planned":            strings.Replace(of("Encounter", "planned", `"participant":[{"individual":`+me+`}],"class":{"code":"AMB"}`), `"intent":"order",`, "", 1),
		"a team proposed":                 strings.Replace(of("CareTeam", "proposed", `"participant":[{"member":`+me+`}]`), `"intent":"order",`, "", 1),
		"a referral in draft":             of("ServiceRequest", "draft", `"performer":[`+me+`]`),
		"a referral by her in draft":      of("ServiceRequest", "draft", `"requester":`+me+`,"performer":[{"reference":"Practitioner/fay"}]`),
		"a task in draft":                 strings.Replace(of("Task", "draft", `"owner":`+me), `"subject"`, `"for"`, 1),
	}
	for what, text := range texts {
		wantKind(t, doctor.create(text), fault.Denied, what)
	}
	check(t, doctor.create(of("ServiceRequest", "draft", `"requester":`+me))) // a test refers nobody

	// Whom others booked for comes into the team, in its time, and then writes.
	r.as(importer()).put(marked(result("bob", "4", "2026"), "PSY"))
	check(t, r.as(person("registration")).create(booking(later, "booked", "accepted")))
	wantKind(t, doctor.get("Observation/k-bob"), fault.NotFound, "before its time")
	r.clock.Advance(2 * time.Minute)
	check(t, doctor.get("Observation/k-bob"))
	for what, text := range texts {
		if err := doctor.create(text); err != nil {
			t.Errorf("%s, from the team: %v", what, err)
		}
	}
}

// Nobody brings patients to a ward of his own, or places with patients.
func TestNobodyAdmitsToHimself(t *testing.T) {
	r := hospital(t, 64)
	nurse, clerk, admin := r.as(person("nurse", "east")), r.as(twoRoles("nurse", "registration", "east")), r.as(twoRoles("nurse", "admin", "east"))
	all := r.as(program(t))
	all.put(strings.Replace(stay("ann", "bed-7", "finished"), "stay-ann", "stay-past", 1))
	all.put(`{"resourceType":"Location","id":"hall","status":"active","name":"Hall","partOf":{"reference":"Location/west"}}`)
	anew := func(who, where string) string {
		return strings.Replace(stay(who, where, "in-progress"), `"id":"stay-`+who+`",`, "", 1)
	}
	ward := func(id, in string) string {
		return `{"resourceType":"Location","id":"` + id + `","status":"active","name":"X","partOf":{"reference":"Location/` + in + `"}}`
	}
	patch := func(actor identity.Actor, ref, text string) error {
		apply, err := chart.PatchOf(chart.JSONPatch, []byte(text))
		check(t, err)
		typ, id, _ := strings.Cut(ref, "/")
		_, err = r.chart.Patch(context.Background(), actor, typ, id, apply, chart.Condition{})
		return err
	}
	for what, err := range map[string]error{
		"a second stay of her patient":        nurse.create(anew("ann", "bed-7")),
		"a past stay of her patient again":    nurse.update(strings.Replace(stay("ann", "bed-7", "in-progress"), "stay-ann", "stay-past", 1)),
		"a stranger is admitted":              clerk.create(anew("bob", "east")),
		"a stranger is admitted to a bed":     clerk.create(anew("bob", "bed-7")),
		"a stranger is brought over":          clerk.update(stay("bob", "bed-7", "in-progress")),
		"a stranger is patched over":          patch(clerk.actor, "Encounter/stay-bob", `[{"op":"replace","path":"/location/0/location/reference","value":"Location/east"}]`),
		"a stranger takes the place of hers":  clerk.update(strings.Replace(stay("bob", "bed-7", "in-progress"), "stay-bob", "stay-ann", 1)),
		"a ward comes under hers":             admin.update(ward("west", "east")),
		"a ward comes under a bed of hers":    admin.update(ward("west", "bed-7")),
		"a place comes over from elsewhere":   admin.update(ward("hall", "east")),
		"a place that there is not yet":       admin.create(strings.Replace(ward("x", "east"), `"id":"x",`, "", 1)),
		"somebody admits, and ends the other": transact(clerk, stay("ann", "bed-7", "finished"), anew("ann", "bed-7")),
	} {
		wantKind(t, err, fault.Denied, what)
	}
	all.put(stay("ann", "west", "in-progress"))
	wantKind(t, nurse.get("Observation/k-ann"), fault.NotFound, "the patient has left")
	wantKind(t, clerk.get("Observation/k-bob"), fault.NotFound, "the stranger")

	all.put(stay("ann", "bed-7", "in-progress"))
	check(t, nurse.update(stay("ann", "east", "in-progress")))
	check(t, clerk.update(stay("ann", "bed-7", "onleave")))
	check(t, clerk.create(anew("cat", "west")))
	check(t, admin.update(strings.Replace(ward("bed-7", "east"), `"X"`, `"Bed 7"`, 1)))
	check(t, admin.update(ward("hall", "west")))
	check(t, r.as(person("registration")).create(anew("cat", "east")))
	check(t, r.as(person("registration", "east")).create(anew("cat", "east"))) // her ward opens nothing to her
	check(t, nurse.get("Observation/k-cat"))
	check(t, nurse.update(stay("ann", "bed-7", "finished")))
}

// transact updates the first and creates the second in one transaction.
func transact(a as, first, second string) error {
	a.t.Helper()
	res := a.parse(first)
	_, err := a.chart.Transaction(context.Background(), a.actor, []chart.Entry{
		{Method: "PUT", URL: res.Type() + "/" + res.ID(), Place: "Bundle.entry[0]", Resource: res},
		{Method: "POST", URL: "Encounter", Place: "Bundle.entry[1]", Resource: a.parse(second)},
	})
	return err
}
