package pebble

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"time"

	lsm "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/store"
)

const (
	defaultMemTable = 32 << 20
	defaultCache    = 128 << 20
	blockSize       = 4 << 10 // what a read of one row unseals, and the cache keeps
)

// options translates a Config. The format is fixed here, not by a default that
// may change with the library: it includes the log's sync marks, by which a
// damaged log is told from one that a crash cut short.
func options(cfg Config) *lsm.Options {
	o := &lsm.Options{
		FS:                          cfg.FS,
		FormatMajorVersion:          lsm.FormatValueSeparation,
		Merger:                      merger(),
		Logger:                      quiet{cfg.Logger},
		EventListener:               listener(quiet{cfg.Logger}),
		MemTableSize:                defaultMemTable,
		MemTableStopWritesThreshold: 4,
		CacheSize:                   defaultCache,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       24,
		LBaseMaxBytes:               256 << 20,
		BytesPerSync:                1 << 20,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
		MaxOpenFiles:                4096,
	}
	o.ReadOnly = cfg.ReadOnly
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if cfg.MemTableSize > 0 {
		o.MemTableSize = uint64(cfg.MemTableSize)
	}
	if cfg.CacheSize > 0 {
		o.CacheSize = cfg.CacheSize
	}
	// The tree takes the memory of its memtables out of the cache: one that
	// fills and one that is being written out.
	o.CacheSize += 2 * int64(o.MemTableSize)
	o.TargetFileSizes[0] = 8 << 20
	for i := range o.Levels {
		o.Levels[i].BlockSize = blockSize
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	o.ApplyCompressionSettings(func() lsm.DBCompressionSettings { return lsm.DBCompressionBalanced })
	o.Experimental.SpanPolicyFunc = regions
	return o
}

// listener takes damage as news, not as a reason to end the process: whoever
// reads the damaged place gets ErrCorrupt, and all else is served.
func listener(log quiet) *lsm.EventListener {
	return &lsm.EventListener{
		BackgroundError: func(error) { log.Errorf("background work failed and is tried again") },
		DataCorruption:  func(lsm.DataCorruptionInfo) { log.Errorf("a stored file is damaged") },
		DiskSlow:        func(vfs.DiskSlowInfo) { log.Errorf("the device is slow") },
		WriteStallBegin: func(lsm.WriteStallBeginInfo) { log.Errorf("commits wait for compactions") },
	}
}

// openError names the two reasons for which a sound folder does not open.
func openError(err error) error {
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) || strings.Contains(err.Error(), "lock held by current process") {
		return ErrInUse
	}
	return damage(err)
}

// damage marks what the tree calls corruption with the contract's error.
func damage(err error) error {
	if err != nil && lsm.IsCorruptionError(err) && !errors.Is(err, store.ErrCorrupt) {
		// The tree's text can quote keys; it stops here.
		return store.ErrCorrupt
	}
	return err
}

// quiet passes the tree's messages on without what they quote: keys and file
// contents appear as arguments, so only numbers and durations survive.
type quiet struct{ to *slog.Logger }

func (q quiet) Infof(format string, args ...any)  { q.log(slog.LevelDebug, format, args) }
func (q quiet) Errorf(format string, args ...any) { q.log(slog.LevelError, format, args) }

// Fatalf MUST NOT return: the tree calls it when it can keep no promise any
// more. On a committing goroutine the panic becomes ErrFailed; elsewhere it
// ends the process, which then recovers from the log.
func (q quiet) Fatalf(format string, args ...any) {
	q.log(slog.LevelError, format, args)
	panic(fatal(redact(format, args)))
}

type fatal string

func (q quiet) log(level slog.Level, format string, args []any) {
	if q.to != nil && q.to.Enabled(context.Background(), level) {
		q.to.Log(context.Background(), level, "store: "+redact(format, args))
	}
}

func redact(format string, args []any) string {
	safe := make([]any, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64, time.Duration:
			safe[i] = a
		default:
			safe[i] = hidden{}
		}
	}
	return fmt.Sprintf(format, safe...)
}

// hidden prints as a dash under every verb.
type hidden struct{}

func (hidden) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("–")) }
