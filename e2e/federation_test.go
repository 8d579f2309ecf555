package e2e_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// lakeside are the settings of a provider that runs e2e/federation/provider.mjs.
const lakeside = `  - name: %s
    label: %s
    issuer: %s
    client_id: %s
    client_secret_file: %s
    private: true
    ca: %s
    roles: {claim: groups, map: {ward nurses: nurse, doctors: doctor}}
    mfa: {claim: acr, values: ['urn:example:two-factors'], request: acr_values}
    require: {hd: example.org}
`

// openLakeside starts a hospital and an oidc-provider that know each other.
func openLakeside(t *testing.T) (*hospital, *idp) {
	t.Helper()
	p := newIDP(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("a secret of the tests, long enough\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := serveFederated(t, func(_, _ string) string {
		return fmt.Sprintf(lakeside, "lakeside", "Lakeside", p.base, "wardkeep", secret, p.cert) + fmt.Sprintf(lakeside, "other", "Lakeside’s agency", p.base, "other", secret, p.cert)
	})
	p.start(t, "provider.mjs", h.base, filepath.Join(h.dir, "ca.pem"))
	return h, p
}

// come goes to the provider and proves who it is there, up to the way back.
func (s *surfer) come(h *hospital, provider, who string, mfa bool, pairs ...string) page {
	s.t.Helper()
	away := s.one("POST", h.base+"/sign-in/with/"+provider, valuesOf(pairs))
	there := s.follow(s.one("GET", s.next(away), nil), h.base)
	if s.next(there) != "" {
		return there // known there already
	}
	factors := "no"
	if mfa {
		factors = "yes"
	}
	return s.submit(there, h.base, "who", who, "mfa", factors)
}

// enter is come, and the way back.
func (s *surfer) enter(h *hospital, who string, mfa bool, pairs ...string) page {
	s.t.Helper()
	return s.follow(s.come(h, "lakeside", who, mfa, pairs...), "")
}

func (s *surfer) signedIn(h *hospital) bool {
	s.t.Helper()
	return s.one("GET", h.base+"/", nil).StatusCode == 200
}

func (s *surfer) wantRefused(name string, p page, words string) {
	s.t.Helper()
	if p.StatusCode < 400 || !strings.Contains(p.body, words) || p.Header.Values("Set-Cookie") != nil && strings.Contains(strings.Join(p.Header.Values("Set-Cookie"), ";"), "__Host-wk=") {
		s.t.Errorf("%s: %d %.600s", name, p.StatusCode, p.body)
	}
}

