package profile_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/profile"
)

// excluded are invalid cases whose fault cannot be seen without a code system or
// package that is not loaded here, each with what it takes.
var excluded = map[string]string{
	"obs-temp-bad":                         "SNOMED CT: that the code is one of body temperature, so that the profile applies",
	"ips-nz-pj":                            "LOINC: the displays of codes",
	"obs-vs-1":                             "LOINC: that the code is one of blood pressure; and the package hl7.fhir.uv.cardx-htn for an extension",
	"cvx":                                  "CVX: the display of a code",
	"bundle-id-5":                          "CVX: the display of a code",
	"shc-cvx":                              "CVX: whether it has a code",
	"uk-msg":                               "SNOMED CT: displays and codes of medicines",
	"pat-dob-ext":                          "the definition of an extension of validitron.unimelb.edu.au",
	"pat-example-extensions":               "the definition of an extension of example.org",
	"target-ref-profile-empty":             "the definitions of extensions of fkcfhir.org, and ICD-10",
	"nested-questionnaire-nested-valueset": "the package hl7.fhir.uv.sdc: an extension",
	"patient-with-turvakielto":             "the package hl7.fi.fhir.finnish-base-profiles: an extension",
	"AuditEvent-slice23-second":            "the profile and the extension of the test, which are not among its files here",
	"vs-params-4":                          "the package hl7.fhir.uv.tools: an extension of value set filters",
}

// missed are invalid cases that are not found out, though nothing is missing for
// it: the fault is none by the text of R4, or the check is not made here.
var missed = map[string]string{
	"sdoh-type-slice":          "meta.source with a fragment alone, #…: R4 leaves its use to whoever writes it, and servers in use write it so",
	"dr-example-org":           "an address at example.org, which the reference validator is set to refuse; R4 says nothing of it",
	"parameters-reference-bad": "a relative reference to a resource that Parameters do not hold: R4 does not say they must, and it may be on the server",
	"cs-narrative-status-pub":  "what HL7 demands of its own publications",
}

// TestCases holds the verdicts on the cases of the reference validator against
// its own: no false alarm, and nine of ten invalid ones found out.
func TestCases(t *testing.T) {
	dir := testdata(t, "validator-cases")
	labels, err := os.ReadFile(filepath.Join(dir, "labels.tsv"))
	check(t, err)
	v := profile.New(profile.Config{Definitions: shelf{}, Codes: codes(shelf{})})
	count := map[string]int{}
	for line := range strings.Lines(string(labels)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		name, want := strings.TrimSuffix(f[0], " / R4"), f[3]
		body, err := os.ReadFile(filepath.Join(dir, filepath.Base(f[1])))
		if err != nil {
			continue
		}
		got, why := verdict(t, v, body)
		why = name + " is " + want + why
		_, isExcluded := excluded[name]
		_, isMissed := missed[name]
		switch {
		case want == "valid" && got != "valid":
			t.Error("false alarm: " + why)
		case want == "invalid" && got == "valid" && !isExcluded && !isMissed:
			t.Error("not found out: " + why)
		case want == "invalid" && got != "valid" && (isExcluded || isMissed):
			t.Error("found out after all; take it off the list: " + why)
		}
		switch {
		case isExcluded:
			got = "excluded"
		case isMissed:
			got = "missed"
		}
		count[want+" "+got]++
	}
	found := count["invalid structure"] + count["invalid invalid"]
	t.Logf("valid: %d accepted; invalid: %d found out (%d by their structure), %d missed, %d excluded",
		count["valid valid"], found, count["invalid structure"], count["invalid missed"], count["invalid excluded"])
	if all := found + count["invalid missed"]; found*10 < all*9 {
		t.Errorf("only %d of %d found out", found, all)
	}
}

// verdict is valid, invalid, or structure where the parser refuses already.
func verdict(t *testing.T, v *profile.Validator, body []byte) (string, string) {
	t.Helper()
	res, err := fhir.Parse(body)
	if err != nil {
		return "structure", err.Error()
	}
	r := validate(t, v, res)
	if r.OK() {
		return "valid", show(r)
	}
	return "invalid", show(r)
}

// wrongExamples are official examples that break R4 beyond their structure.
var wrongExamples = map[string]string{"codesystem-example.json": "two concepts have the same code"}

func TestExamples(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(testdata(t, "r4-examples"), "*.json"))
	v := profile.New(profile.Config{Definitions: shelf{}, Codes: codes(shelf{})})
	for _, name := range files {
		body, err := os.ReadFile(name)
		check(t, err)
		got, why := verdict(t, v, body)
		if got == "invalid" && wrongExamples[filepath.Base(name)] == "" {
			t.Errorf("%s: %s", filepath.Base(name), why)
		}
	}
}

// wrongUSCore are examples and definitions of US Core that break R4 themselves.
var wrongUSCore = map[string]string{
	"Bundle-66c8856b-ba11-4876-8aa8-467aad8c11a2.json": "an address names another type than its resource",
	"Bundle-docref-example-2.json":                     "an address names another type than its resource",
}

// TestUSCore: every example of both releases is valid against the profiles it
// claims, and every definition is a valid one.
func TestUSCore(t *testing.T) {
	for _, release := range []string{"610", "700"} {
		s, files := usCore(t, release)
		v := profile.New(profile.Config{Definitions: s, Codes: codes(s)})
		checked := 0
		for _, name := range slices.Sorted(maps.Keys(files)) {
			res, err := fhir.Parse(files[name])
			if err != nil || testing.Short() && checked > 50 {
				continue
			}
			checked++
			if r := validate(t, v, res); !r.OK() && wrongUSCore[filepath.Base(name)] == "" {
				t.Errorf("%s %s: %v", release, name, found(r, "error"))
			}
		}
		t.Logf("%s: %d resources", release, checked)
	}
}
