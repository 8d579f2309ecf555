package seal

import (
	"sync"

	"github.com/wardkeep/wardkeep/internal/seal/box"
)

// runs holds, for each tenant key in use, the run of boxes under way.
type runs struct {
	mu   sync.Mutex
	list map[purpose]run
}

type run struct {
	version uint32
	boxes   *box.Run
}

// seal appends a box under the tenant key, of the run under way or of a new one.
func (r *runs) seal(dst []byte, p purpose, t *tenantKey, aad, plaintext []byte) []byte {
	for {
		if out, ok := r.of(p, t).Seal(dst, aad, plaintext); ok {
			return out
		}
		r.end(p)
	}
}

func (r *runs) of(p purpose, t *tenantKey) *box.Run {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, ok := r.list[p]
	if !ok || now.version != t.version {
		if r.list == nil {
			r.list = map[purpose]run{}
		}
		now = run{t.version, box.NewRun(&t.key, valueInfo)}
		r.list[p] = now
	}
	return now.boxes
}

func (r *runs) end(p purpose) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.list, p)
}

func (r *runs) wipe() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = nil
}
