package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/posting"
)

const (
	sweepCells = 256    // expired cells taken out per hold of the commit lock
	sweepLists = 50_000 // containers looked at per call
	sweepShare = 16     // a pass begins when one in so many positions is newly dead
)

// Swept says what one call of Sweep did.
type Swept struct {
	Cells   int  // expired cells deleted
	Looked  int  // containers looked at
	Shrunk  int  // containers written back with fewer positions
	Dropped int  // containers that held only dead positions
	More    bool // there is more to do now
}

// Sweep takes out what no read will ever return again: cells past their time,
// and dead positions in posting lists. It does a bounded piece of work and goes
// on where it stopped, across restarts too; call it until More is false, now
// and then. It never holds commits up for long, and may run beside anything.
//
// Only closed chunks are swept: those that no commit can add to any more,
// because all of their positions are given away and visible. So a container
// that was read cannot change before it is written back.
func (s *Store) Sweep(ctx context.Context) (Swept, error) {
	var done Swept
	if err := s.begin(ctx); err != nil {
		return done, fmt.Errorf("pebble.Sweep: %w", err)
	}
	defer s.gate.leave()
	s.sweep.Lock()
	defer s.sweep.Unlock()
	err := s.sweepExpired(ctx, &done)
	if err == nil {
		err = s.sweepPostings(ctx, &done)
	}
	if err != nil {
		return done, fmt.Errorf("pebble.Sweep: %w", damage(err))
	}
	return done, nil
}

