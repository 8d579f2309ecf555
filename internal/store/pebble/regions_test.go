package pebble_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
)

// regionOf tells in which files a key may lie together with others.
func regionOf(key []byte) string {
	switch tag := string(key[0]); {
	case strings.Contains("abl", tag):
		return tag
	case tag < "l":
		return "c to h"
	}
	return "after l"
}

// TestFilesOfRegions: what is written in the order of its keys shares no file with
// what is not, so that it need not be written again when that is compacted.
func TestFilesOfRegions(t *testing.T) {
	s, err := pebble.Open(pebble.Config{Dir: "store", FS: vfs.NewMem(), MemTableSize: 1 << 20, CacheSize: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l := newLoad(1)
	counter := uint64(0)
	for range 12 {
		for range 20 {
			first := counter + 1
			counter++
			commit(t, s, record.Batch{
				Puts: l.bundle(5), Shard: 7, Time: time.Unix(int64(counter), 0),
				Cells: []record.Cell{{Space: record.SpaceName, Name: l.bytes(8), Value: []byte("v")}},
				Link: func() (record.LogRun, error) {
					return record.LogRun{First: first, Entries: [][]byte{l.bytes(400)}}, nil
				},
			})
		}
		if err := pebble.Flush(s); err != nil {
			t.Fatal(err)
		}
	}
	files, err := pebble.Files(s)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, f := range files {
		if regionOf(f[0]) != regionOf(f[1]) {
			t.Errorf("a file reaches from %c to %c", f[0][0], f[1][0])
		}
		seen[regionOf(f[0])]++
	}
	for _, region := range []string{"a", "b", "c to h", "l", "after l"} {
		if seen[region] == 0 {
			t.Errorf("no file holds keys of region %q: %v", region, seen)
		}
	}
}
