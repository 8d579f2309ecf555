package audit

import (
	"bytes"
	"sync"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/store"
)

// maxFresh bounds the bytes of entries that are remembered; what they tell takes as
// much again.
const maxFresh = 8 << 20

// fresh remembers the entries that this process linked and that are not yet in the
// tree, to spare opening them again. What it has forgotten is read from the store.
type fresh struct {
	mu    sync.Mutex
	list  []linked // counters without a hole
	bytes int
}

// linked is an entry as it was linked.
type linked struct {
	prev    [32]byte
	mark    verify.Mark // after it
	bytes   []byte
	account *verify.Account // nil: a statement
}

func (f *fresh) add(e linked) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.list); f.bytes+len(e.bytes) > maxFresh || n > 0 && f.list[n-1].mark.Counter+1 != e.mark.Counter {
		f.list, f.bytes = nil, 0
	}
	f.list = append(f.list, e)
	f.bytes += len(e.bytes)
}

// get returns the entry that follows a mark, if the store gives it back unchanged.
func (f *fresh) get(mark verify.Mark, stored store.Entry) (linked, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) == 0 || stored.Counter != mark.Counter+1 || stored.Counter < f.list[0].mark.Counter {
		return linked{}, false
	}
	i := stored.Counter - f.list[0].mark.Counter
	if i >= uint64(len(f.list)) || f.list[i].prev != mark.Link || !bytes.Equal(f.list[i].bytes, stored.Bytes) {
		return linked{}, false
	}
	return f.list[i], true
}

// drop forgets the entries up to a counter.
func (f *fresh) drop(counter uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for n < len(f.list) && f.list[n].mark.Counter <= counter {
		f.bytes -= len(f.list[n].bytes)
		n++
	}
	rest := copy(f.list, f.list[n:])
	clear(f.list[rest:])
	f.list = f.list[:rest]
}
