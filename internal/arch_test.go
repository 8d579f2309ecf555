package internal_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/wardkeep/wardkeep"

// floors lists every package on its floor (ARCHITECTURE.md). A package may
// import packages of lower floors, and those named in beside.
var floors = map[string]int{
	"internal/fault": 0, "internal/clock": 0, "internal/wholefile": 0,
	"internal/record": 1, "internal/seal/box": 1, "internal/ucum": 1, "internal/content": 1, "internal/rate": 1, "internal/ucum/gen": 1,
	"internal/fhir": 2, "internal/fhir/r4": 2, "internal/fhir/r4/gen": 2, "internal/fhir/r4/namehash": 1,
	"internal/kms": 2, "internal/store": 2, "internal/config": 2,
	"internal/fhir/defs": 2, "internal/fhir/defs/gen": 2, "internal/fhir/path": 2, "internal/fhir/patch": 2, "internal/fhir/xml": 2,
	"internal/terminology": 3, "internal/profile": 3,
	"internal/search": 3, "internal/kms/local": 3, "internal/kms/aws": 3, "internal/kms/service": 3, "internal/kms/kmstest": 3, "internal/audit/verify": 3,
	"internal/store/posting": 3, "internal/store/pebble": 3, "internal/store/storetest": 3,
	"internal/seal": 3, "internal/seal/file": 3, "internal/seal/traindict": 3,
	"internal/blob": 4, "internal/audit": 4, "internal/audit/spool": 3,
	"internal/vault": 5, "internal/outbound": 5,
	"internal/identity": 6, "internal/identity/federation": 6, "internal/authz": 6, "internal/emergency": 6, "internal/reindex": 6, "internal/rekey": 6, "internal/collector": 6, "policies": 0,
	"internal/chart": 7,
	"internal/smart": 8, "internal/notify": 8, "internal/job": 8,
	"internal/web": 9, "internal/clinical": 9, "internal/demo": 9,
	"internal/fhirhttp": 9, "internal/portal": 9, "internal/portal/assets": 9,
	"internal/portal/portaltest": 9,
	"e2e":                        10, "e2e/testscript": 10, "bench": 10, "bench/plain": 10, "attack": 10, "attack/expect": 10, "attack/controls": 10, "supply/sbom": 10, "supply/holes": 10, "supply/sbom/schema": 10, "internal/bulk": 8, "cmd/wardkeep": 10, "cmd/wardkeep-verify": 10, "cmd/wardkeep/app": 10,
}

// beside are the imports allowed on the same floor.
var beside = map[string][]string{
	"internal/fhir":                {"internal/fhir/r4"},
	"internal/fhir/r4/gen":         {"internal/fhir/r4"},
	"internal/fhir/defs":           {"internal/fhir", "internal/fhir/r4"},
	"internal/fhir/defs/gen":       {"internal/fhir", "internal/fhir/r4"},
	"internal/fhir/path":           {"internal/fhir", "internal/fhir/r4"},
	"internal/fhir/patch":          {"internal/fhir", "internal/fhir/r4", "internal/fhir/path"},
	"internal/fhir/xml":            {"internal/fhir", "internal/fhir/r4"},
	"internal/profile":             {"internal/terminology"},
	"internal/search":              {"internal/terminology"},
	"internal/store/pebble":        {"internal/store/posting"},
	"internal/store/storetest":     {"internal/store/posting"},
	"internal/audit":               {"internal/audit/verify"},
	"internal/authz":               {"internal/identity"},
	"internal/emergency":           {"internal/identity", "internal/authz"},
	"internal/identity/federation": {"internal/identity"},
	"internal/bulk":                {"internal/job"},
	"internal/fhirhttp":            {"internal/web"},
	"internal/portal":              {"internal/web", "internal/clinical", "internal/portal/assets"},
	"internal/portal/portaltest":   {"internal/portal", "internal/clinical", "internal/web"},
	"cmd/wardkeep":                 {"cmd/wardkeep/app"},
	"attack":                       {"attack/expect"},
}

