package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var today = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func daysAgo(n int) time.Time { return today.Add(-time.Duration(n) * 24 * time.Hour) }

// TestAges: the days of SECURITY.md, and not one more.
func TestAges(t *testing.T) {
	text, err := os.ReadFile("../../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	if words := "within 7 days if it is critical or known to be used, 30 days if it is high, 90 days else"; !strings.Contains(string(text), words) {
		t.Errorf("SECURITY.md does not say: %s", words)
	}
	for severity, days := range map[string]int{"critical": 7, "high": 30, "moderate": 90, "low": 90, "": 7, "new word": 7} {
		h := hole{since: daysAgo(days - 1), limit: allowed(severity)}
		if h.late(today) {
			t.Errorf("%q is late after %d days", severity, days-1)
		}
		if h.since = daysAgo(days); !h.late(today) {
			t.Errorf("%q is not late after %d days", severity, days)
		}
		if h.since = (time.Time{}); !h.late(today) {
			t.Errorf("%q without a day is not late", severity)
		}
	}
	if (hole{unused: true}).late(today) {
		t.Error("what is not linked is late")
	}
}

// TestFindings: what can be reached fails at once, what is linked and not called after 90
// days, what is not linked never; the nearest counts.
func TestFindings(t *testing.T) {
	finding := func(id, fixed, pkg, function string) string {
		return fmt.Sprintf(`{"finding":{"osv":%q,"fixed_version":%q,"trace":[{"module":"m","version":"v1","package":%q,"function":%q}]}}`, id, fixed, pkg, function)
	}
	answer := `{"config":{}}{"osv":{"id":"GO-1","summary":"s","published":"2020-01-01T00:00:00Z"}}` +
		finding("GO-1", "v2", "", "") + finding("GO-1", "v2", "m/p", "") + finding("GO-1", "v2", "m/p", "F") +
		finding("GO-2", "v2", "m/p", "") + finding("GO-2", "v2", "", "") + finding("GO-3", "", "", "") + finding("GO-4", "v3", "m/p", "") + finding("GO-5", "", "m/p", "")
	published := func(_, version string) time.Time {
		return map[string]time.Time{"v2": daysAgo(1), "v3": daysAgo(91)}[version]
	}
	list, err := readFindings(strings.NewReader(answer), published)
	if err != nil || len(list) != 5 {
		t.Fatalf("%+v, %v", list, err)
	}
	for i, late := range []bool{true, false, false, true, true} {
		if list[i].late(today) != late {
			t.Errorf("%s is late: %t", list[i], !late)
		}
	}
	if _, err := readFindings(strings.NewReader(`{"finding":`), published); err == nil {
		t.Error("half an answer is read")
	}
}

func TestRanges(t *testing.T) {
	for text, within1 := range map[string]bool{
		"<2.0.0": true, "<1.5.0": false, "<=1.5.0": true, ">1.5.0": false, ">= 1.0.0 < 1.6.0": true, ">=1.0.0 <1.5.0 || >=1.5.0 <1.5.1": true,
		">=2.0.0": false, "=1.5.0": true, "1.5.0": true, "1.4.9": false, "*": true, "<2.0.0-beta.1": true, ">=1.0.0 <1.2.0 || >=3.0.0": false,
	} {
		if within("1.5.0", text) != within1 {
			t.Errorf("1.5.0 in %q is %t", text, !within1)
		}
	}
}

