package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestQuickStart runs the block that the demo prints, as it is printed.
func TestQuickStart(t *testing.T) {
	s := startDemo(t, "", "--patients", "1")
	_, rest, found := strings.Cut(s.screen.String(), "works as pasted into another terminal:\n\n")
	block, _, ended := strings.Cut(rest, "\nCtrl-C stops")
	if !found || !ended {
		t.Fatalf("the demo prints no block:\n%s", s.screen)
	}
	out := bash(t, "/", block)
	for _, want := range []string{`"total":1`, `"family":"Lovelace"`, "create  success", "proof    holds"} {
		if !strings.Contains(out, want) {
			t.Errorf("the block does not print %q:\n%s", want, out)
		}
	}
	if strings.Contains(bash(t, "/", strings.ReplaceAll(block, "family=lovelace", "family=nobody")), `"family":"Lovelace"`) {
		t.Error("negative control: a search for nobody finds Lovelace")
	}
	readmeBlock(t, block, s)
}

// readmeBlock checks that the README shows the same block, with its own paths.
func readmeBlock(t *testing.T, printed string, s *server) {
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	first := regexp.MustCompile(`(?m)^W=.*$`)
	want := first.ReplaceAllString(printed, "W=bin/wardkeep D=wardkeep-demo BASE=https://localhost:8443")
	if !strings.Contains(string(readme), strings.TrimSpace(want)) {
		t.Error("README.md does not show the block that the demo prints")
	}
	_ = s
}

func bash(t *testing.T, dir, script string) string {
	t.Helper()
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}
