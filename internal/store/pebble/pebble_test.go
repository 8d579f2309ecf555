package pebble_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
	"github.com/wardkeep/wardkeep/internal/store/storetest"
)

// small is a configuration that flushes often.
func small(dir string, fs vfs.FS) pebble.Config {
	return pebble.Config{Dir: dir, FS: fs, MemTableSize: 256 << 10, CacheSize: 4 << 20}
}

func mustOpen(t testing.TB, cfg pebble.Config) *pebble.Store {
	t.Helper()
	s, err := pebble.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		storetest.Run(t, func(t testing.TB) store.Store { return mustOpen(t, small("store", vfs.NewMem())) })
	})
	t.Run("disk", func(t *testing.T) {
		storetest.Run(t, func(t testing.TB) store.Store { return mustOpen(t, small(t.TempDir(), nil)) })
	})
}

func TestReopen(t *testing.T) {
	storetest.RunReopen(t, func(t testing.TB) func() store.Store {
		fs := vfs.NewMem()
		return func() store.Store { return mustOpen(t, small("store", fs)) }
	})
}
