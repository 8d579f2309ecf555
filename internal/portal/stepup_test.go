package portal_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

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
