package e2e_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// mostNarrowed is what narrowing may add to a search's median.
const mostNarrowed = 1.10

// TestNarrowingCosts asks the same searches as a program that may see all and as people
// whose searches are narrowed, over HTTPS, by turns, chance saying who is first. Only pages
// that are the same for both count. When proving, the medians are held to the bound.
func TestNarrowingCosts(t *testing.T) {
	s := startDemoIn(t, []string{"WARDKEEP_PERSON_RATE=1000000", "WARDKEEP_PROGRAM_RATE=1000000", "WARDKEEP_ADDRESS_RATE=1000000"}, "", "--patients", "40")
	all := s.client("system/*.rs")
	rounds := 2
	if proving() {
		rounds = 1000
	}
	for _, user := range []string{"nurse", "doctor", "pharmacist"} {
		person := s.person(user, "openid offline_access user/*.rs", "")
		patients := bundled(t, person.do("GET", "/fhir/Patient?_count=20", nil))
		var before, after []float64
		for _, search := range []string{
			"/Observation?patient={id}&category=vital-signs&_count=20",
			"/Observation?patient={id}&_sort=-date&_count=20",
			"/Observation?patient={id}&code=http://loinc.org%7C2823-3&_count=20",
			"/MedicationRequest?patient={id}&status=active&_count=20",
			"/Condition?patient={id}&_count=20",
			"/Encounter?patient={id}&_count=20",
			"/AllergyIntolerance?patient={id}&_count=20",
		} {
			wide, narrow := narrowed(t, s, all, person, search, patients, rounds)
			if wide == nil {
				t.Logf("%-10s %-70s not the same page for anybody", user, search)
				continue
			}
			t.Logf("%-10s %-70s not narrowed %v, narrowed %v, %.3f times", user, search, quantile(wide, 0.5), quantile(narrow, 0.5), ratio(wide, narrow))
			before, after = append(before, wide...), append(after, narrow...)
		}
		if len(before) < 4*rounds {
			t.Fatalf("%s: too few pages are the same for both", user)
		}
		t.Logf("%-10s all: not narrowed %v, narrowed %v, %.3f times", user, quantile(before, 0.5), quantile(after, 0.5), ratio(before, after))
		if proving() && ratio(before, after) > mostNarrowed {
			t.Errorf("narrowing costs a %s %.3f times the median, %.2f is allowed", user, ratio(before, after), mostNarrowed)
		}
	}
}

func ratio(before, after []float64) float64 {
	return float64(quantile(after, 0.5)) / float64(quantile(before, 0.5))
}

// narrowed times one search on one connection for both.
func narrowed(t *testing.T, s *server, all, person *api, search string, patients []string, rounds int) (wide, narrow []float64) {
	t.Helper()
	conn := s.wire(t)
	ask := func(by *api, id string) float64 {
		status, _, took, err := conn.ask(probe{method: "GET", path: search}, by.renewed(), id, 0)
		if err != nil || status != 200 {
			t.Fatalf("%s: %d, %v", search, status, err)
		}
		return float64(took)
	}
	patients = slices.DeleteFunc(slices.Clone(patients), func(id string) bool { // where the pages differ, times say nothing
		path := "/fhir" + strings.ReplaceAll(search, "{id}", id)
		return !slices.Equal(bundled(t, all.do("GET", path, nil)), bundled(t, person.do("GET", path, nil)))
	})
	if len(patients) < 3 {
		return nil, nil
	}
	for i := range rounds {
		id := patients[i%len(patients)]
		if rand.IntN(2) == 0 {
			wide, narrow = append(wide, ask(all, id)), append(narrow, ask(person, id))
		} else {
			narrow, wide = append(narrow, ask(person, id)), append(wide, ask(all, id))
		}
	}
	return wide, narrow
}

// bundled are the ids of a page.
func bundled(t *testing.T, got answer) (ids []string) {
	t.Helper()
	var page struct {
		Entry []struct {
			Resource struct {
				ID string `json:"id"`
			} `json:"resource"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(got.body, &page); err != nil || got.status != 200 {
		t.Fatalf("%d: %.300s", got.status, got.body)
	}
	for _, e := range page.Entry {
		ids = append(ids, e.Resource.ID)
	}
	return ids
}
