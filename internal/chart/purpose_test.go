package chart_test

import (
	"context"
	"slices"
	"testing"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

func stating(a identity.Actor, purpose string) identity.Actor { a.Purpose = purpose; return a }

// TestAPurposeOnlyNarrows: of several roles those are left that work for what is stated;
// who has none is refused on every road, whatever there is.
func TestAPurposeOnlyNarrows(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		both := twoRoles("nurse", "billing", "east")
		for _, c := range []struct {
			name            string
			actor           identity.Actor
			results, claims bool
		}{
			{"a nurse who bills, as ever", both, true, true},
			{"for treatment", stating(both, "TREAT"), true, true},
			{"for payment", stating(both, "HPAYMT"), false, true},
			{"for a part of payment", stating(both, "CLMATTCH"), false, true},
			{"for operations", stating(both, "HOPERAT"), true, false},
			{"for research", stating(both, "HRESCH"), false, false},
			{"a nurse", person("nurse", "east"), true, false},
			{"a nurse for payment", stating(person("nurse", "east"), "HPAYMT"), false, false},
			{"a nurse for safety", stating(person("nurse", "east"), "PATSFTY"), true, false},
			{"a biller for treatment", stating(person("billing"), "TREAT"), false, false},
			{"a biller by another word for it", stating(person("billing"), "COC"), false, false},
		} {
			one := r.as(c.actor)
			_, err := one.find("Observation?patient=Patient/ann")
			if (err == nil) != c.results || err != nil && !fault.Is(err, fault.Denied) {
				t.Errorf("%s: results: %v", c.name, err)
			}
			if (one.get("Observation/k-ann") == nil) != c.results {
				t.Errorf("%s: one result: %v", c.name, !c.results)
			}
			if _, err = one.find("Claim"); (err == nil) != c.claims || err != nil && !fault.Is(err, fault.Denied) {
				t.Errorf("%s: claims: %v", c.name, err)
			}
		}
		nosy := stating(person("nurse", "east"), "HPAYMT")
		_, err := r.chart.View(context.Background(), nosy, chart.ViewRequest{Name: "chart: overview", Patient: "ann"})
		wantKind(t, err, fault.Denied, "a page")
		_, err = r.chart.View(context.Background(), nosy, chart.ViewRequest{Name: "chart: overview", Patient: "nobody"})
		wantKind(t, err, fault.Denied, "a page of nobody")
		if r.chart.MayUnmask(stating(person("billing"), "TREAT"), "Patient") {
			t.Error("a biller unmasks for treatment")
		}
	})
}

// TestAsksPurpose: what for is asked of who opens a chart by work of many kinds, and of
// nobody who cares for the patient, or has one kind of work.
func TestAsksPurpose(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		desk := []string{"HOPERAT", "HPAYMT", "TREAT", "PATRQT", "FAMRQT"}
		admin := person("admin")
		proven := admin
		proven.AuthTime = noon
		for name, c := range map[string]struct {
			actor   identity.Actor
			patient string
			want    []string
		}{
			"registration":                            {person("registration"), "ann", desk},
			"registration, of nobody":                 {person("registration"), "nobody", desk},
			"registration with a ward":                {person("registration", "east"), "ann", desk},
			"registration, whatever is stated":        {stating(person("registration"), "HPAYMT"), "ann", desk},
			"an administrator who has proven himself": {proven, "ann", []string{"HOPERAT", "HSYSADMIN", "HCOMPL"}},
			"one who has not":                         {admin, "ann", nil},
			"a nurse of the ward":                     {person("nurse", "east"), "ann", nil},
			"another nurse":                           {person("nurse", "west"), "ann", nil},
			"a nurse at the front desk, of her ward":  {twoRoles("nurse", "registration", "east"), "ann", nil},
			"a nurse at the front desk":               {twoRoles("nurse", "registration", "west"), "ann", desk},
			"the laboratory":                          {person("lab"), "ann", nil},
			"billing":                                 {person("billing"), "ann", nil},
			"a privacy officer, to whom it is closed": {person("privacy"), "ann", nil},
			"a program":                               {program(t), "ann", nil},
		} {
			got, err := r.chart.AsksPurpose(context.Background(), c.actor, c.patient)
			check(t, err)
			slices.Sort(got)
			if want := slices.Sorted(slices.Values(c.want)); !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
	})
}

// A denial asks about purposes: of whoever states none, and of his work's as well as of
// the one he states.
func TestConsentAsksForThePurpose(t *testing.T) {
	r := hospital(t, 64)
	program := r.as(program(t))
	staffed(program)
	program.put(`{"resourceType":"Claim","id":"bill","status":"active","type":{"text":"x"},"use":"claim","patient":{"reference":"Patient/ann"},"created":"2026-11-22","provider":{"reference":"Organization/house"},"priority":{"text":"x"},"insurance":[{"sequence":1,"focal":true,"coverage":{"reference":"Coverage/c"}}],"item":[{"sequence":1,"productOrService":{"text":"x"},"encounter":[{"reference":"Encounter/visit"}]}]}`)
	billing := person("billing")
	billing.Purpose = "HPAYMT"
	check(t, r.as(billing).get("Encounter/visit"))

	program.put(consent("paid", "ann", `{"type":"deny",`+purpose("HPAYMT")+`,"data":[{"meaning":"related","reference":{"reference":"Encounter/visit"}}]}`))
	for name, purpose := range map[string]string{"of billing": "HPAYMT", "a part of it": "CLMATTCH", "none": ""} {
		billing.Purpose = purpose
		clerk := r.as(billing)
		for _, ref := range []string{"Encounter/visit", "Claim/bill"} {
			wantKind(t, clerk.get(ref), fault.NotFound, name+" "+ref)
		}
		clerk.finds("Claim", "")
		check(t, clerk.get("Patient/ann"))
	}
	billing.Purpose = "TREAT"
	for _, ref := range []string{"Encounter/visit", "Claim/bill", "Patient/ann"} {
		wantKind(t, r.as(billing).get(ref), fault.Denied, "that is not billing's "+ref)
	}
	both := twoRoles("nurse", "billing", "east")
	for what, purpose := range map[string]string{"as follows from her roles": "TREAT", "of one of them": "HPAYMT"} {
		both.Purpose = purpose
		wantKind(t, r.as(both).get("Claim/bill"), fault.NotFound, "who bills beside other work, "+what)
		r.as(both).finds("Claim", "")
	}
	both.Purpose = "HOPERAT" // the nurse's, by which no bill is hers to see, and the visit kept from the biller
	wantKind(t, r.as(both).get("Claim/bill"), fault.Denied, "who bills beside other work, for the other")
	wantKind(t, r.as(both).get("Encounter/visit"), fault.NotFound, "a visit, for the other work")
	wantKind(t, program.get("Encounter/visit"), fault.NotFound, "a program that states no purpose")
	stated := program.actor
	stated.Purpose = "TREAT"
	check(t, r.as(stated).get("Encounter/visit"))
	check(t, r.as(person("doctor", "east")).get("Encounter/visit"))
}