// registry is a fake one of this test's own: it has one package with one hole, and answers
// the real npm as registry.npmjs.org does.
func registry(t *testing.T, severity string, fixed time.Time, answers bool) string {
	t.Helper()
	t.Setenv("npm_config_cache", t.TempDir())
	version := func(v string) string {
		return fmt.Sprintf(`%q:{"name":"planted","version":%q,"dist":{"tarball":"http://127.0.0.1/p.tgz","integrity":"sha512-AAAA"}}`, v, v)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /planted", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"_id":"planted","name":"planted","dist-tags":{"latest":"2.0.0"},"versions":{%s,%s},"time":{"created":"2019-01-01T00:00:00.000Z","1.0.0":"2019-01-01T00:00:00.000Z","2.0.0":%q}}`,
			version("1.0.0"), version("2.0.0"), fixed.Format(time.RFC3339))
	})
	mux.HandleFunc("POST /-/npm/v1/security/advisories/bulk", func(w http.ResponseWriter, _ *http.Request) {
		if !answers {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"planted":[{"id":1,"url":"https://github.com/advisories/GHSA-xxxx","title":"a planted hole","severity":%q,"vulnerable_versions":"<2.0.0","cwe":[],"cvss":{"score":0,"vectorString":null}}]}`, severity)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL + "/"
}

// lock is a folder whose package-lock.json pins the planted package.
func lock(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"package.json":      fmt.Sprintf(`{"name":"x","version":"1.0.0","dependencies":{"planted":%q}}`, version),
		"package-lock.json": fmt.Sprintf(`{"name":"x","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{"":{"name":"x","version":"1.0.0","dependencies":{"planted":%q}},"node_modules/planted":{"version":%q,"integrity":"sha512-AAAA"}}}`, version, version),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestPackages: the real npm, at a fake registry, finds the planted version; its age
// decides, and the version after it has no hole.
func TestPackages(t *testing.T) {
	if _, err := exec.LookPath("npm"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("npm is not installed: scripts/test-deps.sh")
		}
		t.Skip("npm is not installed")
	}
	for _, c := range []struct {
		name, severity, version string
		days                    int
		late                    bool
	}{
		{"old", "high", "1.0.0", 31, true}, {"young", "high", "1.0.0", 29, false}, {"critical", "critical", "1.0.0", 8, true},
		{"of little weight", "low", "1.0.0", 31, false}, {"mended", "high", "2.0.0", 31, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			l := looker{out: &out, now: today, web: lock(t, c.version), registry: registry(t, c.severity, daysAgo(c.days), true)}
			holes, err := l.packages()
			if err != nil || (len(holes) == 1) != (c.version == "1.0.0") {
				t.Fatalf("%+v, %v", holes, err)
			}
			for _, h := range holes {
				if h.late(today) != c.late || h.component != "planted@1.0.0" || h.id != "GHSA-xxxx" || !h.since.Equal(daysAgo(c.days)) {
					t.Errorf("late: %t, %s", h.late(today), h)
				}
			}
		})
	}
}

// TestCannotLook: a registry that gives no advisories is no good news; what was laid beside
// is used, and said to be of its day.
func TestCannotLook(t *testing.T) {
	if _, err := exec.LookPath("npm"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("npm is not installed: scripts/test-deps.sh")
		}
		t.Skip("npm is not installed")
	}
	var out bytes.Buffer
	l := looker{out: &out, now: today, web: lock(t, "1.0.0"), registry: registry(t, "high", daysAgo(31), false), dir: t.TempDir(), db: "file:///none"}
	if code := l.look(false); code != 0 || strings.Count(out.String(), "COULD NOT LOOK") != 2 {
		t.Errorf("exit %d: %s", code, out.String())
	}
	if code := l.look(true); code != 1 {
		t.Errorf("where it must look: exit %d", code)
	}
	l.audit = filepath.Join(t.TempDir(), "audit.json")
	report := map[string]any{"auditReportVersion": 2, "vulnerabilities": map[string]any{"planted": map[string]any{
		"nodes": []string{"node_modules/planted"}, "via": []any{"another", map[string]string{"name": "planted", "title": "a planted hole", "url": "x/GHSA-xxxx", "severity": "high", "range": "<2.0.0"}},
	}}}
	text, err := json.Marshal(report)
	if err == nil {
		err = os.WriteFile(l.audit, text, 0o600)
	}
	if err == nil {
		err = os.Chtimes(l.audit, daysAgo(3), daysAgo(3))
	}
	if err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if code := l.look(false); code != 1 || !strings.Contains(out.String(), "by the report of 2026-11-19") || !strings.Contains(out.String(), "TOO OLD  planted@1.0.0: GHSA-xxxx") {
		t.Errorf("exit %d: %s", code, out.String())
	}
	if err := os.Chtimes(l.audit, daysAgo(31), daysAgo(31)); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if code := l.look(false); code != 0 || strings.Count(out.String(), "COULD NOT LOOK") != 2 || !strings.Contains(out.String(), "the report is of 2026-10-22") {
		t.Errorf("an old report: exit %d: %s", code, out.String())
	}
	if code := l.look(true); code != 1 {
		t.Errorf("an old report, where it must look: exit %d", code)
	}
}

// TestPlantedModule: govulncheck itself, with the database beside the checkout, finds a
// function with a hole that is called.
func TestPlantedModule(t *testing.T) {
	root := os.Getenv("WARDKEEP_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	archive, err := filepath.Abs(filepath.Join(root, "vulndb", "db.tgz"))
	if _, missing := os.Stat(archive); err != nil || missing != nil {
		t.Skip("no vulnerability database beside the checkout")
	}
	db, dir := t.TempDir(), t.TempDir()
	if out, err := exec.Command("tar", "-xzf", archive, "-C", db).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, text := range map[string]string{
		"go.mod":  "module planted\n\ngo 1.21\n\nrequire golang.org/x/text v0.3.5\n",
		"go.sum":  "golang.org/x/text v0.3.5 h1:i6eZZ+zk0SOf0xgBpEpPD18qWcJda6q1sxt3S0kzyUQ=\ngolang.org/x/text v0.3.5/go.mod h1:5Zoc/QRtKVWzQhOtBMvqHzDpF6irO9z98xDceosuGiQ=\n",
		"main.go": "package main\n\nimport \"golang.org/x/text/language\"\n\nfunc main() { _, _ = language.Parse(\"en\") }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	code := looker{out: &out, now: today, dir: dir, db: "file://" + filepath.Join(db, "db")}.look(true)
	if strings.Contains(out.String(), "could not look") && os.Getenv("CI") != "true" {
		t.Skipf("govulncheck cannot be run; is the module proxy reached? %s", out.String())
	}
	if code != 1 || !strings.Contains(out.String(), "TOO OLD  golang.org/x/text@v0.3.5: GO-2021-0113") || !strings.Contains(out.String(), "can be reached") {
		t.Errorf("exit %d: %s", code, out.String())
	}
}
