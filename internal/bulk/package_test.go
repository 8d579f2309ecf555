package bulk_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/bulk"
)

const manifest = `{"name":"test.pack","version":"1.0.0","fhirVersions":["4.0.1"]}`

const tinySet = `{"resourceType":"ValueSet","id":"v","url":"http://example.org/v","status":"active"}`

// pack makes a package of pairs of name and content.
func pack(t *testing.T, pairs ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	files := tar.NewWriter(zipped)
	for i := 0; i < len(pairs); i += 2 {
		h := &tar.Header{Name: pairs[i], Mode: 0o644, Size: int64(len(pairs[i+1])), Typeflag: tar.TypeReg}
		if err := files.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := files.Write([]byte(pairs[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestReadPackage(t *testing.T) {
	badText := strings.Replace(tinySet, `"status"`, `"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><script/></div>"},"status"`, 1)
	p, err := bulk.ReadPackage(bytes.NewReader(pack(t,
		"package/package.json", manifest,
		"package/.index.json", `{"index-version":1}`,
		"package/ValueSet-b.json", badText,
		"package/ValueSet-a.json", tinySet,
		"package/ValueSet-bad.json", `{"resourceType":"ValueSet","id":"v","url":"http://example.org/v"}`,
		"package/Patient-x.json", `{"resourceType":"Patient"}`,
		"package/example/ValueSet-c.json", tinySet,
		"../package/ValueSet-d.json", tinySet,
		"/package/ValueSet-e.json", tinySet,
	)))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, d := range p.Definitions {
		files = append(files, d.File)
	}
	if got := strings.Join(files, " "); got != "ValueSet-a.json ValueSet-b.json" {
		t.Errorf("took %s", got)
	}
	if p.Definitions[1].Resource.Root().Get("text").Exists() {
		t.Error("a narrative that is not allowed was kept")
	}
	if len(p.Skipped) != 2 || p.Skipped[0].File != "Patient-x.json" || p.Skipped[1].Reason != "ValueSet.status: The element is required." {
		t.Errorf("skipped %v", p.Skipped)
	}
}

func TestPackagesRefused(t *testing.T) {
	for name, c := range map[string]struct {
		body io.Reader
		says string
	}{
		"no gzip":       {strings.NewReader("PK"), "not packed with gzip"},
		"no tar":        {bytes.NewReader(gzipped(t, strings.Repeat("x", 2048))), "not a whole tar file"},
		"cut short":     {bytes.NewReader(pack(t, "package/package.json", manifest)[:60]), "not a whole tar file"},
		"no manifest":   {bytes.NewReader(pack(t, "package/ValueSet-a.json", tinySet)), "package.json"},
		"another FHIR":  {bytes.NewReader(pack(t, "package/package.json", strings.Replace(manifest, "4.0.1", "5.0.0", 1))), "not for FHIR R4"},
		"without names": {bytes.NewReader(pack(t, "package/package.json", `{"fhirVersions":["4.0.1"]}`)), "without name"},
		"many files":    {bytes.NewReader(gzipped(t, strings.Repeat(string(emptyFile(t)), 50_001))), "more files"},
	} {
		if _, err := bulk.ReadPackage(c.body); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %q", name, err, c.says)
		}
	}
}

// TestPackageBomb: what unpacks to more than a package may is refused, and not
// held in memory before.
func TestPackageBomb(t *testing.T) {
	var head bytes.Buffer
	if err := tar.NewWriter(&head).WriteHeader(&tar.Header{Name: "package/a.json", Size: 4 << 30, Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	zeros := gzipped(t, strings.Repeat("\x00", 16<<20))
	_, err := bulk.ReadPackage(io.MultiReader(bytes.NewReader(gzipped(t, head.String())), bytes.NewReader(bytes.Repeat(zeros, 80))))
	if err == nil || !strings.Contains(err.Error(), "more than a package may") {
		t.Errorf("got %v", err)
	}
}

// emptyFile is one empty file of a tar.
func emptyFile(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := tar.NewWriter(&out).WriteHeader(&tar.Header{Name: "package/x", Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
