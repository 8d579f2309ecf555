package portal_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/portal"
	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
	"github.com/wardkeep/wardkeep/internal/smart"
)

// fakeApps has one request, one connection and one app to start.
type fakeApps struct {
	question smart.Question
	answers  []identity.Decision
	ended    []string
	kept     []string
	stale    bool // a fresh proof is wanted
}

const (
	asking    = "abcdefghijklmnop"
	appReturn = "com.example.app:/back?code=x&state=a%26b"
)

func (f *fakeApps) Question(_ context.Context, _ identity.Actor, id string) (smart.Question, error) {
	if f.stale {
		return smart.Question{}, &fault.Error{Kind: fault.Denied, Op: "fake", Err: identity.ErrStepUp}
	}
	if id != asking {
		return smart.Question{}, fault.New(fault.NotFound, "fake", "")
	}
	return f.question, nil
}

func (f *fakeApps) Answer(_ context.Context, _ identity.Actor, id string, d identity.Decision) (string, error) {
	if id != asking {
		return "", fault.New(fault.NotFound, "fake", "")
	}
	f.answers = append(f.answers, d)
	return appReturn, nil
}

func (f *fakeApps) Launchable(context.Context) ([]identity.Client, error) {
	return []identity.Client{{ID: "growth", Name: "Growth <b>"}}, nil
}

func (f *fakeApps) Launch(_ context.Context, _ identity.Actor, app, patient string) (string, error) {
	return "https://app.example/launch?launch=" + app + "-" + patient, nil
}

func (f *fakeApps) Connections(context.Context, identity.Actor) ([]identity.Connection, error) {
	return []identity.Connection{{ID: "c1", Name: "Growth <b>", Patient: portaltest.Quiet, Created: portaltest.Now.Add(-48 * time.Hour), Granted: f.question.Granted, NamesInURLs: f.question.Names}}, nil
}

func (f *fakeApps) EndConnection(_ context.Context, _ identity.Actor, id, _ string) error {
	f.ended = append(f.ended, id)
	return nil
}

func (f *fakeApps) NarrowConnection(_ context.Context, _ identity.Actor, id string, keep []string) error {
	if len(keep) == 0 {
		return fault.New(fault.Unprocessable, "fake", "Nothing would be left.")
	}
	f.kept = append(f.kept, id+" "+strings.Join(keep, " "))
	return nil
}

func visitWithApps(t *testing.T, scope string, choose bool) (*visitor, *fakeApps) {
	t.Helper()
	granted, err := identity.ParseAsked(scope)
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeApps{question: smart.Question{App: "Growth <b>", Host: "app.example", Granted: granted, Choose: choose}}
	return visit(t, func(_ *portaltest.Stage, cfg *portal.Config) { cfg.Apps = f }), f
}

// An app's visitor is asked once he is signed in, wherever the app has sent him.
func TestAppsAskAfterSigningIn(t *testing.T) {
	v, _ := visitWithApps(t, "openid user/Patient.rs", false)
	a := v.get("/connect/" + asking)
	if a.StatusCode != 200 || a.Header.Get("Refresh") != "0; url=/connect/"+asking+"/ask" || !strings.Contains(a.body, `href="/connect/`+asking+`/ask"`) {
		t.Fatalf("%d %q", a.StatusCode, a.Header.Get("Refresh"))
	}
	if a = v.get("/connect/" + asking + "/ask"); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/sign-in" {
		t.Fatalf("%d %s", a.StatusCode, a.Header.Get("Location"))
	}
	v.signIn()
	if a = v.get("/"); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/connect/"+asking+"/ask" {
		t.Fatalf("%d %s", a.StatusCode, a.Header.Get("Location"))
	}
	if a = v.get("/"); a.StatusCode != 200 {
		t.Errorf("he is led there for ever: %d", a.StatusCode)
	}
	for _, id := range []string{"nobody", "a_b", "..%2F..", strings.Repeat("a", 100)} {
		if a := v.get("/connect/" + id + "/ask"); a.StatusCode != 404 {
			t.Errorf("%s: %d", id, a.StatusCode)
		}
	}
}

