package pebble

import (
	"context"
	"fmt"

	lsm "github.com/cockroachdb/pebble/v2"
)

// borders divide the keys into regions: rows, bodies, what is looked up by key or
// list, audit entries, and the rest, which is looked up, too.
var borders = [...]byte{tagBody, tagClass, tagLog, tagLog + 1}

// regions keeps files from reaching across borders. Rows, bodies and audit entries are
// written in the order of their keys: a file of nothing else overlaps no older one, and
// need not be written again when other regions are compacted.
func regions(start []byte) (policy lsm.SpanPolicy, end []byte, err error) {
	for _, border := range borders {
		if len(start) == 0 || start[0] < border {
			return lsm.SpanPolicy{}, []byte{border}, nil
		}
	}
	return lsm.SpanPolicy{}, nil, nil
}

// indexes are the regions in which keys come at random, from and up to a tag.
var indexes = [...][2]byte{{tagClass, tagLog}, {tagLog + 1, tagStore + 1}}

const (
	// An index is put in order once its upper layers hold one part in worthwhile of it,
	// one of up to smallIndex bytes once they hold someBytes.
	worthwhile = 8
	smallIndex = 64 << 20
	someBytes  = 1 << 20

	muchWritten = 4 << 20   // to the log since the last time: worth a file
	piece       = 128 << 20 // of an index that is put in order at once
)

// Tidy puts the index into one layer, if it lies in several and they are worth it: a
// search looks for each of its lists in each of the layers. Call it after much was
// written, and now and then; a second call beside it does nothing. Other calls go on
// meanwhile. It writes the index anew in pieces, stops between them when ctx or the
// store ends, and needs free space on the device for one.
func (s *Store) Tidy(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return fmt.Errorf("pebble.Tidy: %w", err)
	}
	defer s.gate.leave()
	if s.frozen() || !s.tidying.TryLock() {
		return nil
	}
	defer s.tidying.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.open, cancel)()
	if err := s.tidy(ctx); err != nil {
		return fmt.Errorf("pebble.Tidy: %w", damage(err))
	}
	return nil
}

func (s *Store) tidy(ctx context.Context) error {
	if written := s.db.Metrics().WAL.BytesWritten; written-s.tidied >= muchWritten {
		s.tidied = written
		if err := s.flush(ctx); err != nil {
			return err
		}
	}
	for _, index := range indexes {
		upper, all, err := s.layers(index)
		if err != nil {
			return err
		}
		if worthTidying(upper, all) {
			if err := s.compact(ctx, index); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush writes the memtable out. On a device that takes nothing the tree tries for
// ever: then it is left behind when ctx ends.
func (s *Store) flush(ctx context.Context) error {
	done, err := s.db.AsyncFlush()
	if err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// compact brings an index into the lowest layer, piece by piece.
func (s *Store) compact(ctx context.Context, index [2]byte) error {
	levels, err := s.db.SSTables()
	if err != nil {
		return err
	}
	from, size := index[:1], uint64(0)
	for _, f := range levels[len(levels)-1] {
		if key := f.Smallest.UserKey; key[0] >= index[0] && key[0] < index[1] && size >= piece {
			if err := s.db.Compact(ctx, from, key, false); err != nil {
				return err
			}
			from, size = key, 0
		}
		if f.Smallest.UserKey[0] >= index[0] {
			size += f.Size
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return s.db.Compact(ctx, from, index[1:], false)
}

func worthTidying(upper, all uint64) bool {
	return upper > 0 && upper >= all/worthwhile || all <= smallIndex && upper >= someBytes
}

// layers returns how many bytes of an index lie above the lowest layer, and in all.
func (s *Store) layers(index [2]byte) (upper, all uint64, err error) {
	levels, err := s.db.SSTables()
	if err != nil {
		return 0, 0, err
	}
	for depth, files := range levels {
		for _, f := range files {
			if f.Largest.UserKey[0] < index[0] || f.Smallest.UserKey[0] >= index[1] {
				continue
			}
			if all += f.Size; depth < len(levels)-1 {
				upper += f.Size
			}
		}
	}
	return upper, all, nil
}
