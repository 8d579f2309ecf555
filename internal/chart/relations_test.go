package chart_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// doctorOf is a doctor of no ward.
func doctorOf(name string) identity.Actor {
	a := person("doctor")
	a.ID, a.PractitionerID = name, name
	return a
}

// Each way to take part in a patient's care opens the chart while it lasts, for
// whom it names and for nobody else.
func TestWaysIntoTheTeam(t *testing.T) {
	ref := func(of string) string { return `{"reference":"` + of + `"}` }
	bob := `"subject":` + ref("Patient/bob")
	appointment := func(start, status, mine string) string {
		return `{"resourceType":"Appointment","id":"x","status":"` + status + `","start":"` + start + `","end":"` + start + `","participant":[{"actor":` + ref("Patient/bob") + `,"status":"accepted"},{"actor":` + ref("Practitioner/eve") + `,"status":"` + mine + `"}]}`
	}
	encounter := func(status, period, mine string) string {
		return `{"resourceType":"Encounter","id":"x","status":"` + status + `","class":{"code":"AMB"},` + bob + `,"period":` + period + `,"participant":[{"individual":` + ref("Practitioner/eve") + mine + `}]}`
	}
	request := func(status, more string) string {
		return `{"resourceType":"ServiceRequest","id":"x","status":"` + status + `","intent":"order",` + bob + more + `}`
	}
	task := func(status, owner string) string {
		return `{"resourceType":"Task","id":"x","status":"` + status + `","intent":"order","for":` + ref("Patient/bob") + `,"owner":` + ref(owner) + `}`
	}
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"appointment soon":              {appointment("2026-12-20T09:00:00Z", "booked", "accepted"), true},
		"appointment lately":            {appointment("2026-10-25T09:00:00Z", "fulfilled", "accepted"), true},
		"appointment long ago":          {appointment("2026-10-20T09:00:00Z", "fulfilled", "accepted"), false},
		"appointment far away":          {appointment("2026-12-30T09:00:00Z", "booked", "accepted"), false},
		"appointment cancelled":         {appointment("2026-12-20T09:00:00Z", "cancelled", "accepted"), false},
		"appointment declined":          {appointment("2026-12-20T09:00:00Z", "booked", "declined"), false},
		"encounter now":                 {encounter("in-progress", `{"start":"2026-11-22"}`, ""), true},
		"encounter now, relieved":       {encounter("in-progress", `{"start":"2026-11-20"}`, `,"period":{"end":"2026-11-21"}`), false},
		"encounter lately":              {encounter("finished", `{"start":"2026-11-01","end":"2026-11-02"}`, ""), true},
		"encounter lately, relieved":    {encounter("finished", `{"start":"2026-10-01","end":"2026-11-02"}`, `,"period":{"end":"2026-10-20"}`), false},
		"encounter long ago":            {encounter("finished", `{"start":"2026-09-01","end":"2026-09-02"}`, ""), false},
		"encounter planned":             {encounter("planned", `{"start":"2026-12-01"}`, ""), false},
		"referred to":                   {request("active", `,"performer":[`+ref("Practitioner/eve")+`]`), true},
		"referred to, done":             {request("completed", `,"performer":[`+ref("Practitioner/eve")+`]`), false},
		"refers":                        {request("active", `,"requester":`+ref("Practitioner/eve")+`,"performer":[`+ref("Practitioner/fay")+`]`), true},
		"orders a test":                 {request("active", `,"requester":`+ref("Practitioner/eve")), false},
		"orders a test from a place":    {request("active", `,"requester":`+ref("Practitioner/eve")+`,"performer":[`+ref("Organization/lab")+`]`), false},
		"task":                          {task("accepted", "Practitioner/eve"), true},
		"task done":                     {task("completed", "Practitioner/eve"), false},
		"somebody else's task":          {task("accepted", "Practitioner/fay"), false},
		"task of a name that goes on":   {task("accepted", "Practitioner/eve2"), false},
		"appointment, time not sayable": {`{"resourceType":"Appointment","id":"x","status":"pending","participant":[{"actor":` + ref("Patient/bob") + `,"status":"accepted"},{"actor":` + ref("Practitioner/eve") + `,"status":"accepted"}]}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := hospital(t, 64)
			eve := r.as(doctorOf("eve"))
			wantKind(t, eve.get("Patient/bob"), fault.NotFound, "before")
			r.as(program(t)).put(c.text)
			want := ""
			if c.want {
				want = "bob"
				check(t, eve.get("Observation/k-bob"))
			} else {
				wantKind(t, eve.get("Observation/k-bob"), fault.NotFound, "a chart")
			}
			eve.finds("Patient", want)
			if n := eve.total("Patient"); n != len(strings.Fields(want)) {
				t.Errorf("counted %d", n)
			}
		})
	}
}

// Nobody puts himself into a team by what he writes; others may be named, and he
// who is there already may write what he likes.
func TestNobodyJoinsByWriting(t *testing.T) {
	r := hospital(t, 64)
	eve := doctorOf("eve")
	eve.WardIDs = []string{"west"}
	order := func(more string) string {
		return `{"resourceType":"ServiceRequest","status":"active","intent":"order","subject":{"reference":"Patient/bob"}` + more + `}`
	}
	create := func(actor identity.Actor, text string) error {
		_, err := r.chart.Create(context.Background(), actor, r.as(actor).parse(text), nil)
		return err
	}
	check(t, create(eve, order(`,"requester":{"reference":"Practitioner/eve"}`)))
	check(t, create(eve, order(`,"performer":[{"reference":"Practitioner/fay"}]`)))
	for what, text := range map[string]string{
		"a referral":  order(`,"performer":[{"reference":"Practitioner/eve"}]`),
		"a task":      `{"resourceType":"Task","status":"accepted","intent":"order","for":{"reference":"Patient/bob"},"owner":{"reference":"Practitioner/eve"}}`,
		"an occasion": `{"resourceType":"Appointment","status":"booked","start":"2026-11-23T09:00:00Z","end":"2026-11-23T09:30:00Z","participant":[{"actor":{"reference":"Patient/bob"},"status":"accepted"},{"actor":{"reference":"Practitioner/eve"},"status":"accepted"}]}`,
	} {
		wantKind(t, create(eve, text), fault.Denied, what)
	}
	r.as(program(t)).put(`{"resourceType":"CareTeam","id":"t","status":"active","subject":{"reference":"Patient/bob"},"participant":[{"member":{"reference":"Practitioner/eve"}}]}`)
	check(t, create(eve, order(`,"performer":[{"reference":"Practitioner/eve"}]`)))
	clerk := person("registration")
	clerk.Roles = []string{"registration", "proxy"}
	wantKind(t, create(clerk, related("bob", clerk.ID, `{"start":"2026"}`)), fault.Denied, "a clerk makes herself a proxy")
	check(t, create(clerk, related("bob", "somebody", `{"start":"2026"}`)))
}

func related(patient, account, period string) string {
	return `{"resourceType":"RelatedPerson","patient":{"reference":"Patient/` + patient + `"},"identifier":[{"system":"` + chart.AccountSystem + `","value":"` + account + `"}],"period":` + period + `}`
}

// A patient sees herself; a record that is about somebody else as well is not hers.
func TestPatientAndProxy(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		ann, zoe := person("patient"), person("proxy")
		ann.PatientID, ann.PractitionerID, zoe.PractitionerID = "ann", "", ""
		all := r.as(program(t))
		all.put(`{"resourceType":"Observation","id":"both","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/ann"},"performer":[{"reference":"Patient/bob"}]}`)
		r.as(importer()).put(marked(result("ann", "4", "2026"), "SUD"))
		r.as(ann).finds("Patient", "ann")
		r.as(ann).finds("Observation", "k-ann")
		r.as(ann).finds("Observation?_id=both,k-ann,k-bob", "k-ann")
		if n := r.as(ann).total("Observation"); n != 1 {
			t.Errorf("counts %d", n)
		}
		wantKind(t, r.as(ann).get("Observation/both"), fault.NotFound, "a record about two")
		r.as(zoe).finds("Patient", "")
		for _, c := range []struct{ period, want string }{
			{`{"end":"2026-11-21"}`, ""}, {`{"start":"2026-11-23"}`, ""}, {`{"start":"2026-11-01","end":"2026-12"}`, "ann"},
		} {
			all.put(strings.Replace(related("ann", zoe.ID, c.period), `"patient"`, `"id":"zoe","patient"`, 1))
			r.as(zoe).finds("Patient", c.want)
		}
		r.as(zoe).finds("Observation", "") // one bears a mark, and one is about somebody else too
		r.as(ann).finds("Observation", "k-ann")
		all.put(strings.Replace(related("ann", zoe.ID, `{"start":"2026"}`), `"patient"`, `"id":"zoe","active":false,"patient"`, 1))
		r.as(zoe).finds("Patient", "")
	})
}

// An emergency opens one patient to who is at work in a session, and to nothing that
// acts for her.
func TestEmergency(t *testing.T) {
	r := hospital(t, 64)
	actor := doctorOf("eve")
	actor.Emergencies = []string{"bob"}
	eve := r.as(actor)
	eve.finds("Patient", "bob")
	eve.finds("Observation", "k-bob")
	r.as(doctorOf("fay")).finds("Patient", "")
	app, job := actor, actor
	app.ClientID, job.SessionID = "app", ""
	app.Scopes, _ = identity.ParseScopes("user/*.cruds")
	for _, other := range []identity.Actor{app, job} {
		r.as(other).finds("Patient", "")
	}
	_, err := r.chart.Update(context.Background(), eve.actor, eve.parse(`{"resourceType":"CareTeam","id":"t","status":"active","subject":{"reference":"Patient/bob"}}`), chart.Condition{})
	if err == nil {
		t.Error("whoever breaks the glass joins the team")
	}
}

// An administrator reads after a fresh proof, and is reported when he reads many.
func TestAdministrator(t *testing.T) {
	r := hospital(t, 64)
	admin := person("admin")
	admin.AuthTime = noon.Add(-time.Hour)
	err := r.as(admin).get("Patient/ann")
	wantKind(t, err, fault.Denied, "a stale proof")
	if !errors.Is(err, identity.ErrStepUp) {
		t.Error("he is not told how to go on:", err)
	}
	admin.AuthTime = noon
	check(t, r.as(admin).get("Patient/ann"))
	alerts := func() (n int) {
		check(t, r.log.Integrate(context.Background()))
		check(t, r.log.Search(context.Background(), audit.Filter{}, func(e *audit.Record) error {
			if e.Detail == chart.BulkAlert {
				n++
			}
			return nil
		}))
		return n
	}
	if alerts() != 0 {
		t.Error("one record is no bulk")
	}
	r.as(admin).finds("Patient?_sort=_id", "ann bob cat")
	if alerts() != 1 {
		t.Error("nobody is told of a bulk read")
	}
	r.as(program(t)).finds("Patient?_sort=_id", "ann bob cat")
	doctor := person("doctor", "*")
	doctor.Roles, doctor.AuthTime = []string{"admin", "doctor"}, noon
	r.as(doctor).finds("Observation?_id=k-ann,k-bob&_sort=_id", "k-ann k-bob")
	if alerts() != 1 {
		t.Errorf("reported: %d", alerts())
	}
}
