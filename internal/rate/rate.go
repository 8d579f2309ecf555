// Package rate counts who asks how often, and how much at the same time.
package rate

import (
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
)

// Burst is for how many seconds' worth at once a caller may ask who was quiet.
const Burst = 4

// most bounds the callers that are remembered. Those beyond it share one place.
const most = 100_000

// Key names a caller.
type Key struct{ Kind, ID, Client string }

// Limiter is safe for concurrent use. It keeps nothing past a restart, and of a caller
// nothing once he is quiet.
type Limiter struct {
	clock clock.Clock

	mu      sync.Mutex
	callers map[Key]*caller
	swept   time.Time
}

// caller is one of them: what he asks now would be due at free if he kept to his rate
// (the generic cell rate algorithm, ITU-T I.371).
type caller struct {
	free    time.Time
	present int
}

// New returns a limiter that knows nobody.
func New(c clock.Clock) *Limiter {
	return &Limiter{clock: c, callers: map[Key]*caller{}}
}

// Take reports whether a caller may ask once more, at so many a second; 0 is no bound.
func (l *Limiter) Take(key Key, perSecond int) bool {
	if perSecond <= 0 {
		return true
	}
	now := l.clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.of(key, now)
	// Further off than a burst it is only if the clock was set back.
	if c.free.Before(now) || c.free.Sub(now) > Burst*time.Second {
		c.free = now
	}
	next := c.free.Add(time.Second / time.Duration(perSecond))
	if next.Sub(now) > Burst*time.Second {
		return false
	}
	c.free = next
	return true
}

// Enter reports whether a caller may have one more request under way beside so many
// others; 0 is no bound. Who was let in MUST leave.
func (l *Limiter) Enter(key Key, beside int) (leave func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.of(key, l.clock.Now())
	if beside > 0 && c.present >= beside {
		return nil, false
	}
	c.present++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		c.present--
	}, true
}

// of returns a caller. l.mu is held.
func (l *Limiter) of(key Key, now time.Time) *caller {
	c, ok := l.callers[key]
	if ok {
		return c
	}
	if len(l.callers) >= most && now.Sub(l.swept) >= time.Second {
		l.swept = now
		for key, c := range l.callers {
			if c.present == 0 && !c.free.After(now) {
				delete(l.callers, key)
			}
		}
	}
	if len(l.callers) >= most {
		key = Key{}
		if c, ok = l.callers[key]; ok {
			return c
		}
	}
	c = &caller{}
	l.callers[key] = c
	return c
}
