package demo_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/demo"
)

var update = flag.Bool("update", false, "rewrite the golden digest")

// today is the hospital's day in all tests: three weeks after the end of
// summer time.
var today = time.Date(2026, 11, 22, 14, 30, 0, 0, time.UTC)

type bundle struct {
	ResourceType, Type string
	Entry              []struct {
		FullURL  string
		Resource json.RawMessage
		Request  struct{ Method, URL string }
	}
}

// usual is the default hospital, made once.
var usual = sync.OnceValue(func() []bundle { return decode(demo.DefaultPatients) })

func generate(t testing.TB, patients int) []bundle {
	t.Helper()
	if patients == demo.DefaultPatients {
		return usual()
	}
	return decode(patients)
}

func decode(patients int) []bundle {
	var out []bundle
	for raw := range demo.Generate(demo.Options{Seed: 1, Patients: patients, Now: today}).Bundles() {
		var b bundle
		if err := json.Unmarshal(raw, &b); err != nil {
			panic(err)
		}
		out = append(out, b)
	}
	return out
}

func digest(opt demo.Options) string {
	h := sha256.New()
	for raw := range demo.Generate(opt).Bundles() {
		h.Write(raw)
		h.Write([]byte{'\n'})
	}
	return hex.EncodeToString(h.Sum(nil))
}

func TestSameOptionsSameBytes(t *testing.T) {
	opt := demo.Options{Seed: 7, Patients: 60, Now: today}
	got := digest(opt)
	if again := digest(opt); again != got {
		t.Fatal("two runs differ")
	}
	inUTC, elsewhere := opt, opt
	elsewhere.Now = today.In(time.FixedZone("east", 9*3600))
	if digest(inUTC) != digest(elsewhere) {
		t.Error("the zone of Now changes the hospital")
	}
	opt.Seed = 8
	if digest(opt) == got {
		t.Error("the seed changes nothing")
	}
	golden := filepath.Join("testdata", "digest.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != strings.TrimSpace(string(want)) {
		t.Errorf("digest %s is not the golden one; if the change is meant, run with -update", got)
	}
}

func TestPatientDoesNotDependOnTheOthers(t *testing.T) {
	var few, many [][]byte
	for b := range demo.Generate(demo.Options{Seed: 1, Patients: 8, Now: today}).Bundles() {
		few = append(few, b)
	}
	for b := range demo.Generate(demo.Options{Seed: 1, Patients: 12, Now: today}).Bundles() {
		many = append(many, b)
	}
	for i := range few {
		if !bytes.Equal(few[i], many[i]) {
			t.Fatalf("bundle %d changes with the number of patients", i)
		}
	}
}

func TestEveryReferenceResolves(t *testing.T) {
	bundles := generate(t, demo.DefaultPatients)
	have := map[string]bool{}
	for _, b := range bundles {
		for _, e := range b.Entry {
			have[e.Request.URL] = true
		}
	}
	for _, b := range bundles {
		inBundle := map[string]bool{}
		for _, e := range b.Entry {
			if inBundle[e.Request.URL] {
				t.Errorf("%s stands twice in one transaction", e.Request.URL)
			}
			inBundle[e.Request.URL] = true
			for _, r := range references(e.Resource) {
				if !have[r] {
					t.Errorf("%s refers to %s, which does not exist", e.Request.URL, r)
				}
			}
		}
	}
}

func references(raw []byte) []string {
	var out []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if r, ok := v["reference"].(string); ok {
				out = append(out, r)
			}
			if a, ok := v["url"].(string); ok && strings.HasPrefix(a, "Binary/") {
				out = append(out, a)
			}
			for _, m := range v {
				walk(m)
			}
		case []any:
			for _, m := range v {
				walk(m)
			}
		}
	}
	var v any
	if json.Unmarshal(raw, &v) == nil {
		walk(v)
	}
	return out
}
