package pebble_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
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

// layered is a store that wrote its memtable out so many times.
func layered(t *testing.T, times uint64) *pebble.Store {
	s, err := pebble.Open(pebble.Config{Dir: "store", FS: vfs.NewMem(), MemTableSize: 1 << 20, CacheSize: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	l := newLoad(1)
	for i := range 20 * times {
		commit(t, s, record.Batch{
			Puts: l.bundle(5), Shard: 7, Time: time.Unix(int64(i), 0),
			Cells: []record.Cell{{Space: record.SpaceName, Name: l.bytes(8), Value: []byte("v")}},
			Link: func() (record.LogRun, error) {
				return record.LogRun{First: i + 1, Entries: [][]byte{l.bytes(400)}}, nil
			},
		})
		if i%20 == 19 {
			if err := pebble.Flush(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

// TestFilesOfRegions: what is written in the order of its keys shares no file with
// what is not, so that it need not be written again when that is compacted.
func TestFilesOfRegions(t *testing.T) {
	s := layered(t, 12)
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

// TestTidy: afterwards the index is in one layer, says the same, and is left alone.
func TestTidy(t *testing.T) {
	s := layered(t, 3) // too few for the tree to put them in order by itself
	before := pebble.Dump(s)
	if upper, err := pebble.Layers(s); err != nil || upper == 0 {
		t.Fatalf("%d bytes in upper layers before: %v", upper, err)
	}
	if err := s.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if upper, err := pebble.Layers(s); err != nil || upper != 0 {
		t.Errorf("%d bytes in upper layers after: %v", upper, err)
	}
	if pebble.Dump(s) != before {
		t.Error("the store holds something else after it was put in order")
	}
	files, err := pebble.Files(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again, err := pebble.Files(s); err != nil || !reflect.DeepEqual(again, files) {
		t.Errorf("an index in order was written again: %v", err)
	}
}

func TestWorthTidying(t *testing.T) {
	const small, large, some = 64 << 20, 8 << 30, 1 << 20
	for _, tt := range []struct {
		upper, all uint64
		want       bool
	}{{0, small, false}, {some - 1, small, false}, {some, small, true}, {3, 20, true}, {some, large, false}, {large/8 - 1, large, false}, {large / 8, large, true}, {0, large, false}} {
		if got := pebble.WorthTidying(tt.upper, tt.all); got != tt.want {
			t.Errorf("%d of %d bytes above: %t", tt.upper, tt.all, got)
		}
	}
}

// TestTidyEnds: with its context, with the store, and before a store that takes no writes.
func TestTidyEnds(t *testing.T) {
	s := layered(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Tidy(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("by an ended context: %v", err)
	}
	if upper, err := pebble.Layers(s); err != nil || upper == 0 {
		t.Fatalf("it went on: %d bytes in upper layers, %v", upper, err)
	}
	done := make(chan error)
	go func() { done <- s.Tidy(t.Context()) }()
	if err := s.Close(); err != nil {
		t.Errorf("closed beside it: %v", err)
	}
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, store.ErrClosed) {
		t.Errorf("beside Close: %v", err)
	}
	if err := s.Tidy(t.Context()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
