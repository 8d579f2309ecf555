package main

import (
	"archive/zip"
	"bytes"
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

// served is a version that the fake proxy lists; it gives no file of it if status is set.
type served struct {
	path, version string
	days          int
	mod           string // more of its go.mod
	status        int
}

// proxy is a fake one of this test's own, which speaks Go's module proxy protocol.
func proxy(t *testing.T, all []served) {
	t.Helper()
	mux := http.NewServeMux()
	lists, latest := map[string]string{}, map[string]string{}
	for _, v := range all {
		info := fmt.Sprintf(`{"Version":%q,"Time":%q}`, v.version, daysAgo(v.days).Format(time.RFC3339))
		latest[v.path] = info
		if strings.Count(v.version, "-") < 2 {
			lists[v.path] += v.version + "\n"
		}
		mod := "module " + v.path + "\n\ngo 1.21\n" + v.mod
		for end, text := range map[string]string{".info": info, ".mod": mod, ".zip": zipped(t, v, mod)} {
			mux.HandleFunc("/"+v.path+"/@v/"+v.version+end, func(w http.ResponseWriter, _ *http.Request) {
				if v.status != 0 {
					http.Error(w, "not here", v.status)
					return
				}
				fmt.Fprint(w, text)
			})
		}
	}
	for path := range latest {
		mux.HandleFunc("/"+path+"/@v/list", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, lists[path]) })
		mux.HandleFunc("/"+path+"/@latest", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, latest[path]) })
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	for name, value := range map[string]string{
		"GOPROXY": s.URL + ",direct", "GOSUMDB": "off", "GOFLAGS": "-mod=mod -modcacherw", "GOMODCACHE": t.TempDir(), "GOWORK": "off", "GOPRIVATE": "", "GONOPROXY": "",
	} {
		t.Setenv(name, value)
	}
}

