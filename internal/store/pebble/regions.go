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
	// An index of up to smallIndex bytes is put in order whenever it lies in layers, a
	// larger one once the upper layers hold one part in worthwhile of it.
	smallIndex = 64 << 20
	worthwhile = 8

	muchWritten = 4 << 20 // in the memtable: worth a file
)

// Tidy puts the index into one layer, if it lies in several and they are worth it: a
// search looks for each of its lists in each of the layers. Call it after much was
// written, and now and then. Other calls go on meanwhile.
func (s *Store) Tidy(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return fmt.Errorf("pebble.Tidy: %w", err)
	}
	defer s.gate.leave()
	if s.frozen() {
		return nil
	}
	if err := s.tidy(ctx); err != nil {
		return fmt.Errorf("pebble.Tidy: %w", damage(err))
	}
	return nil
}

func (s *Store) tidy(ctx context.Context) error {
	if s.db.Metrics().MemTable.Size >= muchWritten {
		if err := s.db.Flush(); err != nil {
			return err
		}
	}
	for _, index := range indexes {
		upper, all, err := s.layers(index)
		if err != nil {
			return err
		}
		if !worthTidying(upper, all) {
			continue
		}
		if err := s.db.Compact(ctx, index[:1], index[1:], false); err != nil {
			return err
		}
	}
	return nil
}

func worthTidying(upper, all uint64) bool {
	return upper > 0 && (all <= smallIndex || upper >= all/worthwhile)
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