// The page says what is granted, takes what is left, and leads back without a form
// that leads to other sites.
func TestConsent(t *testing.T) {
	v, f := visitWithApps(t, "openid offline_access patient/Observation.rs?category=http://x|laboratory user/Patient.cud launch/patient", true)
	v.signIn()
	if a := v.get("/connect/" + asking + "/ask"); a.StatusCode != 200 || !strings.Contains(a.body, "For which patient?") || !strings.Contains(a.body, "Growth &lt;b&gt;") {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	a := v.post("/connect/"+asking+"/patient", "patient", portaltest.Quiet)
	for _, want := range []string{
		"Let the app Growth &lt;b&gt; in?", "app.example", "See test results and measurements of this patient, only where category is laboratory",
		"Add, change and delete name, address and other personal details of all patients you may see",
		"Stay connected when you are signed out, for up to a year", "Unless it stays connected, it is let in for an hour", `type="hidden" name="grant" value="openid"`, `name="patient" value="` + portaltest.Quiet + `"`,
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if policy := a.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self';") {
		t.Errorf("policy %s", policy)
	}
	if a := v.post("/connect/"+asking+"/patient", "patient", "nobody-here"); a.StatusCode != 404 {
		t.Errorf("a patient who is not there: %d", a.StatusCode)
	}
	a = v.post("/connect/"+asking+"/answer", "answer", "allow", "patient", portaltest.Quiet, "grant", "openid")
	if a.StatusCode != 200 || a.Header.Get("Refresh") != "0; url="+appReturn || !strings.Contains(a.body, `href="com.example.app:/back?code=x&amp;state=a%26b"`) {
		t.Errorf("%d %q %s", a.StatusCode, a.Header.Get("Refresh"), a.body)
	}
	v.post("/connect/"+asking+"/answer", "answer", "decline", "patient", portaltest.Quiet)
	v.post("/connect/" + asking + "/answer")
	if len(f.answers) != 3 || !f.answers[0].Allow || f.answers[0].Patient != portaltest.Quiet || f.answers[0].Granted.String() != "openid" || f.answers[1].Allow || f.answers[2].Allow {
		t.Errorf("%+v", f.answers)
	}
	if a := v.post("/connect/"+asking+"/answer", "answer", "allow"); a.StatusCode != http.StatusUnprocessableEntity || len(f.answers) != 3 {
		t.Errorf("nothing chosen: %d", a.StatusCode)
	}
	for _, names := range []bool{false, true} {
		f.question.Names = names
		if a := v.post("/connect/"+asking+"/patient", "patient", portaltest.Quiet); strings.Contains(a.body, "into web addresses") != names {
			t.Errorf("an app that may write names into addresses, %v: %s", names, a.body)
		}
		if a := v.get("/apps"); strings.Contains(a.body, "into web addresses") != names {
			t.Errorf("its page, %v: %s", names, a.body)
		}
	}
	f.stale = true
	if a := v.get("/connect/" + asking + "/ask"); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/step-up?to=/connect/"+asking+"/ask" {
		t.Errorf("a stale proof: %d %s", a.StatusCode, a.Header.Get("Location"))
	}
}

func TestAppsPages(t *testing.T) {
	v, f := visitWithApps(t, "offline_access patient/*.rs", false)
	for _, path := range []string{"/apps", "/chart/" + portaltest.Quiet + "/apps"} {
		if a := v.get(path); a.StatusCode != http.StatusSeeOther {
			t.Errorf("%s without a session: %d", path, a.StatusCode)
		}
	}
	v.signIn()
	if a := v.get("/apps"); a.StatusCode != 200 || !strings.Contains(a.body, "Growth &lt;b&gt;") || !strings.Contains(a.body, "See everything in the record of this patient") || !strings.Contains(a.body, "/apps/c1/end") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := v.get("/apps"); !strings.Contains(a.body, `name="grant" value="offline_access" checked`) || !strings.Contains(a.body, `name="grant" value="patient/*.rs" checked`) || !strings.Contains(a.body, `action="/apps/c1/narrow"`) {
		t.Errorf("what it may do cannot be taken away: %s", a.body)
	}
	if a := v.post("/apps/c1/narrow", "grant", "patient/*.rs"); a.StatusCode != http.StatusSeeOther || !slices.Equal(f.kept, []string{"c1 patient/*.rs"}) {
		t.Errorf("%d %v", a.StatusCode, f.kept)
	}
	if a := v.post("/apps/c1/narrow"); a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.body, "Nothing would be left.") {
		t.Errorf("nothing ticked: %d", a.StatusCode)
	}
	if a := v.post("/apps/c1/end"); a.StatusCode != http.StatusSeeOther || !slices.Equal(f.ended, []string{"c1"}) {
		t.Errorf("%d %v", a.StatusCode, f.ended)
	}
	if a := v.get("/chart/" + portaltest.Quiet + "/apps"); a.StatusCode != 200 || !strings.Contains(a.body, "/chart/"+portaltest.Quiet+"/apps/growth") || !strings.Contains(a.body, `id="banner"`) {
		t.Errorf("%d", a.StatusCode)
	}
	if a := v.post("/chart/" + portaltest.Quiet + "/apps/growth"); a.Header.Get("Refresh") != "0; url=https://app.example/launch?launch=growth-"+portaltest.Quiet {
		t.Errorf("%d %q", a.StatusCode, a.Header.Get("Refresh"))
	}
	plain := visit(t).signIn()
	for _, path := range []string{"/apps", "/chart/" + portaltest.Quiet + "/apps", "/connect/" + asking} {
		if a := plain.get(path); a.StatusCode != 404 {
			t.Errorf("%s is served without apps: %d", path, a.StatusCode)
		}
	}
}
