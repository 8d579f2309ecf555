package chart_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// at asks below a compartment, or with "" of everything: [Type/id/](Type|*)?query.
func (a as) at(address string) (found []string, total int, err error) {
	path, query, _ := strings.Cut(address, "?")
	params, err := chart.ParseQuery(query)
	check(a.t, err)
	sr := chart.SearchRequest{Type: path, Params: params}
	if parts := strings.Split(path, "/"); len(parts) == 3 {
		sr.Compartment = vault.TypeID{Type: parts[0], ID: parts[1]}
		sr.Type = strings.Trim(parts[2], "*")
	}
	for range 100 {
		result, err := a.chart.Search(context.Background(), a.actor, sr)
		if err != nil {
			return nil, 0, err
		}
		total = result.Total
		for _, m := range result.Matches {
			found = append(found, m.TypeID.Type+"/"+m.TypeID.ID)
		}
		for _, m := range result.Included {
			found = append(found, "+"+m.TypeID.Type+"/"+m.TypeID.ID)
		}
		if sr.Page = result.Next; sr.Page == "" {
			break
		}
	}
	return found, total, nil
}

func TestSystemAndCompartments(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		all, nurse, billing := r.as(program(t)), r.as(person("nurse", "east")), r.as(person("billing"))
		all.put(`{"resourceType":"RelatedPerson","id":"rel","patient":{"reference":"Patient/ann"}}`)
		all.put(`{"resourceType":"Practitioner","id":"doctor","active":true}`)
		all.put(`{"resourceType":"Device","id":"pump","patient":{"reference":"Patient/bob"}}`)
		all.put(`{"resourceType":"Observation","id":"by-pump","status":"final","code":{"text":"x"},"device":{"reference":"Device/pump"},"encounter":{"reference":"Encounter/stay-ann"},"subject":{"reference":"Patient/ann"},"performer":[{"reference":"Practitioner/doctor"},{"reference":"RelatedPerson/rel"}]}`)
		for _, c := range []struct {
			who     as
			address string
			want    string
		}{
			{all, "?_type=Patient,Location&_sort=_id", "Patient/ann Location/bed-7 Patient/bob Patient/cat Location/east Location/west"},
			{nurse, "?_type=Patient,Location&_sort=-_id", "Location/west Location/east Location/bed-7 Patient/ann"},
			{nurse, "?_type=Patient,Location&_id=ann,bob,east&_sort=_id", "Patient/ann Location/east"},
			{nurse, "?_type=Patient,Observation&_id:not=ann&_sort=_id", "Observation/by-pump Observation/k-ann"},
			{all, "?_type=Encounter,Observation&status=final&_sort=_id", "Observation/by-pump Observation/k-ann Observation/k-bob Observation/k-cat"},
			{all, "?_type=Encounter,Observation&patient.family=adams&_sort=_id", "Observation/by-pump Observation/k-ann Encounter/stay-ann"},
			{all, "?_type=Encounter,Observation&patient.family=adams&date=ge2026-11-20T12:00:00Z", "Observation/k-ann"},
			{nurse, "?_id=ann,bob,west&_sort=_id", "Patient/ann Location/west"},
			{billing, "?_id=note-ann,west", "Location/west"},
			{billing, "?_type=Location,DocumentReference&_id=west", "!"},
			{nurse, "?_type=Patient,Location&_id=ann&_revinclude=*", "Patient/ann +DocumentReference/note-ann +Encounter/stay-ann +Observation/by-pump +Observation/k-ann +RelatedPerson/rel"},
			{all, "Patient/ann/Observation?_sort=_id", "Observation/by-pump Observation/k-ann"},
			{nurse, "Patient/bob/Observation", ""},
			{nurse, "Patient/bob/*", ""},
			{nurse, "Patient/ann/*?_sort=_id", "Patient/ann Observation/by-pump Observation/k-ann DocumentReference/note-ann RelatedPerson/rel Encounter/stay-ann"},
			{all, "Patient/ann/*?_type=Observation,Encounter&_sort=_id", "Observation/by-pump Observation/k-ann Encounter/stay-ann"},
			{all, "Encounter/stay-ann/*?_sort=_id", "Observation/by-pump Encounter/stay-ann"},
			{all, "Encounter/stay-ann/Observation?status=final", "Observation/by-pump"},
			{all, "Device/pump/Observation", "Observation/by-pump"},
			{all, "Practitioner/doctor/*?_sort=_id", "Observation/by-pump Practitioner/doctor CareTeam/team-cat"},
			{all, "RelatedPerson/rel/*?_sort=_id", "Observation/by-pump RelatedPerson/rel"},
			{all, "Patient/nobody/*", ""},
			{all, "Patient/ann/Location", "!"},
			{all, "Location/east/*", "!"},
			{all, "?_type=Patient,Location&family=x", "!"},
			{all, "?_type=Patient,Location&_sort=name", "!"},
			{all, "?_type=Secret", "!"},
			{all, "Patient/ann/*?_type=Location", "!"},
		} {
			got, _, err := c.who.at(c.address)
			if c.want == "!" {
				if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Denied) {
					t.Errorf("%s: %v, %v", c.address, got, err)
				}
				continue
			}
			check(t, err)
			if strings.Contains(c.address, "_revinclude") {
				slices.Sort(got[1:])
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%s as %s: got %q, want %q", c.address, c.who.actor.Name, strings.Join(got, " "), c.want)
			}
			if strings.Contains(c.address, "clude") || !strings.Contains(c.address, "?") {
				continue
			}
			paged, total, err := c.who.at(c.address + "&_count=1&_total=accurate")
			if check(t, err); !slices.Equal(paged, got) && strings.Contains(c.address, "_sort") || total != len(got) {
				t.Errorf("%s as %s, by pages: %q, total %d", c.address, c.who.actor.Name, paged, total)
			}
		}
	})
}

// TestIncludesToTheEnd follows a path of more links than one would think of.
func TestIncludesToTheEnd(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		all := r.as(program(t))
		for i := range 30 {
			all.put(fmt.Sprintf(`{"resourceType":"Location","id":"l%d","partOf":{"reference":"Location/l%d"}}`, i, (i+1)%30)) // a ring
		}
		for query, want := range map[string]int{
			"Location?_id=l0&_include=Location:partof":            2,
			"Location?_id=l0&_include:iterate=Location:partof":    30,
			"Location?_id=l0&_include:recurse=Location:partof":    30,
			"Location?_id=l0&_revinclude:iterate=Location:partof": 30,
			"Location?_id=l0&_revinclude:iterate=*":               30,
			"Location?_id=l0&_include:iterate=*":                  30,
			"Location?_id=l0&_include=*":                          2,
			"Location?_id=l0&_include=Location:*&_revinclude=*":   3,
			"Encounter?_id=stay-ann&_include=*":                   3,
			"Encounter?_id=stay-ann&_include:iterate=*":           4,
		} {
			if got, err := all.find(query); err != nil || len(got) != want {
				t.Errorf("%s: %d, %v; want %d", query, len(got), err, want)
			}
		}
		for i := range 80 {
			all.put(fmt.Sprintf(`{"resourceType":"Location","id":"m%d","partOf":{"reference":"Location/m%d"}}`, i, i+1))
		}
		_, err := all.find("Location?_id=m0&_include:iterate=Location:partof")
		wantKind(t, err, fault.TooCostly, "a path beyond what one answer carries")
	})
}
