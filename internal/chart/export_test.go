package chart_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/search"
)

func obs(id, patient string, value int) string {
	return fmt.Sprintf(`{"resourceType":"Observation","id":"%s","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/%s"},"valueQuantity":{"value":%d}}`, id, patient, value)
}

// versions returns what was exported as "id/version".
func versions(list []chart.Resource) []string {
	var out []string
	for _, res := range list {
		out = append(out, fmt.Sprintf("%s/%d", res.TypeID.ID, res.Version))
	}
	return out
}

// TestExportIsOfOneInstant changes records at random while an export runs in legs:
// it holds every record once, as it was at the snapshot.
func TestExportIsOfOneInstant(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		p := r.as(program(t))
		for seed := range uint64(12) {
			rng := rand.New(rand.NewPCG(seed, 1))
			typ := fmt.Sprintf("k%d-", seed)
			have := map[string]uint64{}
			change := func() {
				id := fmt.Sprintf("%s%d", typ, rng.IntN(40))
				if have[id] > 0 && rng.IntN(4) == 0 {
					_, err := r.chart.Delete(ctx, p.actor, "Observation", id, chart.Condition{})
					check(t, err)
					delete(have, id)
					return
				}
				have[id] = p.put(obs(id, "ann", rng.IntN(1000))).Version
			}
			for range 60 {
				change()
			}
			snapshot, err := r.chart.Snapshot(ctx)
			check(t, err)
			var want []string
			for id, v := range have {
				want = append(want, fmt.Sprintf("%s/%d", id, v))
			}
			x := chart.Extent{Type: "Observation", Filters: [][]search.Param{{{Key: "subject", Value: "Patient/ann"}}, {{Key: "status", Value: "final"}}}}
			var got []string
			keep := func(list []chart.Resource) error {
				for _, v := range versions(list) {
					if strings.HasPrefix(v, typ) {
						got = append(got, v)
					}
				}
				return nil
			}
			var legs []chart.Leg
			for more, after := true, uint64(0); more; {
				var leg chart.Leg
				leg, more, err = r.chart.ExportLeg(ctx, p.actor, x, snapshot, after, 1+rng.IntN(20), keep)
				check(t, err)
				legs, after = append(legs, leg), leg.To
				for range rng.IntN(20) {
					change()
				}
			}
			check(t, r.chart.ExportChanged(ctx, p.actor, x, snapshot, legs, keep))
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d:\n%v\nwant\n%v", seed, got, want)
			}
		}
	})
}

// TestExportIsNarrowed: what leaves is what the same actor's searches find.
func TestExportIsNarrowed(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		s, err := r.chart.Snapshot(ctx)
		check(t, err)
		for _, who := range []as{r.as(program(t)), r.as(person("nurse", "east")), r.as(person("doctor")), r.as(person("nurse")), r.as(person("registration")), r.as(person("lab"))} {
			for _, typ := range []string{"Patient", "Observation", "Encounter", "Location", "CareTeam"} {
				found, searchErr := who.find(typ)
				var got []string
				_, _, err := r.chart.ExportLeg(ctx, who.actor, chart.Extent{Type: typ}, s, 0, 0, func(list []chart.Resource) error {
					for _, res := range list {
						got = append(got, res.TypeID.ID)
					}
					return nil
				})
				if fault.KindOf(err) != fault.KindOf(searchErr) && searchErr != nil || !slices.Equal(got, found) {
					t.Errorf("%s %s: %v %v, a search finds %v %v", who.actor.Name, typ, got, err, found, searchErr)
				}
			}
		}
	})
}

