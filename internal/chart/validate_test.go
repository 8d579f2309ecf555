package chart_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/policies"
)

// tested is a profile by its differential alone: a patient has a birth date and
// exactly one medical record number.
const tested = `{"resourceType":"StructureDefinition","id":"tested","url":"http://example.org/tested","version":"1.0.0","name":"Tested",
"status":"active","kind":"resource","abstract":false,"type":"Patient","derivation":"constraint",
"baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","differential":{"element":[
{"id":"Patient","path":"Patient"},
{"id":"Patient.identifier","path":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"}},
{"id":"Patient.identifier:mrn","path":"Patient.identifier","sliceName":"mrn","min":1,"max":"1"},
{"id":"Patient.identifier:mrn.system","path":"Patient.identifier.system","min":1,"fixedUri":"urn:mrn"},
{"id":"Patient.birthDate","path":"Patient.birthDate","min":1}]}}`

// claims is a patient who claims a profile.
func claims(profile, rest string) string {
	return `{"resourceType":"Patient","id":"p1","meta":{"profile":["` + profile + `"]}` + rest + `}`
}

const (
	mrn  = `,"identifier":[{"system":"urn:mrn","value":"1"},{"system":"urn:else","value":"1"}]`
	born = `,"birthDate":"1980-01-01"`
)

// validating is a chart on the rig's records that validates what is written.
func (r *rig) validating(v chart.Validation) *chart.Chart {
	policy, err := authz.New(policies.Files)
	check(r.t, err)
	return chart.New(chart.Config{
		Vault: r.vault, Log: r.log, Policy: policy, Clock: r.clock, Slog: slog.New(slog.DiscardHandler), Validation: v,
	})
}

func (a as) write(door *chart.Chart, text string) (chart.Outcome, error) {
	a.t.Helper()
	return door.Update(context.Background(), a.actor, a.parse(text), chart.Condition{})
}

func places(issues []fault.Issue, severity string) string {
	var list []string
	for _, i := range issues {
		if i.Severity == severity {
			list = append(list, i.Expression)
		}
	}
	return strings.Join(list, " ")
}

func TestValidationPolicy(t *testing.T) {
	r := newRig(t, 0)
	writer := r.as(program(t))
	_, err := writer.write(r.chart, tested)
	check(t, err)
	for name, c := range map[string]struct {
		policy   chart.Validation
		text     string
		refused  string
		findings string // errors that were told of and did not refuse
	}{
		"off":                {chart.Validation{}, claims("http://example.org/tested", ""), "", ""},
		"warn":               {chart.Validation{Mode: chart.ValidateWarn}, claims("http://example.org/tested", ""), "", "Patient.identifier Patient.birthDate"},
		"entered":            {chart.Validation{Mode: chart.ValidateEntered}, claims("http://example.org/tested", mrn), "Patient.birthDate", ""},
		"enforced":           {chart.Validation{Mode: chart.ValidateEnforce}, claims("http://example.org/tested", mrn), "Patient.birthDate", ""},
		"enforced and right": {chart.Validation{Mode: chart.ValidateEnforce}, claims("http://example.org/tested", mrn+born), "", ""},
		"unknown":            {chart.Validation{Mode: chart.ValidateEnforce}, claims("http://example.org/other", ""), "", ""},
		"unknown refused":    {chart.Validation{Mode: chart.ValidateEnforce, RefuseUnknown: true}, claims("http://example.org/other", ""), "Patient.meta.profile[0]", ""},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := writer.write(r.validating(c.policy), c.text)
			var f *fault.Error
			if c.refused != "" {
				if !errors.As(err, &f) || f.Kind != fault.Unprocessable || places(f.Issues, "error") != c.refused {
					t.Fatalf("got %v, want it refused at %s", err, c.refused)
				}
				return
			}
			check(t, err)
			if got := places(out.Issues, "error"); got != c.findings {
				t.Errorf("told of %q, want %q", got, c.findings)
			}
		})
	}
}

