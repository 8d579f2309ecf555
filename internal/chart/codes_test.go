package chart_test

import (
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// TestCodesAreLookedForAllOver: a denial by code bears on each record in which the code is,
// and not on who the patient is. Records of which that cannot be asked stay closed.
func TestCodesAreLookedForAllOver(t *testing.T) {
	const bears, without = `{"coding":[{"system":"urn:x","code":"secret"}]}`, `{"coding":[{"system":"urn:x","code":"other"}]}`
	wish := `{"type":"deny",` + to("Practitioner/doctor") + `,"code":[` + bears + `]}`
	subject := `"subject":{"reference":"Patient/ann"}`
	all := []struct {
		text string
		seen bool
	}{
		{`{"resourceType":"Observation","id":"code","status":"final","code":` + bears + `,` + subject + `}`, false},
		{`{"resourceType":"Observation","id":"value","status":"final","code":` + without + `,"valueCodeableConcept":` + bears + `,` + subject + `}`, false},
		{`{"resourceType":"Observation","id":"component","status":"final","code":` + without + `,"component":[{"code":` + bears + `}],` + subject + `}`, false},
		{`{"resourceType":"Observation","id":"none","status":"final","code":` + without + `,` + subject + `}`, true},
		{`{"resourceType":"Condition","id":"evidence","code":` + without + `,"evidence":[{"code":[` + bears + `]}],` + subject + `}`, false},
		{`{"resourceType":"Condition","id":"none","code":` + without + `,` + subject + `}`, true},
		{`{"resourceType":"Immunization","id":"none","status":"completed","vaccineCode":` + without + `,"patient":{"reference":"Patient/ann"},"occurrenceString":"x"}`, false},
	}
	widths(t, func(t *testing.T, r *rig) {
		doctor, program, filed := r.as(person("doctor", "east")), r.as(program(t)), r.as(importer())
		staffed(program)
		see := func(what string, wished bool) {
			t.Helper()
			for _, one := range all {
				typ := between(one.text, `"resourceType":"`, `"`)
				id, found := between(one.text, `"id":"`, `"`), ""
				if err := doctor.get(typ + "/" + id); one.seen || !wished {
					check(t, err)
					found = id
				} else {
					wantKind(t, err, fault.NotFound, what+": "+typ+"/"+id)
				}
				doctor.finds(typ+"?_id="+id, found)
			}
			check(t, doctor.get("Patient/ann"))
			doctor.finds("Patient?_id=ann", "ann")
		}
		for _, one := range all {
			filed.put(one.text)
		}
		see("before", false)
		filed.put(consent("wish", "ann", wish))
		see("denied", true)
	})
}

func between(text, from, to string) string {
	_, text, _ = strings.Cut(text, from)
	text, _, _ = strings.Cut(text, to)
	return text
}
