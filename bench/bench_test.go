package main

import (
	"bytes"
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	var l latencies
	for i := 1; i <= 200; i++ {
		l = append(l, time.Duration(i)*time.Millisecond)
	}
	for p, want := range map[float64]float64{50: 100, 95: 190, 99: 198, 100: 200, 0: 1} {
		if got := l.percentile(p); got != want {
			t.Errorf("percentile %v is %v, want %v", p, got, want)
		}
	}
	if !math.IsNaN(latencies(nil).percentile(50)) || l[:1].percentile(99) != 1 {
		t.Error("of none or one")
	}
}

func TestMedian(t *testing.T) {
	values := []float64{9, 1, 5}
	if median(values) != 5 || median(append(values, 7)) != 6 || !math.IsNaN(median(nil)) {
		t.Error("wrong median")
	}
	if values[0] != 9 {
		t.Error("the values were put in another order")
	}
}

func TestCopies(t *testing.T) {
	shared, own := "24cb4eab-6166-3530-bddc-a5a8a14a4fc1", "057aa36e-b892-9964-75b9-ffb46b097e34"
	c := &corpus{keep: map[string]bool{shared: true}}
	text := []byte(`{"id":"` + own + `","x":"urn:uuid:` + own + `","org":"` + shared + `","date":"2010-09-16T12:21:06+02:00",
		"identifier":[{"system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-82-5699"}], "family": "Cormier289"}`)
	before := bytes.Clone(text)
	if !bytes.Equal(c.copied(text, 0), text) {
		t.Error("copy 0 is not the original")
	}
	seen := map[string]bool{}
	for n := 1; n < 16; n++ {
		got := string(c.copied(text, n))
		if got != string(c.copied(text, n)) {
			t.Fatal("a copy is not the same each time")
		}
		id := got[7 : 7+uuidSize]
		if seen[id] || id == own || !isUUID([]byte(id)) || strings.Count(got, id) != 2 {
			t.Errorf("copy %d has the id %s", n, id)
		}
		seen[id] = true
		if !strings.Contains(got, shared) || !strings.Contains(got, "2010-09-16T12:21:06+02:00") {
			t.Errorf("copy %d changed what all share", n)
		}
		if strings.Contains(got, "999-82-5699") || strings.Contains(got, `"Cormier289"`) {
			t.Errorf("copy %d bears another's name or number", n)
		}
	}
	if !bytes.Equal(before, text) {
		t.Error("the original was changed")
	}
	if got := string(renumber([]byte("999-82-5699"), 3)); got != "999-82-5702" {
		t.Errorf("renumbered as %s", got)
	}
}

func TestGoals(t *testing.T) {
	r := &results{}
	g := goal{"rate", "a second", true, 10, figureAt("p", 1, "all", "rate")}
	if v := g.judge(r); v.Measured != nil || v.Met {
		t.Error("a goal was judged without a figure")
	}
	r.add("p", 1, "all", "rate", 9)
	r.add("p", 1, "all", "rate", 12)
	r.add("p", 1, "all", "rate", math.NaN())
	if v := g.judge(r); !v.Met || *v.Measured != 10.5 {
		t.Errorf("judged as %v", v)
	}
	if g.least = false; g.judge(r).Met {
		t.Error("above the most, and yet met")
	}
}

func TestPlotIsWellFormed(t *testing.T) {
	svg := drawBars(`<&"`, []bar{{"a < b & c", 3, 1}, {"", 0, 99}})
	if strings.Contains(svg, "a < b") || !strings.Contains(svg, "a &lt; b &amp; c") {
		t.Error("a label is not escaped")
	}
}

