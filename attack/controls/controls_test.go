package main

import (
	"bytes"
	"os"
	"testing"
)

// TestControlsFit: each text that a control exchanges stands in the source, once.
func TestControlsFit(t *testing.T) {
	if len(controls) < 10 {
		t.Errorf("only %d controls", len(controls))
	}
	for _, c := range controls {
		if _, err := c.overlay("../..", t.TempDir()); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := (control{file: "go.mod", old: "not there", times: 1}).overlay("../..", t.TempDir()); err == nil {
		t.Error("a text that is not there was exchanged")
	}
}

// TestControl switches one check off; make attack-controls does so with all of them.
func TestControl(t *testing.T) {
	if testing.Short() {
		t.Skip("a server is built and attacked")
	}
	if _, err := os.Stat("../../internal/portal/assets/dist/manifest.json"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("assets are not built: make assets")
		}
		t.Skip("assets are not built: make assets")
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"-source", "../..", "-only", "forms of other sites"}, &out); code != 0 {
		t.Errorf("exit %d\n%s", code, out.String())
	}
}
