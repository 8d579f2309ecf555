package fhir_test

import (
	"bytes"
	"compress/bzip2"
	"encoding/json"
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

// wrongExamples are official examples that break R4 itself, with the place.
var wrongExamples = map[string]string{
	"bundle-questionnaire.json":       "Questionnaire.item[0].item[0].linkId",                  // 1..1
	"devicemetric-example.json":       "DeviceMetric.parent.reference",                         // Device only, is a DeviceDefinition
	"deviceusestatement-example.json": "DeviceUseStatement.reasonReference[0].reference",       // is a Procedure
	"medicationrequest0301.json":      "MedicationRequest.dispenseRequest.performer.reference", // Organization only, is a Practitioner
}

// TestExamples takes every official example and gives it back: equal in all but
// white space, numbers digit by digit.
func TestExamples(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(testdata(t, "r4-examples"), "*.json"))
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			body, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if where := wrongExamples[filepath.Base(name)]; where != "" {
				if _, err := fhir.Parse(body); err == nil || !strings.Contains(issues(err), "@"+where+":") {
					t.Errorf("want it refused at %s, got %v", where, err)
				}
				return
			}
			r, err := fhir.Parse(bytes.Clone(body))
			if err != nil {
				t.Fatal(issues(err))
			}
			var compact bytes.Buffer
			if err := json.Compact(&compact, body); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(compact.Bytes(), r.JSON()) {
				t.Error("it came out changed")
			}
			sameTree(t, r)
		})
	}
}

// sameTree checks that a resource's nodes are those of a fresh parse of its JSON.
func sameTree(t *testing.T, r *fhir.Resource) {
	t.Helper()
	again, err := fhir.Parse(r.JSON())
	if err != nil {
		t.Fatal(issues(err))
	}
	if a, b := dump(r.Root()), dump(again.Root()); a != b {
		t.Errorf("nodes differ:\n%s\n%s", a, b)
	}
}

// dump lists every node with its path, type and text.
func dump(n fhir.Node) string {
	var b strings.Builder
	var walk func(fhir.Node, string)
	walk = func(n fhir.Node, indent string) {
		b.WriteString(indent + n.Name() + " " + n.TypeID().String() + " " + n.Text() + "\n")
		for c := range n.Children() {
			walk(c, indent+" ")
		}
	}
	walk(n, "")
	return b.String()
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
		body, err := os.ReadFile(filepath.Join(dir, filepath.Base(f[1])))
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