func TestPageKeepsWhatPeopleWrote(t *testing.T) {
	if got := kept("old\n" + keep + "mine\n"); got != keep+"mine\n" {
		t.Errorf("kept %q", got)
	}
	if kept("") != keep {
		t.Error("a new page has no place for it")
	}
	for v, want := range map[float64]string{1234567: "1,234,567", 999: "999", 12.34: "12.3", 0.5: "0.50", -1234: "-1,234"} {
		if got := number(v); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
}

func TestNextPage(t *testing.T) {
	body := []byte(`{"link":[{"relation":"self","url":"x"},{"relation":"next","url":"https://localhost:1/fhir/Patient?_page=a&b=1"}],"entry":[]}`)
	if got := nextPage(body); got != "Patient?_page=a&b=1" {
		t.Errorf("next is %q", got)
	}
	if got := nextPage([]byte(`{"link":[{"relation":"next","url":"https://localhost:1/fhir?_page=a"}]}`)); got != "?_page=a" {
		t.Errorf("next is %q", got)
	}
	if nextPage([]byte(`{"resourceType":"Bundle"}`)) != "" {
		t.Error("a last page has a next one")
	}
}

func TestWrongUse(t *testing.T) {
	for _, args := range [][]string{{"-runs", "0"}, {"-scales", "4,1"}, {"-parts", "nothing"}, {"more"}, {"-nonsense"}} {
		if code := run(context.Background(), args); code != 2 {
			t.Errorf("%v ends with %d", args, code)
		}
	}
}

func TestExchange(t *testing.T) {
	const source = "package p\n\nfunc a() int {\n\treturn 1\n}\n\nfunc (t t) b() {}\n"
	got, err := exchange(source, "a", " return 2 ")
	if err != nil || got != "package p\n\nfunc a() int { return 2 }\n\nfunc (t t) b() {}\n" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := exchange(source, "c", ""); err == nil {
		t.Error("a function that is not there was exchanged")
	}
}

// released builds the program as it is shipped, once.
var released = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "wardkeep-bench-")
	if err != nil {
		return "", err
	}
	return variant{name: "as released"}.build(context.Background(), "..", dir)
})

func TestMain(m *testing.M) {
	code := m.Run()
	if binary, err := released(); err == nil {
		_ = os.RemoveAll(filepath.Dir(binary))
	}
	os.Exit(code)
}

// TestNoSwitchIsShipped: what variants put in place of the ciphers is in them, and
// in nothing that is built from the source as it stands.
func TestNoSwitchIsShipped(t *testing.T) {
	binary, err := released()
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := nullCipher.overlay("..", filepath.Join(t.TempDir(), "src"))
	if err != nil {
		t.Fatal(err)
	}
	for pkg, mark := range map[string]string{"internal/seal/box": "nullAEAD", "internal/seal/file": "nullChunks"} {
		archive := filepath.Join(t.TempDir(), "package.a")
		build := exec.Command("go", "build", "-overlay", overlay, "-o", archive, "./"+pkg)
		build.Dir = ".."
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		variant, err := os.ReadFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(variant, []byte(mark)) {
			t.Errorf("%s: the mark %s is not even where it has to be", pkg, mark)
		}
		if bytes.Contains(shipped, []byte(mark)) {
			t.Errorf("the shipped program has %s", mark)
		}
		if !bytes.Contains(shipped, []byte(pkg)) {
			t.Errorf("names of %s are not found in the shipped program at all", pkg)
		}
	}
}

// TestQuick runs the whole benchmark on few patients.
func TestQuick(t *testing.T) {
	data := defaultData()
	if os.Getenv("WARDKEEP_TESTDATA") == "" {
		data = filepath.Join("..", data)
	}
	if _, err := os.Stat(data); err != nil {
		t.Skip("the test data is not there")
	}
	dir := t.TempDir()
	binary, err := released()
	if err != nil {
		t.Fatal(err)
	}
	// The variants take half a minute to build: make prove has time for that.
	parts := "bundles,search,count,bulk,crud"
	if os.Getenv("WARDKEEP_PROVE") != "" {
		parts += ",cost"
	}
	out := filepath.Join(dir, "docs")
	if code := run(t.Context(), []string{"-quick", "-seconds", "0.3", "-parts", parts, "-source", "..", "-bin", binary, "-data", data, "-work", t.TempDir(), "-out", out}); code != 0 {
		t.Fatalf("the benchmark ends with %d", code)
	}
	page, err := os.ReadFile(filepath.Join(out, "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"## Goals", "wardkeep import", "transactions over HTTPS", "Patient by identifier", "Patient?gender=female", "| create |"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestMended(t *testing.T) {
	got := string(mended([]byte(`[{"system": "http://snomed.info/sct", "code": "1853470"}, {"system": "http://id.loc.gov/vocabulary/iso639-1"}, {"code": "18534700"}]`)))
	if got != `[{"system": "http://snomed.info/sct", "code": "185347001"}, {"system": "urn:ietf:bcp:47"}, {"code": "18534700"}]` {
		t.Error(got)
	}
}
