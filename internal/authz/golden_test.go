package authz_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/policies"
)

var update = flag.Bool("update", false, "write policies/decisions.golden anew")

const goldenFile = "../../policies/decisions.golden"

// loaded is shared by the two tests that ask about everything.
func loaded(t *testing.T) *authz.Policy {
	t.Helper()
	p, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var shared = sync.OnceValues(func() (*authz.Policy, error) { return authz.New(policies.Files) })

// askers is one of each: every role alone, nobody's role, and programs.
func askers(p *authz.Policy) map[string]identity.Actor {
	out := map[string]identity.Actor{
		"staff without role":     staff(),
		"doctor without mfa":     {Kind: identity.KindPerson, ID: "p", Roles: []string{"doctor"}, MFA: identity.AssuranceSingle},
		"program *.cruds":        program("system/*.cruds"),
		"program *.rs":           program("system/*.rs"),
		"program Patient.r":      program("system/Patient.r"),
		"doctor+nurse":           staff("doctor", "nurse"),
		"nurse+registration":     staff("nurse", "registration"),
		"admin+doctor":           staff("admin", "doctor"),
		"operator (system)":      identity.System("socket", "operator"),
		"importer (system)":      identity.System("import", "importer"),
		"doctor (system)":        identity.System("x", "doctor"),
		"operator (as person)":   staff("operator"),
		"admin after proof":      proven("admin"),
		"doctor after proof":     proven("doctor"),
		"nurse after proof":      proven("nurse"),
		"pharmacist after proof": proven("pharmacist"),
		"doctor+patient":         staff("doctor", "patient"),

		"billing, stating TREAT":          stating("TREAT", "billing"),
		"doctor+billing, stating HPAYMT":  stating("HPAYMT", "doctor", "billing"),
		"doctor+billing, stating HOPERAT": stating("HOPERAT", "doctor", "billing"),
		"nurse, stating HPAYMT":           stating("HPAYMT", "nurse"),
		"nurse, stating HQUALIMP":         stating("HQUALIMP", "nurse"),
	}
	for _, role := range identity.Roles() {
		out[role] = staff(role)
	}
	return out
}

var (
	allRelations = authz.Relations()
	allLabels    = authz.Labels()
)

func subset[T any](of []T, bits int) []T {
	var out []T
	for i, v := range of {
		if bits&(1<<i) != 0 {
			out = append(out, v)
		}
	}
	return out
}

// Reach and Decide agree on every relation and label, for every asker, action
// and type: what a search leaves out is what a read would deny. All sets of
// relations are gone through with none, each and all of the labels for one type of
// each family, and everything else by lot.
func TestReachAgreesWithDecide(t *testing.T) {
	p := loaded(t)
	full := onePerFamily(t, p)
	lot := rand.New(rand.NewPCG(7, 11))
	asked := 0
	for name, actor := range askers(p) {
		for _, action := range p.Actions() {
			for _, typ := range p.Types() {
				for _, r := range relationSets(lot, full[typ] && action == authz.Search) {
					labels := []int{0, 1 << lot.IntN(len(allLabels)), lot.IntN(1 << len(allLabels))}
					for _, l := range labels {
						agree(t, p, name, authz.Request{Actor: actor, Action: action, Type: typ,
							Relations: subset(allRelations, r), Labels: subset(allLabels, l)}, lot.IntN(2) == 0)
						asked++
					}
				}
			}
		}
	}
	t.Log(asked, "decisions compared")
}

func relationSets(lot *rand.Rand, all bool) []int {
	if !all {
		return []int{lot.IntN(1 << len(allRelations))}
	}
	sets := make([]int, 1<<len(allRelations))
	for i := range sets {
		sets[i] = i
	}
	return sets
}

func agree(t *testing.T, p *authz.Policy, name string, r authz.Request, bears bool) {
	t.Helper()
	r.Bears = func(*authz.Rows) bool { return bears }
	reach, err := p.Reach(r.Actor, r.Action, r.Type)
	if err != nil {
		t.Fatalf("%s %s %s: %v", name, r.Action, r.Type, err)
	}
	if got, want := reach.Holds(r.Relations, r.Labels, r.Bears), p.Decide(ctx, r).Allow; got != want {
		t.Fatalf("%s %s %s %v %v: reach %v, decision %v", name, r.Action, r.Type, r.Relations, r.Labels, got, want)
	}
}

// onePerFamily returns one type of each line's family, and the internal ones.
func onePerFamily(t *testing.T, p *authz.Policy) map[string]bool {
	t.Helper()
	src, err := policies.Files.ReadFile("types.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for line := range strings.Lines(string(src)) {
		if head, tail, ok := strings.Cut(line, ":"); ok && strings.HasPrefix(head, "family ") {
			out[strings.Fields(tail)[0]] = true
		}
	}
	for _, typ := range p.Types() {
		if typ[0] >= 'a' {
			out[typ] = true
		}
	}
	return out
}

func describe(r authz.Reach) string {
	if r.None() {
		return "-"
	}
	if r.All() {
		return "all"
	}
	var terms []string
	for _, t := range r.Terms {
		who := "all"
		if len(t.Relations) > 0 {
			who = strings.Trim(fmt.Sprint(t.Relations), "[]")
		}
		marks, held := t.Without, slices.Contains(t.Without, authz.LabelHeld)
		if held {
			marks = slices.DeleteFunc(slices.Clone(marks), func(l authz.Label) bool { return l == authz.LabelHeld })
		}
		without := strings.Trim(fmt.Sprint(marks), "[]")
		if len(marks) == len(allLabels)-1 {
			without = "any mark"
		}
		switch {
		case held:
			without = strings.TrimSpace(without + " held")
		case len(marks) == 0:
			without = "nothing"
		}
		text := who + " without " + without
		if t.Rows != nil {
			text += fmt.Sprintf(" where %s is one of %d", t.Rows.Param, len(t.Rows.Codes))
		}
		terms = append(terms, text)
	}
	return strings.Join(terms, ", or ")
}

// TestGolden writes down, for each asker, who may do what on which types, so
// that a changed rule shows its consequences in review.
func TestGolden(t *testing.T) {
	p := loaded(t)
	var b strings.Builder
	b.WriteString("# Who may do what, worked out from the rules; what is not listed is denied.\n" +
		"# \"ward without any mark\": records of patients on the asker's wards that bear no sensitive mark.\n" +
		"# \"held\" is kept from patients and from who acts for them alone, and told apart.\n" +
		"# <care> is the whole family of types, see types.txt.\n" +
		"# Made by: go test ./internal/authz -run TestGolden -update\n")
	who := askers(p)
	for _, name := range slices.Sorted(maps.Keys(who)) {
		fmt.Fprintf(&b, "\n%s\n", name)
		writeAsker(t, &b, p, who[name])
	}
	if *update {
		if err := os.WriteFile(goldenFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != b.String() {
		t.Error("decisions have changed: look at them with -update and git diff policies/decisions.golden")
	}
}

// writeAsker writes one asker's part: actions with the same reach on the same
// types share a line.
func writeAsker(t *testing.T, b *strings.Builder, p *authz.Policy, actor identity.Actor) {
	t.Helper()
	actions := map[string][]string{} // line → actions
	for _, action := range p.Actions() {
		byReach := map[string][]string{}
		for _, typ := range p.Types() {
			reach, err := p.Reach(actor, action, typ)
			if err != nil {
				t.Fatal(err)
			}
			if text := describe(reach); text != "-" {
				byReach[text] = append(byReach[text], typ)
			}
		}
		for text, types := range byReach {
			line := text + ": " + strings.Join(families(p, types), " ")
			actions[line] = append(actions[line], action)
		}
	}
	var lines []string
	for line, does := range actions {
		lines = append(lines, "  "+strings.Join(does, " ")+"\n      "+line+"\n")
	}
	slices.Sort(lines)
	if len(lines) == 0 {
		lines = []string{"  nothing\n"}
	}
	b.WriteString(strings.Join(lines, ""))
}

// families puts a family's name in the place of its types where all are there.
func families(p *authz.Policy, types []string) []string {
	have, all := map[string]int{}, map[string]int{}
	for _, typ := range types {
		have[p.Family(typ)]++
	}
	for _, typ := range p.Types() {
		all[p.Family(typ)]++
	}
	out := map[string]bool{}
	for _, typ := range types {
		if f := p.Family(typ); have[f] == all[f] {
			out["<"+f+">"] = true
		} else {
			out[typ] = true
		}
	}
	return slices.Sorted(maps.Keys(out))
}

// A rule that gives more for bearing a mark cannot narrow a search, and is
// found out.
func TestReachNeedsMonotoneRules(t *testing.T) {
	const odd = `@id("odd") @says("Only celebrities.")
		permit (principal is Person, action, resource == Type::"AuditEvent") when { context.labels.contains("vip") };`
	files := with(t, "zz.cedar", odd)
	files["sensitive.cedar"].Data = []byte(`@id("n") @says("n") forbid (principal, action, resource) when { context.labels.contains("own") };`)
	p, err := authz.New(files)
	if err != nil {
		t.Fatal(err)
	}
	reach, err := p.Reach(staff("nurse"), authz.Search, "AuditEvent")
	if err == nil || !reach.None() {
		t.Fatalf("%+v %v", reach, err)
	}
}

// A term may need two relations at once.
func TestReachOfTwoRelations(t *testing.T) {
	p, err := authz.New(with(t, "zz.cedar", `@id("x") @says("x")
		permit (principal is Person in Role::"billing", action, resource == Type::"Condition")
		when { context.relations.containsAll(["ward", "team"]) };`))
	if err != nil {
		t.Fatal(err)
	}
	reach, err := p.Reach(staff("billing"), authz.Search, "Condition")
	if err != nil || len(reach.Terms) != 1 || len(reach.Terms[0].Relations) != 2 || reach.All() || reach.None() {
		t.Fatalf("%+v %v", reach, err)
	}
}

func TestTypesAreComplete(t *testing.T) {
	p := load(t)
	fhir := 0
	for _, typ := range p.Types() {
		if c := typ[0]; c >= 'A' && c <= 'Z' {
			fhir++
		}
	}
	if fhir != 147 { // R4's 146 and SubscriptionStatus
		t.Errorf("%d FHIR types have a family", fhir)
	}
}

func BenchmarkDecide(b *testing.B) {
	p := load(b)
	r := authz.Request{Actor: staff("doctor"), Action: authz.Read, Type: "Observation", Relations: []authz.Relation{authz.RelationTeam}}
	b.Run("remembered", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !p.Decide(ctx, r).Allow {
				b.Fatal("denied")
			}
		}
	})
	b.Run("reach first", func(b *testing.B) {
		for b.Loop() {
			if _, err := load(b).Reach(r.Actor, r.Action, r.Type); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestDecisionsAreFast: of decisions as they come, those never asked before among
// them, 99 of 100 take 50 µs at most. It is asserted only where nothing else runs.
func TestDecisionsAreFast(t *testing.T) {
	p := loaded(t)
	lot := rand.New(rand.NewPCG(3, 5))
	types, actions := []string{"Patient", "Encounter", "Observation", "Condition", "MedicationRequest", "DocumentReference", "Claim"}, []string{authz.Read, authz.Search, authz.Create, authz.Update}
	who := askers(p)
	names := slices.Sorted(maps.Keys(who))
	took := make([]time.Duration, 20_000)
	for i := range took {
		r := authz.Request{
			Actor: who[names[lot.IntN(len(names))]], Action: actions[lot.IntN(len(actions))], Type: types[lot.IntN(len(types))],
			Relations: subset(allRelations, lot.IntN(1<<len(allRelations))), Bears: func(*authz.Rows) bool { return true },
		}
		if lot.IntN(10) == 0 {
			r.Labels = subset(allLabels, 1<<lot.IntN(len(allLabels)))
		}
		begin := time.Now()
		p.Decide(ctx, r)
		took[i] = time.Since(begin)
	}
	slices.Sort(took)
	p99 := took[len(took)*99/100]
	t.Logf("median %v, p99 %v", took[len(took)/2], p99)
	if p99 > 50*time.Microsecond && os.Getenv("WARDKEEP_PROVE") != "" {
		t.Errorf("p99 is %v", p99)
	}
}