// TestExportOfPatients: a confined export holds what is in their compartments, and
// one confined to nobody holds nothing.
func TestExportOfPatients(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		p := program(t)
		s, err := r.chart.Snapshot(ctx)
		check(t, err)
		for _, c := range []struct {
			x    chart.Extent
			want string
		}{
			{chart.Extent{Type: "Patient", Patients: []string{"ann"}}, "ann"},
			{chart.Extent{Type: "Patient", Patients: []string{}}, ""},
			{chart.Extent{Type: "Patient", Patients: []string{"nobody"}}, ""},
			{chart.Extent{Type: "Encounter", Patients: []string{"ann", "bob"}, Filters: [][]search.Param{{{Key: "subject", Value: "Patient/bob"}}}}, "stay-bob"},
			{chart.Extent{Type: "Location", Compartments: true}, ""},
		} {
			var got []string
			_, _, err := r.chart.ExportLeg(ctx, p, c.x, s, 0, 0, func(list []chart.Resource) error {
				for _, res := range list {
					got = append(got, res.TypeID.ID)
				}
				return nil
			})
			if text := strings.Join(got, " "); err != nil || text != c.want {
				t.Errorf("%+v: %q %v, want %q", c.x, text, err, c.want)
			}
		}
		_, _, err = r.chart.ExportLeg(ctx, p, chart.Extent{Type: "Patient", Filters: [][]search.Param{{{Key: "_sort", Value: "family"}}}}, s, 0, 0, nil)
		wantKind(t, err, fault.Invalid, "a filter that sorts")
	})
}

// TestExportOfWhatIsGone: deletions since a time are exported to those who might
// have seen the records, and what was marked since the snapshot is closed.
func TestExportOfWhatIsGone(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		p := r.as(program(t))
		p.put(obs("old", "ann", 1))
		p.put(obs("ann-gone", "ann", 1))
		p.put(obs("bob-gone", "bob", 1))
		p.put(obs("back", "ann", 1))
		p.put(obs("marked", "ann", 1))
		r.bury(t, "Observation", "old")
		r.clock.Advance(5 * time.Minute)
		since := r.clock.Now()
		for _, id := range []string{"ann-gone", "bob-gone", "back"} {
			r.bury(t, "Observation", id)
		}
		p.put(obs("back", "ann", 2))
		s, err := r.chart.Snapshot(ctx)
		check(t, err)
		r.bury(t, "Observation", "marked")
		for actor, want := range map[string]string{"program": "ann-gone bob-gone", "nurse": "ann-gone"} {
			who := p.actor
			if actor == "nurse" {
				who = person("nurse", "east")
			}
			var got []string
			for more, after := true, uint64(0); more; {
				after, more, err = r.chart.ExportDeleted(ctx, who, chart.Extent{Type: "Observation", Since: since}, s, after, 1, func(list []chart.Resource) error {
					for _, res := range list {
						got = append(got, res.TypeID.ID)
					}
					return nil
				})
				check(t, err)
			}
			if text := strings.Join(got, " "); text != want {
				t.Errorf("%s: %q, want %q", actor, text, want)
			}
		}
		// Since the snapshot a record was marked: its past leaves no more.
		p.put(obs("secret", "ann", 1))
		s, err = r.chart.Snapshot(ctx)
		check(t, err)
		r.as(identity.System("importer", "importer")).put(strings.Replace(obs("secret", "ann", 1), `"status"`, `"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"PSY"}]},"status"`, 1))
		check(t, r.chart.ExportChanged(ctx, p.actor, chart.Extent{Type: "Observation"}, s, nil, func(list []chart.Resource) error {
			t.Errorf("left: %v", versions(list))
			return nil
		}))
	})
}

// TestExportIsListed: every version that leaves is in the audit log.
func TestExportIsListed(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		s, err := r.chart.Snapshot(ctx)
		check(t, err)
		n := 0
		_, _, err = r.chart.ExportLeg(ctx, person("nurse", "east"), chart.Extent{Type: "Observation"}, s, 0, 0, func(list []chart.Resource) error {
			n += len(list)
			return nil
		})
		check(t, err)
		check(t, r.log.Integrate(ctx))
		listed := 0
		check(t, r.log.Search(ctx, audit.Filter{Actor: "nurse-1", Action: audit.ActionExport}, func(rec *audit.Record) error {
			listed += len(rec.Items)
			return nil
		}))
		if n == 0 || listed != n {
			t.Errorf("%d left, %d are listed", n, listed)
		}
	})
}
