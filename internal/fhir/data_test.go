package fhir_test

import (
	"compress/bzip2"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// testdata returns the folder of data that is not part of the repository, or
// skips the test.
func testdata(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("WARDKEEP_TESTDATA")
	if root == "" {
		dir, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for dir != "/" && root == "" {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				root = filepath.Join(dir, "..", "shared", "data")
			}
			dir = filepath.Dir(dir)
		}
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no test data %s: set WARDKEEP_TESTDATA", name)
	}
	return dir
}

func issues(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err.Error()
	}
	var b strings.Builder
	b.WriteString(f.Kind.String())
	for _, i := range f.Issues {
		b.WriteString("\n  " + i.Code + " @" + i.Expression + ": " + i.Text)
	}
	return b.String()
}

func synthea(t testing.TB) []string {
	files, err := filepath.Glob(filepath.Join(testdata(t, "synthea-120"), "*.bz2"))
	if err != nil || len(files) == 0 {
		t.Skip("no synthea bundles")
	}
	return files
}

func readBzip2(t testing.TB, name string) []byte {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	body, err := io.ReadAll(bzip2.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestSynthea(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 122 bundles")
	}
	accepted := 0
	for _, name := range synthea(t) {
		body := readBzip2(t, name)
		b, err := fhir.Parse(body)
		if err != nil {
			t.Errorf("%s: %s", filepath.Base(name), issues(err))
			continue
		}
		for e := range b.Root().All("entry") {
			if e.Get("resource").Exists() {
				accepted++
			}
		}
	}
	if accepted != 92_114 {
		t.Errorf("accepted %d resources, want 92114", accepted)
	}
}

func TestExamples(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(testdata(t, "r4-examples"), "*.json"))
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fhir.Parse(body); err != nil {
			t.Errorf("%s: %s", filepath.Base(name), issues(err))
		}
	}
}

func TestValidatorCases(t *testing.T) {
	dir := testdata(t, "validator-cases")
	labels, err := os.ReadFile(filepath.Join(dir, "labels.tsv"))
	if err != nil {
		t.Skip("no labels")
	}
	count := map[string]int{}
	for _, line := range strings.Split(strings.TrimSpace(string(labels)), "\n") {
		f := strings.Split(line, "\t")
		body, err := os.ReadFile(filepath.Join(dir, f[1]))
		if err != nil {
			continue
		}
		_, err = fhir.Parse(body)
		verdict := "accepted"
		if err != nil {
			verdict = "refused"
		}
		count[f[3]+" "+verdict]++
		if f[3] == "valid" && err != nil {
			t.Errorf("%s: %s", f[1], issues(err))
		}
	}
	t.Log(count)
}

func BenchmarkParseSynthea(b *testing.B) {
	files := synthea(b)
	body := readBzip2(b, files[2])
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fhir.Parse(body); err != nil {
			b.Fatal(err)
		}
	}
}
