package portal_test

import (
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/portal"
	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

// TestEveryCookie: each cookie that the sources name is handed out on some road, for
// this host alone, over TLS, to no script, and its value is in the header alone.
func TestEveryCookie(t *testing.T) {
	f := &portaltest.FakeFederation{}
	v := visit(t, portaltest.Federated(f), func(_ *portaltest.Stage, cfg *portal.Config) { cfg.Apps = &fakeApps{} })
	seen := map[string]bool{}
	look := func(a answer) {
		t.Helper()
		for _, c := range a.Cookies() {
			seen[c.Name] = true
			site := c.SameSite == http.SameSiteStrictMode || c.Name == "__Host-wk-away" && c.SameSite == http.SameSiteLaxMode
			if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || !site {
				t.Errorf("cookie %s: %+v", c.Name, c)
			}
			if len(c.Value) > 8 && c.Name != "__Host-wk-app" && strings.Contains(a.body, c.Value) {
				t.Errorf("cookie %s: its value is in the page", c.Name)
			}
		}
	}
	look(v.post("/theme", "theme", "dark"))
	look(v.post("/sign-in/passkey", "passkey", "{}"))
	look(v.get("/connect/" + asking + "/ask"))
	look(v.post("/enrol", "user", portaltest.NewUser, "code", portaltest.NewCode, "password", newPassword, "again", newPassword))
	look(v.post("/sign-in/with/" + portaltest.Provider))
	look(v.get("/sign-in/return/" + portaltest.Provider + "?state=s&code=" + portaltest.GoodCode))
	look(v.post("/sign-out"))
	look(v.post("/sign-in", "user", portaltest.User, "password", portaltest.Password))
	look(v.post("/sign-in/code", "code", portaltest.Code))
	look(v.post("/lock"))
	look(v.get("/lock"))
	look(v.post("/unlock", "password", portaltest.Password))
	look(v.post("/step-up", "to", "/", "password", portaltest.Password, "code", portaltest.Code))
	named := 0
	for name, text := range sourceFiles(t, ".", ".go") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`\w+Cookie\s*= "([^"]*)"`).FindAllStringSubmatch(text, -1) {
			if named++; !seen[m[1]] {
				t.Errorf("the cookie %s of %s was handed out nowhere", m[1], name)
			}
		}
	}
	if named < 6 {
		t.Errorf("only %d cookies are named", named)
	}
}

// sourceFiles are the files of a folder of this package, by their names.
func sourceFiles(t *testing.T, dir, suffix string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, suffix) || dir == "." && filepath.Dir(path) != "." {
			return err
		}
		text, err := os.ReadFile(path)
		out[path] = string(text)
		return err
	})
	if err != nil || len(out) < 10 {
		t.Fatalf("%d files in %s: %v", len(out), dir, err)
	}
	return out
}

// TestFormsAreNotLinks: what changes something is done by a form alone; asked for as a
// page it is not there, or is the page with the form.
func TestFormsAreNotLinks(t *testing.T) {
	v, _ := federated(t)
	v.signIn()
	pages := map[string]bool{}
	for name, text := range sourceFiles(t, ".", ".go") {
		for _, m := range regexp.MustCompile(`"GET (/[^"]*)"`).FindAllStringSubmatch(text, -1) {
			if !strings.HasSuffix(name, "_test.go") {
				pages[regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(strings.ReplaceAll(m[1], "{provider}", portaltest.Provider), "x1")] = true
			}
		}
	}
	alone := 0
	for _, path := range postPaths(t) {
		if pages[path] {
			continue
		}
		alone++
		for _, method := range []string{"GET", "HEAD"} {
			if a := v.do(method, path, nil); a.StatusCode != http.StatusNotFound && a.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d", method, path, a.StatusCode)
			}
		}
	}
	if alone < 20 {
		t.Errorf("only %d forms", alone)
	}
	v.do("GET", "/sign-out", url.Values{})
	if a := v.get("/ward"); a.StatusCode != http.StatusOK {
		t.Errorf("a link signs out: %d", a.StatusCode)
	}
}

var inputs = regexp.MustCompile(`<input[^>]*>`)

// TestPasswordFields: passwords are hidden as they are typed, may be pasted, and are
// named so that programs that keep passwords find them.
func TestPasswordFields(t *testing.T) {
	found := 0
	for name, text := range sourceFiles(t, "templates", ".html") {
		for _, field := range inputs.FindAllString(text, -1) {
			if !regexp.MustCompile(`name="(password|new|again)"`).MatchString(field) || strings.Contains(field, `type="hidden"`) {
				continue
			}
			found++
			if strings.Contains(field, `value=`) || !strings.Contains(field, `type="password"`) || !regexp.MustCompile(`autocomplete="(current|new)-password"`).MatchString(field) ||
				!strings.Contains(field, `maxlength="1024"`) || strings.Contains(field, "onpaste") {
				t.Errorf("%s: %s", name, field)
			}
		}
	}
	if found < 8 {
		t.Errorf("only %d fields", found)
	}
}

// TestSignOutIsEverywhere that somebody is signed in.
func TestSignOutIsEverywhere(t *testing.T) {
	v := visit(t).signIn()
	for _, path := range everywhere() {
		if a := v.get(path); !strings.HasSuffix(path, "/file") && !strings.Contains(a.body, `action="/sign-out"`) {
			t.Errorf("%s has no way to sign out", path)
		}
	}
	v.post("/lock")
	if a := v.get("/lock"); strings.Contains(a.body, `action="/sign-out"`) {
		t.Error("whoever passes by the lock page can end the session behind it")
	}
}
