package portal_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/emergency"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/portal"
	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

// fakeEmergency is a fake: it opens whatever who just proved herself asks for, and
// keeps what she said. The real parts are at work in e2e.
type fakeEmergency struct {
	portal.EmergencyBook
	stage  *portaltest.Stage
	denies bool
	whom   emergency.Whom
	grants []emergency.Grant
}

func (f *fakeEmergency) MayLocate(identity.Actor) bool     { return !f.denies }
func (f *fakeEmergency) MayBreakGlass(identity.Actor) bool { return !f.denies }

func (f *fakeEmergency) Locate(_ context.Context, _ identity.Actor, whom emergency.Whom) ([]*fhir.Resource, error) {
	f.whom = whom
	if err := whom.Check(); err != nil {
		return nil, err
	}
	p, err := f.stage.Chart.Read(context.Background(), identity.Actor{}, "Patient", hiddenPatient)
	return []*fhir.Resource{p}, err
}

func (f *fakeEmergency) BreakGlass(_ context.Context, a identity.Actor, patient string, reason emergency.Reason, note string) (emergency.Grant, error) {
	if err := identity.DemandFresh(a, f.stage.Clock.Now()); err != nil {
		return emergency.Grant{}, err
	}
	if patient == "nobody" {
		return emergency.Grant{}, fault.New(fault.NotFound, "fake", "")
	}
	g := emergency.Grant{ID: "g", Person: a.ID, Patient: patient, Reason: reason, Note: note, Opened: f.stage.Clock.Now(), Until: f.stage.Clock.Now().Add(emergency.Life)}
	f.grants = append(f.grants, g)
	return g, nil
}

func (f *fakeEmergency) Open(context.Context, string) ([]emergency.Grant, error) {
	return f.grants, nil
}
func (f *fakeEmergency) Waiting(context.Context) (int, error) { return len(f.grants), nil }

func (f *fakeEmergency) Reviews(context.Context, identity.Actor) ([]emergency.Grant, error) {
	return f.grants, nil
}

func (f *fakeEmergency) Tallies(context.Context, identity.Actor) ([]emergency.Tally, error) {
	return []emergency.Tally{{Day: "2026-03-01", Charts: 0}, {Day: "2026-03-02", Charts: 1500, Emergencies: 3}, {Day: "2026-03-03", Charts: 500, Emergencies: 1}}, nil
}

const hiddenPatient = portaltest.Adaeze

func withEmergency(f *fakeEmergency) func(*portaltest.Stage, *portal.Config) {
	return func(s *portaltest.Stage, cfg *portal.Config) {
		f.stage, cfg.Emergency, cfg.Book = s, f, f
	}
}

// TestEmergencyForm: one form proves who it is and opens the chart; what is wrong with
// the proof is said there, and opens nothing.
func TestEmergencyForm(t *testing.T) {
	f := &fakeEmergency{}
	v := visit(t, withEmergency(f)).signIn()
	address := "/emergency/" + hiddenPatient
	if a := v.get(address); a.StatusCode != http.StatusOK || strings.Contains(a.body, `name="password"`) {
		t.Fatalf("with a fresh proof: %d", a.StatusCode)
	}
	for range 2 {
		v.stage.Clock.Advance(3 * time.Minute)
		v.get("/ward")
	}
	if a := v.get(address); !strings.Contains(a.body, `name="password"`) {
		t.Error("with a stale proof none is asked for")
	}
	for what, form := range map[string][]string{
		"no proof":       {"reason", "treatment"},
		"a wrong proof":  {"reason", "treatment", "password", portaltest.Password, "code", "000000", "note", "kept"},
		"a wrong answer": {"reason", "treatment", "passkey", "{}"},
	} {
		a := v.post(address, form...)
		if a.StatusCode < 400 || !strings.Contains(a.body, `class="error" role="alert"`) || len(f.grants) > 0 {
			t.Errorf("%s: %d, %d opened", what, a.StatusCode, len(f.grants))
		}
		if what == "a wrong proof" && !strings.Contains(a.body, `value="kept"`) {
			t.Error("the note is lost")
		}
	}
	a := v.post(address, "reason", "called", "note", "cath lab", "password", portaltest.Password, "code", portaltest.Code)
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/chart/"+hiddenPatient {
		t.Fatalf("%d leads to %q", a.StatusCode, a.Header.Get("Location"))
	}
	if g := f.grants[0]; g.Reason != emergency.Called || g.Note != "cath lab" || g.Patient != hiddenPatient {
		t.Errorf("opened %+v", g)
	}
	if a := v.post("/emergency/nobody", "reason", "treatment"); a.StatusCode != http.StatusNotFound || !strings.Contains(a.body, "no chart here") {
		t.Errorf("nobody's chart: %d", a.StatusCode)
	}
}

// TestLocatorForm: dates are read as people write them, what was typed comes back, and
// those whose role does not locate are led nowhere.
func TestLocatorForm(t *testing.T) {
	f := &fakeEmergency{}
	v := visit(t, withEmergency(f)).signIn()
	a := v.post("/locate", "family", "Okonkwo", "given", "Ada", "born", "12-Mar-1961")
	if a.StatusCode != http.StatusOK || f.whom.Born != "1961-03-12" || !strings.Contains(a.body, "1 person found") {
		t.Errorf("%d, asked for %+v", a.StatusCode, f.whom)
	}
	if a := v.post("/locate", "family", "Okonkwo"); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, `value="Okonkwo"`) {
		t.Errorf("too little: %d", a.StatusCode)
	}
	if a := v.post("/find", "q", "okonkwo ada 1961-03-12"); !strings.Contains(a.body, `name="born" value="1961-03-12"`) {
		t.Error("whom the box describes whole is not sought by one press")
	}
	if a := v.post("/find", "q", "okonkwo"); !strings.Contains(a.body, `href="/locate"`) || strings.Contains(a.body, `action="/locate"`) {
		t.Error("whom the box does not describe")
	}
	f.denies = true
	for _, address := range []string{"/locate", "/emergency/x"} {
		if a := v.get(address); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", address, a.StatusCode)
		}
	}
	if a := v.post("/find", "q", "okonkwo"); strings.Contains(a.body, "/locate") {
		t.Error("whose role does not locate is led there")
	}
	if a := v.get("/chart/nobody"); a.StatusCode != http.StatusNotFound || strings.Contains(a.body, "/emergency/") {
		t.Errorf("the gate: %d", a.StatusCode)
	}
	f.denies = false
	if a := v.get("/chart/nobody"); !strings.Contains(a.body, `href="/emergency/nobody"`) {
		t.Error("the gate leads nowhere")
	}
}

// TestEmergencyRate: how often it happens is told of all days and of each, also of one
// on which nobody opened a chart.
func TestEmergencyRate(t *testing.T) {
	v := visit(t, withEmergency(&fakeEmergency{})).signIn()
	a := v.get("/emergencies")
	for _, want := range []string{"2.0 of 1,000 charts", "4 of 2000 charts", "in 3 days", "<td>–</td>"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
