package demo_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/demo"
)

// record is every version of every resource, by "Type/id".
type record map[string][]json.RawMessage

func whole(t *testing.T) record {
	t.Helper()
	out := record{}
	for _, b := range generate(t, demo.DefaultPatients) {
		for _, e := range b.Entry {
			out[e.Request.URL] = append(out[e.Request.URL], e.Resource)
		}
	}
	return out
}

// of gives the resources of a type in one patient's record.
func (r record) of(typ, patient string) []json.RawMessage {
	var out []json.RawMessage
	for url, versions := range r {
		if strings.HasPrefix(url, typ+"/"+patient) {
			out = append(out, versions[len(versions)-1])
		}
	}
	return out
}

func TestTrapTable(t *testing.T) {
	rec, names := whole(t), map[string]bool{}
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "demo.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, trap := range demo.Traps() {
		if names[trap.Name] || trap.Label == "" || trap.Where == "" || trap.Must == "" || len(trap.Patients) == 0 {
			t.Errorf("trap %s is not described once and in full", trap.Name)
		}
		names[trap.Name] = true
		for _, p := range trap.Patients {
			if rec["Patient/"+p] == nil {
				t.Errorf("trap %s: no patient %s", trap.Name, p)
			}
		}
		if trap.Resource != "" && rec[trap.Resource] == nil {
			t.Errorf("trap %s: no %s", trap.Name, trap.Resource)
		}
		row := "| " + trap.Name + " | " + strings.Join(trap.Patients, ", ") + " |"
		if !bytes.Contains(doc, []byte(row)) || !bytes.Contains(doc, []byte(trap.Must)) {
			t.Errorf("docs/demo.md does not hold trap %s", trap.Name)
		}
	}
	small := demo.Generate(demo.Options{Patients: 10, Now: today})
	for _, trap := range small.Traps() {
		for _, p := range trap.Patients {
			if p > "p010" {
				t.Errorf("a hospital of ten claims trap %s", trap.Name)
			}
		}
	}
}

// trapFacts are what must stand in a resource, and what must not.
var trapFacts = []struct {
	trap, resource string
	version        int // 1 first
	has            []string
	hasNot         []string
}{
	{"critical-potassium", "Observation/p001-k-critical", 1, []string{`"status":"final"`, `"value":6.8,`, `"code":"HH"`, `T08:50:00-05:00`}, nil},
	{"corrected-potassium", "Observation/p002-k-corrected", 1, []string{`"status":"final"`, `"value":6.4,`, `"code":"HH"`}, nil},
	{"corrected-potassium", "Observation/p002-k-corrected", 2, []string{`"status":"corrected"`, `"value":4.1,`, `"code":"N"`}, nil},
	{"namesakes", "Patient/p003", 1, []string{`"family":"Thompson","given":["Catherine"]`, `-03-12"`}, nil},
	{"namesakes", "Patient/p004", 1, []string{`"family":"Thomson","given":["Katherine"]`, `-03-21"`}, nil},
	{"twins", "Patient/p006", 1, []string{`"multipleBirthInteger":1`, `Girl A`, `patient-birthTime`}, []string{"us-ssn"}},
	{"twins", "Patient/p007", 1, []string{`"multipleBirthInteger":2`, `Girl B`}, nil},
	{"mother-baby", "Patient/p005", 1, []string{`"link":[{"other":{"reference":"RelatedPerson/p006-mother"}`, `p007-mother`}, nil},
	{"mother-baby", "Encounter/p006-stay", 1, []string{`"partOf":{"reference":"Encounter/p005-stay"}`}, nil},
	{"unidentified", "Patient/p008", 1, []string{`"family":"Unknown"`, `"use":"anonymous"`, `"birthDate":"1971"`}, []string{"us-ssn", "telecom"}},
	{"wishes", "Consent/p009-asks", 1, []string{`"status":"proposed"`, `"code":"restriction"`}, nil},
	{"wishes", "Consent/p009-paid", 1, []string{`"code":"HPAYMT"`, `"reference":"Encounter/`}, nil},
	{"wishes", "Consent/p009-not-yet", 1, []string{`"code":"patient-request"`, `"dataPeriod"`}, nil},
	{"wishes", "Consent/p009-harm", 1, []string{`"code":"harm"`, `"reference":"DocumentReference/`, `"reference":"Practitioner/`}, nil},
	{"allergies-none", "AllergyIntolerance/p010-alg-001", 1, []string{"716186003", `"recorder"`, `"recordedDate"`}, nil},
	{"allergies-error", "AllergyIntolerance/p012-alg-001", 1, []string{`"code":"confirmed"`}, nil},
	{"allergies-error", "AllergyIntolerance/p012-alg-001", 2, []string{`"code":"entered-in-error"`}, []string{"clinicalStatus"}},
	{"allergy-free-text", "AllergyIntolerance/p013-alg-001", 1, []string{`"code":{"text":`}, nil},
	{"small-dose", "MedicationRequest/p014-small-dose", 1, []string{`"doseQuantity":{"value":0.5,"unit":"mg"`}, nil},
	{"large-dose", "MedicationRequest/p015-large-dose", 1, []string{`"value":7500,"unit":"units"`, `7,500 units`}, nil},
	{"clock-change", "MedicationAdministration/p017-adm-0130-first", 1, []string{"2026-11-01T01:30:00-04:00"}, nil},
	{"clock-change", "MedicationAdministration/p017-adm-0130-second", 1, []string{"2026-11-01T01:30:00-05:00"}, nil},
	{"deceased", "Patient/p018", 1, []string{`"deceasedDateTime":"2026-10-10T04:35:00-04:00"`}, nil},
	{"proxy", "Consent/p019-proxy-consent", 1, []string{`"type":"permit"`, "RelatedPerson/p019-proxy"}, nil},
	{"proxy", "Consent/p019-father-consent", 1, []string{`"type":"deny"`}, nil},
	{"psychotherapy-note", "DocumentReference/p021-psychotherapy-note", 1, []string{`"code":"PSYTHPN"`, `"code":"V"`}, nil},
	{"vip", "Patient/p022", 1, []string{`"code":"CEL"`, `"code":"R"`, "patient-importance"}, nil},
	{"employee", "Person/p023-person", 1, []string{"Patient/p023", "Practitioner/prac-webb"}, nil},
	{"arabic-name", "Patient/p025", 1, []string{"الحسيني", "Al-Husseini"}, nil},
	{"chinese-name", "Patient/p026", 1, []string{"王秀英", "Xiuying Wang"}, nil},
	{"greek-name", "Patient/p027", 1, []string{"Γεώργιος", "Papadopoulos"}, nil},
	{"two-units", "Observation/p028-crea-umol-01", 1, []string{`"code":"umol/L"`, "14682-9"}, nil},
	{"pregnancy", "Observation/p029-pregnancy", 1, []string{"82810-3", "77386006"}, nil},
	{"suspended", "MedicationRequest/p031-warfarin", 1, []string{`"status":"active"`}, nil},
	{"suspended", "MedicationRequest/p031-warfarin", 2, []string{`"status":"on-hold","statusReason"`}, nil},
	{"null-name", "Patient/p033", 1, []string{`"family":"Null"`}, nil},
}

