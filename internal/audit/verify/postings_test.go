package verify_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/record"
)

func parsePostings(name, value []byte) (list []verify.Posting, err error) {
	err = verify.ParsePostings(name, value, func(p verify.Posting) { list = append(list, p) })
	return list, err
}

func TestPostingsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Uint64Max(math.MaxInt64).Draw(t, "first")
		some := rapid.SliceOf(rapid.Custom(func(t *rapid.T) verify.Posting {
			token := rapid.OneOf(rapid.Uint64Max(3), rapid.Uint64()).Draw(t, "token")
			return verify.Posting{Token: record.Token(token), Leaf: first + rapid.Uint64Max(verify.RunLeaves-1).Draw(t, "leaf")}
		})).Draw(t, "postings")
		list := verify.SortPostings(some)
		got, err := parsePostings(verify.StepName(1, first), verify.AppendPostingsCell(nil, first, list))
		if err != nil || !slices.Equal(got, list) {
			t.Fatalf("wrote %v, read %v: %v", list, got, err)
		}
	})
}

func TestPostingsRefuses(t *testing.T) {
	name := verify.RunName(1, 0, 0)
	token := []byte{0, 0, 0, 0, 0, 0, 0, 7}
	cell := func(parts ...[]byte) []byte { return slices.Concat(append([][]byte{{1}}, parts...)...) }
	if got, err := parsePostings(name, cell(token, []byte{2, 0, 1})); err != nil || len(got) != 2 {
		t.Fatalf("a good cell is refused: %v, %v", got, err)
	}
	for what, bad := range map[string]struct{ name, value []byte }{
		"no value":            {name, nil},
		"unknown format":      {name, []byte{2}},
		"short name":          {name[:9], cell(token, []byte{1, 0})},
		"half a token":        {name, cell(token[:7])},
		"no count":            {name, cell(token)},
		"count of none":       {name, cell(token, []byte{0})},
		"count of too many":   {name, cell(token, []byte{0x81, 0x20, 0})},
		"fewer than counted":  {name, cell(token, []byte{2, 0})},
		"twice the same leaf": {name, cell(token, []byte{2, 5, 0})},
		"twice the token":     {name, cell(token, []byte{1, 0}, token, []byte{1, 1})},
		"tokens out of order": {name, cell(token, []byte{1, 0}, make([]byte, 8), []byte{1, 0})},
		"beyond the run":      {name, cell(token, []byte{1, 0x80, 0x20})},
		"beyond all leaves":   {slices.Concat(name[:len(name)-8], slices.Repeat([]byte{0xff}, 8)), cell(token, []byte{1, 0})},
		"half a number":       {name, cell(token, []byte{1, 0x80})},
	} {
		if got, err := parsePostings(bad.name, bad.value); err == nil {
			t.Errorf("%s was accepted: %v", what, got)
		}
	}
}

func FuzzParsePostings(f *testing.F) {
	f.Add(verify.RunName(1, 2, 300), verify.AppendPostingsCell(nil, 300, []verify.Posting{{Token: 5, Leaf: 300}, {Token: 5, Leaf: 4000}, {Token: 1 << 63, Leaf: 301}}))
	f.Fuzz(func(t *testing.T, name, value []byte) {
		list, err := parsePostings(name, value)
		if err != nil {
			return
		}
		first, err := verify.PostingsFirst(name)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSortedFunc(list, verify.ComparePostings) {
			t.Fatalf("out of order: %v", list)
		}
		for _, p := range list {
			if p.Leaf < first || p.Leaf-first >= verify.RunLeaves {
				t.Fatalf("leaf %d is not of the run from %d on", p.Leaf, first)
			}
		}
	})
}
