package app

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// clinic is a data folder with a ward, a patient on it, and three of the staff.
func clinic(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	ctx := context.Background()
	h, err := openOn(ctx, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	const act = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	for _, text := range []string{
		`{"resourceType":"Location","id":"east","status":"active"}`,
		`{"resourceType":"Patient","id":"ann"}`,
		`{"resourceType":"Encounter","id":"stay","status":"in-progress","class":{"code":"IMP"},"subject":{"reference":"Patient/ann"},"location":[{"location":{"reference":"Location/east"}}]}`,
		`{"resourceType":"Observation","id":"k","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2823-3"}]},"subject":{"reference":"Patient/ann"}}`,
		`{"resourceType":"Observation","id":"mood","status":"final","code":{"text":"mood"},"subject":{"reference":"Patient/ann"}}`,
		`{"resourceType":"Condition","id":"sud","meta":{"security":[{"system":"` + act + `","code":"SUD"}]},"subject":{"reference":"Patient/ann"}}`,
	} {
		res, err := fhir.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Chart.Update(ctx, identity.System("import", "importer"), res, chart.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(ctx); err != nil {
		t.Fatal(err)
	}
	for _, role := range []string{"nurse", "pharmacist", "billing", "admin"} {
		if code, _, text := run(t, "user", "add", "--dir", dir, "one-"+role, "--role", role, "--given", "A", "--family", "B", "--ward", "east"); code != 0 {
			t.Fatal(text)
		}
	}
	return dir
}

// TestPolicyExplain: the command says what the door would do, and why.
func TestPolicyExplain(t *testing.T) {
	dir := clinic(t)
	for _, c := range []struct {
		role, action, resource string
		more                   []string
		want                   explained
		rule, hidden           string
	}{
		{role: "nurse", action: "read", resource: "Observation/k", want: explained{Allowed: true, Relations: []string{"ward"}}, rule: "nurse-reads"},
		{role: "nurse", action: "read", resource: "Condition/sud", want: explained{Relations: []string{"ward"}, Labels: []string{"sud"}}, rule: "sensitive-substance-use"},
		{role: "nurse", action: "search", resource: "Claim"},
		{role: "nurse", action: "read", resource: "Encounter/stay", want: explained{Allowed: true, Relations: []string{"ward"}}, rule: "nurse-reads", hidden: "account"},
		{role: "pharmacist", action: "read", resource: "Observation/k", want: explained{Allowed: true, Relations: []string{"ward"}}, rule: "pharmacist-reads"},
		{role: "pharmacist", action: "read", resource: "Observation/mood", want: explained{Relations: []string{"ward"}}, rule: "fields.txt:pharmacist-Observation"},
		{role: "billing", action: "read", resource: "Encounter/stay", want: explained{Allowed: true, Relations: []string{"ward"}}, rule: "billing-reads", hidden: "reasonCode"},
		{role: "admin", action: "read", resource: "Patient/ann"},
		{role: "admin", action: "read", resource: "Patient/ann", more: []string{"--fresh"}, want: explained{Allowed: true, Relations: []string{"ward"}}, rule: "admin-reads-after-proof"},
	} {
		args := append([]string{"policy", "explain", "--dir", dir, "--user", "one-" + c.role, "--action", c.action, "--resource", c.resource}, c.more...)
		code, out, errs := run(t, append(args, "--json")...)
		var got explained
		if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 {
			t.Fatalf("%v: %d %s %s %v", args, code, out, errs, err)
		}
		rules := func(r ruleReason) bool { return r.ID == c.rule && r.Says != "" && r.File != "" }
		if got.Allowed != c.want.Allowed || c.want.Allowed && !slices.Equal(got.Relations, c.want.Relations) || !slices.Equal(got.Labels, texts(c.want.Labels)) ||
			c.rule != "" && !slices.ContainsFunc(got.Rules, rules) || c.hidden != "" && !slices.Contains(got.Hidden, c.hidden) {
			t.Errorf("%v: %+v", args, got)
		}
		code, out, _ = run(t, args...)
		if code != 0 || !strings.Contains(out, c.rule) || strings.Contains(out, "may not") == c.want.Allowed {
			t.Errorf("%v: %s", args, out)
		}
	}
	for _, args := range [][]string{
		{"--user", "nobody", "--resource", "Patient/ann"}, {"--user", "one-nurse", "--resource", "Patient/none"},
		{"--user", "one-nurse", "--resource", "Pazient"}, {"--user", "one-nurse", "--action", "peek", "--resource", "Patient"},
	} {
		if code, _, text := run(t, append([]string{"policy", "explain", "--dir", dir}, args...)...); code == exitOK || text == "" {
			t.Errorf("%v: %d %q", args, code, text)
		}
	}
}

// TestOwnPolicies: rules of the organisation decide, are told of, and are in the entry of
// the start; a folder that is wrong lets nothing start, and the doctor says where.
func TestOwnPolicies(t *testing.T) {
	dir, own, settings := clinic(t), t.TempDir(), filepath.Join(t.TempDir(), "wardkeep.yaml")
	file := filepath.Join(own, "night.cedar")
	put := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(settings, "dir: "+dir+"\npolicies: "+own+"\n")
	put(file, "@id(\"night-closed\")\n@says(\"Nurses see no results here.\")\nforbid (principal is Person in Role::\"nurse\", action in Action::\"look\", resource in Group::\"observation\");\n")
	explain := func() (out explained, errs string) {
		code, text, errs := run(t, "policy", "explain", "--config", settings, "--user", "one-nurse", "--resource", "Observation/k", "--json")
		if err := json.Unmarshal([]byte(text), &out); code == exitOK && err != nil {
			t.Fatal(err)
		}
		return out, errs
	}
	got, errs := explain()
	if got.Allowed || !slices.ContainsFunc(got.Rules, func(r ruleReason) bool { return r.ID == "night-closed" && r.File == "night.cedar" && r.Line == 1 }) {
		t.Errorf("%+v %s", got, errs)
	}
	if _, trail, _ := run(t, "audit", "export", "--config", settings); got.Version == "" || !strings.Contains(trail, `"outcomeDesc":"policies `+got.Version) {
		t.Error("the entry of the start does not say which rules are in force")
	}
	if code, out, _ := run(t, "doctor", "--config", settings); !strings.Contains(out, got.Version) {
		t.Errorf("doctor: %d %s", code, out)
	}
	put(file, "\n\nforbid (principal, action, resource);")
	if _, errs := explain(); !strings.Contains(errs, own) || !strings.Contains(errs, "night.cedar: line 3") {
		t.Errorf("a rule without a name: %s", errs)
	}
	if code, out, _ := run(t, "doctor", "--config", settings); code != exitFail || !strings.Contains(out, "night.cedar: line 3") {
		t.Errorf("doctor: %d %s", code, out)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if got, errs := explain(); !got.Allowed {
		t.Errorf("the control: %+v %s", got, errs)
	}
}
