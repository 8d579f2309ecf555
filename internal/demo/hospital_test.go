package demo_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/demo"
)

func TestStaff(t *testing.T) {
	h := demo.Generate(demo.Options{Seed: 1, Now: today})
	if len(h.Staff) != 25 {
		t.Errorf("%d people work here", len(h.Staff))
	}
	have := map[string]bool{}
	for _, b := range generate(t, 0) {
		for _, e := range b.Entry {
			have[e.Request.URL] = true
		}
	}
	names := map[string]demo.Role{}
	for _, s := range h.Staff {
		if _, twice := names[s.UserName]; twice || s.Given == "" || s.Family == "" {
			t.Errorf("account %s is not one person", s.UserName)
		}
		names[s.UserName] = s.Role
		if !have["Practitioner/"+s.PractitionerID] {
			t.Errorf("account %s has no Practitioner", s.UserName)
		}
		for _, w := range s.WardIDs {
			if !have["Location/"+w] {
				t.Errorf("account %s works on a ward that does not exist", s.UserName)
			}
		}
	}
	for _, r := range []demo.Role{demo.Doctor, demo.Nurse, demo.Pharmacist, demo.Lab, demo.Registration, demo.Billing, demo.Admin, demo.Privacy} {
		if names[string(r)] != r {
			t.Errorf("no account is named after the role %s", r)
		}
	}
	h.Staff[0].WardIDs[0] = "elsewhere"
	if demo.Generate(demo.Options{Seed: 1, Now: today}).Staff[0].WardIDs[0] == "elsewhere" {
		t.Error("a caller can change the next hospital")
	}
}

func TestTheHospitalIsBusy(t *testing.T) {
	count, inpatients, teams, withDoctor, wards := map[string]int{}, 0, 0, 0, 0
	beds := map[string]bool{}
	for _, b := range generate(t, demo.DefaultPatients) {
		for _, e := range b.Entry {
			typ, _, _ := strings.Cut(e.Request.URL, "/")
			count[typ]++
			switch typ {
			case "Encounter":
				if bytes.Contains(e.Resource, []byte(`"status":"in-progress"`)) {
					inpatients++
					checkBed(t, e.Request.URL, e.Resource, beds)
				}
			case "CareTeam":
				teams++
				if bytes.Contains(e.Resource, []byte(`"Practitioner/prac-doctor"`)) {
					withDoctor++
				}
			case "Location":
				if bytes.Contains(e.Resource, []byte(`"code":"wa"`)) {
					wards++
				}
			}
		}
	}
	if inpatients < 42 || inpatients > 50 {
		t.Errorf("%d inpatients", inpatients)
	}
	if wards != 3 {
		t.Errorf("%d wards", wards)
	}
	if withDoctor*10 < teams*4 || withDoctor*10 > teams*6 {
		t.Errorf("the account doctor is in %d of %d care teams", withDoctor, teams)
	}
	total := 0
	for _, n := range count {
		total += n
	}
	if total < 120*demo.DefaultPatients {
		t.Errorf("%d resources", total)
	}
	for _, typ := range []string{"Condition", "AllergyIntolerance", "MedicationRequest", "MedicationAdministration", "Observation",
		"DiagnosticReport", "Specimen", "ServiceRequest", "Immunization", "Procedure", "DocumentReference", "Binary", "Coverage",
		"Claim", "Appointment", "CarePlan", "Goal", "CareTeam", "RelatedPerson", "Consent", "Person", "Communication",
		"Organization", "Practitioner", "PractitionerRole", "Medication"} {
		if count[typ] == 0 {
			t.Errorf("no %s", typ)
		}
	}
}

// checkBed sees that two patients never share a bed.
func checkBed(t *testing.T, url string, raw []byte, beds map[string]bool) {
	t.Helper()
	var e struct {
		Location []struct {
			Status       string
			Location     struct{ Reference string }
			PhysicalType struct{ Coding []struct{ Code string } }
		}
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, l := range e.Location {
		if l.Status == "active" && len(l.PhysicalType.Coding) == 1 && l.PhysicalType.Coding[0].Code == "bd" {
			found = true
			if beds[l.Location.Reference] {
				t.Errorf("%s: the bed is taken", url)
			}
			beds[l.Location.Reference] = true
		}
	}
	if !found {
		t.Errorf("%s: an inpatient without a bed", url)
	}
}
