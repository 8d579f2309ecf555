package pebble

import (
	"io"
	"sync"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/wardkeep/wardkeep/internal/store/posting"
)

// merger unites containers. Its name is stored with the folder: a change of
// what it does needs a new one, and a new formatVersion.
func merger() *lsm.Merger {
	pool := &sync.Pool{New: func() any { return new(union) }}
	return &lsm.Merger{
		Name: "wardkeep.posting.1",
		Merge: func(_, value []byte) (lsm.ValueMerger, error) {
			u := pool.Get().(*union)
			u.pool = pool
			return u, u.set.Decode(value)
		},
	}
}

// union gathers the operands of one key. Their order does not matter.
type union struct {
	set  posting.Set
	box  []byte
	pool *sync.Pool
}

func (u *union) MergeNewer(value []byte) error { return u.set.Or(value) }
func (u *union) MergeOlder(value []byte) error { return u.set.Or(value) }

func (u *union) Finish(bool) ([]byte, io.Closer, error) {
	u.box = u.set.AppendTo(u.box[:0])
	return u.box, u, nil
}

// Close gives the memory back; the tree calls it when it is done with the
// bytes that Finish returned.
func (u *union) Close() error {
	u.pool.Put(u)
	return nil
}
