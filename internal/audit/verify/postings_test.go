package verify_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
)

func TestPostingRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Uint64Max(1<<62).Draw(t, "first")
		leaves := []uint64{first}
		for _, step := range rapid.SliceOf(rapid.Uint64Range(1, 300)).Draw(t, "steps") {
			if next := leaves[len(leaves)-1] + step; next < first+verify.PostingSpan {
				leaves = append(leaves, next)
			}
		}
		name := verify.PostingName(7, 1, first)[len(verify.PostingPrefix(7, 1)):]
		got, err := verify.ParsePosting(name, verify.AppendPosting(nil, leaves))
		if err != nil || !slices.Equal(got, leaves) {
			t.Fatalf("wrote %v, read %v: %v", leaves, got, err)
		}
	})
}

func TestPostingRefuses(t *testing.T) {
	eight := make([]byte, 8)
	for name, cell := range map[string][2][]byte{
		"no value":         {eight, nil},
		"unknown format":   {eight, {2}},
		"short name":       {eight[1:], {1}},
		"twice the same":   {eight, {1, 0}},
		"beyond the span":  {eight, append([]byte{1, 1}, binary.AppendUvarint(nil, verify.PostingSpan-1)...)},
		"half a number":    {eight, {1, 0x80}},
		"beyond all leafs": {slices.Repeat([]byte{0xff}, 8), {1, 1}},
	} {
		if got, err := verify.ParsePosting(cell[0], cell[1]); err == nil {
			t.Errorf("%s was accepted: %v", name, got)
		}
	}
}

func FuzzParsePosting(f *testing.F) {
	f.Add(make([]byte, 8), []byte{1, 1, 5})
	f.Fuzz(func(t *testing.T, name, value []byte) {
		leaves, err := verify.ParsePosting(name, value)
		if err != nil {
			return
		}
		if !slices.IsSorted(leaves) || leaves[len(leaves)-1]-leaves[0] >= verify.PostingSpan {
			t.Fatalf("out of order or of bounds: %v", leaves)
		}
	})
}
