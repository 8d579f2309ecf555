package seal

import (
	"context"
	"encoding/binary"
	"io"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/record"
)

// held is an owner's key ready to seal under.
type held struct {
	owner
	ownerKey
	cell *record.Cell // to commit, guarded by its absence; nil if it is there
}

// pendingKeys are keys that were made but not seen in the store yet. All
// batches of this process that need the owner carry the same key, so several
// records of one batch agree, and of several batches one wins and the others
// fail with a guard, read the store when they are sealed again, and go on.
type pendingKeys struct {
	mu   sync.Mutex
	keys map[owner]pendingKey
}

type pendingKey struct {
	held
	since time.Time
}

// pendingAge is far longer than any batch may take to commit (record.MaxSkew).
const pendingAge = 10 * record.MaxSkew

func (p *pendingKeys) get(o owner) (held, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, ok := p.keys[o]
	return k.held, ok
}

// getOr returns the pending key or keeps the one that make returns.
func (p *pendingKeys) getOr(o owner, now time.Time, make func() (held, error)) (held, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if k, ok := p.keys[o]; ok {
		return k.held, nil
	}
	h, err := make()
	if err != nil {
		return held{}, err
	}
	if p.keys == nil {
		p.keys = map[owner]pendingKey{}
	}
	for old, k := range p.keys {
		if now.Sub(k.since) > pendingAge {
			delete(p.keys, old)
		}
	}
	p.keys[o] = pendingKey{held: h, since: now}
	return h, nil
}

func (p *pendingKeys) drop(o owner) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.keys, o)
}

func (p *pendingKeys) wipe() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.keys)
}

// hold returns the current key of each owner and makes those that do not
// exist. It reads the store at most once.
func (s *Sealer) hold(ctx context.Context, owners []owner) ([]held, error) {
	now := s.clock.Now()
	out := make([]held, len(owners))
	var missing []owner
	for i, o := range owners {
		k, ok := s.cache.current(o, now)
		if !ok {
			missing = append(missing, o)
			continue
		}
		out[i] = held{owner: o, ownerKey: k}
	}
	if missing == nil {
		return out, nil
	}
	found, err := s.load(ctx, missing)
	if err != nil {
		return nil, err
	}
	for i, at := 0, 0; i < len(out); i++ {
		if out[i].kind != 0 {
			continue
		}
		if keys := found[at]; keys != nil {
			out[i] = held{owner: owners[i], ownerKey: keys[0]}
		} else if out[i], err = s.pend(owners[i], now); err != nil {
			return nil, err
		}
		at++
	}
	return out, nil
}

// load reads the owners' cells, keeps their keys in the cache, and returns
// them in order; nil stands for an owner without a cell.
func (s *Sealer) load(ctx context.Context, owners []owner) ([][]ownerKey, error) {
	names := make([][]byte, len(owners))
	for i, o := range owners {
		names[i] = s.cellName(o)
	}
	values, err := s.cells.Cells(ctx, record.SpaceKey, names)
	if err != nil {
		return nil, cellsFailed(err)
	}
	if len(values) != len(names) {
		return nil, cellsFailed(io.ErrUnexpectedEOF)
	}
	now := s.clock.Now()
	out := make([][]ownerKey, len(owners))
	for i, o := range owners {
		if len(values[i]) == 0 {
			continue
		}
		keys, err := s.unwrapOwnerCell(o, values[i])
		if err != nil {
			return nil, err
		}
		s.cache.put(o, keys, now)
		s.pending.drop(o)
		out[i] = keys
	}
	return out, nil
}

// pend returns the owner's pending key, and makes one if there is none.
func (s *Sealer) pend(o owner, now time.Time) (held, error) {
	return s.pending.getOr(o, now, func() (held, error) {
		h := held{owner: o}
		if _, err := io.ReadFull(s.random, h.ownerKey.key[:]); err != nil {
			return held{}, err
		}
		var err error
		if h.version, err = s.firstVersion(); err != nil {
			return held{}, err
		}
		entry, err := s.wrapOwnerKey(o, &h.ownerKey)
		if err != nil {
			return held{}, err
		}
		cell := s.ownerCell(o, append([]byte{formatVersion}, entry...))
		h.cell = &cell
		return h, nil
	})
}

// firstVersion numbers a new key at random from 1 to 2^20 (at most three bytes
// when stored), so that a key made after a shred is not taken for the one
// removed.
func (s *Sealer) firstVersion() (uint32, error) {
	var b [4]byte
	if _, err := io.ReadFull(s.random, b[:]); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(b[:])>>12 + 1, nil
}

// Forget drops a patient's key from memory. Whoever shreds a patient calls it
// on every process; elsewhere the key lives on until the cache expires.
func (s *Sealer) Forget(key record.Key) {
	s.cache.drop(patient(key))
	s.pending.drop(patient(key))
}

// Shred returns the cell whose commit removes every version of a patient's
// key. What was sealed for that patient alone can never be opened again,
// except from older copies of the store.
func (s *Sealer) Shred(key record.Key) record.Cell {
	return s.ownerCell(patient(key), nil)
}
