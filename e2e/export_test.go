package e2e_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// versions counts the records in NDJSON by "Type/id/version".
func versions(t testing.TB, into map[string]int, ndjson []byte) {
	t.Helper()
	for line := range bytes.Lines(ndjson) {
		var res struct {
			ResourceType, ID string
			Meta             struct{ VersionID string }
		}
		if err := json.Unmarshal(line, &res); err != nil || res.ID == "" || res.Meta.VersionID == "" {
			t.Fatalf("no record: %.200s", line)
		}
		into[res.ResourceType+"/"+res.ID+"/"+res.Meta.VersionID]++
	}
}

// content is what is in the store, as a command brings it out.
func content(t testing.TB, dir string) map[string]int {
	t.Helper()
	out := filepath.Join(t.TempDir(), "content")
	must(t, "export", "--dir", dir, "--out", out)
	files, err := filepath.Glob(filepath.Join(out, "*.ndjson"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	all := map[string]int{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		versions(t, all, text)
	}
	return all
}

type exportManifest struct {
	Output []struct {
		Type, URL string
		Count     int
	}
	Error []json.RawMessage
}

// order asks for an export of everything and returns the job's path.
func (a *api) order(path string) string {
	a.t.Helper()
	got := a.do("GET", path, nil, "Prefer", "respond-async")
	at, err := url.Parse(got.header.Get("Content-Location"))
	if got.status != 202 || err != nil || at.Path == "" {
		a.t.Fatalf("%d %s", got.status, got.body)
	}
	return at.Path
}

// await polls a job until it is done, for the time given; false if it is not.
func (a *api) await(at string, within time.Duration) (m exportManifest, done bool) {
	a.t.Helper()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(min(600*time.Millisecond, max(0, time.Until(deadline)))) {
		switch got := a.do("GET", at, nil); got.status {
		case 200:
			if err := json.Unmarshal(got.body, &m); err != nil || len(m.Error) > 0 {
				a.t.Fatalf("%v %s", err, got.body)
			}
			return m, true
		case 202, 429:
		default:
			a.t.Fatalf("%d %s", got.status, got.body)
		}
	}
	return m, false
}

// fetched is what the files of an export hold.
func (a *api) fetched(m exportManifest) map[string]int {
	a.t.Helper()
	all := map[string]int{}
	for _, f := range m.Output {
		got := a.do("GET", pathOf(f.URL), nil, "Accept", "application/fhir+ndjson")
		if n := bytes.Count(got.body, []byte("\n")); got.status != 200 || n != f.Count {
			a.t.Errorf("%s: %d, %d lines of %d", f.Type, got.status, n, f.Count)
			continue
		}
		versions(a.t, all, got.body)
	}
	return all
}

func pathOf(address string) string {
	u, _ := url.Parse(address)
	return u.Path
}

// TestKilledExport kills the server without warning while it exports everything:
// in the end the files hold what the store does, each record once, and nothing
// is left of what was begun.
func TestKilledExport(t *testing.T) {
	files, kills, span := sample(t), 2, 150*time.Millisecond
	if proving() {
		kills, span = 20, time.Second
	} else {
		files = files[:4]
	}
	dir := initDir(t)
	importFiles(t, dir, files)
	s := startServe(t, dir)
	a := s.client("system/*.cruds")
	if got := a.do("PUT", "/fhir/Patient/twice", strings.NewReader(`{"resourceType":"Patient","id":"twice"}`)); got.status != 201 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	a.do("PUT", "/fhir/Patient/twice", strings.NewReader(`{"resourceType":"Patient","id":"twice","active":true}`))
	want := content(t, dir)
	at := a.order("/fhir/$export")
	middle := 0
	for i := range kills {
		if i > 0 {
			time.Sleep(time.Duration(rand.Int64N(int64(span))))
		}
		if got := a.do("GET", at, nil); got.status == 200 {
			break // there is nothing more to interrupt
		}
		middle++
		s.kill()
		s = startServe(t, dir)
		a.server = s
	}
	m, done := a.await(at, 5*time.Minute)
	if !done {
		t.Fatal("the export does not end")
	}
	t.Logf("%d kills of %d hit the export; %d records in %d files", middle, kills, len(want), len(m.Output))
	if got := a.fetched(m); !maps.Equal(got, want) {
		for name, n := range got {
			if want[name] != n {
				t.Errorf("%s came %d times, and is there %d times", name, n, want[name])
			}
		}
		for name := range want {
			if got[name] == 0 {
				t.Errorf("%s did not come", name)
			}
		}
	}
	if middle == 0 || proving() && middle < 5 {
		t.Error("the export was over before it was killed often enough")
	}
	if n := objects(t, dir); n != len(m.Output) {
		t.Errorf("%d sealed files for the %d of the export", n, len(m.Output))
	}
	s.stop()
	must(t, "audit", "verify", "--dir", dir, "--deep")
}

// objects counts the sealed files of a data folder.
func objects(t testing.TB, dir string) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "blobs", "??", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

// TestExportedFilesAreTheirOrderers: over TLS, with real tokens, nobody gets at
// another program's job and files, and a token of other scopes gets at none.
func TestExportedFilesAreTheirOrderers(t *testing.T) {
	s := startDemo(t, "", "--patients", "2")
	a, other := s.client("system/*.rs"), s.client("system/*.cruds")
	at := a.order("/fhir/$export?_type=Patient,Observation")
	m, done := a.await(at, time.Minute)
	if !done || len(m.Output) < 2 || len(a.fetched(m)) == 0 {
		t.Fatalf("%v %+v", done, m)
	}
	file := pathOf(m.Output[0].URL)
	for _, c := range []struct {
		method, path string
		who          *api
		want         int
	}{
		{"GET", at, other, 404}, {"GET", file, other, 404}, {"DELETE", at, other, 404},
		{"GET", file, &api{server: s, token: "x"}, 401}, {"GET", at, &api{server: s, token: "x"}, 401},
		{"GET", file, a, 200}, {"DELETE", at, a, 202}, {"GET", file, a, 404},
	} {
		if got := c.who.do(c.method, c.path, nil); got.status != c.want || c.want == 404 && bytes.Contains(got.body, []byte("identifier")) {
			t.Errorf("%s %s: %d, want %d: %.200s", c.method, c.path, got.status, c.want, got.body)
		}
	}
	if n := objects(t, s.dir); n != 0 {
		t.Errorf("%d sealed files are left of a job that was ended", n)
	}
}
