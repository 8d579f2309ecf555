package rate_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/rate"
)

func take(l *rate.Limiter, id string, perSecond, times int) (taken int) {
	for range times {
		if l.Take(rate.Key{ID: id}, perSecond) {
			taken++
		}
	}
	return taken
}

func TestTake(t *testing.T) {
	c := clock.NewManual(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	l := rate.New(c)
	for _, s := range []struct {
		pass                 time.Duration
		id                   string
		perSecond, asks, are int
	}{
		{0, "a", 10, 100, 40}, // a burst
		{0, "b", 10, 3, 3},    // is his own
		{time.Second, "a", 10, 100, 10},
		{time.Second / 2, "a", 10, 100, 5},
		{time.Hour, "a", 10, 100, 40},  // no more than a burst is saved up
		{0, "a", 0, 1000, 1000},        // no bound
		{-time.Hour, "a", 10, 100, 40}, // the clock was set back: nobody waits an hour
	} {
		c.Advance(s.pass)
		if got := take(l, s.id, s.perSecond, s.asks); got != s.are {
			t.Errorf("%s after %s: %d of %d, want %d", s.id, s.pass, got, s.asks, s.are)
		}
	}
}

func TestEnter(t *testing.T) {
	l := rate.New(clock.System{})
	key := rate.Key{Kind: "client", ID: "a"}
	first, ok := l.Enter(key, 2)
	_, also := l.Enter(key, 2)
	_, third := l.Enter(key, 2)
	_, other := l.Enter(rate.Key{Kind: "person", ID: "a"}, 2)
	if !ok || !also || third || !other {
		t.Fatal(ok, also, third, other)
	}
	first()
	if _, ok := l.Enter(key, 2); !ok {
		t.Error("who left still takes a place")
	}
}

// TestManyCallers: strangers without number take bounded memory, and keep nobody out who
// was there before; the quiet ones are forgotten.
func TestManyCallers(t *testing.T) {
	c := clock.NewManual(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	l := rate.New(c)
	strangers := func(from, to int) (taken int) {
		for i := from; i < to; i++ {
			taken += take(l, strconv.Itoa(i), 1, 1)
		}
		return taken
	}
	strangers(0, 100_000)
	if n := strangers(100_000, 101_000); n != rate.Burst {
		t.Errorf("%d of the thousand who share a place were let in", n)
	}
	if take(l, "7", 1, 1) != 1 {
		t.Error("who has a place of his own is kept out")
	}
	c.Advance(time.Minute)
	if n := strangers(200_000, 201_000); n != 1000 {
		t.Errorf("%d of a thousand, once the others are quiet", n)
	}
}

func TestAtTheSameTime(t *testing.T) {
	l := rate.New(clock.NewManual(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)))
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for range 8 {
		wg.Go(func() {
			n := take(l, "a", 25, 50)
			mu.Lock()
			defer mu.Unlock()
			taken += n
		})
	}
	if wg.Wait(); taken != 100 {
		t.Errorf("%d were let in, want 100", taken)
	}
}

func BenchmarkTakeAndEnter(b *testing.B) {
	l := rate.New(clock.System{})
	key := rate.Key{Kind: "client", ID: "a"}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			l.Take(key, 1<<20)
			if leave, ok := l.Enter(key, 128); ok {
				leave()
			}
		}
	})
}
