package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

// federated is a visitor of a site that has a provider.
func federated(t *testing.T) (*visitor, *portaltest.FakeFederation) {
	t.Helper()
	f := &portaltest.FakeFederation{}
	return visit(t, portaltest.Federated(f)), f
}

// come signs the visitor in by the provider.
func (v *visitor) come(pairs ...string) answer {
	v.t.Helper()
	v.post("/sign-in/with/"+portaltest.Provider, pairs...)
	return v.get("/sign-in/return/" + portaltest.Provider + "?state=s&code=" + portaltest.GoodCode)
}

func cookieOf(a answer, name string) *http.Cookie {
	for _, c := range a.Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func TestSignInByProvider(t *testing.T) {
	v, f := federated(t)
	if a := v.get("/sign-in"); !strings.Contains(a.body, "Sign in with "+portaltest.ProviderLabel) || !strings.Contains(a.body, `action="/sign-in/with/lakeside"`) {
		t.Fatal("there is no button")
	}
	a := v.post("/sign-in/with/lakeside", "back", "/ward")
	away := cookieOf(a, "__Host-wk-away")
	if a.StatusCode != 200 || a.Header.Get("Refresh") != "0;url="+portaltest.Upstream || !strings.Contains(a.body, "Lakeside Health") {
		t.Fatalf("%d %q", a.StatusCode, a.Header.Get("Refresh"))
	}
	if away == nil || away.Value != f.Binding || !away.Secure || !away.HttpOnly || away.SameSite != http.SameSiteLaxMode || away.Path != "/" || away.Domain != "" {
		t.Fatalf("the cookie that binds: %+v", away)
	}
	a = v.get("/sign-in/return/lakeside?state=s&code=" + portaltest.GoodCode)
	session := cookieOf(a, "__Host-wk")
	if a.StatusCode != 200 || a.Header.Get("Refresh") != "0;url=/ward" || session == nil || session.SameSite != http.SameSiteStrictMode {
		t.Fatalf("%d %q %+v", a.StatusCode, a.Header.Get("Refresh"), session)
	}
	if c := cookieOf(a, "__Host-wk-away"); c == nil || c.MaxAge >= 0 {
		t.Error("the cookie that binds stays")
	}
	if a := v.get("/ward"); a.StatusCode != 200 {
		t.Errorf("the ward: %d", a.StatusCode)
	}
}

func TestProviderRefuses(t *testing.T) {
	v, _ := federated(t)
	v.post("/sign-in/with/lakeside")
	a := v.get("/sign-in/return/lakeside?state=s&code=bad<script>")
	if a.StatusCode != http.StatusForbidden || !strings.Contains(a.body, portaltest.RefusedWords) || strings.Contains(a.body, "bad") || cookieOf(a, "__Host-wk") != nil {
		t.Errorf("%d: %s", a.StatusCode, a.body)
	}
	for _, path := range []string{"/sign-in/return/other?state=s&code=good", "/sign-in/return/"} {
		if a := v.get(path); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	if a := v.post("/sign-in/with/other"); a.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown provider: %d", a.StatusCode)
	}
	if a := v.do("POST", "/sign-in/with/lakeside", nil, "Origin", "https://evil.example"); a.StatusCode != http.StatusForbidden {
		t.Errorf("begun by another site: %d", a.StatusCode)
	}
	for _, back := range []string{"//evil.example", "/sign-in/return/lakeside", "https://evil.example/"} {
		v.post("/sign-in/with/lakeside", "back", back)
		if a := v.get("/sign-in/return/lakeside?state=s&code=good"); a.Header.Get("Refresh") != "0;url=/" {
			t.Errorf("%q leads to %q", back, a.Header.Get("Refresh"))
		}
	}
}

// TestLockedByProvider: who came by a provider has no password here; the provider
// unlocks, and steps up.
func TestLockedByProvider(t *testing.T) {
	v, f := federated(t)
	v.come()
	v.post("/lock", "back", "/ward")
	a := v.get("/lock?back=/ward")
	if !strings.Contains(a.body, "Unlock with Lakeside Health") || strings.Contains(a.body, `action="/unlock"`) || !strings.Contains(a.body, `name="back" value="/ward"`) {
		t.Fatalf("the lock page: %s", a.body)
	}
	if a := v.come("again", "yes", "back", "/ward"); a.Header.Get("Refresh") != "0;url=/ward" || f.Asked.Session == "" {
		t.Errorf("%q, asked for session %q", a.Header.Get("Refresh"), f.Asked.Session)
	}
	if a := v.get("/step-up?to=/ward"); !strings.Contains(a.body, "Confirm with Lakeside Health") || strings.Contains(a.body, `action="/unlock"`) {
		t.Errorf("the step-up page: %s", a.body)
	}
	other, _ := federated(t)
	other.signIn()
	if a := other.get("/lock"); !strings.Contains(a.body, `action="/unlock"`) {
		t.Error("who came by password unlocks by it")
	}
	if a := other.post("/sign-in/with/lakeside", "again", "yes"); a.StatusCode != 303 || a.Header.Get("Location") != "/sign-in" {
		t.Errorf("a provider renews a session that is not of it: %d", a.StatusCode)
	}
}

func TestSignOutAtProvider(t *testing.T) {
	v, f := federated(t)
	v.come()
	f.SignOut = "https://id.lakeside.example/end"
	if a := v.post("/sign-out"); a.StatusCode != 200 || a.Header.Get("Refresh") != "0;url="+f.SignOut {
		t.Errorf("%d %q", a.StatusCode, a.Header.Get("Refresh"))
	}
	if a := v.get("/ward"); a.StatusCode != 303 {
		t.Errorf("still signed in: %d", a.StatusCode)
	}
	v.come()
	f.SignOut = ""
	if a := v.post("/sign-out"); a.Header.Get("Refresh") != "" || !strings.Contains(a.body, "may still be signed in at Lakeside Health") {
		t.Errorf("%s", a.body)
	}
}

func TestBackChannelEndpoint(t *testing.T) {
	v, f := federated(t)
	for _, c := range []struct {
		path   string
		pairs  []string
		status int
	}{
		{"/sign-in/ended/lakeside", []string{"logout_token", portaltest.GoodCode}, 200},
		{"/sign-in/ended/lakeside", []string{"logout_token", "bad"}, 400},
		{"/sign-in/ended/lakeside", nil, 400},
		{"/sign-in/ended/lakeside?logout_token=" + portaltest.GoodCode, nil, 400},
		{"/sign-in/ended/lakeside", []string{"logout_token", strings.Repeat("x", 200<<10)}, 400},
		{"/sign-in/ended/other", []string{"logout_token", portaltest.GoodCode}, 404},
	} {
		a := v.post(c.path, c.pairs...)
		if a.StatusCode != c.status || a.Header.Get("Cache-Control") != "no-store" || c.status == 400 && !strings.Contains(a.body, `"invalid_request"`) {
			t.Errorf("%s: %d %s", c.path, a.StatusCode, a.body)
		}
	}
	if len(f.Logouts) != 1 {
		t.Errorf("%d logouts", len(f.Logouts))
	}
	without := visit(t)
	for _, path := range []string{"/sign-in/ended/lakeside", "/sign-in/with/lakeside"} {
		if a := without.post(path); a.StatusCode != http.StatusNotFound {
			t.Errorf("without providers, %s: %d", path, a.StatusCode)
		}
	}
	if a := without.get("/sign-in"); strings.Contains(a.body, "Sign in with") {
		t.Error("a button without a provider")
	}
}
