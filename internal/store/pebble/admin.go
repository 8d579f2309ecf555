package pebble

import (
	"context"
	"fmt"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Stats says what a store holds and what it costs.
type Stats struct {
	Last       record.Position // versions ever committed
	DiskBytes  uint64          // of all files, the log included
	LogBytes   uint64          // of the write-ahead log
	TableBytes uint64
	Tables     int
	ReadAmp    int    // files a point read may have to look at
	Debt       uint64 // bytes that compactions still have to move
	Failed     bool   // no more writes are taken
}

// Stats returns the store's figures.
func (s *Store) Stats() Stats {
	if !s.gate.enter() {
		return Stats{Failed: s.failed.Load()}
	}
	defer s.gate.leave()
	m := s.db.Metrics()
	total := m.Total()
	s.commit.Lock()
	last := s.last
	s.commit.Unlock()
	return Stats{
		Last:       last,
		DiskBytes:  m.DiskSpaceUsage(),
		LogBytes:   m.WAL.PhysicalSize,
		TableBytes: uint64(total.TablesSize),
		Tables:     int(total.TablesCount),
		ReadAmp:    m.ReadAmp(),
		Debt:       m.Compact.EstimatedDebt,
		Failed:     s.failed.Load(),
	}
}

// Compact rewrites the whole tree into its densest form. It takes long and
// other calls go on meanwhile.
func (s *Store) Compact(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return fmt.Errorf("pebble.Compact: %w", err)
	}
	defer s.gate.leave()
	if err := s.db.Compact(ctx, []byte{0}, []byte{0xff}, true); err != nil {
		return fmt.Errorf("pebble.Compact: %w", damage(err))
	}
	return nil
}

// Checkpoint implements store.Checkpointer. Every commit whose Commit returned
// before is in the copy; files are linked where the file system can.
func (s *Store) Checkpoint(dir string) error {
	if !s.gate.enter() {
		return fmt.Errorf("pebble.Checkpoint: %w", store.ErrClosed)
	}
	defer s.gate.leave()
	if s.failed.Load() {
		// What reads still see may not all be on the device.
		return fmt.Errorf("pebble.Checkpoint: %w", store.ErrFailed)
	}
	if err := s.db.Checkpoint(dir, lsm.WithFlushedWAL()); err != nil {
		return fmt.Errorf("pebble.Checkpoint: %w", damage(err))
	}
	return nil
}
