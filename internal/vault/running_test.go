package vault_test

import (
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// Searches in running text read bodies, in every kind of search, and only so many.
func TestRunningText(t *testing.T) {
	r := newRig(t)
	for _, of := range [][2]string{{"a", "bone metastases"}, {"b", "liver"}, {"c", "bone"}} {
		put(t, r.Vault, strings.Replace(patient(of[0], "F"+of[0]), "{", `{"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">`+of[1]+`</div>"},`, 1))
		put(t, r.Vault, finding("of-"+of[0], of[0]))
	}
	for _, c := range []struct {
		typ   string
		pairs []string
		want  string
	}{
		{"Patient", []string{"_text", "(bone OR liver) and metastases"}, "a"},
		{"Patient", []string{"_text", "bone", "family", "Fc"}, "c"},
		{"Patient", []string{"_content", "fb"}, "b"},
		{"Patient", []string{"_text", "bone", "_sort", "-family"}, "c a"},
		{"Condition", []string{"subject:Patient._text", "bone"}, "of-a of-c"},
		{"Patient", []string{"_has:Condition:patient:_content", "Patient"}, "a b c"},
		{"Patient", []string{"_text", "nothing"}, ""},
	} {
		got, err := find(r.Vault, query(t, c.typ, c.pairs...))
		check(t, err)
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v finds %v, want %s", c.pairs, got, c.want)
		}
	}
	result, err := r.Search(t.Context(), vault.SearchRequest{Query: query(t, "Patient", "_text", "bone"), Total: true})
	if check(t, err); result.Total != 2 {
		t.Errorf("counted %d", result.Total)
	}
	spend := vault.Spender()
	for range search.MaxBodies {
		check(t, spend())
	}
	if err := spend(); !fault.Is(err, fault.TooCostly) {
		t.Errorf("one body too many: %v", err)
	}
}
