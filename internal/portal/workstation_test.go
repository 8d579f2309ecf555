package portal_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/portal"
	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

const glassForm = "/emergency/" + portaltest.Quiet

// keep sends what a page's script sends after a pause.
func (v *visitor) keep(mark, form string, fields ...string) answer {
	return v.post("/drafts", append([]string{"mark", mark, "form", form, "page", form}, fields...)...)
}

func (v *visitor) mark() string {
	v.t.Helper()
	m := regexp.MustCompile(`<body[^>]* data-mark="([0-9a-f]{16})"`).FindStringSubmatch(v.get("/ward").body)
	if m == nil {
		v.t.Fatal("the page does not say whose it is")
	}
	return m[1]
}

// signInAs signs somebody in, whoever was there.
func (v *visitor) signInAs(user string) answer {
	v.t.Helper()
	v.post("/sign-in", "user", user, "password", portaltest.Password)
	return v.post("/sign-in/code", "code", portaltest.Code)
}

func (v *visitor) address() *url.URL {
	v.t.Helper()
	at, err := url.Parse(v.stage.Server.URL)
	if err != nil {
		v.t.Fatal(err)
	}
	return at
}

func (v *visitor) cookie() string {
	for _, c := range v.client.Jar.Cookies(v.address()) {
		if c.Name == "__Host-wk" {
			return c.Value
		}
	}
	return ""
}

// TestSomebodyElseSignsIn is the shared workstation without scripts: the second person
// signs in over the lock, and the first one's session, address and words stay hers.
func TestSomebodyElseSignsIn(t *testing.T) {
	v := visit(t, withEmergency(&fakeEmergency{})).signIn()
	first, firstMark := v.cookie(), v.mark()
	if a := v.keep(firstMark, glassForm, "f.note", "canary-words"); a.StatusCode != 204 {
		t.Fatalf("keeping: %d %s", a.StatusCode, a.body)
	}
	locked := v.post("/lock", "back", "/chart/"+portaltest.Adaeze).Header.Get("Location")
	page := v.get(locked)
	for _, want := range []string{"Somebody else? Sign in", `action="/sign-in"`, "Joy Miller"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the lock page lacks %q", want)
		}
	}
	if strings.Contains(page.body, "/sign-out") {
		t.Error("whoever passes can sign her out")
	}
	in := v.signInAs(portaltest.Other)
	if in.Header.Get("Location") != "/" || in.Header.Get("Clear-Site-Data") != `"cache"` {
		t.Errorf("signing in leads to %q, clears %q", in.Header.Get("Location"), in.Header.Get("Clear-Site-Data"))
	}
	second := v.cookie()
	if second == "" || second == first {
		t.Fatal("the session has no id of its own")
	}
	v.leftBehind(first)
	for _, path := range []string{"/", "/ward", glassForm} {
		if a := v.get(path); a.StatusCode != 200 || strings.Contains(a.body, "canary-words") || strings.Contains(a.body, "Joy Miller") {
			t.Errorf("%s: %d, or tells of the first", path, a.StatusCode)
		}
	}
	// The lock page of the first, in the browser's history, neither locks the second nor leads her there.
	if a := v.get(locked); a.Header.Get("Location") != "/" {
		t.Errorf("the first one's lock page: %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	if a := v.get("/ward"); a.StatusCode != 200 {
		t.Errorf("the second is locked by it: %d", a.StatusCode)
	}
	// A page of the first that was left open keeps nothing in the second one's name.
	if a := v.keep(firstMark, glassForm, "f.note", "canary-words"); a.StatusCode != 409 || len(v.stage.Drafts.Of("u2")) != 0 {
		t.Errorf("kept under another name: %d", a.StatusCode)
	}

	v.post("/lock")
	v.signInAs(portaltest.User)
	if a := v.get("/"); !strings.Contains(a.body, "Typed and not sent") || strings.Contains(a.body, "canary-words") {
		t.Error("the first page does not say where her words wait")
	}
	if a := v.get(glassForm); !strings.Contains(a.body, `data-name="note" value="canary-words"`) {
		t.Error("her words are not put back")
	}
	third := v.cookie()
	v.signInAs(portaltest.User)
	if _, err := v.stage.Accounts.Session(t.Context(), third, false); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("an earlier session of hers in the same browser goes on: %v", err)
	}
}

