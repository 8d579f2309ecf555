package audit_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/record"
)

// TestFHIR renders one entry of each kind; the R4 parser must accept it, and
// the profile stated must be the one met.
func TestFHIR(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	one := audit.Item{Key: key(1), Version: 2, Name: "Observation/o1"}
	for _, c := range []struct {
		name    string
		event   audit.Event
		profile string
		holds   []string
	}{
		{"read of a patient's record", with(shown("r1", 1, one), func(e *audit.Event) { e.Query = "" }), "PatientRead",
			[]string{`"action":"R"`, `"code":"110152"`, `"reference":"Observation/o1/_history/2"`, `"value":"r1"`, `"code":"TREAT"`}},
		{"read of no patient", with(shown("r2", 1, one), func(e *audit.Event) { e.Query, e.Patients = "", nil }), "Read", nil},
		{"search", with(shown("r3", 1), func(e *audit.Event) { e.Action = audit.ActionSearch }), "PatientQuery",
			[]string{`"query":"bmFtZT1zbWl0aA=="`, `"code":"24"`}},
		{"search that met several patients", with(shown("r4", 1), func(e *audit.Event) {
			e.Action = audit.ActionSearch
			e.Patients = []record.Key{key(1), key(2)}
		}), "", nil},
		{"denied read", with(shown("r5", 1, one), func(e *audit.Event) { e.Query, e.Outcome = "", audit.OutcomeDenied }), "",
			[]string{`"outcome":"4"`}},
		{"create", with(shown("r6", 1, one), func(e *audit.Event) { e.Query, e.Action = "", audit.ActionCreate }), "PatientCreate",
			[]string{`"action":"C"`, `"code":"AUT"`}},
		{"update", with(shown("r7", 1, one), func(e *audit.Event) { e.Query, e.Action = "", audit.ActionUpdate }), "PatientUpdate", nil},
		{"delete", with(shown("r8", 1, one), func(e *audit.Event) { e.Query, e.Action = "", audit.ActionDelete }), "PatientDelete",
			[]string{`"code":"custodian"`}},
		{"view", with(shown("r9", 1, one), func(e *audit.Event) { e.Action = audit.ActionView }), "", []string{`"code":"view"`}},
		{"login", audit.Event{Actor: "u1", Action: audit.ActionLogin, RequestID: "r10"}, "", []string{`"code":"110122"`}},
		{"breaking the glass", with(shown("r11", 1), func(e *audit.Event) { e.Action = audit.ActionBreak }), "",
			[]string{`"code":"110127"`, `"display":"ward round"`}},
		{"something new", audit.Event{Action: "rotate-keys", RequestID: "r12"}, "", []string{`"code":"rotate-keys"`}},
	} {
		w.append(l, c.event)
		w.integrate(l)
		found, err := l.Find(t.Context(), audit.Filter{RequestID: c.event.RequestID})
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v %v", c.name, found, err)
		}
		text := render(t, rec(t, l, found[0]), c.profile)
		for _, part := range c.holds {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s: lacks %s\n%s", c.name, part, text)
			}
		}
	}
}

// render renders an entry and checks it against R4 and the profile it must state.
func render(t *testing.T, r *audit.Record, profile string) []byte {
	t.Helper()
	text, err := r.FHIR("ward-1", func(k record.Key) string {
		if k == key(1) {
			return "Patient/p1"
		}
		return ""
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fhir.Parse(text); err != nil {
		t.Errorf("%s: not R4: %v\n%s", r.RequestID, err, text)
	}
	var got struct{ Meta struct{ Profile []string } }
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if profile == "" != (len(got.Meta.Profile) == 0) ||
		profile != "" && !strings.HasSuffix(got.Meta.Profile[0], "/IHE.BasicAudit."+profile) {
		t.Errorf("%s: states %v", r.RequestID, got.Meta.Profile)
	}
	return text
}

func with(e audit.Event, change func(*audit.Event)) audit.Event {
	change(&e)
	return e
}