// TestTrapsAreThere looks into each record for what makes the trap.
func TestTrapsAreThere(t *testing.T) {
	rec := whole(t)
	for _, tt := range trapFacts {
		if _, ok := demo.TrapNamed(tt.trap); !ok {
			t.Errorf("no trap %s", tt.trap)
		}
		if len(rec[tt.resource]) < tt.version {
			t.Errorf("%s: no version %d of %s", tt.trap, tt.version, tt.resource)
			continue
		}
		raw := rec[tt.resource][tt.version-1]
		for _, want := range tt.has {
			if !bytes.Contains(raw, []byte(want)) {
				t.Errorf("%s: %s lacks %s", tt.trap, tt.resource, want)
			}
		}
		for _, not := range tt.hasNot {
			if bytes.Contains(raw, []byte(not)) {
				t.Errorf("%s: %s holds %s", tt.trap, tt.resource, not)
			}
		}
	}
}

func TestWhatTrapRecordsHoldOrLack(t *testing.T) {
	rec := whole(t)
	if n := len(rec.of("AllergyIntolerance", "p009")); n != 4 {
		t.Errorf("p009 has %d allergies", n)
	}
	for _, p := range []string{"p006", "p008", "p011", "p032"} {
		if n := len(rec.of("AllergyIntolerance", p)); n != 0 {
			t.Errorf("%s has allergies recorded", p)
		}
	}
	for url := range rec {
		if strings.Contains(url, "/p032") && url != "Patient/p032" {
			t.Errorf("%s exists, though nothing is recorded of p032", url)
		}
	}
	home := regexp.MustCompile(`"line":\["[^"]+"`)
	for _, baby := range []string{"p006", "p007"} {
		if a, b := home.Find(rec["Patient/p005"][0]), home.Find(rec["Patient/"+baby][0]); a == nil || !bytes.Equal(a, b) {
			t.Errorf("%s does not live with the mother: %s, %s", baby, a, b)
		}
	}
	for _, raw := range rec.of("Observation", "p016") {
		if bytes.Contains(raw, []byte("29463-7")) && !bytes.Contains(raw, []byte(`"effectiveDateTime":"2024-`)) {
			t.Error("p016 was weighed less than two years ago")
		}
	}
	labelled, open := 0, 0
	for _, raw := range append(rec.of("Encounter", "p020"), rec.of("MedicationRequest", "p020")...) {
		if bytes.Contains(raw, []byte(`"code":"42CFRPart2"`)) && bytes.Contains(raw, []byte(`"code":"R"`)) {
			labelled++
		} else {
			open++
		}
	}
	if labelled < 8 || open == 0 {
		t.Errorf("p020 has %d labelled and %d open resources", labelled, open)
	}
	for _, raw := range rec.of("MedicationRequest", "p018") {
		if bytes.Contains(raw, []byte(`"status":"active"`)) {
			t.Error("the dead take medicine")
		}
	}
	for _, raw := range rec.of("Communication", "p001") {
		if bytes.Contains(raw, []byte("p001-k-critical")) {
			t.Error("somebody acknowledged the critical potassium")
		}
	}
	checkRenalDosing(t, rec)
	checkLongName(t, rec)
}

func checkRenalDosing(t *testing.T, rec record) {
	t.Helper()
	low := false
	for _, raw := range rec.of("Observation", "p030") {
		var obs struct {
			Code              struct{ Coding []struct{ Code string } }
			EffectiveDateTime string
			ValueQuantity     struct{ Value float64 }
		}
		if err := json.Unmarshal(raw, &obs); err != nil {
			t.Fatal(err)
		}
		if obs.Code.Coding[0].Code == "98979-8" && obs.EffectiveDateTime > "2026-11-21" && obs.ValueQuantity.Value < 30 {
			low = true
		}
	}
	if !low {
		t.Error("p030 has no eGFR below 30 of today or yesterday")
	}
}

func checkLongName(t *testing.T, rec record) {
	t.Helper()
	var p struct{ Name []struct{ Family string } }
	if err := json.Unmarshal(rec["Patient/p024"][0], &p); err != nil {
		t.Fatal(err)
	}
	if n := len(p.Name[0].Family); n != 60 {
		t.Errorf("the long name has %d letters", n)
	}
}
