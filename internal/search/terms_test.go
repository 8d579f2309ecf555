package search_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/search"
)

// testTerms is plainMembers and plainTree as a terminology.
type testTerms struct{}

func (testTerms) Members(_ context.Context, valueSet string, add func(system, code string)) error {
	members, ok := plainMembers[valueSet]
	if !ok {
		return fault.New(fault.NotFound, "Members", "")
	}
	for _, m := range members {
		add(m[0], m[1])
	}
	return nil
}

func (testTerms) Below(_ context.Context, system, code string) ([]string, error) {
	return plainTree[[2]string{system, code}], nil
}

func (testTerms) Above(_ context.Context, system, code string) (out []string, err error) {
	for top, below := range plainTree {
		for _, b := range below {
			if top[0] == system && b == code {
				out = append(out, top[1])
			}
		}
	}
	return out, nil
}

// A code list nobody has loaded is refused, never an empty answer.
func TestUnknownTerms(t *testing.T) {
	for _, query := range []string{"code:in=http://x.org/vs/secret", "code:not-in=http://x.org/vs/secret", "encounter.type:in=http://x.org/vs/secret"} {
		q, err := parse(t, "Observation", query, search.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, terms := range []search.Terms{testTerms{}, nil} {
			if _, err = q.Resolve(t.Context(), terms); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", query, err)
			}
		}
		if _, err = q.Plan(t.Context(), newMemory(t, 64, nil), nil); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s unresolved: %v", query, err)
		}
	}
}

// A hierarchy is climbed over any number of steps, and only as far as the caller
// may see.
func TestHierarchy(t *testing.T) {
	place := func(id, parent string) string {
		if parent != "" {
			parent = `,"partOf":{"reference":"Location/` + parent + `"}`
		}
		return `{"resourceType":"Location","id":"` + id + `"` + parent + `}`
	}
	done := func(id, where string) string {
		return `{"resourceType":"Procedure","id":"` + id + `","status":"completed","subject":{"reference":"Patient/p"},"location":{"reference":"Location/` + where + `"},"instantiatesCanonical":["http://x.org/p|1.2"]}`
	}
	resources := resourcesOf(t, []string{
		place("house", ""), place("ward", "house"), place("room", "ward"), place("bed", "room"), place("other", "house"), place("ring-a", "ring-b"), place("ring-b", "ring-a"),
		done("in-house", "house"), done("in-ward", "ward"), done("in-bed", "bed"), done("in-other", "other"), done("in-ring", "ring-a"), done("nowhere", "unknown"),
	})
	for _, bits := range []int{64, 12} {
		m := newMemory(t, bits, resources)
		for _, c := range []struct{ query, want string }{
			{"location:below=house", "in-bed in-house in-other in-ward"}, {"location:below=Location/ward", "in-bed in-ward"}, {"location:below=bed", "in-bed"},
			{"location:above=bed", "in-bed in-house in-ward"}, {"location:above=house", "in-house"}, {"location:below=ring-a", "in-ring"}, {"location:above=ring-b", "in-ring"},
			{"location:below=unknown", "nowhere"}, {"location:below=nobody", ""}, {"location:below=ward,other", "in-bed in-other in-ward"}, {"location:below=ward&status=completed", "in-bed in-ward"},
			{"location:below=" + baseURL + "/Location/ward", "in-bed in-ward"}, {"instantiates-canonical:below=http://x.org/p|1", "in-bed in-house in-other in-ring in-ward nowhere"},
		} {
			q, err := parse(t, "Procedure", c.query, search.Options{BaseURL: baseURL})
			if err != nil {
				t.Fatalf("%s: %v", c.query, err)
			}
			found, plan, _ := m.run(t, q)
			var ids []string
			for n := range m.ids {
				if ok, err := m.match(plan, n); err != nil || ok != slices.Contains(found, int32(n)) {
					t.Errorf("%s: Match says %v of %s, %v", c.query, ok, m.ids[n].ID, err)
				}
			}
			for _, n := range found {
				ids = append(ids, m.ids[n].ID)
			}
			slices.Sort(ids)
			if got := strings.Join(ids, " "); got != c.want {
				t.Errorf("%d bits: %s finds %q, want %q", bits, c.query, got, c.want)
			}
		}
	}
	for _, c := range [][2]string{{"subject:below=p", "takes only"}, {"location:below=Patient/p", "id or Type/id of: Location"}, {"location:above=http://x.org/y", "id or Type/id"}} {
		if _, err := parse(t, "Procedure", c[0], search.Options{}); err == nil || !strings.Contains(publicOf(err), c[1]) {
			t.Errorf("%s: %v", c[0], err)
		}
	}
}

func publicOf(err error) string {
	var f *fault.Error
	errors.As(err, &f)
	return f.Public
}

// bigTerms is a terminology in which every value set has many codes.
type bigTerms struct {
	testTerms
	asked *int
}

func (b bigTerms) Members(_ context.Context, _ string, add func(system, code string)) error {
	*b.asked++
	for i := range 100_000 {
		add("urn:s", strconv.Itoa(i))
	}
	return nil
}

// TestTermsAreBounded: the codes of all conditions together are bounded, and a
// set that many conditions name is asked for once.
func TestTermsAreBounded(t *testing.T) {
	names := func(form string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, form, i)
		}
		return strings.Trim(b.String(), ",&")
	}
	for query, want := range map[string]int{
		"code:in=urn:v&code:not-in=urn:v&_has:Observation:has-member:code:in=urn:v&has-member.code:in=urn:v": 1,
		"code:in=" + names("urn:%d,", 500):                                    0,
		names("code:in=urn:%d&", 90):                                          0,
		"_filter=" + names("code in urn:%d or ", 90) + "code in urn:x":        0,
		"has-member.code:in=" + names("urn:a%d,", 8) + "&code:in=urn:b,urn:c": 0,
	} {
		asked := 0
		q, err := parse(t, "Observation", query, search.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = q.Resolve(t.Context(), bigTerms{asked: &asked})
		switch {
		case want > 0 && (err != nil || asked != want):
			t.Errorf("%.40s: asked %d times, %v", query, asked, err)
		case want == 0 && (!fault.Is(err, fault.Invalid) || asked > 6):
			t.Errorf("%.40s: asked %d times, %v", query, asked, err)
		}
	}
}

// TestLongQueries: what a page's link and the audit log have to hold is bounded.
func TestLongQueries(t *testing.T) {
	long := strings.Repeat("x", 150<<10)
	for _, query := range []string{"identifier:not=" + long + "&identifier:not=" + long, "_id:not=a&code=" + long + "," + long} {
		if _, err := parse(t, "Observation", query, search.Options{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v", err)
		}
	}
}
