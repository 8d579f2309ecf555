package search_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
)

func parse(t *testing.T, typ, query string, opt search.Options) (*search.Query, error) {
	t.Helper()
	var params []search.Param
	for kv := range strings.SplitSeq(query, "&") {
		if k, v, _ := strings.Cut(kv, "="); k != "" {
			params = append(params, search.Param{Key: k, Value: v})
		}
	}
	return search.Parse(typ, params, opt)
}

// Refusals name what would be valid and no value of the query.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ typ, query, says string }{
		{"Observatio", "", "no such resource type"},
		{"Patient", "nmae=secret", "Its parameters: "},
		{"Patient", "nmae=secret", "birthdate"},
		{"Patient", "name:fuzzy=secret", ":contains, :exact, :missing, :text."},
		{"Patient", "name:in=secret", ":contains, :exact, :missing, :text."},
		{"Patient", "gender:text=secret", ":above, :below, :in, :missing, :not, :not-in."},
		{"Patient", "active:in=true", ":missing, :not."},
		{"Patient", "telecom:text=secret", ":missing, :not."},
		{"Patient", "identifier:in=secret", ":missing, :not, :of-type, :text."},
		{"Patient", "identifier:of-type=secret", "system|code|value"},
		{"Patient", "identifier:of-type=a||secret", "system|code|value"},
		{"Patient", "active=|true", "without a system"},
		{"Patient", "telecom=phone|secret", "without a system"},
		{"Condition", "code:below=secret", "system|code"},
		{"DocumentReference", "contenttype:in=secret", ":below, :missing, :not."},
		{"Observation", "value-quantity:not=1", ":missing."},
		{"Observation", "date:contains=2020", ":missing."},
		{"ValueSet", "url:below=urn:oid:1.2", "not a URN"},
		{"ValueSet", "url:contains=secret", ":above, :below, :missing."},
		{"Observation", "subject:text=secret", ":identifier, :missing, :"},
		{"Procedure", "instantiates-canonical:identifier=secret", ":below, :missing"},
		{"Procedure", "instantiates-canonical:below=secret", "canonical URL"},
		{"Patient", "name:text=(secret", "a phrase"},
		{"Patient", "name:text=secret and", "a phrase"},
		{"Observation", "subject:Medication=secret", ":Patient"},
		{"Observation", "code-value-quantity:missing=true", "takes no modifier"},
		{"Patient", "_id:text=secret", ":missing, :not."},
		{"Patient", "_lastUpdated:not=2020", ":missing."},
		{"Patient", "name=", "no value"},
		{"Patient", "name=a,", "empty value"},
		{"Patient", "name=secret\\x", "escaped"},
		{"Patient", "name=???", "letter or digit"},
		{"Patient", "gender=|", "system|code"},
		{"Patient", "gender=a|b|secret", "system|code"},
		{"Patient", "birthdate=secret", "YYYY-MM-DD"},
		{"Patient", "birthdate=2020-02-30", "YYYY-MM-DD"},
		{"Patient", "birthdate=2020-2-3", "YYYY-MM-DD"},
		{"Patient", "birthdate=2020-01-01T10", "YYYY-MM-DD"},
		{"Patient", "birthdate=xx2020", "YYYY-MM-DD"},
		{"Patient", "birthdate:missing=maybe", "true or false"},
		{"RiskAssessment", "probability=secret", "a number"},
		{"RiskAssessment", "probability=1e99999999", "a number"},
		{"Observation", "value-quantity=5.4|mg", "number|system|code"},
		{"Observation", "code-value-quantity=secret", "parts, separated by $"},
		{"Observation", "code-value-quantity=a$b$c", "parts, separated by $"},
		{"Observation", "subject=Medication/secret", "Patient"},
		{"Observation", "subject=not an id", "Type/id"},
		{"Observation", "status.code=secret", "not a reference"},
		{"Observation", "subject.nmae=secret", "no type with such a parameter"},
		{"Observation", "subject:Patient.nmae=secret", "Its parameters: "},
		{"Observation", "subject:Patient.name:fuzzy=secret", ":exact"},
		{"Observation", "focus.identifier=secret", "name one"},
		{"Observation", "encounter." + strings.Repeat("part-of.", 8) + "status=secret", "8 references in a row"},
		{"Patient", strings.Repeat("_has:Patient:link:", 9) + "name=secret", "8 references in a row"},
		{"Observation", strings.Repeat("subject.name=secret&", 65), "64 in all"},
		{"Observation", "_has:Observation:patient:code=secret", "derived-from"},
		{"Patient", "_has:Observation:code=secret", "_has:Type:reference:parameter"},
		{"Patient", "_has:Secret:patient:code=secret", "_has:Type:reference:parameter"},
		{"Patient", "_has:Observation:patient:nmae=secret", "Its parameters: "},
		{"Patient", "_has:Observation:patient:_has:Provenance:agent:agent=secret", "of the parameters of Provenance"},
		{"Location", "near=secret", "latitude|longitude"},
		{"Location", "near=91|0", "latitude|longitude"},
		{"Location", "near=1|2|-3", "latitude|longitude"},
		{"Location", "near=1|2|3|secret", "UCUM unit of length"},
		{"Location", "near=1|2|3|kg", "UCUM unit of length"},
		{"Location", "near:missing=true", "takes no modifier"},
		{"Patient", "_text:contains=secret", "takes no modifier"},
		{"Patient", "_text=secret or", "a phrase"},
		{"Patient", "_content=(((((((((((((secret)))))))))))))", "a phrase"},
		{"Patient", "_query=secret", "_filter"},
		{"Location", "_sort=near", "_sort names"},
		{"Binary", "_text=secret", "Its parameters: "},
		{"Patient", "_count=-1", "whole number"},
		{"Patient", "_count=ten", "whole number"},
		{"Patient", "_count=99999999999", "whole number"},
		{"Patient", "_count=1&_count=2", "once"},
		{"Patient", "_sort=name&_sort=gender", "once"},
		{"Patient", "_sort=secret", "birthdate"},
		{"Patient", "_sort=name,-name", "twice"},
		{"Observation", "_sort=code-value-quantity", "_sort names"},
		{"Patient", "_total=some", "none, estimate, accurate"},
		{"Patient", "_summary=yes", "true, text, data, count, false"},
		{"Patient", "_elements=name,secret", "root"},
		{"Observation", "_include=Observation:code", "reference parameter"},
		{"Observation", "_include=Patient:organization", "_include:iterate"},
		{"Observation", "_include=Observation:subject:Medication", "reference parameter"},
		{"Patient", "_revinclude=Observation:subject:Group", "ends at"},
		{"Patient", "_count:max=2", "modifier"},
		{"Patient", strings.Repeat("active=true&", 101), "parameters"},
		{"Patient", "_id=" + strings.Repeat("a,", 501), "values"},
	} {
		_, err := parse(t, c.typ, c.query, search.Options{})
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid {
			t.Errorf("%s?%.60s: %v", c.typ, c.query, err)
			continue
		}
		if !strings.Contains(f.Public, c.says) || strings.Contains(f.Error(), "secret") {
			t.Errorf("%s?%.60s says %q, want %q in it", c.typ, c.query, f.Error(), c.says)
		}
		if len(f.Issues) == 0 {
			t.Errorf("%s?%.60s: no issue", c.typ, c.query)
		}
	}
}