// sweepExpired deletes cells whose time has come, a few at a time.
func (s *Store) sweepExpired(ctx context.Context, done *Swept) error {
	for {
		n, err := s.sweepSomeExpired()
		done.Cells += n
		if err != nil || n == 0 {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// sweepSomeExpired holds the commit lock, so that a cell given a new life
// meanwhile is not deleted. It returns how many notes it worked off.
func (s *Store) sweepSomeExpired() (n int, err error) {
	s.commit.Lock()
	defer s.commit.Unlock()
	if s.frozen() {
		return 0, store.ErrFailed
	}
	v := view{r: s.db}
	it, err := v.iter([]byte{tagExpiry})
	if err != nil {
		return 0, err
	}
	out := s.db.NewBatch()
	now := s.clock.Now().UnixNano()
	for ok := it.First(); ok && n < sweepCells; ok = it.Next() {
		key := it.Key()
		if len(key) < 10 {
			err = damaged("expiry")
			break
		}
		at := int64(binary.BigEndian.Uint64(key[1:]))
		if at > now {
			break
		}
		if err = s.expire(&v, out, at, record.Space(key[9]), key[10:]); err != nil {
			break
		}
		if err = out.Delete(key, nil); err != nil {
			break
		}
		n++
	}
	if err = errors.Join(err, it.Error(), it.Close()); err != nil || n == 0 {
		return 0, errors.Join(err, out.Close())
	}
	return n, s.applyLater(out)
}

// expire deletes a cell unless it was written again with another time.
func (s *Store) expire(v *view, out *lsm.Batch, at int64, space record.Space, name []byte) error {
	v.buf = cellKey(v.buf[:0], space, name)
	same := false
	_, err := v.get(v.buf, func(b []byte) error {
		if len(b) < 8 {
			return damaged("cell")
		}
		same = int64(binary.BigEndian.Uint64(b)) == at
		return nil
	})
	if err == nil && same {
		err = out.Delete(v.buf, nil)
	}
	return err
}

// applyLater applies what may be lost in a crash, because it would be done again.
func (s *Store) applyLater(out *lsm.Batch) (err error) {
	defer func() {
		if recover() != nil {
			s.wedged.Store(true)
			s.fail()
			err = store.ErrFailed
		}
	}()
	return errors.Join(s.db.Apply(out, lsm.NoSync), out.Close())
}

// pass is how far the sweeping of postings has come. It is stored.
type pass struct {
	dead uint64 // dead positions in closed chunks when the pass began
	next []byte // key to go on from; empty: no pass is under way
}

func (p pass) append(dst []byte) []byte { return append(binary.AppendUvarint(dst, p.dead), p.next...) }

func openPass(b []byte) (pass, error) {
	dead, n := binary.Uvarint(b)
	if n <= 0 {
		return pass{}, damaged("sweep")
	}
	return pass{dead, append([]byte(nil), b[n:]...)}, nil
}

func (s *Store) sweepPostings(ctx context.Context, done *Swept) error {
	s.commit.Lock()
	open, _ := posting.Locate(s.last + 1) // chunks below it are closed
	failed := s.frozen()
	s.commit.Unlock()
	if failed {
		return store.ErrFailed
	}
	v := view{r: s.db}
	var p pass
	_, err := v.get(sweepKey(), func(b []byte) (err error) {
		p, err = openPass(b)
		return err
	})
	if err != nil {
		return err
	}
	dead, total, err := v.closedDead(open)
	if err != nil {
		return err
	}
	if len(p.next) == 0 {
		if total < p.dead+uint64(open)*posting.ChunkSize/sweepShare || total == p.dead {
			return nil
		}
		p = pass{dead: total, next: []byte{tagEdge}}
	}
	out := s.db.NewBatch()
	if err := v.sweepFrom(ctx, &p, dead, out, done); err != nil {
		return errors.Join(err, out.Close())
	}
	done.More = len(p.next) > 0
	if err := out.Set(sweepKey(), p.append(nil), nil); err != nil {
		return errors.Join(err, out.Close())
	}
	return s.applyLater(out)
}

// closedDead returns the dead positions of the chunks below open, by chunk,
// and how many they are.
func (v *view) closedDead(open posting.Chunk) (map[posting.Chunk]*posting.Set, uint64, error) {
	it, err := v.iter([]byte{tagDead})
	if err != nil {
		return nil, 0, err
	}
	dead, total := make(map[posting.Chunk]*posting.Set), uint64(0)
	for ok := it.First(); ok && chunkOf(it.Key()) < open; ok = it.Next() {
		set := new(posting.Set)
		b, err := it.ValueAndErr()
		if err == nil {
			err = set.Decode(b)
		}
		if err != nil {
			return nil, 0, errors.Join(err, it.Close())
		}
		dead[chunkOf(it.Key())] = set
		total += uint64(set.Len())
	}
	return dead, total, errors.Join(it.Error(), it.Close())
}

// sweepFrom moves the pass on by a bounded number of containers: first those
// of edges, then those of tokens. Lists of classes keep their dead: history
// walks them.
func (v *view) sweepFrom(ctx context.Context, p *pass, dead map[posting.Chunk]*posting.Set, out *lsm.Batch, done *Swept) error {
	it, err := v.r.NewIter(&lsm.IterOptions{LowerBound: []byte{tagEdge}, UpperBound: []byte{tagToken + 1}})
	if err != nil {
		return err
	}
	var set posting.Set
	ok := it.SeekGE(p.next)
	for ; ok && done.Looked < sweepLists; ok = it.Next() {
		if tag := it.Key()[0]; tag != tagEdge && tag != tagToken {
			if ok = it.SeekGE([]byte{tagToken}); !ok {
				break
			}
		}
		if done.Looked%checkEvery == 0 && ctx.Err() != nil {
			return errors.Join(ctx.Err(), it.Close())
		}
		done.Looked++
		if gone := dead[chunkOf(it.Key())]; gone != nil {
			if err := shrink(it, &set, gone, out, done); err != nil {
				return errors.Join(err, it.Close())
			}
		}
	}
	p.next = nil
	if ok {
		p.next = append(p.next, it.Key()...)
	}
	return errors.Join(it.Error(), it.Close())
}

// shrink writes back the container under it without what is gone, if that
// makes a difference.
func shrink(it *lsm.Iterator, set, gone *posting.Set, out *lsm.Batch, done *Swept) error {
	b, err := it.ValueAndErr()
	if err == nil {
		err = set.Decode(b)
	}
	if err != nil {
		return err
	}
	before := set.Len()
	set.Subtract(gone)
	switch set.Len() {
	case before:
		return nil
	case 0:
		done.Dropped++
		return out.Delete(it.Key(), nil)
	}
	done.Shrunk++
	return out.Set(it.Key(), set.AppendTo(nil), nil)
}
