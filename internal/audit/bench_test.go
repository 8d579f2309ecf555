package audit_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
)

func onDisk(b *testing.B) *world {
	s, err := pebble.Open(pebble.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return worldOn(b, s)
}

// BenchmarkAppend is a read's share: one entry, durable on the device, with
// many readers at once and the integrator at work.
func BenchmarkAppend(b *testing.B) {
	for _, workers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			w := onDisk(b)
			c := w.config()
			c.IntegrateEvery = 0
			l, err := audit.Open(b.Context(), c)
			if err != nil {
				b.Fatal(err)
			}
			lag := watchLag(l)
			var left atomic.Int64
			left.Store(int64(b.N))
			took := make([][]time.Duration, workers)
			b.ResetTimer()
			cpu := processorTime(b)
			var wg sync.WaitGroup
			for i := range workers {
				wg.Go(func() {
					for n := left.Add(-1); n >= 0; n = left.Add(-1) {
						e := shown(fmt.Sprintf("request-%d", n), byte(1+i%100), audit.Item{Key: recordOf(n % 50_000), Version: 3})
						e.Query, e.Reason = "", ""
						start := time.Now()
						if err := l.Append(context.Background(), e); err != nil {
							b.Error(err)
							return
						}
						took[i] = append(took[i], time.Since(start))
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
			all := slices.Concat(took...)
			slices.Sort(all)
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
			for start := time.Now(); l.Status().Pending > 0; time.Sleep(time.Millisecond) {
				if time.Since(start) > 30*time.Second {
					b.Fatal("the integrator does not keep up")
				}
			}
			b.ReportMetric(float64(lag().Milliseconds()), "lag-p99-ms")
			b.ReportMetric(float64((processorTime(b)-cpu).Nanoseconds())/1e3/float64(b.N), "cpu-µs/op")
			w.close(l)
		})
	}
}

// recordOf returns the key of one of many records.
func recordOf(n int64) (k record.Key) {
	binary.BigEndian.PutUint64(k[:], uint64(n))
	k[15] = 1
	return k
}

// processorTime is what the process has used, in all its threads.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// watchLag measures how long entries wait to be taken into the tree, until the
// function it returns is called.
func watchLag(l *audit.Log) (p99 func() time.Duration) {
	type mark struct {
		counter uint64
		at      time.Time
	}
	stop, done := make(chan struct{}), make(chan []time.Duration)
	go func() {
		var waiting []mark
		var lags []time.Duration
		for {
			s := l.Status()
			for len(waiting) > 0 && waiting[0].counter <= s.Counter-s.Pending {
				lags = append(lags, time.Since(waiting[0].at))
				waiting = waiting[1:]
			}
			if s.Pending > 0 {
				waiting = append(waiting, mark{s.Counter, time.Now()})
			}
			select {
			case <-stop:
				done <- lags
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() time.Duration {
		close(stop)
		lags := <-done
		if len(lags) == 0 {
			return 0
		}
		slices.Sort(lags)
		return lags[len(lags)*99/100]
	}
}

// BenchmarkLink is what the log adds under the engine's commit lock.
func BenchmarkLink(b *testing.B) {
	fake := &linkStore{}
	w := newWorld(b)
	fake.Store = w.store
	w.store = fake
	l := w.open()
	var spent time.Duration
	fake.spent = &spent
	e := shown("req-1", 1, audit.Item{Key: key(1), Version: 3})
	b.ResetTimer()
	for range b.N {
		if err := l.Append(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "ns-in-link/op")
}

// linkStore measures the Link of each commit.
type linkStore struct {
	store.Store
	spent *time.Duration
}

func (s *linkStore) Commit(ctx context.Context, b record.Batch) (store.Receipt, error) {
	if link := b.Link; link != nil && s.spent != nil {
		b.Link = func() (record.LogRun, error) {
			start := time.Now()
			defer func() { *s.spent += time.Since(start) }()
			return link()
		}
	}
	return s.Store.Commit(ctx, b)
}
