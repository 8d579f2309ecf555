package portal_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/portal"
	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

func TestStepUpPage(t *testing.T) {
	v := visit(t)
	if a := v.get("/step-up?to=/ward"); a.StatusCode != 303 || a.Header.Get("Location") != "/sign-in" {
		t.Fatalf("without a session: %d", a.StatusCode)
	}
	v.signIn()
	if a := v.get("/step-up?to=/ward"); a.StatusCode != 200 || !strings.Contains(a.body, `name="to" value="/ward"`) {
		t.Fatalf("%d", a.StatusCode)
	}
	for _, to := range []string{"https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)", "/step-up", "/ward?x=1", "/%2F/x", ""} {
		if a := v.do("GET", "/step-up?to="+strings.ReplaceAll(to, "?", "%3F"), nil); !strings.Contains(a.body, `name="to" value="/"`) {
			t.Errorf("leads to %q", to)
		}
	}
	if a := v.post("/step-up", "to", "/ward", "password", portaltest.Password, "code", "000000"); a.StatusCode != 401 || !strings.Contains(a.body, "did not work") {
		t.Errorf("a wrong code: %d", a.StatusCode)
	}
	before := v.session()
	a := v.post("/step-up", "to", "//elsewhere.example", "password", portaltest.Password, "code", "123 456")
	if a.StatusCode != 303 || a.Header.Get("Location") != "/" {
		t.Fatalf("%d leads to %q", a.StatusCode, a.Header.Get("Location"))
	}
	if v.session() == before {
		t.Error("the session kept its id")
	}
}

// TestStaleProofLeadsToStepUp asks for a page that wants a fresh proof, and sends
// its form, when the proof is old.
func TestStaleProofLeadsToStepUp(t *testing.T) {
	v := visit(t).signIn()
	page := portal.Fresh(v.stage.Portal)
	ask := func(method, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "https://x/people/abc", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(&http.Cookie{Name: "__Host-wk", Value: v.session()})
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		return w
	}
	if w := ask("GET", ""); w.Code != 204 {
		t.Fatalf("fresh: %d", w.Code)
	}
	for range 2 {
		v.stage.Clock.Advance(3 * time.Minute)
		v.get("/ward")
	}
	if w := ask("GET", ""); w.Code != 303 || w.Header().Get("Location") != "/step-up?to=/people/abc" {
		t.Errorf("stale: %d %s", w.Code, w.Header().Get("Location"))
	}
	if w := ask("POST", "back=/people/abc"); w.Code != 303 || w.Header().Get("Location") != "/step-up?to=/people/abc" {
		t.Errorf("a stale form: %d %s", w.Code, w.Header().Get("Location"))
	}
	if w := ask("POST", "back=//elsewhere"); w.Header().Get("Location") != "/step-up?to=/" {
		t.Errorf("a stale form leads to %s", w.Header().Get("Location"))
	}
	v.post("/step-up", "to", "/people/abc", "password", portaltest.Password, "code", portaltest.Code)
	if w := ask("GET", ""); w.Code != 204 {
		t.Errorf("fresh again: %d", w.Code)
	}
}

// fakeOwn is an account with the sessions of FakeAccounts.
type fakeOwn struct {
	portal.Own
	stage *portaltest.Stage
	ended []string
}

func (o *fakeOwn) EndSession(_ context.Context, a identity.Actor, id string) error {
	if err := identity.DemandProof(a, o.stage.Clock.Now()); err != nil {
		return err
	}
	o.ended = append(o.ended, id)
	return nil
}

// TestEndingElsewhereIsOneStep: who has to prove herself before her other sessions end is
// told what then happens, and has not to ask again; a wrong proof ends nothing, and a
// proof for another page neither.
func TestEndingElsewhereIsOneStep(t *testing.T) {
	for path, words := range map[string]string{"/account/sessions/end": "End all my other sessions", "/account/session/end/ab12": "End that session"} {
		own := &fakeOwn{}
		v := visit(t, func(s *portaltest.Stage, cfg *portal.Config) { own.stage, cfg.Own = s, own }).signIn()
		thief := visitorOf(t, v.stage).signIn()
		ended := func() bool {
			if path != "/account/sessions/end" {
				return len(own.ended) > 0
			}
			_, err := v.stage.Accounts.Session(t.Context(), thief.cookie(), false)
			return err != nil
		}
		for range 2 {
			v.stage.Clock.Advance(3 * time.Minute)
			v.get("/ward")
			thief.get("/ward")
		}
		for _, method := range []string{"GET", "POST"} {
			if a := v.do(method, path, nil); a.StatusCode != 303 || a.Header.Get("Location") != "/step-up?to="+path || ended() {
				t.Fatalf("%s by an old proof: %d to %q", path, a.StatusCode, a.Header.Get("Location"))
			}
		}
		if a := v.get("/step-up?to=" + path); !strings.Contains(a.body, "done as soon as you confirm: <strong>"+words) {
			t.Errorf("%s: it is not told what is done", path)
		}
		if a := v.get("/step-up?to=/ward"); strings.Contains(a.body, "done as soon as") {
			t.Error("another page is told to do something")
		}
		if a := v.post("/step-up", "to", path, "password", portaltest.Password, "code", "000000"); a.StatusCode != 401 || ended() {
			t.Errorf("%s by a wrong proof: %d", path, a.StatusCode)
		}
		if a := v.post("/step-up", "to", path, "password", portaltest.Password, "code", portaltest.Code); a.StatusCode != 303 || a.Header.Get("Location") != "/account" || !ended() {
			t.Errorf("%s: %d to %q", path, a.StatusCode, a.Header.Get("Location"))
		}
		// A provider leads back to the address: it asks, and does nothing by itself.
		own.ended = nil
		thief = visitorOf(t, v.stage).signIn()
		if a := v.get(path); a.StatusCode != 200 || !strings.Contains(a.body, words) || ended() {
			t.Errorf("coming back to %s: %d", path, a.StatusCode)
		}
		if a := v.post(path); a.StatusCode != 303 || a.Header.Get("Location") != "/account" || !ended() {
			t.Errorf("%s by a fresh proof: %d", path, a.StatusCode)
		}
		if a := v.get("/ward"); a.StatusCode != 200 {
			t.Errorf("she is out herself: %d", a.StatusCode)
		}
	}
}

// session is the value of the session's cookie.
func (v *visitor) session() string {
	v.t.Helper()
	u, err := v.client.Get(v.stage.Server.URL + "/icon/wardkeep")
	if err != nil {
		v.t.Fatal(err)
	}
	u.Body.Close()
	for _, c := range v.client.Jar.Cookies(u.Request.URL) {
		if c.Name == "__Host-wk" {
			return c.Value
		}
	}
	v.t.Fatal("no session")
	return ""
}
