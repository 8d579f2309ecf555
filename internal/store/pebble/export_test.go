package pebble

import (
	"errors"
	"fmt"
	"strings"

	lsm "github.com/cockroachdb/pebble/v2"
)

// Edit changes stored entries behind the store's back; a nil value deletes.
func Edit(s *Store, key, value []byte) error {
	if value == nil {
		return s.db.Delete(key, lsm.Sync)
	}
	return s.db.Set(key, value, lsm.Sync)
}

// Fatal is what the tree does when it can keep no promise any more.
func Fatal() { quiet{}.Fatalf("%s: %d", "a key", 7) }

// Dump returns every key and value in hex, one pair a line.
func Dump(s *Store) string {
	it, err := s.db.NewIter(nil)
	if err != nil {
		panic(err)
	}
	defer func() { _ = it.Close() }()
	var out strings.Builder
	for ok := it.First(); ok; ok = it.Next() {
		fmt.Fprintf(&out, "%c %x = %x\n", it.Key()[0], it.Key()[1:], it.Value())
	}
	return out.String()
}

// Files returns the first and the last key of each file of the tree.
func Files(s *Store) (bounds [][2][]byte, err error) {
	levels, err := s.db.SSTables()
	if err != nil {
		return nil, err
	}
	for _, level := range levels {
		for _, f := range level {
			bounds = append(bounds, [2][]byte{f.Smallest.UserKey, f.Largest.UserKey})
		}
	}
	return bounds, nil
}

// Flush writes the memtable out.
func Flush(s *Store) error { return s.db.Flush() }

// Layers returns how many bytes of the indexes lie above the lowest layer.
func Layers(s *Store) (upper uint64, err error) {
	for _, index := range indexes {
		u, _, failed := s.layers(index)
		upper, err = upper+u, errors.Join(err, failed)
	}
	return upper, err
}

// WorthTidying is when Tidy puts an index in order.
func WorthTidying(upper, all uint64) bool { return worthTidying(upper, all) }