func zipped(t *testing.T, v served, mod string) string {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, text := range map[string]string{"go.mod": mod, "p.go": "package p\n"} {
		f, err := z.Create(v.path + "@" + v.version + "/" + name)
		if err == nil {
			_, err = f.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// program is a folder of one that links modules, and needs others for its tests alone.
func program(t *testing.T, linked, tests []string) string {
	t.Helper()
	mod, code, test := "module planted\n\ngo 1.21\n", "package main\n\nfunc main() {}\n", "package main\n"
	for i, m := range append(linked, tests...) {
		path, version, _ := strings.Cut(m, "@")
		mod += "require " + path + " " + version + "\n"
		if line := fmt.Sprintf("\nimport _ %q\n", path); i < len(linked) {
			code = strings.Replace(code, "\n", line, 1)
		} else {
			test += line
		}
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": mod, "main.go": code, "main_test.go": test} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const commit, laterCommit = "v0.0.0-20200101000000-0123456789ab", "v0.0.0-20260801000000-0123456789ac"

// TestOldModules: the real go command, at a fake proxy, tells what came out first after
// ours; its age decides.
func TestOldModules(t *testing.T) {
	text, err := os.ReadFile("../../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	if words := "brought up to date every three months at least"; !strings.Contains(string(text), words) {
		t.Errorf("SECURITY.md does not say: %s", words)
	}
	first := "v1.0.0"
	for _, c := range []struct {
		name, ours, newer string // newer "": there is none
		later             []served
		late              bool
	}{
		{"old", first, "v1.1.0", []served{{version: "v1.1.0", days: 93}, {version: "v1.2.0", days: 1}}, true},
		{"old, in a later line", first, "v1.1.0", []served{{version: "v1.0.1", days: 1}, {version: "v1.1.0", days: 93}}, true},
		{"young", first, "v1.1.0", []served{{version: "v1.1.0", days: 92}}, false},
		{"newest", first, "", nil, false},
		{"before its release", first, "", []served{{version: "v1.1.0-rc.1", days: 300}}, false},
		{"taken back", first, "", []served{{version: "v1.1.0", days: 300, mod: "\nretract v1.1.0\n"}}, false},
		{"forbidden", first, "", []served{{version: "v1.1.0", days: 300, status: http.StatusForbidden}}, false},
		{"gone", first, "", []served{{version: "v1.1.0", days: 300, status: http.StatusGone}}, false},
		{"gone, and one that is there", first, "v1.2.0", []served{{version: "v1.1.0", days: 300, status: http.StatusGone}, {version: "v1.2.0", days: 100}}, true},
		{"newest gone, and one that is there", first, "v1.1.0", []served{{version: "v1.1.0", days: 100}, {version: "v1.2.0", days: 1, status: http.StatusGone}}, true},
		{"newest forbidden, and one that is there", first, "v1.1.0", []served{{version: "v1.1.0", days: 100}, {version: "v1.2.0", days: 1, status: http.StatusForbidden}}, true},
		{"a commit", commit, laterCommit, []served{{version: laterCommit, days: 93}}, true},
		{"the newest commit", commit, "", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := []served{{path: "example.com/m", version: c.ours, days: 900}, {path: "example.com/test", version: first, days: 900}, {path: "example.com/test", version: "v1.1.0", days: 800}}
			for _, v := range c.later {
				v.path = "example.com/m"
				all = append(all, v)
			}
			proxy(t, all)
			var out bytes.Buffer
			l := looker{out: &out, now: today, dir: program(t, []string{"example.com/m@" + c.ours}, []string{"example.com/test@" + first})}
			list, err := l.oldModules()
			if err != nil || (len(list) == 1) != (c.newer != "") {
				t.Fatalf("%+v, %v", list, err)
			}
			for _, one := range list {
				if one.late(today) != c.late || one.component != "example.com/m@"+c.ours || one.newer != c.newer {
					t.Errorf("late: %t, %s", one.late(today), one)
				}
			}
			code := l.age(true)
			if line := "TOO OLD  example.com/m@" + c.ours + ": " + c.newer + " is out since 20"; (code == 1) != c.late || strings.Contains(out.String(), line) != c.late {
				t.Errorf("exit %d: %s", code, out.String())
			}
		})
	}
}

// TestCannotLookForNewer: a proxy or registry that fails is no good news.
func TestCannotLookForNewer(t *testing.T) {
	if _, err := exec.LookPath("npm"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("npm is not installed: scripts/test-deps.sh")
		}
		t.Skip("npm is not installed")
	}
	proxy(t, []served{{path: "example.com/m", version: "v1.0.0", days: 900}, {path: "example.com/m", version: "v1.1.0", status: http.StatusInternalServerError}})
	var out bytes.Buffer
	l := looker{out: &out, now: today, dir: program(t, []string{"example.com/m@v1.0.0"}, nil), web: lock(t, "1.0.0"), registry: "http://127.0.0.1:1/"}
	if code := l.age(false); code != 0 || strings.Count(out.String(), "COULD NOT LOOK") != 2 {
		t.Errorf("exit %d: %s", code, out.String())
	}
	if code := l.age(true); code != 1 {
		t.Errorf("where it must look: exit %d", code)
	}
	for _, status := range []int{http.StatusForbidden, http.StatusInternalServerError} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", status) }))
		defer s.Close()
		t.Setenv("GOPROXY", s.URL)
		if list, err := l.oldModules(); err == nil {
			t.Errorf("a proxy that answers %d: %+v", status, list)
		}
	}
	t.Setenv("GOPROXY", "http://127.0.0.1:1") // all that is here is known, and nothing of what is newer
	if list, err := l.oldModules(); err == nil {
		t.Errorf("without a proxy: %+v", list)
	}
}

// TestOldPackages: the real npm, at a fake registry. Version 2.0.0 of the planted package
// is another component.
func TestOldPackages(t *testing.T) {
	if _, err := exec.LookPath("npm"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("npm is not installed: scripts/test-deps.sh")
		}
		t.Skip("npm is not installed")
	}
	for _, c := range []struct {
		name, ours string
		days       int
		found      bool
	}{{"old", "2.0.0-rc.1", 93, true}, {"young", "2.0.0-rc.1", 92, true}, {"newest", "2.0.0", 93, false}, {"another line", "1.0.0", 93, false}} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			l := looker{out: &out, now: today, web: lock(t, c.ours), registry: registry(t, "high", daysAgo(c.days), true)}
			list, err := l.oldPackages()
			if err != nil || (len(list) == 1) != c.found {
				t.Fatalf("%+v, %v", list, err)
			}
			for _, one := range list {
				if one.late(today) != (c.days > 92) || one.newer != "2.0.0" || one.component != "planted@"+c.ours {
					t.Errorf("late: %t, %s", one.late(today), one)
				}
			}
		})
	}
}
