package seal

import (
	"sync"

	"github.com/wardkeep/wardkeep/internal/seal/box"
)

// runs holds, for each tenant key in use, the run of boxes under way.
type runs struct {
	mu     sync.Mutex
	list   map[purpose]run
	closed bool
}

type run struct {
	version uint32
	boxes   *box.Run
}

// seal appends a box under the tenant key, of the run under way or of a new one.
func (r *runs) seal(dst []byte, p purpose, t *tenantKey, aad, plaintext []byte) []byte {
	for {
		boxes := r.of(p, t)
		if out, ok := boxes.Seal(dst, aad, plaintext); ok {
			return out
		}
		r.end(p, boxes)
	}
}

func (r *runs) of(p purpose, t *tenantKey) *box.Run {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, ok := r.list[p]
	if !ok || now.version != t.version {
		now = run{t.version, box.NewRun(&t.key, valueInfo)}
		if r.closed {
			return now.boxes // for a value that was under way, and kept by nobody
		}
		if r.list == nil {
			r.list = map[purpose]run{}
		}
		r.list[p] = now
	}
	return now.boxes
}

// end forgets a run that is over.
func (r *runs) end(p purpose, boxes *box.Run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.list[p].boxes == boxes {
		delete(r.list, p)
	}
}

func (r *runs) wipe() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list, r.closed = nil, true
}
