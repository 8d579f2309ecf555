package authz_test

import (
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// What a pharmacist needs with these four drugs, said once more by name.
func TestMonitoring(t *testing.T) {
	p := load(t)
	for drug, want := range map[string]string{
		"warfarin":     "6301-6 34714-6 718-7 777-3 1742-6 1751-7",                        // INR, count, liver
		"vancomycin":   "20578-1 4090-7 4092-3 2160-0 3094-0 98979-8 600-7 6690-2",        // levels, kidneys, cultures
		"methotrexate": "14836-1 2160-0 1742-6 1920-8 6690-2 26499-4 777-3 2118-8",        // level, kidneys, liver, count, pregnancy
		"gentamicin":   "35668-3 3663-2 3665-7 2160-0 98979-8 600-7 630-4 29463-7 8302-2", // levels, kidneys, cultures, weight
		"digoxin":      "10535-3 2823-3 2160-0",
		"any":          "8302-2 29463-7 82810-3 63895-7 2823-3", // height, weight, pregnancy, lactation, potassium
	} {
		have := strings.Join(p.Monitored(drug), " ")
		for _, code := range strings.Fields(want) {
			if !strings.Contains(" "+have+" ", " "+code+" ") {
				t.Errorf("%s lacks %s", drug, code)
			}
		}
	}
	if p.Monitored("gentamicin") == nil || p.Monitored("chewing gum") != nil {
		t.Error("the table is not what it was")
	}
	for _, drug := range []string{"warfarin", "vancomycin"} {
		if strings.Contains(strings.Join(p.Monitored(drug), " "), "2345-7") { // glucose goes with neither
			t.Error(drug, "has what is not its own")
		}
	}
}

// A role is confined to rows on reading and changing alike, and by what the
// record says itself.
func TestRows(t *testing.T) {
	p := load(t)
	inr := observation(t, `{"system":"http://loinc.org","code":"6301-6"}`)
	mood := observation(t, `{"system":"http://loinc.org","code":"44249-1"}`)
	fake := observation(t, `{"system":"http://example.org","code":"6301-6"},{"code":"6301-6"}`)
	both := observation(t, `{"system":"http://example.org","code":"X"},{"system":"http://loinc.org","code":"6301-6"}`)
	for _, c := range []struct {
		res  *fhir.Resource
		want bool
	}{{inr, true}, {mood, false}, {fake, false}, {both, true}, {nil, false}} {
		r := authz.Request{Actor: staff("pharmacist"), Action: authz.Read, Type: "Observation", Relations: []authz.Relation{ward},
			Bears: func(rows *authz.Rows) bool { return rows.Has(c.res) }}
		if d := p.Decide(ctx, r); d.Allow != c.want {
			t.Errorf("%+v: %+v", c.want, d)
		}
		r.Bears = nil
		if p.Decide(ctx, r).Allow {
			t.Error("allowed without a look at the record")
		}
	}
	text := p.Explain(ctx, authz.Request{Actor: staff("pharmacist"), Action: authz.Read, Type: "Observation", Relations: []authz.Relation{ward}}).String()
	if !strings.Contains(text, "fields.txt") {
		t.Error(text)
	}
}

func observation(t *testing.T, codings string) *fhir.Resource {
	t.Helper()
	res, err := fhir.Parse([]byte(`{"resourceType":"Observation","status":"final","code":{"coding":[` + codings + `]}}`))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestViews(t *testing.T) {
	p := load(t)
	billing, nurse := p.View([]string{"billing"}, "Encounter"), p.View([]string{"nurse"}, "Encounter")
	for path, want := range map[string]bool{"status": true, "reasonCode.coding": true, "reasonCode": false, "reasonCode.text": false, "text": false, "extension": false} {
		if got := billing.Shows(strings.Split(path, ".")...); got != want {
			t.Errorf("billing, %s: %v", path, got)
		}
	}
	if nurse.Shows("account") || nurse.Shows("text") || !nurse.Shows("reasonCode") {
		t.Errorf("nurse: %+v", nurse)
	}
	if v := p.View([]string{"nurse", "billing"}, "Encounter"); !v.Shows("account") || !v.Shows("reasonCode") || v.Shows("text") {
		t.Errorf("both: %+v", v)
	}
	if p.View([]string{"doctor", "billing"}, "Encounter") != nil || p.View(nil, "Encounter") != nil {
		t.Error("who sees all sees less with a second role")
	}
	hides := p.Hides(staff("doctor", "billing"))
	if !hides("Encounter", "reasonCode") || hides("Encounter", "status") || hides("Encounter", "meta", "tag") || !hides("Encounter") || hides("Claim") {
		t.Error("what may be searched by")
	}
	if p.Hides(staff("doctor")) != nil || p.Hides(program("system/*.rs")) != nil || p.Hides(identity.System("x", "exporter")) != nil {
		t.Error("hidden from who sees all")
	}
}
