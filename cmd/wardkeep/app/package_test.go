package app

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// run runs a command and returns its exit code and output.
func run(t *testing.T, args ...string) (int, string, string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := Main(context.Background(), Terminal{Args: args, In: strings.NewReader(""), Out: &out, Err: &errs, Version: "test"})
	return code, out.String(), errs.String()
}

// TestPackageAdd loads both releases of US Core, each twice: the second time
// nothing changes, and neither release takes the place of the other.
func TestPackageAdd(t *testing.T) {
	root := os.Getenv("WARDKEEP_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	dir := t.TempDir()
	house, err := openOn(context.Background(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := house.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, release := range []string{"610", "700"} {
		file := filepath.Join(root, "us-core", "us_core_"+release+".tgz")
		if _, err := os.Stat(file); err != nil {
			t.Skip("no US Core packages: set WARDKEEP_TESTDATA")
		}
		var first, again []addedPackage
		for _, into := range []*[]addedPackage{&first, &again} {
			code, out, errs := run(t, "package", "add", "--dir", dir, "--json", file)
			if code != 0 {
				t.Fatalf("exit %d: %s", code, errs)
			}
			if err := json.Unmarshal([]byte(out), into); err != nil {
				t.Fatal(err)
			}
		}
		if len(first) != 1 || len(first[0].Added) < 200 || len(first[0].Updated)+len(first[0].Unchanged) != 0 {
			t.Errorf("%s: added %d, updated %d, unchanged %d", release, len(first[0].Added), len(first[0].Updated), len(first[0].Unchanged))
		}
		for _, s := range first[0].Skipped {
			t.Errorf("%s skipped: %s: %s", release, s.File, s.Reason)
		}
		if len(again[0].Added)+len(again[0].Updated) != 0 || len(again[0].Unchanged) != len(first[0].Added) {
			t.Errorf("%s again: added %d, updated %d", release, len(again[0].Added), len(again[0].Updated))
		}
	}
	_, out, _ := run(t, "package", "list", "--dir", dir)
	if !strings.Contains(out, "hl7.fhir.us.core   6.1.0") || !strings.Contains(out, "hl7.fhir.us.core   7.0.0") {
		t.Errorf("list: %s", out)
	}
}

func TestPackageWrongUse(t *testing.T) {
	dir := t.TempDir()
	house, err := openOn(context.Background(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := house.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad.tgz")
	if err := os.WriteFile(bad, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"package"}, {"package", "add"}, {"package", "add", "--dir", dir, "none.tgz"}, {"package", "add", "--dir", dir, bad}, {"package", "list", "--dir", bad}} {
		if code, _, _ := run(t, args...); code != 2 {
			t.Errorf("%v: exit %d, want 2", args, code)
		}
	}
}