// bans are imports that no floor would forbid, but the design does.
// A name ending in /... stands for it and everything below it.
var bans = map[string][]string{
	"internal/fhirhttp":     {"internal/vault", "internal/store", "internal/seal", "internal/kms", "internal/blob", "internal/audit"},
	"internal/portal":       {"internal/vault", "internal/store", "internal/seal", "internal/kms", "internal/blob", "internal/audit"},
	"internal/smart":        {"internal/vault", "internal/store", "internal/seal", "internal/kms", "internal/blob"},
	"internal/store/...":    {"internal/fhir", "internal/fhir/r4", "internal/seal", "internal/kms"},
	"internal/audit/verify": {"internal/seal", "internal/fhir", "internal/fhir/r4", "internal/search"},
	"internal/fhir":         {"os", "net", "net/http"},
	"internal/fhir/r4":      {"os", "net", "net/http"},
	// What is expected of the product must not come from the product.
	"attack/...": {"internal/...", "policies", "cmd/...", "bench/...", "e2e/..."},
}

// longFiles may exceed 400 lines, for the reason given.
var longFiles = map[string]string{}

type file struct {
	path, pkg string
	imports   []string
	lines     int
	test      bool
	generated bool
}

func TestFloors(t *testing.T) {
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		floor, known := floors[f.pkg]
		if !known {
			t.Errorf("%s: package %s stands on no floor; add it to ARCHITECTURE.md and to floors", f.path, f.pkg)
			continue
		}
		for _, imp := range f.imports {
			local, ok := strings.CutPrefix(imp, module+"/")
			if !ok || local == f.pkg || floors[local] < floor || contains(beside[f.pkg], local) {
				continue
			}
			t.Errorf("%s: %s (floor %d) imports %s (floor %d)", f.path, f.pkg, floor, local, floors[local])
		}
	}
}

func TestBans(t *testing.T) {
	for _, f := range sources(t) {
		if !f.test || below(f.pkg, "attack/...") {
			for _, ban := range banned(f.pkg, f.imports) {
				t.Errorf("%s: %s must never import %s", f.path, f.pkg, ban)
			}
		}
	}
}

// TestBansSee is the negative control: the check finds a forbidden import.
func TestBansSee(t *testing.T) {
	if len(banned("internal/portal", []string{module + "/internal/vault"})) != 1 ||
		len(banned("internal/store/pebble", []string{module + "/internal/seal"})) != 1 ||
		len(banned("internal/fhir/r4", []string{"net/http"})) != 1 ||
		len(banned("attack/expect", []string{module + "/internal/authz", module + "/policies", module + "/attack/expect", "net/http"})) != 2 {
		t.Fatal("a planted forbidden import was not seen")
	}
}

func TestSizes(t *testing.T) {
	for _, f := range sources(t) {
		if f.lines > 400 && !f.generated && longFiles[f.path] == "" {
			t.Errorf("%s has %d lines; split it, or give the reason in longFiles", f.path, f.lines)
		}
	}
}

func TestNoVagueNames(t *testing.T) {
	for _, f := range sources(t) {
		switch filepath.Base(f.pkg) {
		case "util", "utils", "common", "helpers", "models", "misc":
			t.Errorf("%s: a package is named after what it does", f.path)
		}
	}
}

func banned(pkg string, imports []string) []string {
	var found []string
	for rule, list := range bans {
		if !below(pkg, rule) {
			continue
		}
		for _, imp := range imports {
			local := strings.TrimPrefix(imp, module+"/")
			if local != pkg && slices.ContainsFunc(list, func(ban string) bool { return below(local, ban) }) {
				found = append(found, local)
			}
		}
	}
	return found
}

// below reports whether a rule names a package, or the tree that it stands in.
func below(pkg, rule string) bool {
	tree, whole := strings.CutSuffix(rule, "/...")
	return pkg == rule || whole && strings.HasPrefix(pkg+"/", tree+"/")
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// sources reads every Go file of the module.
func sources(t *testing.T) []file {
	t.Helper()
	var files []file
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "bin" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(filepath.ToSlash(path), "../")
		f := file{
			path: rel, pkg: filepath.ToSlash(filepath.Dir(rel)),
			lines:     strings.Count(string(src), "\n"),
			test:      strings.HasSuffix(path, "_test.go"),
			generated: strings.HasPrefix(string(src), "// Code generated"),
		}
		for _, imp := range parsed.Imports {
			name, _ := strconv.Unquote(imp.Path.Value)
			f.imports = append(f.imports, name)
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 5 {
		t.Fatal("the architecture test sees almost no files: it is looking in the wrong place")
	}
	return files
}
