package pebble

import (
	"fmt"
	"strings"
)

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
