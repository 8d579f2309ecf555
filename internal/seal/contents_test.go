package seal_test

import (
	"errors"
	"testing"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

// TestContentsAtHandCheckAll: a content that is at hand opens nothing but the
// very bytes under the very name that it was sealed for.
func TestContentsAtHandCheckAll(t *testing.T) {
	s, c := open(t)
	sealed := put(t, s, c, observation, []record.Key{key(1), key(2)}, "body", "card")
	opens := func(ref seal.Ref, card, body []byte) error {
		_, _, err := read(t, s, ref, seal.Sealed{Card: card, Body: body})
		return err
	}
	if err := opens(observation, sealed.Card, sealed.Body); err != nil {
		t.Fatal(err)
	}
	if n, _ := s.CachedContents(); n != 1 {
		t.Fatalf("%d contents at hand", n)
	}
	for i := range sealed.Card {
		card := append([]byte(nil), sealed.Card...)
		card[i] ^= 1
		if opens(observation, card, sealed.Body) == nil {
			t.Fatalf("byte %d of the card can be changed", i)
		}
	}
	for i := range sealed.Body {
		body := append([]byte(nil), sealed.Body...)
		body[i] ^= 1
		if opens(observation, sealed.Card, body) == nil {
			t.Fatalf("byte %d of the body can be changed", i)
		}
	}
	next := observation
	next.Version++
	if opens(next, sealed.Card, sealed.Body) == nil {
		t.Error("it opens as another version")
	}
}

// TestContentsLeaveWithTheirOwner: after a shred, what was open a moment ago does
// not open any more.
func TestContentsLeaveWithTheirOwner(t *testing.T) {
	s, c := open(t)
	alone := put(t, s, c, observation, []record.Key{key(1)}, "alone", "")
	shared := put(t, s, c, observation, []record.Key{key(1), key(2)}, "shared", "")
	for range 2 {
		for _, sealed := range []seal.Sealed{alone, shared} {
			if _, _, err := read(t, s, observation, sealed); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.commit([]record.Cell{s.Shred(key(1))}, nil); err != nil {
		t.Fatal(err)
	}
	s.Forget(key(1))
	if n, owners := s.CachedContents(); n != 0 || owners != 0 {
		t.Errorf("%d contents of %d owners linger", n, owners)
	}
	if _, _, err := read(t, s, observation, alone); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("shredded: %v", err)
	}
	if _, body, err := read(t, s, observation, shared); err != nil || body != "shared" {
		t.Errorf("shared: %v", err)
	}
}

func TestContentsAreBounded(t *testing.T) {
	s, c := open(t)
	s.KeepContents(4)
	var all []seal.Sealed
	for i := range byte(12) {
		all = append(all, put(t, s, c, observation, []record.Key{key(i / 4)}, "b", "c"))
	}
	for range 2 {
		for i := range all {
			if _, _, err := read(t, s, observation, all[i]); err != nil {
				t.Fatal(err)
			}
			if n, owners := s.CachedContents(); n > 4 || n < 1 || owners > 1 {
				t.Fatalf("%d contents of %d owners are at hand", n, owners)
			}
		}
	}
}