// TestFederation signs people in by a real provider over TLS, and ends their
// sessions from there.
func TestFederation(t *testing.T) {
	h, p := openLakeside(t)
	s := newSurfer(t, h, p)
	s.wantRefused("first sign-in", s.enter(h, "nora", true), "still waits for")
	if waiting := h.waiting(); len(waiting) != 1 || !strings.HasPrefix(waiting[0], "lakeside-") {
		t.Fatalf("waiting: %q", waiting)
	}
	h.clearAll()
	arrived := s.enter(h, "nora", true, "back", "/ward")
	if arrived.at() != h.base+"/ward" || arrived.StatusCode != 200 || !strings.Contains(arrived.body, "Nora Lindqvist") {
		t.Fatalf("%d at %s", arrived.StatusCode, arrived.at())
	}
	t.Run("lock", func(t *testing.T) {
		s.post(h.base+"/lock", "back", "/ward")
		if locked := s.one("GET", h.base+"/ward", nil); locked.StatusCode == 200 {
			t.Fatal("not locked")
		}
		if back := s.enter(h, "nora", true, "again", "yes", "back", "/ward"); back.at() != h.base+"/ward" || back.StatusCode != 200 {
			t.Errorf("unlocking leads to %d %s", back.StatusCode, back.at())
		}
		s.post(h.base + "/lock")
		s.forget(h)
		s.wantRefused("another person unlocks", s.enter(h, "dan", true, "again", "yes"), "Somebody else signed in there")
		if s.signedIn(h) {
			t.Error("the lock is open")
		}
		s.forget(h)
		s.enter(h, "nora", true, "again", "yes")
	})
	t.Run("signing out here", func(t *testing.T) {
		before := newSurfer(t, h, p)
		before.client.Jar.SetCookies(arrived.Request.URL, s.client.Jar.Cookies(arrived.Request.URL))
		out := s.post(h.base + "/sign-out")
		if !strings.HasPrefix(out.at(), p.base) {
			t.Fatalf("signing out leads to %s", out.at())
		}
		if before.signedIn(h) {
			t.Error("the session goes on")
		}
		if back := s.submit(out, "", "logout", "yes"); back.at() != h.base+"/sign-in" {
			t.Errorf("and then to %s", back.at())
		}
		if there := s.post(h.base + "/sign-in/with/lakeside"); !strings.Contains(there.at(), "/interaction/") {
			t.Errorf("the provider still knows her: %s", there.at())
		}
	})
	t.Run("signing out there", func(t *testing.T) {
		other := newSurfer(t, h, p)
		s.enter(h, "nora", true)
		other.enter(h, "nora", true)
		if !s.signedIn(h) || !other.signedIn(h) {
			t.Fatal("not signed in")
		}
		s.submit(s.get(p.base+"/session/end"), "", "logout", "yes")
		time.Sleep(time.Second)
		if s.signedIn(h) {
			t.Error("a second later the session goes on")
		}
		if !other.signedIn(h) {
			t.Error("her session at another computer ended, too")
		}
	})
	t.Run("disabled here", func(t *testing.T) {
		s.enter(h, "nora", true)
		for line := range strings.Lines(must(t, "user", "list", "--dir", h.dir)) {
			if strings.Contains(line, "Nora") {
				must(t, "user", "disable", "--dir", h.dir, strings.Fields(line)[0], "--reason", "a test")
			}
		}
		time.Sleep(time.Second)
		if s.signedIn(h) {
			t.Error("the session goes on")
		}
		s.wantRefused("disabled", s.enter(h, "nora", true), "is not active")
	})
	audited(t, h, "waits for clearance", "another person than the session", "account not active", "it ended the session")
}