// TestOpenSessionIsLockedBehind holds that whoever signs in over a session that is not
// locked locks it.
func TestOpenSessionIsLockedBehind(t *testing.T) {
	v := visit(t).signIn()
	first := v.cookie()
	v.signInAs(portaltest.Other)
	v.leftBehind(first)
}

// TestSignInByProviderLeaves: a browser that comes back from a provider sends no cookie
// along, as it comes from another site; what it had is left all the same.
func TestSignInByProviderLeaves(t *testing.T) {
	for name, first := range map[string]string{"her own": portaltest.User, "another's": portaltest.Other} {
		v, _ := federated(t)
		v.signInAs(first)
		token := v.cookie()
		v.post("/sign-in/with/" + portaltest.Provider)
		if s, err := v.stage.Accounts.Session(t.Context(), token, false); err != nil || !s.Locked {
			t.Fatalf("%s on the way: locked %v, %v", name, s.Locked, err)
		}
		v.client.Jar.SetCookies(v.address(), []*http.Cookie{{Name: "__Host-wk", Path: "/", Secure: true, MaxAge: -1}})
		v.get("/sign-in/return/" + portaltest.Provider + "?state=s&code=" + portaltest.GoodCode)
		if _, err := v.stage.Accounts.Session(t.Context(), token, false); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: the token that was here: %v", name, err)
		}
		if want := map[string]int{portaltest.User: 0, portaltest.Other: 1}[first]; v.stage.Accounts.Locked("u2") != want || v.stage.Accounts.Locked("u1") != 0 {
			t.Errorf("%s: %d and %d wait behind a lock", name, v.stage.Accounts.Locked("u1"), v.stage.Accounts.Locked("u2"))
		}
		if a := v.get("/ward"); a.StatusCode != 200 {
			t.Errorf("%s: the new session: %d", name, a.StatusCode)
		}
	}
}

// leftBehind wants the nurse's session to go on, locked, and the token the browser had
// to open nothing.
func (v *visitor) leftBehind(token string) {
	v.t.Helper()
	if _, err := v.stage.Accounts.Session(v.t.Context(), token, false); !fault.Is(err, fault.Unauthenticated) {
		v.t.Errorf("the first one's token: %v", err)
	}
	if n := v.stage.Accounts.Locked("u1"); n != 1 {
		v.t.Errorf("%d sessions of hers wait behind a lock", n)
	}
}

// TestDraftsEndWhenSent goes through answers to a form: what is taken is forgotten,
// what is refused or waits for a proof is not.
func TestDraftsEndWhenSent(t *testing.T) {
	v := visit(t, withEmergency(&fakeEmergency{})).signIn()
	mark := v.mark()
	kept := func() int { return len(v.stage.Drafts.Of("u1")) }
	v.keep(mark, glassForm, "f.note", "words")
	for range 2 {
		v.stage.Clock.Advance(3 * time.Minute)
		v.post("/awake")
	}
	if a := v.post(glassForm, "reason", "treatment", "note", "words"); a.StatusCode != 403 || kept() != 1 {
		t.Errorf("refused for want of a proof (%d), %d are kept", a.StatusCode, kept())
	}
	if a := v.post(glassForm, "reason", "treatment", "note", "words", "password", portaltest.Password, "code", portaltest.Code); a.StatusCode != 303 || kept() != 0 {
		t.Errorf("sent (%d), %d are kept", a.StatusCode, kept())
	}
	v.keep(mark, glassForm, "f.note", "words")
	if a := v.post("/drafts/discard", "form", glassForm, "back", "/ward"); a.Header.Get("Location") != "/ward" || kept() != 0 {
		t.Errorf("discarded: %d, %d are kept", a.StatusCode, kept())
	}
	for form, want := range map[string]int{
		glassForm: 204, "/find": 400, "/sign-in": 400, "/account/password": 400, "https://elsewhere.example/": 400, "": 400, "//x": 400, "/emergency/a/end": 400,
	} {
		if a := v.keep(mark, form, "f.note", "words"); a.StatusCode != want {
			t.Errorf("keeping %q: %d, want %d", form, a.StatusCode, want)
		}
	}
	v.post("/lock")
	if a := v.keep(mark, glassForm, "f.note", "typed behind the lock"); a.StatusCode == 204 {
		t.Error("a locked session keeps words")
	}
}

