package pebble_test

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// TestLogMemory: entries that are read together share memory, and a large one among
// small ones takes no more than its own size.
func TestLogMemory(t *testing.T) {
	s := mustOpen(t, small("store", vfs.NewMem()))
	var entries [][]byte
	for i := range 100 {
		entries = append(entries, bytes.Repeat([]byte{byte(i)}, 300+i))
	}
	const large = 8 << 20
	entries = append(entries, make([]byte, large), []byte("last"))
	must(t, s, record.Batch{Shard: 7, Link: func() (record.LogRun, error) {
		return record.LogRun{First: 1, Entries: entries}, nil
	}})
	var got []store.Entry
	took := ^uint64(0)
	for range 5 { // the least of some: the memtable may be written out meanwhile
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var err error
		got, err = s.Log(t.Context(), 7, 1, 0)
		runtime.ReadMemStats(&after)
		if err != nil || len(got) != len(entries) {
			t.Fatalf("%d entries: %v", len(got), err)
		}
		took = min(took, after.TotalAlloc-before.TotalAlloc)
	}
	for i, e := range got {
		if e.Counter != uint64(i+1) || !bytes.Equal(e.Bytes, entries[i]) {
			t.Fatalf("entry %d is another one", i+1)
		}
		_ = append(e.Bytes, "must not reach the next"...)
	}
	if !bytes.Equal(got[1].Bytes, entries[1]) {
		t.Error("what is appended to an entry reaches the next")
	}
	if took > 4*large {
		t.Errorf("reading %d bytes took %d", large, took)
	}
}
