package portal_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

// postPaths are the addresses that take forms, read from where they are mounted, so
// that none is forgotten; what varies in them is filled in.
func postPaths(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`"POST (/[^"]*)"`).FindAllStringSubmatch(string(text), -1) {
			path := strings.ReplaceAll(m[1], "{provider}", portaltest.Provider)
			out = append(out, regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "x1"))
		}
	}
	if len(out) < 30 {
		t.Fatalf("only %d addresses were found", len(out))
	}
	return out
}

// spoken hides the length of what is sent.
type spoken struct{ io.Reader }

// TestHugeForms: whoever sends a large form is refused before more of it is read
// than the largest that is of use, wherever he sends it and without a session.
func TestHugeForms(t *testing.T) {
	v, _ := federated(t)
	huge := "back=/ward&user=" + strings.Repeat("a", 1<<20)
	for _, path := range append(postPaths(t), "/no-such-page") {
		for name, body := range map[string]io.Reader{"length said": strings.NewReader(huge), "length unsaid": spoken{strings.NewReader(huge)}} {
			req, err := http.NewRequest("POST", v.stage.Server.URL+path, body)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			res, err := v.client.Do(req)
			if err != nil {
				t.Fatalf("%s, %s: %v", path, name, err)
			}
			res.Body.Close()
			want := http.StatusRequestEntityTooLarge
			if strings.HasPrefix(path, "/sign-in/ended/") {
				want = http.StatusBadRequest // OpenID Connect Back-Channel Logout 1.0, §2.8
			}
			if res.StatusCode != want {
				t.Errorf("%s, %s: %d", path, name, res.StatusCode)
			}
		}
	}
	if a := v.post("/theme", "theme", "dark", "back", strings.Repeat("a", 100<<10)); a.StatusCode != 303 {
		t.Errorf("a form within bounds: %d", a.StatusCode)
	}
	if a := v.do("POST", "/theme?x=%zz", nil); a.StatusCode != 400 {
		t.Errorf("a form that cannot be read: %d", a.StatusCode)
	}
	v.signIn()
}
