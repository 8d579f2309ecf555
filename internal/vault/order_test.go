package vault_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/vault"
)

// visit is an Encounter of the tests of order.
type visit struct {
	id         string
	start, end time.Time // zero: open
	none       bool      // no period at all
	reason     string
	stays      [][2]time.Time
	updated    int // number of the commit
}

func (v visit) body() string {
	var period []string
	for name, t := range map[string]time.Time{"start": v.start, "end": v.end} {
		if !t.IsZero() {
			period = append(period, `"`+name+`":"`+t.Format(time.RFC3339)+`"`)
		}
	}
	text := `{"resourceType":"Encounter","id":"` + v.id + `","status":"finished","class":{"code":"AMB"},"reasonCode":[{"coding":[{"code":"` + v.reason + `"}]}]`
	var stays []string
	for _, s := range v.stays {
		stays = append(stays, `{"location":{"display":"x"},"period":{"start":"`+s[0].Format(time.RFC3339)+`","end":"`+s[1].Format(time.RFC3339)+`"}}`)
	}
	if stays != nil {
		text += `,"location":[` + strings.Join(stays, ",") + `]`
	}
	if !v.none {
		text += `,"period":{` + strings.Join(period, ",") + `}`
	}
	return text + "}"
}

func someVisit(rng *rand.Rand, id string) visit {
	v := visit{id: id, reason: fmt.Sprint(rng.IntN(5))}
	days := rng.IntN(4000)
	if rng.IntN(20) == 0 {
		days = -rng.IntN(130_000) + 60_000
	}
	v.start = time.Date(2015, 1, 1, rng.IntN(24), 0, 0, 0, time.UTC).AddDate(0, 0, days)
	v.end = v.start.Add(time.Duration(rng.IntN(90*24)) * time.Hour)
	for range rng.IntN(4) {
		from := time.Date(1995, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rng.IntN(12_000))
		v.stays = append(v.stays, [2]time.Time{from, from.AddDate(0, 0, rng.IntN(900))})
	}
	switch rng.IntN(12) {
	case 0:
		v.start = time.Time{}
	case 1:
		v.end = time.Time{}
	case 2:
		v.none, v.start, v.end = true, time.Time{}, time.Time{}
	}
	return v
}

// inOrder compares as docs/formats/index.md says.
var inOrder = map[string]func(a, b visit) int{
	"date": func(a, b visit) int {
		return cmp.Or(compareNone(a, b), a.start.Compare(b.start)) // an open start is before all
	},
	"-date": func(a, b visit) int {
		end := func(v visit) time.Time {
			if v.end.IsZero() {
				return time.Unix(1<<40, 0)
			}
			return v.end
		}
		return cmp.Or(compareNone(a, b), -end(a).Compare(end(b)))
	},
	"location-period": func(a, b visit) int {
		return cmp.Or(cmp.Compare(min(1, len(b.stays)), min(1, len(a.stays))), a.extreme(0).Compare(b.extreme(0)))
	},
	"-location-period": func(a, b visit) int {
		return cmp.Or(cmp.Compare(min(1, len(b.stays)), min(1, len(a.stays))), -a.extreme(1).Compare(b.extreme(1)))
	},
	"_lastUpdated":     func(a, b visit) int { return cmp.Compare(a.updated, b.updated) },
	"-_lastUpdated":    func(a, b visit) int { return -cmp.Compare(a.updated, b.updated) },
	"reason-code,-_id": func(a, b visit) int { return cmp.Or(cmp.Compare(a.reason, b.reason), -cmp.Compare(a.id, b.id)) },
	"-reason-code,date": func(a, b visit) int {
		return cmp.Or(-cmp.Compare(a.reason, b.reason), compareNone(a, b), a.start.Compare(b.start))
	},
}

// extreme is the first start, or the last end.
func (v visit) extreme(side int) (t time.Time) {
	for i, s := range v.stays {
		if i == 0 || s[side].Before(t) == (side == 0) {
			t = s[side]
		}
	}
	return t
}

func compareNone(a, b visit) int {
	n := map[bool]int{true: 1}
	return n[a.none] - n[b.none]
}

