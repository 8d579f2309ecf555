package vault

import (
	"context"
	"crypto/hmac"
	"fmt"
	"io"
	"sync"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
)

// nameCacheSize bounds the names remembered; a name never changes its key once
// committed, so an entry is never wrong.
const nameCacheSize = 1 << 17

// nameCache remembers which key a type and id have.
type nameCache struct {
	mu   sync.RWMutex
	keys map[TypeID]record.Key
}

func newNameCache() *nameCache { return &nameCache{keys: map[TypeID]record.Key{}} }

func (c *nameCache) get(id TypeID) (record.Key, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	key, ok := c.keys[id]
	return key, ok
}

func (c *nameCache) put(names map[TypeID]record.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.keys)+len(names) > nameCacheSize {
		clear(c.keys)
	}
	for id, key := range names {
		c.keys[id] = key
	}
}

// Keys returns the record keys of ids in order, the zero key for those never
// mentioned.
func (v *Vault) Keys(ctx context.Context, ids []TypeID) ([]record.Key, error) {
	known, err := v.lookup(ctx, ids)
	if err != nil {
		return nil, err
	}
	keys := make([]record.Key, len(ids))
	for i, id := range ids {
		keys[i] = known[id]
	}
	return keys, nil
}

// lookup returns the keys of those ids that have one.
func (v *Vault) lookup(ctx context.Context, ids []TypeID) (map[TypeID]record.Key, error) {
	known := make(map[TypeID]record.Key, len(ids))
	var missing []TypeID
	var digests [][]byte
	for _, id := range ids {
		if _, seen := known[id]; seen {
			continue
		}
		if key, ok := v.names.get(id); ok {
			known[id] = key
			continue
		}
		known[id] = record.Key{}
		missing = append(missing, id)
		digests = append(digests, v.sealer.NameDigest(id.Type, id.ID))
	}
	if len(missing) == 0 {
		return known, nil
	}
	values, err := v.store.Cells(ctx, record.SpaceName, digests)
	if err != nil {
		return nil, v.storeFault("vault.lookup", err)
	}
	found := map[TypeID]record.Key{}
	for i, id := range missing {
		switch {
		case values[i] == nil:
			delete(known, id)
		default:
			key, ok := v.allotted(digests[i], values[i])
			if !ok {
				return nil, fault.Wrap(fault.Internal, "vault.lookup", errDamagedName)
			}
			known[id], found[id] = key, key
		}
	}
	v.names.put(found)
	return known, nil
}

// allotmentFormat is the first byte of the value of every name cell.
const allotmentFormat = 1

// allotment is what the cell of a name holds: the key, and a tag that binds it to
// the name. Without the tag whoever holds the database could let one patient's
// name lead to another one's key, and so to whom that one's ward may see.
func (v *Vault) allotment(digest []byte, key record.Key) []byte {
	return append(append([]byte{allotmentFormat}, key[:]...), v.sealer.ShortDigest("allotment", string(digest)+string(key[:]))...)
}

func (v *Vault) allotted(digest, value []byte) (key record.Key, ok bool) {
	if len(value) < 1+len(key) {
		return key, false
	}
	key = record.Key(value[1 : 1+len(key)])
	return key, hmac.Equal(value, v.allotment(digest, key))
}

// allot gives every id a key: the one it has, or a new random one together with
// the cell that records it and the guard that no one else did meanwhile.
func (v *Vault) allot(ctx context.Context, ids []TypeID, b *record.Batch) (map[TypeID]record.Key, error) {
	known, err := v.lookup(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if _, ok := known[id]; ok {
			continue
		}
		var key record.Key
		if _, err := io.ReadFull(v.rand, key[:]); err != nil {
			return nil, fmt.Errorf("vault.allot: %w", err)
		}
		known[id] = key
		digest := v.sealer.NameDigest(id.Type, id.ID)
		b.Cells = append(b.Cells, record.Cell{Space: record.SpaceName, Name: digest, Value: v.allotment(digest, key)})
		b.Guards = append(b.Guards, record.Guard{Cell: &record.Cell{Space: record.SpaceName, Name: digest}})
	}
	return known, nil
}
