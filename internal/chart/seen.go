package chart

import (
	"context"
	"slices"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
)

// maxSeenInline is how many records a page's token names itself; of more it names
// the cell in which they lie.
const maxSeenInline = 32

// Forms of the list of records already sent, in a page's token.
const (
	seenInline = 'k' // keys
	seenCell   = 'c' // the id of a cell that holds keys
)

// sealSeen writes the records already sent into the sort key of a cursor.
func (c *Chart) sealSeen(ctx context.Context, seen map[record.Key]bool) ([]byte, error) {
	keys := make([]byte, 0, 1+len(seen)*len(record.Key{}))
	for key := range seen {
		keys = append(keys, key[:]...)
	}
	if len(seen) <= maxSeenInline {
		return append([]byte{seenInline}, keys...), nil
	}
	id := NewID()
	err := c.vault.PutShort(ctx, "seen", id, keys, c.clock.Now().Add(pageLife))
	return append([]byte{seenCell}, id...), err
}

// openSeen reads what sealSeen wrote; without a page before there is nothing.
func (c *Chart) openSeen(ctx context.Context, key []byte) (map[record.Key]bool, error) {
	seen := map[record.Key]bool{}
	if len(key) == 0 {
		return seen, nil
	}
	form, keys := key[0], key[1:]
	if form == seenCell {
		var err error
		if keys, err = c.vault.GetShort(ctx, "seen", string(keys)); fault.Is(err, fault.NotFound) {
			return nil, errPage
		} else if err != nil {
			return nil, err
		}
	}
	for k := range slices.Chunk(keys, len(record.Key{})) {
		if len(k) != len(record.Key{}) {
			return nil, errPage
		}
		seen[record.Key(k)] = true
	}
	return seen, nil
}

// setOf returns a list as a set.
func setOf[T comparable](list []T) map[T]struct{} {
	set := make(map[T]struct{}, len(list))
	for _, one := range list {
		set[one] = struct{}{}
	}
	return set
}
