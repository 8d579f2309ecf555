package patch_test

import (
	"bytes"
	"encoding/json"
	stdxml "encoding/xml"
	"os"
	"path/filepath"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/patch"
	fhirxml "github.com/wardkeep/wardkeep/internal/fhir/xml"
)

// testdata reads a file that is not part of the repository, or skips the test.
func testdata(t testing.TB, name string) []byte {
	t.Helper()
	root := os.Getenv("WARDKEEP_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	src, err := os.ReadFile(filepath.Join(root, "patch", name))
	if os.IsNotExist(err) {
		t.Skipf("no test data %s: set WARDKEEP_TESTDATA", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// TestJSONSuite runs the JSON Patch tests of the FHIR test cases.
func TestJSONSuite(t *testing.T) {
	var cases []struct {
		Comment              string
		Doc, Patch, Expected json.RawMessage
		Error                string
	}
	if err := json.Unmarshal(testdata(t, "json-patch-tests.json"), &cases); err != nil {
		t.Fatal(err)
	}
	passed := 0
	for _, c := range cases {
		got, err := patch.ApplyJSON(c.Doc, c.Patch)
		switch {
		case (err != nil) != (c.Error != ""):
			t.Errorf("%s: error %v, want %q", c.Comment, err, c.Error)
		case err == nil && !patch.Same(got, c.Expected):
			t.Errorf("%s: got %s", c.Comment, got)
		default:
			passed++
		}
	}
	t.Logf("%d of %d JSON Patch tests met", passed, len(cases))
	if len(cases) < 10 {
		t.Error("the suite was not read")
	}
}

// TestFHIRPathSuite runs the FHIRPath Patch tests of the FHIR test cases.
func TestFHIRPathSuite(t *testing.T) {
	type part struct {
		XML []byte `xml:",innerxml"`
	}
	var suite struct {
		Cases []struct {
			Name   string    `xml:"name,attr"`
			Input  part      `xml:"input"`
			Diff   part      `xml:"diff"`
			Output part      `xml:"output"`
			Error  *struct{} `xml:"error"`
		} `xml:"case"`
	}
	if err := stdxml.Unmarshal(testdata(t, "fhir-patch-tests.xml"), &suite); err != nil {
		t.Fatal(err)
	}
	passed := 0
	for _, c := range suite.Cases {
		input, want, params := mend(toJSON(t, c.Input.XML)), []byte(nil), mend(toJSON(t, c.Diff.XML))
		if c.Error == nil {
			want = mend(toJSON(t, c.Output.XML))
		}
		res, err := fhir.Parse(input)
		if err != nil {
			t.Errorf("%s: input: %v", c.Name, issues(err))
			continue
		}
		p, err := fhir.Parse(params)
		if err != nil {
			t.Errorf("%s: diff: %v", c.Name, issues(err))
			continue
		}
		got, err := patch.FHIRPath(res, p)
		switch {
		case (err != nil) != (c.Error != nil):
			t.Errorf("%s: %v", c.Name, issues(err))
		case err == nil && !patch.Same(got.JSON(), want):
			t.Errorf("%s: got  %s\nwant %s", c.Name, got.JSON(), want)
		default:
			passed++
		}
	}
	t.Logf("%d of %d FHIRPath Patch tests met", passed, len(suite.Cases))
	if len(suite.Cases) < 30 {
		t.Error("the suite was not read")
	}
}

func toJSON(t *testing.T, src []byte) []byte {
	t.Helper()
	out, err := fhirxml.ToJSON(src)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return out
}

// mend writes quotes in a narrative as the patch of the suite does: it is the
// same XHTML either way.
func mend(src []byte) []byte { return bytes.ReplaceAll(src, []byte(`&quot;`), []byte(`\"`)) }

func issues(err error) string { return string(fhir.Outcome(err)) }
