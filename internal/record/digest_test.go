package record_test

import (
	"testing"

	"github.com/wardkeep/wardkeep/internal/record"
)

func TestContentDigestTellsVersionsApart(t *testing.T) {
	base := record.ContentDigest(1, false, []byte("ab"), []byte("c"))
	for name, other := range map[string][32]byte{
		"class":    record.ContentDigest(2, false, []byte("ab"), []byte("c")),
		"deleted":  record.ContentDigest(1, true, []byte("ab"), []byte("c")),
		"body":     record.ContentDigest(1, false, []byte("aB"), []byte("c")),
		"boundary": record.ContentDigest(1, false, []byte("a"), []byte("bc")),
	} {
		if other == base {
			t.Errorf("%s is not covered", name)
		}
	}
}

func TestIndexDigestIsOfSets(t *testing.T) {
	a, b := record.Edge{Rel: 1, To: record.Key{1}}, record.Edge{Rel: 1, To: record.Key{2}}
	one := record.IndexDigest([]record.Token{3, 1, 2}, []record.Edge{a, b})
	two := record.IndexDigest([]record.Token{2, 3, 1, 1}, []record.Edge{b, a, a})
	if one != two {
		t.Error("order or repetition changed the digest")
	}
	if one == record.IndexDigest([]record.Token{3, 1}, []record.Edge{a, b}) ||
		one == record.IndexDigest([]record.Token{3, 1, 2}, []record.Edge{a}) {
		t.Error("a lost token or edge did not change the digest")
	}
}

func TestIndexDigestLeavesItsArgumentsAlone(t *testing.T) {
	tokens := []record.Token{3, 1, 2}
	record.IndexDigest(tokens, nil)
	if tokens[0] != 3 || tokens[1] != 1 || tokens[2] != 2 {
		t.Error("the caller's tokens were sorted in place")
	}
}