// TestLibraryFollows: what is stored of definitions counts from the next request
// on, also where another process stored or deleted it.
func TestLibraryFollows(t *testing.T) {
	r := newRig(t, 0)
	writer := r.as(program(t))
	enforce := chart.Validation{Mode: chart.ValidateEnforce, RefuseUnknown: true}
	here, there := r.validating(enforce), r.validating(enforce)
	good, bad := claims("http://example.org/tested", mrn+born), claims("http://example.org/tested", born)
	refused := func(door *chart.Chart, text, what string) {
		t.Helper()
		_, err := writer.write(door, text)
		wantKind(t, err, fault.Unprocessable, what)
	}
	refused(here, good, "a claim to what is not loaded")
	refused(there, good, "a claim to what is not loaded")
	_, err := writer.write(here, tested)
	check(t, err)
	_, err = writer.write(here, good)
	check(t, err)
	r.clock.Advance(5 * time.Second)
	_, err = writer.write(there, good)
	check(t, err)
	refused(there, bad, "what the profile forbids")
	_, err = here.Delete(context.Background(), writer.actor, "StructureDefinition", "tested", chart.Condition{})
	check(t, err)
	refused(here, good, "a claim to what was deleted")
	r.clock.Advance(5 * time.Second)
	refused(there, good, "a claim to what was deleted elsewhere")
}

// TestImportsObey: an import, the operator's or a program's, is refused what is enforced
// everywhere; what would only be told it is not checked for, because there is nobody to
// tell, nor for what only people and programs are held to. A transaction is no import.
func TestImportsObey(t *testing.T) {
	r := newRig(t, 0)
	importer := r.as(identity.System("importer", "importer"))
	_, err := r.as(program(t)).write(r.chart, tested)
	check(t, err)
	bad := []chart.Entry{{Method: "PUT", URL: "Patient/p1", Resource: importer.parse(claims("http://example.org/tested", ""))}}
	for mode, refused := range map[chart.ValidationMode]bool{chart.ValidateWarn: false, chart.ValidateEntered: false, chart.ValidateEnforce: true} {
		door := r.validating(chart.Validation{Mode: mode})
		for _, who := range []identity.Actor{importer.actor, program(t)} {
			var why error
			_, err := door.File(context.Background(), who, bad, func(_ int, err error) { why = err }, nil)
			check(t, err)
			if (why != nil) != refused || refused && !fault.Is(why, fault.Unprocessable) {
				t.Errorf("mode %d, %s: got %v", mode, who.Kind, why)
			}
		}
		_, err := door.Transaction(context.Background(), program(t), bad)
		if (err != nil) != (mode != chart.ValidateWarn) {
			t.Errorf("mode %d, a transaction: %v", mode, err)
		}
	}
}

func TestValidateCounts(t *testing.T) {
	r := newRig(t, 0)
	writer := r.as(program(t))
	door := r.validating(chart.Validation{Mode: chart.ValidateEnforce})
	_, err := writer.write(door, claims("http://example.org/tested", ""))
	check(t, err)
	if got := door.ValidationCounts(); got != (chart.ValidationCounts{Checked: 1, Warned: 1}) {
		t.Errorf("counted %+v", got)
	}
}

// What a look at the definitions found is not lost if the look is broken off.
func TestDefinitionsAfterABrokenLook(t *testing.T) {
	r := newRig(t, 0)
	_, err := r.chart.Profiles(context.Background())
	check(t, err)
	_, err = r.as(program(t)).write(r.chart, tested)
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	end := func() { cancel() }
	second := func() { r.store.meanwhile.Store(&end) } // the first shelf is read to its end
	r.store.meanwhile.Store(&second)
	if _, err := r.chart.Profiles(ctx); err == nil {
		t.Fatal("the look was not broken off")
	}
	profiles, err := r.chart.Profiles(context.Background())
	check(t, err)
	if list := profiles.Of("Patient"); len(list) != 1 {
		t.Errorf("%d profiles are known", len(list))
	}
}
