package profile_test

import (
	"compress/bzip2"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/profile"
)

// misspoken is a patient whose language is told in another code system than the
// value set has beyond which the binding of R4 must not go.
const misspoken = "4fa27f17-62da-04b8-fcb6-81ba9f5e15af"

// mistyped is a code, meant for SNOMED CT, that the check digit of its identifiers
// gives away: 24 records of one patient have it.
const mistyped = `"code":"1853470"`

// TestSynthea: no record of the synthetic patients is called invalid by what R4
// says. A few bundles always, all 92,114 records with WARDKEEP_PROVE=1.
func TestSynthea(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(testdata(t, "synthea-120"), "*.bz2"))
	if os.Getenv("WARDKEEP_PROVE") == "" {
		files = files[:min(len(files), 5)]
	}
	v := profile.New(profile.Config{Definitions: shelf{}, Codes: codes(shelf{}), Now: time.Now})
	checked, warned, typos := 0, 0, 0
	var spent time.Duration
	for _, name := range files {
		f, err := os.Open(name)
		check(t, err)
		body, err := io.ReadAll(bzip2.NewReader(f))
		check(t, err)
		check(t, f.Close())
		res, err := fhir.Parse(body)
		check(t, err)
		for e := range res.Root().All("entry") {
			r := e.Get("resource").Resource()
			start := time.Now()
			result, err := v.Validate(context.Background(), profile.Request{Resource: r})
			spent += time.Since(start)
			check(t, err)
			checked++
			if !result.OK() && strings.Contains(string(r.JSON()), mistyped) {
				typos++
			} else if !result.OK() && r.ID() != misspoken {
				t.Errorf("%s: %s %v", filepath.Base(name), r.Type(), found(result, "error"))
			}
			if len(found(result, "warning")) > 0 {
				warned++
			}
		}
	}
	if os.Getenv("WARDKEEP_PROVE") != "" && typos != 24 {
		t.Errorf("%d records with the mistyped code were found, want 24", typos)
	}
	t.Logf("%d records in %d bundles, %d with warnings, %v each", checked, len(files), warned, spent/time.Duration(max(checked, 1)))
}
