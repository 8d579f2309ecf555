package main

import (
	"bytes"
	"testing"
)

// TestTemplates: they give valid JSON, the same at every run, and no value of
// one run lies in the history.
func TestTemplates(t *testing.T) {
	lines, err := readTemplates()
	if err != nil {
		t.Fatal(err)
	}
	a, err := fill(lines, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := fill(lines, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) || bytes.Contains(a[i], []byte("{{")) {
			t.Fatalf("sample %d", i)
		}
	}
	h := history(lines)
	if !bytes.Equal(h, history(lines)) || bytes.Contains(h, []byte("{{")) {
		t.Error("the history changes, or has blanks")
	}
	for _, name := range words["family"] {
		if bytes.Contains(h, []byte(name)) {
			t.Errorf("the history holds the name %s", name)
		}
	}
}
