package search_test

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/wardkeep/wardkeep/internal/search"
)

type tally struct{ n, words, refs, card, body int }

// TestBudget holds the index to its budget and prints it by type.
func TestBudget(t *testing.T) {
	n := 20
	if allData() {
		n = 0
	}
	by := map[string]*tally{"all": {}}
	for _, r := range synthea(t, n) {
		d, err := search.Extract(r)
		if err != nil {
			t.Fatal(err)
		}
		if by[r.Type()] == nil {
			by[r.Type()] = &tally{}
		}
		for _, c := range []*tally{by["all"], by[r.Type()]} {
			c.n++
			c.words += len(d.Words)
			c.refs += len(d.Refs)
			c.card += len(d.Card)
			c.body += len(r.JSON())
		}
	}
	var types []string
	for typ := range by {
		types = append(types, typ)
	}
	slices.SortFunc(types, func(a, b string) int { return by[b].n - by[a].n })
	for _, typ := range types {
		c := by[typ]
		f := float64(c.n)
		t.Logf("%-26s %6d  tokens %6.1f  edges %5.1f  card %6.0f B  body %7.0f B", typ, c.n,
			float64(c.words)/f, float64(c.refs)/f, float64(c.card)/f, float64(c.body)/f)
	}
	all := by["all"]
	if per := float64(all.words) / float64(all.n); per > 45 {
		t.Errorf("%.1f tokens a resource on average, the budget is 45", per)
	}
	if per := float64(all.card) / float64(all.n); per > 300 {
		t.Errorf("%.0f bytes a card on average, the budget is 300", per)
	}
	if typ := os.Getenv("WARDKEEP_SEARCH_SHOW"); typ != "" {
		show(t, typ, n)
	}
}

// show prints the words of the first resource of a type.
func show(t *testing.T, typ string, n int) {
	for _, r := range synthea(t, n) {
		if r.Type() != typ {
			continue
		}
		d, _ := search.Extract(r)
		fmt.Println(string(r.JSON()))
		for _, w := range d.Words {
			fmt.Printf("  %s %q\n", w.Field, w.Value)
		}
		for _, e := range d.Refs {
			fmt.Println(" ", e)
		}
		fmt.Printf("%d %q\n", len(d.Card), d.Card)
		return
	}
}