var (
	formTag  = regexp.MustCompile(`(?s)<form[^>]*>.*?</form>`)
	fieldTag = regexp.MustCompile(`<(?:input|textarea|select)[^>]*>`)
	// answered are forms whose words are asked and answered at once, or prove who it is.
	answered = regexp.MustCompile(`role="search"|action="(/locate|/sign-in|/sign-in/code|/unlock|/step-up|/enrol[a-z/]*|/account/password)"`)
	unworded = regexp.MustCompile(`type="(hidden|password|checkbox|radio)"|one-time-code`)
)

// unkept returns the forms of a template that take words and lose them when the page
// locks, and the fields of the others that a browser would keep.
func unkept(source string) (bad []string) {
	for _, form := range formTag.FindAllString(source, -1) {
		for _, field := range fieldTag.FindAllString(form, -1) {
			switch {
			case unworded.MatchString(field):
			case !strings.Contains(form, "data-draft="):
				if !answered.MatchString(form) {
					bad = append(bad, form)
				}
			case !strings.Contains(field, `autocomplete="off"`) && !strings.Contains(field, `type="date"`):
				bad = append(bad, field)
			}
		}
	}
	return bad
}

// TestFormsKeepWords holds that every form that takes words keeps them, on the server
// alone.
func TestFormsKeepWords(t *testing.T) {
	kept := 0
	for _, pattern := range []string{"templates/pages/*.html", "templates/parts/*.html"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			kept += strings.Count(string(source), "data-draft=")
			for _, bad := range unkept(string(source)) {
				t.Errorf("%s: %s", file, bad)
			}
		}
	}
	if kept < 11 {
		t.Errorf("%d forms keep their words", kept)
	}
	for _, leak := range []string{
		`<form action="/x"><input name="note" autocomplete="off"></form>`,
		`<form action="/x" data-draft="/x"><textarea name="note"></textarea></form>`,
	} {
		if len(unkept(leak)) != 1 {
			t.Errorf("not seen: %s", leak)
		}
	}
}

// TestKeptFormsAreServed holds that each form whose words are kept is one that forgets
// them when they are sent, and says which it is.
func TestKeptFormsAreServed(t *testing.T) {
	v := visit(t, withEmergency(&fakeEmergency{}), func(s *portaltest.Stage, cfg *portal.Config) {
		store := &noRecords{}
		people, err := identity.New(identity.Config{Records: store, Audit: store, Gate: store, Clock: s.Clock})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Own, cfg.People, cfg.Consents = people, people, &fakeConsents{}
	})
	forms := 0
	action := regexp.MustCompile(`<form[^>]* action="([^"]*)"[^>]* data-draft=`)
	files, _ := filepath.Glob("templates/*/*.html")
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range action.FindAllStringSubmatch(string(source), -1) {
			forms++
			address := regexp.MustCompile(`\{\{.*?\}\}`).ReplaceAllString(m[1], "x1")
			if portal.FormWords(v.stage.Portal, address) == "" {
				t.Errorf("%s: nothing is kept of %s", file, address)
			}
		}
	}
	if forms < 11 {
		t.Errorf("%d forms seen", forms)
	}
	if got := portal.FormWords(v.stage.Portal, "/emergency/p1/end"); got != "" {
		t.Errorf("a form without words is kept as %q", got)
	}
}
