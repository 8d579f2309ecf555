package main

import (
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// built builds the programs as they are shipped.
func built(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-trimpath", "-o", dir, "./cmd/wardkeep", "./cmd/wardkeep-verify")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return []string{filepath.Join(dir, "wardkeep"), filepath.Join(dir, "wardkeep-verify")}
}

// pages are what the bundler told, or what it would tell, if pages were not built here.
func pages(t *testing.T) string {
	t.Helper()
	path := filepath.Join("..", "..", "internal", "portal", "assets", "dist", "packages.json")
	if _, err := os.Stat(path); err == nil || os.Getenv("CI") == "true" {
		return path
	}
	t.Log("pages were not built here: make assets")
	path = filepath.Join(t.TempDir(), "packages.json")
	if err := os.WriteFile(path, []byte(`["node_modules/htmx.org","node_modules/uplot"]`), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// missing are the modules and packages that are needed and not in a bill.
func missing(b *bom, needed []string) []string {
	return slices.DeleteFunc(slices.Clone(needed), func(purl string) bool {
		return slices.ContainsFunc(b.Components, func(c component) bool { return c.PURL == purl })
	})
}

// TestBill: what the programs are linked of, by the word of the go command and of go.sum,
// and what pages need, is in the bill with sum, licence and address; one that is taken out
// is seen. The bill is of CycloneDX 1.6, and the same for the same programs.
func TestBill(t *testing.T) {
	programs, list := built(t), pages(t)
	out := filepath.Join(t.TempDir(), "bill.json")
	var texts [2][]byte
	for i := range texts {
		if err := run(out, "../../web", list, "v1.2.3", "2026-11-22T10:00:00+02:00", programs); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = text
	}
	if string(texts[0]) != string(texts[1]) {
		t.Error("twice it is not the same")
	}
	var b bom
	if err := json.Unmarshal(texts[0], &b); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}pkg:golang/{{.Path}}@{{.Version}}{{end}}{{end}}", "./cmd/wardkeep", "./cmd/wardkeep-verify")
	cmd.Dir = filepath.Join("..", "..")
	deps, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	needed := append(strings.Fields(string(deps)), wantedByPages(t)...)
	slices.Sort(needed)
	needed = slices.Compact(needed)
	if lost := missing(&b, needed); len(lost) > 0 || len(needed) < 50 {
		t.Errorf("of %d these are not in the bill: %v", len(needed), lost)
	}
	for i := range b.Components {
		less := b
		less.Components = slices.Delete(slices.Clone(b.Components), i, i+1)
		if len(missing(&less, append(needed, "pkg:golang/std@"+goVersion(t, programs[0])))) != 1 {
			t.Errorf("the bill without %s seems whole, or it is not needed", b.Components[i].PURL)
		}
	}
	sums, err := os.ReadFile("../../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.Components {
		if c.Ref != c.PURL || len(c.Licenses) == 0 || c.Version == "" || c.Name != "std" && len(c.Hashes) != 1 {
			t.Errorf("%+v", c)
		}
		if strings.HasPrefix(c.PURL, "pkg:golang/") && c.Name != "std" && !strings.Contains(string(sums), c.Name+" "+c.Version+" h1:") {
			t.Errorf("%s is not in go.sum", c.PURL)
		}
	}
	if b.Format != "CycloneDX" || b.Spec != "1.6" || b.Metadata.Timestamp != "2026-11-22T08:00:00Z" || len(b.Metadata.Component.Components) != 2 ||
		!regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(b.Serial) || len(b.Dependencies) != len(b.Components)+1 {
		t.Errorf("%s %s %s %+v", b.Format, b.Spec, b.Serial, b.Metadata)
	}
	schema(t, out)
}

// wantedByPages are the packages that package.json wants for pages; all of them are used.
func wantedByPages(t *testing.T) (list []string) {
	t.Helper()
	text, err := os.ReadFile("../../web/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var p struct{ Dependencies map[string]string }
	if err := json.Unmarshal(text, &p); err != nil || len(p.Dependencies) == 0 {
		t.Fatal(err)
	}
	for name, version := range p.Dependencies {
		list = append(list, "pkg:npm/"+name+"@"+version)
	}
	return list
}

func goVersion(t *testing.T, program string) string {
	t.Helper()
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(strings.Fields(info.GoVersion)[0], "go")
}

// schema holds the bill to the schema of CycloneDX, and a spoilt one, which must not pass.
func schema(t *testing.T, bill string) {
	t.Helper()
	find := exec.Command("go", "mod", "download", "-json", "github.com/CycloneDX/cyclonedx-go")
	find.Dir = "schema"
	out, err := find.Output()
	var m struct{ Dir string }
	if err != nil || json.Unmarshal(out, &m) != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the schema cannot be had: %v", err)
		}
		t.Skip("the schema cannot be had; is the module proxy reached?")
	}
	checker := filepath.Join(t.TempDir(), "schema")
	build := exec.Command("go", "build", "-o", checker, ".")
	build.Dir = "schema"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	valid := func(path string) error {
		_, err := exec.Command(checker, filepath.Join(m.Dir, "schema"), path).Output()
		return err
	}
	if err := valid(bill); err != nil {
		t.Errorf("the schema refuses the bill: %v", err)
	}
	text, err := os.ReadFile(bill)
	if err != nil {
		t.Fatal(err)
	}
	for was, is := range map[string]string{`"SHA-256"`: `"SHA-255"`, `"library"`: `"book"`, `"Apache-2.0"`: `"Apache-9"`, "urn:uuid:": "urn:", `"specVersion"`: `"spec"`} {
		spoilt := filepath.Join(t.TempDir(), "spoilt.json")
		if err := os.WriteFile(spoilt, []byte(strings.Replace(string(text), was, is, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if valid(spoilt) == nil {
			t.Errorf("the schema takes %s for %s", is, was)
		}
	}
}

// TestNotBilled: what cannot be told from its source, its sum or its licence ends the work.
func TestNotBilled(t *testing.T) {
	here := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(here, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const good = `{"packages":{"node_modules/a":{"version":"1.0.0","integrity":"sha512-` + sum64 + `","license":"MIT"}}}`
	list := write("packages.json", `["node_modules/a"]`)
	for name, lock := range map[string]string{
		"elsewhere":  strings.Replace(good, `"license"`, `"resolved":"https://evil.example.org/a.tgz","license"`, 1),
		"no licence": strings.Replace(good, `"MIT"`, `""`, 1), "a weak sum": strings.Replace(good, "sha512-", "sha1-", 1), "not locked": strings.Replace(good, "node_modules/a", "node_modules/b", 1),
	} {
		write("package-lock.json", lock)
		if got, err := npmPackages(here, list); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	write("package-lock.json", good)
	if got, err := npmPackages(here, list); err != nil || got[0].PURL != "pkg:npm/a@1.0.0" {
		t.Errorf("the control: %+v, %v", got, err)
	}
	for _, empty := range []string{"[]", "{"} {
		if _, err := npmPackages(here, write("none.json", empty)); err == nil {
			t.Errorf("%s is a list", empty)
		}
	}
	write("LICENSE", "GNU AFFERO GENERAL PUBLIC LICENSE")
	if ids, err := licencesIn(here); err == nil {
		t.Errorf("a licence that is not known is %v", ids)
	}
	write("LICENSE.md", "Apache License\n\n   Version 2.0, January 2004")
	write("COPYING", "Redistribution and use in source and\nbinary forms … Neither the name of")
	if ids, err := licencesIn(here); err != nil || !slices.Equal(ids, []string{"Apache-2.0", "BSD-3-Clause"}) {
		t.Errorf("%v, %v", ids, err)
	}
	if err := run("", "../../web", list, "v1", "", []string{list}); err == nil {
		t.Error("a file that is no program has a bill")
	}
}

const sum64 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
