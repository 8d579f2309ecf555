package authz_test

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/policies"
)

var ctx = context.Background()

func load(t testing.TB) *authz.Policy {
	t.Helper()
	p, err := authz.New(policies.Files)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// with returns the real rules with one more file, or one file replaced.
func with(t *testing.T, name, text string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	names, err := fs.Glob(policies.Files, "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		b, err := fs.ReadFile(policies.Files, n)
		if err != nil {
			t.Fatal(err)
		}
		out[n] = &fstest.MapFile{Data: b}
	}
	out[name] = &fstest.MapFile{Data: []byte(text)}
	return out
}

func staff(roles ...string) identity.Actor {
	return identity.Actor{Kind: identity.KindPerson, ID: "p1", Roles: roles, MFA: identity.AssuranceMulti}
}

// proven is somebody who has just proven anew who he is.
func proven(roles ...string) identity.Actor {
	a := staff(roles...)
	a.AuthTime = time.Now()
	return a
}

func program(scopes string) identity.Actor {
	s, err := identity.ParseScopes(scopes)
	if err != nil {
		panic(err)
	}
	return identity.Actor{Kind: identity.KindClient, ID: "c1", Scopes: s, MFA: identity.AssuranceSingle}
}

const (
	ward = authz.RelationWard
	team = authz.RelationTeam

	self      = authz.RelationSelf
	emergency = authz.RelationEmergency
)

// What the task of each role is, said once more in another way than the rules.
func TestDecisions(t *testing.T) {
	p := load(t)
	rel := func(r ...authz.Relation) []authz.Relation { return r }
	lab := func(l ...authz.Label) []authz.Label { return l }
	cases := []struct {
		name   string
		actor  identity.Actor
		action string
		typ    string
		rel    []authz.Relation
		labels []authz.Label
		want   bool
	}{
		{"nurse, her ward", staff("nurse"), authz.Read, "Observation", rel(ward), nil, true},
		{"nurse, another ward", staff("nurse"), authz.Read, "Observation", nil, nil, false},
		{"nurse, another ward, said so", staff("nurse"), authz.Read, "Patient", rel(authz.RelationNone), nil, false},
		{"nurse, care team does not count", staff("nurse"), authz.Read, "Observation", rel(team), nil, false},
		{"nurse charts", staff("nurse"), authz.Create, "Observation", rel(ward), nil, true},
		{"nurse does not prescribe", staff("nurse"), authz.Create, "MedicationRequest", rel(ward), nil, false},
		{"nurse does not assign", staff("nurse"), authz.Update, "CareTeam", rel(ward), nil, false},
		{"nurse, psychotherapy", staff("nurse"), authz.Read, "DocumentReference", rel(ward), lab(authz.LabelPsychotherapy), false},
		{"doctor, ward", staff("doctor"), authz.Read, "Condition", rel(ward), nil, true},
		{"doctor, team", staff("doctor"), authz.Read, "Condition", rel(team), nil, true},
		{"doctor, stranger", staff("doctor"), authz.Read, "Condition", nil, nil, false},
		{"doctor, stranger's audit", staff("doctor"), authz.Read, "AuditEvent", rel(team), nil, false},
		{"doctor prescribes", staff("doctor"), authz.Create, "MedicationRequest", rel(ward), nil, true},
		{"doctor on the ward does not join the team", staff("doctor"), authz.Update, "CareTeam", rel(ward), nil, false},
		{"doctor on the ward, sensitive", staff("doctor"), authz.Read, "Condition", rel(ward), lab(authz.LabelSUD), false},
		{"treating doctor, sensitive", staff("doctor"), authz.Read, "Condition", rel(team), lab(authz.LabelSUD), true},
		{"treating doctor, own record", staff("doctor"), authz.Read, "Condition", rel(team, ward), lab(authz.LabelOwn), false},
		{"doctor deletes nothing", staff("doctor"), authz.Delete, "Condition", rel(team, ward), nil, false},
		{"pharmacist, allergies", staff("pharmacist"), authz.Read, "AllergyIntolerance", rel(ward), nil, true},
		{"pharmacist, notes", staff("pharmacist"), authz.Read, "DocumentReference", rel(ward), nil, false},
		{"pharmacist, not an inpatient", staff("pharmacist"), authz.Read, "AllergyIntolerance", nil, nil, false},
		{"pharmacist changes no order", staff("pharmacist"), authz.Update, "MedicationRequest", rel(ward), nil, false},
		{"pharmacist dispenses", staff("pharmacist"), authz.Create, "MedicationDispense", rel(ward), nil, true},
		{"lab, any patient's order", staff("lab"), authz.Read, "ServiceRequest", nil, nil, true},
		{"lab, drugs", staff("lab"), authz.Read, "MedicationRequest", rel(ward), nil, false},
		{"lab reports", staff("lab"), authz.Create, "DiagnosticReport", nil, nil, true},
		{"lab orders nothing", staff("lab"), authz.Create, "ServiceRequest", nil, nil, false},
		{"lab completes orders", staff("lab"), authz.Update, "ServiceRequest", nil, nil, true},
		{"registration, patients", staff("registration"), authz.Create, "Patient", nil, nil, true},
		{"registration, diagnoses", staff("registration"), authz.Read, "Condition", rel(ward, team), nil, false},
		{"registration, a celebrity", staff("registration"), authz.Read, "Patient", nil, lab(authz.LabelVIP), false},
		{"billing, claims", staff("billing"), authz.Create, "Claim", nil, nil, true},
		{"billing, encounters", staff("billing"), authz.Search, "Encounter", nil, nil, true},
		{"billing, notes", staff("billing"), authz.Search, "DocumentReference", rel(ward, team), nil, false},
		{"billing, compositions", staff("billing"), authz.Read, "Composition", nil, nil, false},
		{"billing, impressions", staff("billing"), authz.Read, "ClinicalImpression", nil, nil, false},
		{"billing, observations", staff("billing"), authz.Read, "Observation", nil, nil, false},
		{"admin, people", staff("admin"), authz.Create, "user", nil, nil, true},
		{"admin, patients", staff("admin"), authz.Read, "Patient", rel(ward, team), nil, false},
		{"admin, audit", staff("admin"), authz.Search, "AuditEvent", nil, nil, false},
		{"admin, wards", staff("admin"), authz.Create, "Location", nil, nil, true},
		{"privacy, audit", staff("privacy"), authz.Search, "AuditEvent", nil, nil, true},
		{"privacy, charts", staff("privacy"), authz.Read, "Observation", rel(ward, team), nil, false},
		{"privacy changes nobody", staff("privacy"), authz.Update, "user", nil, nil, false},
		{"all staff, wards", staff("billing"), authz.Search, "Location", nil, nil, true},
		{"no role at all", staff(), authz.Search, "Location", nil, nil, false},
		{"two roles add up", staff("billing", "nurse"), authz.Read, "Observation", rel(ward), nil, true},
		{"program, scope", program("system/*.rs"), authz.Read, "Observation", nil, nil, true},
		{"program, other letter", program("system/*.rs"), authz.Create, "Observation", nil, nil, false},
		{"program, other type", program("system/Patient.cruds"), authz.Read, "Observation", nil, nil, false},
		{"program, history needs search", program("system/*.r"), authz.HistoryType, "Observation", nil, nil, false},
		{"program, deletes", program("system/*.d"), authz.Delete, "Observation", nil, nil, true},
		{"program, sensitive", program("system/*.cruds"), authz.Read, "Observation", nil, lab(authz.LabelSUD), false},
		{"program, audit", program("system/*.cruds"), authz.Read, "AuditEvent", nil, nil, false},
		{"program, people", program("system/*.cruds"), authz.Read, "user", nil, nil, false},
		{"program, operates nothing", program("system/*.cruds"), authz.Operate, "Observation", nil, nil, false},
		{"nurse, a celebrity on her ward", staff("nurse"), authz.Read, "Condition", rel(ward), lab(authz.LabelVIP), false},
		{"nurse, a celebrity she cares for", staff("nurse"), authz.Read, "Condition", rel(ward, team), lab(authz.LabelVIP), true},
		{"nurse, a colleague in an emergency", staff("nurse"), authz.Read, "Condition", rel(emergency), lab(authz.LabelEmployee), true},
		{"nurse, bills", staff("nurse"), authz.Read, "Claim", rel(ward, team), nil, false},
		{"doctor, glass broken", staff("doctor"), authz.Read, "Condition", rel(emergency), lab(authz.LabelSUD, authz.LabelHIV), true},
		{"doctor, glass broken, psychotherapy", staff("doctor"), authz.Read, "Condition", rel(emergency), lab(authz.LabelPsychotherapy), false},
		{"doctor, glass broken, joins no team", staff("doctor"), authz.Update, "CareTeam", rel(emergency), nil, false},
		{"doctor is no patient of hers", staff("doctor"), authz.Read, "Condition", rel(self, team), lab(authz.LabelOwn), false},
		{"doctor and patient, own record", staff("doctor", "patient"), authz.Read, "Condition", rel(self), lab(authz.LabelOwn), true},
		{"doctor and patient changes not her own", staff("doctor", "patient"), authz.Create, "Condition", rel(self, team), lab(authz.LabelOwn), false},
		{"patient, own record", staff("patient"), authz.Read, "Claim", rel(self), lab(authz.LabelOwn, authz.LabelSUD, authz.LabelVIP), true},
		{"patient, own notes of psychotherapy", staff("patient"), authz.Read, "DocumentReference", rel(self), lab(authz.LabelPsychotherapy, authz.LabelOwn), false},
		{"patient, somebody else", staff("patient"), authz.Read, "Condition", rel(ward, team, authz.RelationProxy), nil, false},
		{"patient writes nothing", staff("patient"), authz.Create, "Condition", rel(self), nil, false},
		{"proxy", staff("proxy"), authz.Read, "Condition", rel(authz.RelationProxy), nil, true},
		{"proxy, HIV", staff("proxy"), authz.Read, "Condition", rel(authz.RelationProxy), lab(authz.LabelHIV), false},
		{"proxy, what is confidential", staff("proxy"), authz.Read, "Condition", rel(authz.RelationProxy), lab(authz.LabelRestricted), false},
		{"auditor, audit", staff("auditor"), authz.Search, "AuditEvent", nil, nil, true},
		{"auditor, charts", staff("auditor"), authz.Read, "Patient", rel(ward, team), nil, false},
		{"auditor changes nobody", staff("auditor"), authz.Update, "user", nil, nil, false},
		{"admin after proof", proven("admin"), authz.Read, "Patient", nil, nil, true},
		{"admin after proof, marked", proven("admin"), authz.Read, "Patient", nil, lab(authz.LabelVIP), false},
		{"admin after proof, audit", proven("admin"), authz.Read, "AuditEvent", nil, nil, false},
		{"admin after proof writes no chart", proven("admin"), authz.Create, "Observation", rel(ward, team), nil, false},
		{"a proof is no role", proven("billing"), authz.Read, "Condition", rel(ward), nil, false},
		{"importer files", identity.System("import", "importer"), authz.Create, "Observation", nil, lab(authz.LabelSUD), true},
		{"importer reads nothing", identity.System("import", "importer"), authz.Read, "Observation", nil, nil, false},
		{"operator, people", identity.System("socket", "operator"), authz.ResetMFA, "user", nil, nil, true},
		{"operator, charts", identity.System("socket", "operator"), authz.Read, "Patient", nil, nil, false},
	}
	for _, c := range cases {
		d := p.Decide(ctx, authz.Request{Actor: c.actor, Action: c.action, Type: c.typ, Relations: c.rel, Labels: c.labels,
			Bears: func(*authz.Rows) bool { return true }})
		if d.Allow != c.want || len(d.Errors) != 0 {
			t.Errorf("%s: %+v", c.name, d)
		}
	}
}

// Whatever is not understood is denied.
func TestFailsClosed(t *testing.T) {
	p := load(t)
	good := authz.Request{Actor: staff("doctor"), Action: authz.Read, Type: "Condition", Relations: []authz.Relation{team}}
	if !p.Decide(ctx, good).Allow {
		t.Fatal("the good request is denied")
	}
	cases := map[string]func(*authz.Request){
		"no actor":                  func(r *authz.Request) { r.Actor = identity.Actor{} },
		"no kind":                   func(r *authz.Request) { r.Actor.Kind = "" },
		"unknown kind":              func(r *authz.Request) { r.Actor.Kind = "robot" },
		"no second factor":          func(r *authz.Request) { r.Actor.MFA = identity.AssuranceSingle },
		"unknown role":              func(r *authz.Request) { r.Actor.Roles = []string{"doctor", "wizard"} },
		"two roles in one":          func(r *authz.Request) { r.Actor.Roles = []string{"doctor,nurse"} },
		"role of the server":        func(r *authz.Request) { r.Actor.Roles = []string{"importer"} },
		"unknown action":            func(r *authz.Request) { r.Action = "peek" },
		"a group is no action":      func(r *authz.Request) { r.Action = "look" },
		"no action":                 func(r *authz.Request) { r.Action = "" },
		"unknown type":              func(r *authz.Request) { r.Type = "Kondition" },
		"a group is no type":        func(r *authz.Request) { r.Type = "chart" },
		"no type":                   func(r *authz.Request) { r.Type = "" },
		"unknown relation":          func(r *authz.Request) { r.Relations = append(r.Relations, "friend") },
		"unknown label":             func(r *authz.Request) { r.Labels = []authz.Label{"secret"} },
		"system with staff's role":  func(r *authz.Request) { r.Actor = identity.System("x", "doctor") },
		"program with staff's role": func(r *authz.Request) { r.Actor = program("system/*.cruds"); r.Actor.Roles = []string{"doctor"} },
		"person with scopes":        func(r *authz.Request) { r.Actor.Roles = nil; r.Actor.Scopes = program("system/*.cruds").Scopes },
	}
	for name, change := range cases {
		r := good
		r.Relations = slices.Clone(good.Relations)
		change(&r)
		if d := p.Decide(ctx, r); d.Allow {
			t.Errorf("%s: allowed by %v", name, d.Policies)
		}
		if reach, _ := p.Reach(r.Actor, r.Action, r.Type); len(r.Relations) == 1 && len(r.Labels) == 0 && !reach.None() {
			t.Errorf("%s: something is in reach", name)
		}
	}
}

// A rule that stumbles denies, although the engine itself would skip it. Strict
// checking keeps such rules out, except for what only happens while it runs.
func TestStumblingRuleDenies(t *testing.T) {
	const stumbles = `@id("overflow") @says("Adds too much.")
		forbid (principal, action, resource == Type::"Condition") when { 9223372036854775807 + 1 == 0 };`
	p, err := authz.New(with(t, "zz.cedar", stumbles))
	if err != nil {
		t.Fatal(err)
	}
	r := authz.Request{Actor: staff("doctor"), Action: authz.Read, Type: "Condition", Relations: []authz.Relation{team}}
	d := p.Decide(ctx, r)
	if d.Allow || len(d.Errors) != 1 || !strings.Contains(d.Errors[0], "overflow") {
		t.Fatalf("%+v", d)
	}
	if reach, err := p.Reach(r.Actor, r.Action, r.Type); err == nil || !reach.None() {
		t.Fatalf("%+v %v", reach, err)
	}
	if text := p.Explain(ctx, r).String(); !strings.Contains(text, "denied") || !strings.Contains(text, "could not be decided") {
		t.Fatal(text)
	}
	r.Type = "Observation" // a rule about something else does not stumble here
	if d := p.Decide(ctx, r); !d.Allow {
		t.Fatalf("%+v", d)
	}
}

func TestForbidWins(t *testing.T) {
	p, err := authz.New(with(t, "zz.cedar", `@id("closed") @says("Closed.") forbid (principal, action, resource == Type::"Condition");`))
	if err != nil {
		t.Fatal(err)
	}
	d := p.Decide(ctx, authz.Request{Actor: staff("doctor"), Action: authz.Read, Type: "Condition", Relations: []authz.Relation{team}})
	if d.Allow || !slices.Equal(d.Policies, []string{"closed"}) {
		t.Fatalf("%+v", d)
	}
}

// Rules that cannot be what their author meant keep the server from starting.
func TestBadRulesAreRefused(t *testing.T) {
	cases := map[string][2]string{
		"syntax":             {"zz.cedar", `permit (`},
		"no name":            {"zz.cedar", `@says("x") permit (principal, action, resource);`},
		"no sentence":        {"zz.cedar", `@id("x") permit (principal, action, resource);`},
		"name taken":         {"zz.cedar", `@id("nurse-reads") @says("x") forbid (principal, action, resource);`},
		"unknown role":       {"zz.cedar", `@id("x") @says("x") permit (principal in Role::"wizard", action, resource);`},
		"unknown action":     {"zz.cedar", `@id("x") @says("x") permit (principal, action == Action::"peek", resource);`},
		"unknown group":      {"zz.cedar", `@id("x") @says("x") permit (principal, action, resource in Group::"charts");`},
		"misspelt condition": {"zz.cedar", `@id("x") @says("x") forbid (principal, action, resource) when { context.label.contains("own") };`},
		"wrong kind":         {"zz.cedar", `@id("x") @says("x") forbid (principal, action, resource) when { context.labels == "own" };`},
		"one person":         {"zz.cedar", `@id("x") @says("x") permit (principal == Person::"asker", action, resource);`},
		"type in condition":  {"zz.cedar", `@id("x") @says("x") permit (principal, action, resource) when { resource == Type::"Kondition" };`},
		"role in condition":  {"zz.cedar", `@id("x") @says("x") forbid (principal is Person, action, resource) when { principal in [Role::"nurze"] };`},
		"schema gone":        {"wardkeep.cedarschema", ``},
		"schema broken":      {"wardkeep.cedarschema", `entity`},
		"type twice":         {"types.txt", "family chart: Patient\nfamily visit: Patient\n"},
		"family unknown":     {"types.txt", "family heart: Patient\n"},
		"line unknown":       {"types.txt", "familie chart: Patient\n"},
		"line empty":         {"types.txt", "family chart:\n"},
		"fields, role":       {"fields.txt", "wizard Patient: shows name\n"},
		"fields, type":       {"fields.txt", "nurse Pazient: shows name\n"},
		"fields, element":    {"fields.txt", "nurse Patient: shows nam\n"},
		"fields, choice":     {"fields.txt", "nurse Patient: shows deceasedBoolean\n"},
		"fields, demanded":   {"fields.txt", "nurse Observation: shows status\n"},
		"fields, demanded 2": {"fields.txt", "nurse Observation: without status\n"},
		"fields, twice":      {"fields.txt", "nurse Patient: shows name\nnurse Patient: without name\n"},
		"fields, list":       {"fields.txt", "nurse Observation: where code in heart\n"},
		"fields, parameter":  {"fields.txt", "nurse Observation: where subject in monitoring\n"},
		"fields, word":       {"fields.txt", "nurse Observation: hides note\n"},
		"fields gone":        {"fields.txt", "nurse\n"},
		"drug's code":        {"monitoring.txt", "drug warfarin: 6301-7\n"},
		"drug's group":       {"monitoring.txt", "drug warfarin: @blood\n"},
		"kind's system":      {"confidential.txt", "loinc mental: 44261-6\n"},
		"purpose":            {"purposes.txt", "nurse: TREAT CURIOSITY\n"},
		"purpose, role":      {"purposes.txt", "wizard: TREAT\n"},
		"purpose, twice":     {"purposes.txt", "nurse: TREAT TREAT\n"},
		"purpose, two lines": {"purposes.txt", "nurse: TREAT\nnurse: TREAT HOPERAT\n"},
		"purpose, implied":   {"purposes.txt", "nurse: HOPERAT TREAT\n"},
		"purpose, emergency": {"purposes.txt", "nurse: TREAT BTG\n"},
		"purpose, asked":     {"purposes.txt", "asked: wizard\n"},
		"kind's code":        {"confidential.txt", "system loinc: http://loinc.org\nloinc mental: 44261-7\n"},
		"kind's code, twice": {"confidential.txt", "system icd: urn:x\nicd mental: F32.0 F32.0\n"},
		"kind's label":       {"confidential.txt", "label mental: MENTAL\n"},
		"kind's words":       {"confidential.txt", "label: MH\n"},
		"system twice":       {"confidential.txt", "system icd: urn:x\nsystem icd: urn:y\n"},
	}
	for name, c := range cases {
		if _, err := authz.New(with(t, c[0], c[1])); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := authz.New(fstest.MapFS{}); err == nil {
		t.Error("nothing at all: taken")
	}
}

func TestVersion(t *testing.T) {
	a := load(t)
	b, err := authz.New(with(t, "zz.cedar", `@id("x") @says("x") forbid (principal, action, resource == Type::"Slot");`))
	if err != nil {
		t.Fatal(err)
	}
	if a.Version() != load(t).Version() || a.Version() == b.Version() || len(a.Version()) != 16 {
		t.Fatal(a.Version(), b.Version())
	}
}

func TestPermit(t *testing.T) {
	p := load(t)
	var _ identity.Gate = p
	for action := range map[string]bool{"read": true, "create": true, "update": true, "reset-mfa": true} {
		if err := p.Permit(ctx, staff("admin"), action, identity.TypeUser); err != nil {
			t.Error(action, err)
		}
		if err := p.Permit(ctx, staff("doctor"), action, identity.TypeUser); !fault.Is(err, fault.Denied) {
			t.Error(action, err)
		}
	}
	for _, role := range identity.Roles() {
		if !slices.Contains(p.Roles(), role) {
			t.Errorf("role %s is unknown to the rules", role)
		}
	}
}

func TestExplain(t *testing.T) {
	p := load(t)
	r := authz.Request{Actor: staff("doctor"), Action: authz.Read, Type: "Condition",
		Relations: []authz.Relation{ward}, Labels: []authz.Label{authz.LabelSUD}}
	e := p.Explain(ctx, r)
	if e.Allow || len(e.Reasons) != 1 || e.Reasons[0].File != "sensitive.cedar" || e.Reasons[0].Effect != "forbid" || e.Reasons[0].Line == 0 {
		t.Fatalf("%+v", e)
	}
	r.Type, r.Labels = "AuditEvent", nil
	if text := p.Explain(ctx, r).String(); !strings.Contains(text, "no rule permits it") {
		t.Fatal(text)
	}
}

func TestLabels(t *testing.T) {
	for _, c := range []struct {
		system, code string
		want         authz.Label
	}{
		{authz.SystemActCode, "PSYTHPN", authz.LabelPsychotherapy},
		{authz.SystemActCode, "ETH", authz.LabelSUD},
		{authz.SystemPrivacyLaw, "42CFRPart2", authz.LabelSUD},
		{authz.SystemActCode, "42CFRPart2", authz.LabelSUD}, // where HL7 has it
		{authz.SystemActCode, "HIPAAPsyNotes", authz.LabelPsychotherapy},
		{authz.SystemActCode, "CEL", authz.LabelVIP},
		{authz.SystemConfidentiality, "V", authz.LabelRestricted},
		{authz.SystemConfidentiality, "N", ""},
		{authz.SystemActCode, "TREAT", ""},
		{"", "ETH", ""},
	} {
		if got, _ := authz.LabelOf(c.system, c.code); got != c.want {
			t.Errorf("%s %s: %q", c.system, c.code, got)
		}
	}
	for _, l := range []authz.Label{authz.LabelPsychotherapy, authz.LabelSUD, authz.LabelVIP, authz.LabelRestricted} {
		for _, c := range l.Codings() {
			if got, ok := authz.LabelOf(c.System, c.Code); !ok || got != l {
				t.Errorf("%v is %q", c, got)
			}
		}
	}
	if authz.LabelOwn.Codings() != nil {
		t.Error("own has codes")
	}
}
