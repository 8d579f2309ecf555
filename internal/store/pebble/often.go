package pebble

import (
	"sync"
	"sync/atomic"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store/posting"
)

// often keeps what store.Often found. A version's lists change only when it is
// amended: then all is forgotten, and of views opened before, or meanwhile, nothing
// is taken.
type often struct {
	amends atomic.Uint64 // even; odd while amends are applied

	mu    sync.RWMutex
	found map[[32]byte]*posting.Kept
	bytes int
}

// maxOften bounds the memory of what is kept; beyond it all is forgotten.
const maxOften = 32 << 20

func (o *often) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.found, o.bytes = nil, 0
}

// amending is called before a batch is applied, and the function it returns once
// it is visible. Commits come one at a time.
func (o *often) amending(b *record.Batch) (amended func()) {
	if len(b.Amends) == 0 {
		return func() {}
	}
	o.amends.Add(1)
	o.forget()
	return func() { o.amends.Add(1) }
}

// Kept implements posting.Keeper.
func (v *view) Kept(name [32]byte) *posting.Kept {
	if v.often == nil {
		return nil
	}
	v.often.mu.RLock()
	defer v.often.mu.RUnlock()
	if v.often.amends.Load() != v.amends {
		return nil
	}
	return v.often.found[name]
}

// Keep implements posting.Keeper. What reaches further is kept of two.
func (v *view) Keep(name [32]byte, found *posting.Kept) {
	if v.often == nil || found.Bytes > maxOften/8 {
		return
	}
	o := v.often
	o.mu.Lock()
	defer o.mu.Unlock()
	old := o.found[name]
	if o.amends.Load() != v.amends || old != nil && old.Until >= found.Until {
		return
	}
	if old != nil {
		o.bytes -= old.Bytes
	}
	if o.found == nil || o.bytes+found.Bytes > maxOften {
		o.found, o.bytes = map[[32]byte]*posting.Kept{}, 0
	}
	o.found[name] = found
	o.bytes += found.Bytes
}
