package demo_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/demo"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// each calls f for every JSON value of every resource with its dotted path.
func each(t *testing.T, patients int, f func(url, path string, v any)) {
	t.Helper()
	for _, b := range generate(t, patients) {
		for _, e := range b.Entry {
			var v any
			if err := json.Unmarshal(e.Resource, &v); err != nil {
				t.Fatal(err)
			}
			walk(v, "", func(path string, v any) { f(e.Request.URL, path, v) })
		}
	}
}

func walk(v any, path string, f func(string, any)) {
	f(path, v)
	switch v := v.(type) {
	case map[string]any:
		for k, m := range v {
			walk(m, path+"."+k, f)
		}
	case []any:
		for _, m := range v {
			walk(m, path, f)
		}
	}
}

func TestEveryBundleParses(t *testing.T) {
	for _, opt := range []demo.Options{
		{Seed: 1, Patients: demo.DefaultPatients, Now: today},
		{Seed: 2, Patients: 75, Now: time.Date(2027, 2, 28, 4, 50, 0, 0, time.UTC)},
		{Seed: 3, Patients: 0, Now: today},
	} {
		n := 0
		for raw := range demo.Generate(opt).Bundles() {
			if _, err := fhir.Parse(raw); err != nil {
				t.Errorf("bundle %d of seed %d: %v", n, opt.Seed, err)
			}
			n++
		}
		if opt.Patients == 0 && n != 1 {
			t.Errorf("staff and wards only, and %d bundles", n)
		}
	}
}

func TestAnyDayAndSeed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(rapid.Int64Range(1_700_000_000, 1_950_000_000).Draw(t, "now"), 0)
		opt := demo.Options{Seed: rapid.Uint64().Draw(t, "seed"), Patients: rapid.IntRange(0, 3).Draw(t, "patients"), Now: now}
		for raw := range demo.Generate(opt).Bundles() {
			if _, err := fhir.Parse(raw); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestNothingEmptyAndNothingLate(t *testing.T) {
	stamp := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$`)
	later := map[string]bool{".start": true, ".end": true, ".occurrenceDateTime": true,
		".dosageInstruction.timing.repeat.boundsPeriod.end": true}
	each(t, demo.DefaultPatients, func(url, path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if len(v) == 0 {
				t.Errorf("%s%s is an empty object", url, path)
			}
		case []any:
			if len(v) == 0 {
				t.Errorf("%s%s is an empty array", url, path)
			}
		case string:
			if v == "" {
				t.Errorf("%s%s is an empty string", url, path)
			}
			if stamp.MatchString(v) && !later[path] {
				if at, err := time.Parse(time.RFC3339, v); err != nil || at.After(today) {
					t.Errorf("%s%s lies in the future", url, path)
				}
			}
		}
	})
}

func TestACodeHasOneDisplay(t *testing.T) {
	display := map[string]string{}
	each(t, 100, func(url, path string, v any) {
		c, ok := v.(map[string]any)
		if !ok || c["system"] == nil || c["code"] == nil || c["display"] == nil {
			return
		}
		key := c["system"].(string) + "|" + c["code"].(string)
		if was, ok := display[key]; ok && was != c["display"] {
			t.Errorf("%s%s: %s is called both %q and %q", url, path, key, was, c["display"])
		}
		display[key] = c["display"].(string)
	})
	if len(display) < 250 {
		t.Errorf("only %d different codes: the hospital is poor", len(display))
	}
}

func TestNoNumberCouldBeReal(t *testing.T) {
	ssn := regexp.MustCompile(`^9\d\d-(0[1-9]|[1-4]\d)-\d{4}$`)
	anySSN := regexp.MustCompile(`\b[0-8]\d\d-\d\d-\d{4}\b`)
	phone := regexp.MustCompile(`^\+1 \(999\) 555-01\d\d$`)
	each(t, demo.DefaultPatients, func(url, path string, v any) {
		m, ok := v.(map[string]any)
		if !ok {
			if s, ok := v.(string); ok && path != ".data" && anySSN.MatchString(s) {
				t.Errorf("%s%s looks like a social security number", url, path)
			}
			return
		}
		value, _ := m["value"].(string)
		switch m["system"] {
		case "http://hl7.org/fhir/sid/us-ssn":
			if !ssn.MatchString(value) {
				t.Errorf("%s: a social security number that might be issued", url)
			}
		case "http://hl7.org/fhir/sid/us-npi":
			if !strings.HasPrefix(value, "99999") || len(value) != 10 {
				t.Errorf("%s: a provider number that might be issued", url)
			}
		case "phone":
			if !phone.MatchString(value) {
				t.Errorf("%s: a telephone number that might ring", url)
			}
		case "email":
			if !strings.HasSuffix(value, "example.org") {
				t.Errorf("%s: an address that might be somebody's", url)
			}
		}
	})
}

func TestDocumentsAreMarked(t *testing.T) {
	documents := 0
	for _, b := range generate(t, demo.DefaultPatients) {
		for _, e := range b.Entry {
			switch {
			case strings.HasPrefix(e.Request.URL, "Patient/") && !bytes.Contains(e.Resource, []byte(`"tag":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"HTEST"`)):
				t.Errorf("%s bears no HTEST tag", e.Request.URL)
			case strings.HasPrefix(e.Request.URL, "DocumentReference/"):
				documents++
				if !bytes.Contains(e.Resource, []byte("synthetic, not for care")) {
					t.Errorf("%s is not marked", e.Request.URL)
				}
			case strings.HasPrefix(e.Request.URL, "Binary/"):
				checkBinary(t, e.Request.URL, e.Resource)
			}
		}
	}
	if documents < 60 {
		t.Errorf("%d documents", documents)
	}
}

func checkBinary(t *testing.T, url string, raw []byte) {
	t.Helper()
	var bin struct{ ContentType, Data string }
	if err := json.Unmarshal(raw, &bin); err != nil {
		t.Fatal(err)
	}
	data, err := base64.StdEncoding.DecodeString(bin.Data)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	switch bin.ContentType {
	case "application/pdf":
		if !bytes.HasPrefix(data, []byte("%PDF-")) || !bytes.Contains(data, []byte("SYNTHETIC - NOT FOR CARE")) ||
			!bytes.Contains(data, []byte("Synthetic - not for care")) {
			t.Errorf("%s: a PDF without the stamp", url)
		}
	case "image/png":
		if !bytes.HasPrefix(data, []byte("\x89PNG")) {
			t.Errorf("%s is no PNG", url)
		}
	default:
		t.Errorf("%s is a %s", url, bin.ContentType)
	}
}

func TestMedicalRecordNumbers(t *testing.T) {
	seen := map[string]bool{}
	for n := 1; n <= 200_000; n++ {
		m := demo.MRN(n)
		if len(m) != 8 || seen[m] || demo.CheckDigit(m[:7]) != m[7] {
			t.Fatalf("number %d is wrong or not unique", n)
		}
		seen[m] = true
	}
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.IntRange(1, demo.MaxPatients).Draw(t, "a")
		b := rapid.IntRange(1, demo.MaxPatients).Draw(t, "b")
		if a != b && demo.MRN(a) == demo.MRN(b) {
			t.Fatal("two patients share a number")
		}
	})
}

func TestNamesAreDiverse(t *testing.T) {
	if given, family := demo.Names(); given < 200 || family < 200 {
		t.Errorf("%d given and %d family names", given, family)
	}
}
