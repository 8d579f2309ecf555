package search_test

import (
	"compress/bzip2"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// stamped is the time the test's resources say they were last updated at; each
// is a second later than the one before.
var stamped = time.Date(2024, 2, 28, 12, 0, 0, 0, time.UTC)

func dataDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("WARDKEEP_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	dir = filepath.Join(dir, "synthea-120")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no test data: set WARDKEEP_TESTDATA to the folder that holds synthea-120")
	}
	return dir
}

// allData says to use the whole set.
func allData() bool { return os.Getenv("WARDKEEP_SEARCH_ALL") != "" }

var loaded struct {
	sync.Once
	n         int
	resources []*fhir.Resource
}

// synthea loads the two shared bundles and n patients' (all if n is 0), with
// references made local as a transaction would.
func synthea(t testing.TB, n int) []*fhir.Resource {
	t.Helper()
	dir := dataDir(t)
	loaded.Do(func() {
		loaded.n, loaded.resources = n, loadBundles(t, dir, n)
	})
	if loaded.n != n {
		return loadBundles(t, dir, n)
	}
	return loaded.resources
}

func loadBundles(t testing.TB, dir string, n int) []*fhir.Resource {
	files, _ := filepath.Glob(filepath.Join(dir, "*.json.bz2"))
	sort.Strings(files)
	if n > 0 {
		files = pick(files, n)
	}
	var raw []*fhir.Resource
	names := map[string]string{}
	for _, file := range files {
		for e := range bundle(t, file).Root().All("entry") {
			r := e.Get("resource").Resource()
			raw = append(raw, r)
			local := r.Type() + "/" + r.ID()
			names[e.Get("fullUrl").Text()] = local
			for id := range r.Root().All("identifier") {
				names[r.Type()+"?identifier="+id.Get("system").Text()+"|"+id.Get("value").Text()] = local
			}
		}
	}
	out := make([]*fhir.Resource, len(raw))
	for i, r := range raw {
		r, err := r.Rewrite(func(ref string) (string, bool) {
			to, ok := names[ref]
			return to, ok
		})
		if err != nil {
			t.Fatal(err)
		}
		out[i] = r.Stamp(r.ID(), 1, stamped.Add(time.Duration(i)*time.Second))
	}
	return out
}

// pick keeps the shared bundles and n others, small ones before large so that a
// sample stays a sample.
func pick(files []string, n int) []string {
	size := func(f string) int64 {
		info, err := os.Stat(f)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	sort.SliceStable(files, func(i, j int) bool {
		a, b := strings.HasPrefix(filepath.Base(files[i]), "0-"), strings.HasPrefix(filepath.Base(files[j]), "0-")
		if a != b {
			return a
		}
		return size(files[i]) < size(files[j])
	})
	return files[:min(len(files), n+2)]
}

func bundle(t testing.TB, file string) *fhir.Resource {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	src, err := io.ReadAll(bzip2.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	limits := fhir.Limits{Bytes: 1 << 30}
	r, err := limits.Parse(src)
	if err != nil {
		t.Fatalf("%s: %v", filepath.Base(file), err)
	}
	return r
}
