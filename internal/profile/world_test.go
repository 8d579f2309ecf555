package profile_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/defs"
	"github.com/wardkeep/wardkeep/internal/profile"
)

// testdata returns the folder of data that is not part of the repository, or
// skips the test.
func testdata(t testing.TB, name string) string {
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

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// shelf is definitions by their addresses, over those of R4.
type shelf map[string][]byte

func (s shelf) Canonical(_ context.Context, typ, url, version string) (*fhir.Resource, error) {
	body, ok := defs.Find(typ, url, version)
	if !ok {
		body, ok = s[typ+" "+url]
	}
	if !ok {
		return nil, nil
	}
	return fhir.Limits{Bytes: 64 << 20}.Parse(body)
}

func (s shelf) StructureDefinition(ctx context.Context, url, version string) (*fhir.Resource, error) {
	return s.Canonical(ctx, "StructureDefinition", url, version)
}

// add puts a definition on the shelf, without its narrative.
func (s shelf) add(t testing.TB, body []byte) {
	t.Helper()
	var members map[string]json.RawMessage
	check(t, json.Unmarshal(body, &members))
	var typ, url string
	check(t, json.Unmarshal(members["resourceType"], &typ))
	if members["url"] == nil {
		return
	}
	check(t, json.Unmarshal(members["url"], &url))
	delete(members, "text")
	bare, err := json.Marshal(members)
	check(t, err)
	s[typ+" "+url] = bare
}

// definitions is a shelf with these definitions.
func definitions(t testing.TB, bodies ...string) shelf {
	s := shelf{}
	for _, b := range bodies {
		s.add(t, []byte(b))
	}
	return s
}

// packageFiles reads the JSON files of a FHIR package.
func packageFiles(t testing.TB, name string) map[string][]byte {
	t.Helper()
	packed, err := os.ReadFile(testdata(t, name))
	check(t, err)
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	check(t, err)
	files := map[string][]byte{}
	for r := tar.NewReader(unzipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		check(t, err)
		if strings.HasSuffix(h.Name, ".json") && !strings.Contains(h.Name, "/.") {
			files[h.Name], err = io.ReadAll(r)
			check(t, err)
		}
	}
}

// usCore is a shelf with a release of US Core.
func usCore(t testing.TB, release string) (shelf, map[string][]byte) {
	files := packageFiles(t, "us-core/us_core_"+release+".tgz")
	s := shelf{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasPrefix(name, "package/StructureDefinition-") || strings.HasPrefix(name, "package/ValueSet-") || strings.HasPrefix(name, "package/CodeSystem-") {
			s.add(t, files[name])
		}
	}
	return s, files
}

func parse(t testing.TB, text string) *fhir.Resource {
	t.Helper()
	res, err := fhir.Parse([]byte(text))
	check(t, err)
	return res
}

// found lists the findings of a severity, each as its place, code and source.
func found(r *profile.Result, severity string) []string {
	list := []string{}
	for _, i := range r.Issues {
		if i.Severity == severity {
			list = append(list, fmt.Sprintf("%s %s %s", i.Path, i.Code, i.Source))
		}
	}
	return list
}

func show(r *profile.Result) string {
	var b strings.Builder
	for _, i := range r.Issues {
		fmt.Fprintf(&b, "\n  %s %s %s: %s [%s]", i.Severity, i.Code, i.Path, i.Text, i.Source)
	}
	return b.String()
}

func validate(t testing.TB, v *profile.Validator, res *fhir.Resource, profiles ...string) *profile.Result {
	t.Helper()
	r, err := v.Validate(context.Background(), profile.Request{Resource: res, Profiles: profiles})
	check(t, err)
	return r
}
