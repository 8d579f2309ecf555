package terminology_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/terminology"
)

// testdata returns a file or folder that is not part of the repository, or skips
// the test.
func testdata(t *testing.T, name string) string {
	t.Helper()
	root := os.Getenv("WARDKEEP_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(root, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no test data %s: set WARDKEEP_TESTDATA", name)
	}
	return path
}

// codings yields every Coding below n, and every Quantity as one.
func codings(n fhir.Node, yield func(terminology.Coding)) {
	if code := n.Get("code").Text(); code != "" && (n.TypeID() == r4.Coding || n.TypeID() == r4.Quantity) {
		yield(terminology.Coding{System: n.Get("system").Text(), Version: n.Get("version").Text(), Code: code})
	}
	for c := range n.Children() {
		if !c.IsPrimitive() {
			codings(c, yield)
		}
	}
}

// misspelt are codes of the examples that are none of their code systems.
var misspelt = []string{"Tab", "Vial"}

// TestExamples: no other code of the examples of R4 is said to be none of its
// code system.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testdata(t, "r4-examples"), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	s, counts := service(), map[terminology.Verdict]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		res, err := fhir.Parse(text)
		if err != nil {
			continue // the parser's tests say which
		}
		codings(res.Root(), func(c terminology.Coding) {
			v, err := s.InSystem(t.Context(), c)
			if err != nil || (v == bad) != slices.Contains(misspelt, c.Code) {
				t.Errorf("%s: %s of %s: %d, %v", filepath.Base(file), c.Code, c.System, v, err)
			}
			counts[v]++
		})
	}
	if t.Logf("%d codes known, %d of systems that are not loaded", counts[valid], counts[open]); counts[valid] < 100 {
		t.Error("hardly any code was looked at")
	}
}

// TestUSCore loads a package of definitions made by others. Each of its value
// sets is listed, or says what it lacks.
func TestUSCore(t *testing.T) {
	file, err := os.Open(testdata(t, "us-core/us_core_610.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	shelf, sets := packageOf(t, file)
	s := terminology.New(terminology.Config{Source: terminology.Sources(shelf, terminology.Definitions()), Clock: clock.System{}})
	listed, lacking := 0, map[string]int{}
	for _, url := range sets {
		e, err := s.Expand(t.Context(), terminology.ExpandRequest{ValueSet: url, Count: 0})
		switch {
		case err == nil && e.Total > 0:
			listed++
		case fault.Is(err, fault.NotSupported) && strings.Contains(fault.Public(err), ":"), err != nil && strings.HasSuffix(url, "/simple-language"): // a grammar
			lacking[fault.Public(err)]++
		default:
			t.Errorf("%s: %d codes, %v", url, e.Total, err)
		}
	}
	for why, n := range lacking {
		t.Logf("%d: %s", n, why)
	}
	if t.Logf("%d of %d are listed", listed, len(sets)); listed == 0 || len(sets) == 0 {
		t.Error("nothing was listed")
	}
}

// packageOf reads the terminology of a FHIR package.
func packageOf(t *testing.T, file io.Reader) (shelf, []string) {
	t.Helper()
	unzip, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	out, sets := shelf{}, []string(nil)
	for in := tar.NewReader(unzip); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return out, sets
		}
		if err != nil {
			t.Fatal(err)
		}
		typ, _, _ := strings.Cut(filepath.Base(h.Name), "-")
		if typ != "CodeSystem" && typ != "ValueSet" {
			continue
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		res, err := fhir.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", h.Name, err)
			continue
		}
		out.add(string(text))
		if typ == "ValueSet" {
			sets = append(sets, res.Root().Get("url").Text())
		}
	}
}