// TestFederationRefuses is what a browser may bring back that is not what was asked
// for. Forged tokens are tested beside the code (federation.TestTokensThatAreNotBelieved).
func TestFederationRefuses(t *testing.T) {
	h, p := openLakeside(t)
	fresh := func() *surfer { return newSurfer(t, h, p) }
	fresh().enter(h, "dan", true)
	h.clearAll()
	s := fresh()
	s.wantRefused("one factor", s.enter(h, "dan", false), "did not check a second factor")
	s.wantRefused("no role", fresh().enter(h, "sam", true), "gives you no role")
	s.wantRefused("another organisation", fresh().enter(h, "eve", true), "does not belong to the organisation")
	if waiting := h.waiting(); len(waiting) != 0 {
		t.Errorf("accounts were made for %q", waiting)
	}

	s = fresh()
	back := s.next(s.come(h, "lakeside", "dan", true))
	answer, err := url.Parse(back)
	if err != nil || answer.Query().Get("iss") != p.base {
		t.Fatalf("the way back is %s", back)
	}
	change := func(to, name, value string) string {
		u := *answer
		q := u.Query()
		q.Set(name, value)
		u.RawQuery = q.Encode()
		u.Path = "/sign-in/return/" + to
		return u.String()
	}
	thief := fresh()
	thief.come(h, "lakeside", "dan", true) // has a visit of its own under way
	thief.wantRefused("the link of another browser", thief.get(back), "not begun in this window")
	s.wantRefused("which is used up", s.get(back), "not begun in this window")

	s = fresh()
	back = s.next(s.come(h, "lakeside", "dan", true))
	answer, _ = url.Parse(back)
	s.wantRefused("another issuer", s.get(change("lakeside", "iss", "https://evil.example")), "could not be believed")
	s = fresh()
	answer, _ = url.Parse(s.next(s.come(h, "lakeside", "dan", true)))
	s.wantRefused("at another provider's address", s.get(change("other", "x", "y")), "not begun in this window")
	victim := fresh()
	stolen, _ := url.Parse(victim.next(victim.come(h, "lakeside", "dan", true)))
	s = fresh()
	answer, _ = url.Parse(s.next(s.come(h, "lakeside", "dan", true)))
	s.wantRefused("a code of another sign-in", s.get(change("lakeside", "code", stolen.Query().Get("code"))), "could not be believed")
	s = fresh()
	forOther, _ := url.Parse(s.next(s.come(h, "other", "dan", true)))
	answer, _ = url.Parse(s.next(s.come(h, "lakeside", "dan", true)))
	s.wantRefused("a code for another client", s.get(change("lakeside", "code", forOther.Query().Get("code"))), "could not be believed")

	s = fresh()
	back = s.next(s.come(h, "lakeside", "dan", true))
	if in := s.get(back); in.StatusCode != 200 || !s.signedIn(h) {
		t.Fatalf("the control: %d", in.StatusCode)
	}
	again := s.one("GET", back, nil)
	s.wantRefused("replayed", again, "not begun in this window")

	for _, secret := range []string{answer.Query().Get("code"), answer.Query().Get("state"), stolen.Query().Get("code"), "Okoye", "evil.example"} {
		if secret == "" || strings.Contains(h.screen.String(), secret) {
			t.Error("the server's log holds a code, a state or a name")
		}
	}
	if a := s.one("POST", h.base+"/sign-in/ended/lakeside", url.Values{"logout_token": {"eyJhbGciOiJub25lIn0.e30."}}); a.StatusCode != 400 || !s.signedIn(h) {
		t.Errorf("an unsigned logout token: %d", a.StatusCode)
	}
	audited(t, h, "no second factor", "no role is mapped", "a required claim differs", "state of another browser", "another issuer",
		"state of another provider", "does not take the code", "state is not known", "no logout token|not signed")
}

// audited wants each text in the audit log.
func audited(t *testing.T, h *hospital, texts ...string) {
	t.Helper()
	log := must(t, "audit", "export", "--dir", h.dir)
	for _, want := range texts {
		found := false
		for one := range strings.SplitSeq(want, "|") {
			found = found || strings.Contains(log, one)
		}
		if !found {
			t.Errorf("the audit log does not say %q", want)
		}
	}
}

// TestFederationByCognito signs in at cognito-local, whose tokens have groups and no
// sid, and whose sign-out is its own.
func TestFederationByCognito(t *testing.T) {
	p := newIDP(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("a secret of the tests, long enough\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := serveFederated(t, func(dir, base string) string {
		p.start(t, "cognito.mjs", base, "")
		return fmt.Sprintf(`  - name: cognito
    label: Lakeside (AWS)
    issuer: %s
    client_id: %s
    client_secret_file: %s
    private: true
    ca: %s
    roles: {claim: 'cognito:groups', map: {nurses: nurse, doctors: doctor}}
    mfa: {claim: amr, values: [mfa]}
    logout: cognito
    least_rsa: 2048
`, p.told["issuer"], p.told["client_id"], secret, p.cert)
	})
	enter := func(s *surfer, who string) page {
		there := s.post(h.base + "/sign-in/with/cognito")
		return s.submit(there, "", "username", who, "password", "Correct-horse-1")
	}
	s := newSurfer(t, h, p)
	s.wantRefused("first sign-in", enter(s, "nora"), "still waits for")
	h.clearAll()
	if in := enter(s, "nora"); in.StatusCode != 200 || in.at() != h.base+"/" || !s.signedIn(h) {
		t.Fatalf("%d at %s", in.StatusCode, in.at())
	}
	if out := s.post(h.base + "/sign-out"); out.at() != h.base+"/sign-in" || s.signedIn(h) {
		t.Errorf("signing out leads to %s", out.at())
	}
	s = newSurfer(t, h, p)
	s.wantRefused("one factor", enter(s, "sam"), "did not check a second factor")
	audited(t, h, "no second factor")
}