func TestControls(t *testing.T) {
	q, err := parse(t, "Observation", "code=x&_count=7&_sort=-date,code&_total=accurate&_summary=data&_elements=status,code&_include=Observation:subject:Patient&_include:iterate=Patient:organization&_revinclude=Provenance:target&_format=json", search.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if q.Count != 7 || q.Total != "accurate" || q.Summary != "data" || !slices.Equal(q.Elements, []string{"status", "code"}) || len(q.Used) != 10 ||
		len(q.Sort) != 2 || !q.Sort[0].Desc || q.Sort[1].Code != "code" || len(q.Includes) != 2 || !q.Includes[1].Iterate || len(q.RevIncludes) != 1 {
		t.Errorf("%+v", q)
	}
	for query, want := range map[string]int{"": 50, "_count=0": 0, "_count=5000": 1000, "_summary=count": 0, "_summary=count&_count=5": 0, "_count=5&_summary=count": 0, "_count=5": 5} {
		if q, err := parse(t, "Patient", query, search.Options{}); err != nil || q.Count != want {
			t.Errorf("%s: count %v, %v", query, q, err)
		}
	}
	q, err = parse(t, "Patient", "nmae=x&name=y&gender=", search.Options{Lenient: true})
	if err != nil || len(q.Used) != 1 || q.Used[0].Key != "name" {
		t.Errorf("lenient: %+v %v", q, err)
	}
	if _, err = parse(t, "Patient", "name:fuzzy=y", search.Options{Lenient: true}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a modifier nobody knows is not forgiven: %v", err)
	}
	for _, s := range []string{`a,b$c|d\`, "", `\\`, "ä"} {
		if r, err := parse(t, "Patient", "name:exact="+search.Escape(s)+"x", search.Options{}); err != nil || r == nil {
			t.Errorf("escaped %q: %v", s, err)
		}
	}
}

// world is a few resources that point to each other.
var world = []string{
	`{"resourceType":"Patient","id":"p1","gender":"female","name":[{"family":"Adams","given":["Zoe"]}],"birthDate":"1980-02","managingOrganization":{"reference":"Organization/o1"}}`,
	`{"resourceType":"Patient","id":"p2","gender":"male","name":[{"family":"Aardvark"},{"family":"Zimmer"}],"birthDate":"1970-01-01"}`,
	`{"resourceType":"Patient","id":"p3","name":[{"family":"adams","given":["Amy"]}],"birthDate":"1980-02-03"}`,
	`{"resourceType":"Organization","id":"o1","name":"One"}`,
	`{"resourceType":"Group","id":"p1","type":"person","actual":true,"identifier":[{"value":"g"}]}`,
	`{"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/p1"}}`,
	`{"resourceType":"Observation","id":"a","status":"final","code":{"coding":[{"code":"1"}]},"subject":{"reference":"Patient/p1"},"encounter":{"reference":"Encounter/e1"},"valueQuantity":{"value":10}}`,
	`{"resourceType":"Observation","id":"b","status":"final","code":{"coding":[{"code":"2"}]},"subject":{"reference":"Patient/p2"},"valueQuantity":{"value":9.5},"performer":[{"reference":"Patient/p3"}]}`,
	`{"resourceType":"Observation","id":"c","status":"amended","code":{"coding":[{"code":"1"}]},"subject":{"reference":"Group/p1"},"valueQuantity":{"value":-3}}`,
	`{"resourceType":"Observation","id":"d","status":"amended","code":{"text":"none"},"effectiveDateTime":"2020-01-01"}`,
}

func resourcesOf(t testing.TB, bodies []string) (out []*fhir.Resource) {
	for _, b := range bodies {
		r, err := fhir.Parse([]byte(b))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r.Stamp(r.ID(), 1, stamped))
	}
	return out
}

func TestChainsAndCompartments(t *testing.T) {
	for _, bits := range []int{64, 12} {
		m := newMemory(t, bits, resourcesOf(t, world))
		for _, c := range []struct {
			typ, query string
			in         search.TypeID
			want       string
			exact      bool
		}{
			{"Observation", "subject:Patient.name=adams", search.TypeID{}, "a", true},
			{"Observation", "patient.name=zim", search.TypeID{}, "b", true},
			{"Observation", "patient.gender:not=male", search.TypeID{}, "a", true},
			{"Observation", "subject.identifier=g", search.TypeID{}, "c", true},
			{"Observation", "subject:Patient._id=p1", search.TypeID{}, "a", true},
			{"Observation", "patient.organization.name=one", search.TypeID{}, "a", true},
			{"Observation", "encounter.subject:Patient.gender=female&code=1", search.TypeID{}, "a", true},
			{"Observation", "patient.name=ad&value-quantity=10", search.TypeID{}, "a", false},
			{"Observation", "patient.name=ad", search.TypeID{}, "a", true},
			{"Observation", "subject=p1", search.TypeID{}, "a c", true},
			{"Observation", "subject:not-here=p1", search.TypeID{}, "!", false},
			{"Observation", "", search.TypeID{Type: "Patient", ID: "p1"}, "a", true},
			{"Observation", "", search.TypeID{Type: "Patient", ID: "p3"}, "b", true},
			{"Observation", "status=final", search.TypeID{Type: "Encounter", ID: "e1"}, "a", true},
			{"Patient", "", search.TypeID{Type: "Patient", ID: "p2"}, "p2", true},
			{"Encounter", "", search.TypeID{Type: "Encounter", ID: "e1"}, "e1", true},
			{"Encounter", "", search.TypeID{Type: "Encounter", ID: "e2"}, "", true},
			{"Organization", "", search.TypeID{Type: "Patient", ID: "p2"}, "!", true},
			{"Observation", "", search.TypeID{}, "a b c d", true},
			{"Observation", "status:not=final", search.TypeID{}, "c d", true},
			{"Observation", "subject:missing=true", search.TypeID{}, "d", true},
			{"Observation", "subject:missing=true&status:not=final", search.TypeID{}, "d", true},
			{"Observation", "patient:missing=true", search.TypeID{}, "c d", false},
			{"Patient", "_has:Observation:patient:code=1", search.TypeID{}, "p1", true},
			{"Patient", "_has:Observation:subject:code=1", search.TypeID{}, "p1", true},
			{"Group", "_has:Observation:subject:code=1", search.TypeID{}, "p1", true},
			{"Patient", "_has:Observation:patient:status:not=amended", search.TypeID{}, "p1 p2", true},
			{"Patient", "_has:Observation:patient:value-quantity=10", search.TypeID{}, "p1 p2", true},
			{"Patient", "_has:Observation:patient:code=1&birthdate=lt1980-02-04T12:00:00Z", search.TypeID{}, "p1", false},
			{"Patient", "_has:Observation:patient:code=1&_has:Observation:patient:code=2", search.TypeID{}, "", true},
			{"Patient", "_has:Observation:performer:subject:Patient.name=zim", search.TypeID{}, "p3", true},
			{"Organization", "_has:Patient:organization:_has:Observation:patient:code=1", search.TypeID{}, "o1", true},
			{"Observation", "encounter.patient._has:Observation:patient:code=1", search.TypeID{}, "a", true},
			{"Observation", "subject._has:Observation:subject:code=1", search.TypeID{}, "a c", true},
			{"Encounter", "patient._has:Observation:patient:_id=b", search.TypeID{}, "", true},
		} {
			q, err := parse(t, c.typ, c.query, search.Options{Compartment: c.in})
			if err != nil {
				if c.want != "!" {
					t.Errorf("%s?%s: %v", c.typ, c.query, err)
				}
				continue
			}
			m.joins = false
			resolved, _, _ := m.run(t, q)
			m.joins = true
			found, plan, _ := m.run(t, q)
			if !slices.Equal(resolved, found) {
				t.Errorf("%s?%s: resolved %v, joined %v", c.typ, c.query, resolved, found)
			}
			var ids []string
			for _, n := range found {
				ids = append(ids, m.ids[n].ID)
			}
			if got := strings.Join(ids, " "); got != c.want || plan.Exact != (c.exact && bits == 64) {
				t.Errorf("%d bits, %s?%s in %v: found %q, want %q; exact %v", bits, c.typ, c.query, c.in, got, c.want, plan.Exact)
			}
		}
	}
}

// unconfined hides that memory can confine.
type unconfined struct{ search.Names }

// A chain is a join only for who can confine its middle: else a search would
// tell of what it points to whatever the policy says.
func TestChainNeedsResolve(t *testing.T) {
	m := newMemory(t, 64, resourcesOf(t, world))
	m.joins = true
	q, err := parse(t, "Observation", "subject:Patient.family=adams&status=final", search.Options{})
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	plan, err := q.Plan(context.Background(), unconfined{m}, func(context.Context, *search.Query, func(search.TypeID, record.Key, []byte) error) error {
		asked++
		return nil // the policy shows nobody
	})
	if err != nil || asked != 1 {
		t.Fatalf("asked %d times: %v", asked, err)
	}
	hits := m.eval(t, plan.Expr)
	for n := range m.ids {
		if ok, err := plan.Match(m.cards[n]); ok || err != nil || hits.test(int32(n)) {
			t.Errorf("%v is found through a patient that may not be seen", m.ids[n])
		}
	}
}

func TestSort(t *testing.T) {
	m := newMemory(t, 64, resourcesOf(t, world))
	for _, c := range []struct{ typ, sort, want string }{
		{"Patient", "family", "p2 p1 p3"}, {"Patient", "-family", "p2 p1 p3"}, {"Patient", "family,given", "p2 p3 p1"}, {"Patient", "family,-given", "p2 p1 p3"},
		{"Patient", "birthdate", "p2 p1 p3"}, {"Patient", "-birthdate", "p1 p3 p2"}, {"Patient", "gender", "p1 p2 p3"}, {"Patient", "-gender", "p2 p1 p3"},
		{"Patient", "_id", "p1 p2 p3"}, {"Patient", "-_id", "p3 p2 p1"}, {"Patient", "organization,-_id", "p1 p3 p2"},
		{"Observation", "value-quantity", "c b a d"}, {"Observation", "-value-quantity", "a b c d"}, {"Observation", "status,-code", "c d b a"}, {"Observation", "-date,subject", "d c a b"},
	} {
		q, err := parse(t, c.typ, "_sort="+c.sort, search.Options{})
		if err != nil {
			t.Fatal(err)
		}
		found, plan, _ := m.run(t, q)
		keys := map[int32]string{}
		for _, n := range found {
			k, err := plan.SortKey(m.cards[n])
			if err != nil {
				t.Fatal(err)
			}
			keys[n] = string(k)
		}
		slices.SortStableFunc(found, func(a, b int32) int { return strings.Compare(keys[a], keys[b]) })
		var ids []string
		for _, n := range found {
			ids = append(ids, m.ids[n].ID)
		}
		if got := strings.Join(ids, " "); got != c.want {
			t.Errorf("%s by %s: %s, want %s", c.typ, c.sort, got, c.want)
		}
	}
}

func TestIncludes(t *testing.T) {
	resources := resourcesOf(t, world)
	q, err := parse(t, "Observation", "_include=Observation:*&_include=Observation:subject:Patient&_include:iterate=Patient:organization", search.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := q.IncludeTargets(resources[6], false); len(got) != 2 || !slices.Contains(got, search.TypeID{Type: "Patient", ID: "p1"}) || !slices.Contains(got, search.TypeID{Type: "Encounter", ID: "e1"}) {
		t.Errorf("included %v", got)
	}
	if got := q.IncludeTargets(resources[6], true); got != nil {
		t.Errorf("included again %v", got)
	}
	if got := q.IncludeTargets(resources[0], true); len(got) != 1 || got[0].ID != "o1" {
		t.Errorf("iterated %v", got)
	}
	for _, bits := range []int{64, 12} {
		m := newMemory(t, bits, resources)
		for include, want := range map[string]string{"Observation:subject": "a", "Observation:patient": "a", "Observation:subject:Patient": "a", "Observation:*": "a b", "Observation:performer": "b", "*": "e1 a b", "Observation:encounter": ""} {
			q, err = parse(t, "Patient", "_revinclude="+include, search.Options{})
			if err != nil {
				t.Fatal(err)
			}
			ids := []search.TypeID{{Type: "Patient", ID: "p1"}, {Type: "Patient", ID: "p3"}}
			keys := []record.Key{keyOf("Patient", "p1"), keyOf("Patient", "p3")}
			var got []string
			for _, p := range q.RevPlans(ids, keys, false, m) {
				hits := m.eval(t, p.Expr)
				for n := range m.ids {
					if !hits.test(int32(n)) {
						continue
					}
					ok, err := p.Match(m.cards[n])
					if err != nil || p.Exact && !ok {
						t.Fatalf("%s: %v %v", include, ok, err)
					}
					if ok {
						got = append(got, m.ids[n].ID)
					}
				}
			}
			if g := strings.Join(got, " "); g != want {
				t.Errorf("%d bits, %s: %q, want %q", bits, include, g, want)
			}
		}
	}
}

// Nothing in a card that is damaged may pass for an answer or a crash.
func TestDamagedCard(t *testing.T) {
	d, err := search.Extract(resourcesOf(t, world)[6])
	if err != nil {
		t.Fatal(err)
	}
	q, _ := parse(t, "Observation", "code=1&_sort=date", search.Options{})
	m := newMemory(t, 12, nil)
	plan, err := q.Plan(context.Background(), m, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range d.Card {
		if _, err := plan.Match(d.Card[:i]); err == nil && i < 12 { // the head; a seal guards the rest
			t.Errorf("a card cut to %d bytes is read", i)
		}
		for bit := range 8 {
			c := slices.Clone(d.Card)
			c[i] ^= 1 << bit
			_, _ = plan.Match(c)
			_, _ = plan.SortKey(c)
		}
	}
}