// TestOrderWhileOthersWrite pages through more records than are opened at once,
// while some change, go and come: what does not change comes once, in order.
func TestOrderWhileOthersWrite(t *testing.T) {
	for _, bits := range []int{64, 12} {
		rng := rand.New(rand.NewPCG(5, uint64(bits)))
		r := newRigOf(t, bits)
		var still, restless []visit
		var tx vault.Tx
		commits := 0
		commit := func() {
			r.clock.Advance(20 * time.Second)
			_, err := r.Commit(t.Context(), tx)
			check(t, err)
			tx, commits = vault.Tx{}, commits+1
		}
		for i := range 1500 {
			v := someVisit(rng, fmt.Sprintf("v%04d", i))
			v.updated = commits
			if i%10 == 0 {
				restless = append(restless, v)
			} else {
				still = append(still, v)
			}
			tx.Changes = append(tx.Changes, vault.Change{TypeID: id("Encounter", v.id), Resource: parse(t, v.body())})
			if len(tx.Changes) == 100 {
				commit()
			}
		}
		r.counts(t)
		for sort, compare := range inOrder {
			var want, got []string
			slices.SortStableFunc(still, func(a, b visit) int { return cmp.Or(compare(a, b), cmp.Compare(a.id, b.id)) })
			for _, v := range still {
				want = append(want, v.id)
			}
			after := vault.Cursor{}
			for page := 0; ; page++ {
				result, err := r.Search(t.Context(), vault.SearchRequest{Query: query(t, "Encounter", "_sort", sort), Limit: 90, After: after, Total: page == 0})
				check(t, err)
				for _, rec := range result.Records {
					got = append(got, rec.ID)
				}
				if page == 0 && result.Total < len(still) {
					t.Errorf("%s: %d in all", sort, result.Total)
				}
				if result.Next == nil {
					break
				}
				after = *result.Next
				for range 4 {
					n := rng.IntN(len(restless))
					old, err := r.Get(context.Background(), id("Encounter", restless[n].id))
					check(t, err)
					change := vault.Change{TypeID: old.TypeID, Expect: old.Version}
					if old.Deleted || rng.IntN(3) > 0 {
						change.Resource = parse(t, someVisit(rng, restless[n].id).body())
					}
					if !slices.ContainsFunc(tx.Changes, func(c vault.Change) bool { return c.TypeID == change.TypeID }) {
						tx.Changes = append(tx.Changes, change)
					}
				}
				commit()
			}
			got = slices.DeleteFunc(got, func(id string) bool { return id[len(id)-1] == '0' })
			if !slices.Equal(got, want) {
				for i := range min(len(got), len(want)) {
					if got[i] != want[i] {
						t.Errorf("%d bits, %s: place %d is %s, want %s", bits, sort, i, got[i], want[i])
						break
					}
				}
				t.Errorf("%d bits, %s: %d unchanged records shown, want %d", bits, sort, len(got), len(want))
			}
		}
	}
}

// counts compares totals, of which parts are counted and the rest opened, with
// what is found.
func (r *rig) counts(t *testing.T) {
	t.Helper()
	for _, where := range [][]string{
		{"date", "ge2018-01-01T12:00:00Z"}, {"date", "lt2018-01-01T12:00:00Z", "date", "sa2016-01-01T06:00:00Z"}, {"date", "ne2018"}, {"date", "ap2020"},
		{"_filter", "not(date ge 2018-01-01T12:00:00Z)"}, {"_filter", "date lt 2017-03-03T12:00 or reason-code eq 3"}, {"_filter", "not(_lastUpdated gt " + noon.Add(2*time.Minute).Format(time.RFC3339) + ")"},
		{"_lastUpdated", "ge" + noon.Add(100*time.Second).Format(time.RFC3339)}, {"_lastUpdated", "lt" + noon.Add(200*time.Second).Format(time.RFC3339)},
		{"_lastUpdated", "ne" + noon.Add(100*time.Second).Format(time.RFC3339)}, {"reason-code", "2", "location-period", "gt2010-05-05T07:00:00Z"},
	} {
		found, err := r.Search(t.Context(), vault.SearchRequest{Query: query(t, "Encounter", where...), Limit: 5000})
		check(t, err)
		counted, err := r.Search(t.Context(), vault.SearchRequest{Query: query(t, "Encounter", where...), Total: true})
		check(t, err)
		if counted.Total != len(found.Records) || counted.Total == 0 {
			t.Errorf("%v: counted %d, found %d", where, counted.Total, len(found.Records))
		}
	}
}
