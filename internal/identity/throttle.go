package identity

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// limit says how attempts under one key are slowed down. Every attempt counts
// until it is forgiven, so that the count never tells a right guess from a
// wrong one.
type limit struct {
	name    string
	free    int           // attempts without a wait
	longest time.Duration // the wait doubles from a second up to this
	leak    time.Duration // one attempt is forgotten for each such quiet time; 0: none is
	keep    time.Duration // everything is forgotten after such a quiet time
}

var (
	// perAccount slows guessing at one account, from wherever.
	perAccount = limit{name: "account", free: 5, longest: 15 * time.Minute, keep: 30 * 24 * time.Hour}
	// perSource slows one address that tries many accounts. A hospital has one
	// address for many people: what ends well is forgiven, and who is known there or
	// proves himself by what nobody guesses is not counted.
	perSource = limit{name: "source", free: 30, longest: 5 * time.Minute, leak: time.Minute, keep: 6 * time.Hour}
	// perClient slows one address guessing at one program's secret. It is not
	// by client alone: whoever knows an id could shut the program out.
	perClient = limit{name: "client", free: 10, longest: time.Minute, leak: time.Minute, keep: time.Hour}
)

// mostGuesses is how many attempts in a row an account takes without a success
// before every further one is treated as wrong (SP 800-63B §3.2.2 allows 100).
// A success from an address the person has used before, or a new password set
// by an administrator, starts it again.
const mostGuesses = 50

type tally struct {
	Count int       `json:"n"`
	Last  time.Time `json:"t"`
}

// faded is t at a later time.
func (l limit) faded(t tally, now time.Time) tally {
	quiet := now.Sub(t.Last)
	switch {
	case quiet >= l.keep:
		return tally{}
	case l.leak > 0:
		t.Count = max(0, t.Count-int(quiet/l.leak))
	}
	return t
}

// wait returns how long the next attempt has to wait.
func (l limit) wait(t tally, now time.Time) time.Duration {
	over := t.Count - l.free
	if over < 0 {
		return 0
	}
	pause := l.longest
	if over < 20 {
		pause = min(l.longest, time.Second<<over)
	}
	return max(0, pause-now.Sub(t.Last))
}

// claim is one key under one limit.
type claim struct {
	limit limit
	key   string
}

func (c claim) id() string {
	return fmt.Sprintf("%s.%x", c.limit.name, sha256.Sum256([]byte(c.key)))
}

type throttle struct {
	records Records
	clock   clock.Clock
	stripes *stripes
}

// waitError carries how long to wait.
type waitError struct{ after time.Duration }

func (e waitError) Error() string { return "too many attempts" }

// RetryAfter returns how long to wait after a fault.Throttled of this package.
func RetryAfter(err error) (time.Duration, bool) {
	var w waitError
	ok := errors.As(err, &w)
	return w.after, ok
}

// admit counts one attempt under every claim, or none if one has to wait. It
// returns the counts as they are now.
func (t *throttle) admit(ctx context.Context, claims ...claim) ([]int, error) {
	return t.each(ctx, claims, true, 1)
}

// check counts nothing, and says whether somebody has to wait.
func (t *throttle) check(ctx context.Context, claims ...claim) error {
	now := t.clock.Now()
	for _, c := range claims {
		got, err := t.load(ctx, c.id())
		if err != nil {
			return err
		}
		if pause := c.limit.wait(c.limit.faded(got, now), now); pause > 0 {
			return errWait(pause)
		}
	}
	return nil
}

func errWait(pause time.Duration) error {
	return &fault.Error{Kind: fault.Throttled, Op: "identity.throttle", Err: waitError{pause}}
}

// add counts n more attempts (fewer, if negative) without asking anybody to wait.
func (t *throttle) add(ctx context.Context, n int, claims ...claim) error {
	_, err := t.each(ctx, claims, false, n)
	return err
}

func (t *throttle) each(ctx context.Context, claims []claim, mayWait bool, n int) ([]int, error) {
	ids := make([]string, len(claims))
	for i, c := range claims {
		ids[i] = c.id()
	}
	defer t.stripes.lock(ids...)()
	now := t.clock.Now()
	tallies := make([]tally, len(claims))
	var pause time.Duration
	for i, c := range claims {
		got, err := t.load(ctx, ids[i])
		if err != nil {
			return nil, err
		}
		tallies[i] = c.limit.faded(got, now)
		pause = max(pause, c.limit.wait(tallies[i], now))
	}
	if mayWait && pause > 0 {
		return nil, errWait(pause)
	}
	counts := make([]int, len(claims))
	for i, c := range claims {
		counts[i] = max(0, tallies[i].Count+n)
		if err := t.store(ctx, ids[i], tally{Count: counts[i], Last: now}, c.limit.keep); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// clear forgets every attempt under the claims.
func (t *throttle) clear(ctx context.Context, claims ...claim) error {
	for _, c := range claims {
		if err := t.records.DropShort(ctx, shortThrottle, c.id()); err != nil && !fault.Is(err, fault.NotFound) {
			return fmt.Errorf("identity.throttle: %w", err)
		}
	}
	return nil
}

func (t *throttle) load(ctx context.Context, id string) (tally, error) {
	var out tally
	b, err := t.records.GetShort(ctx, shortThrottle, id)
	if fault.Is(err, fault.NotFound) {
		return out, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		return out, fmt.Errorf("identity.throttle: %w", err)
	}
	return out, nil
}

func (t *throttle) store(ctx context.Context, id string, v tally, keep time.Duration) error {
	b, err := json.Marshal(v)
	if err == nil {
		err = t.records.PutShort(ctx, shortThrottle, id, b, v.Last.Add(keep))
	}
	if err != nil {
		return fmt.Errorf("identity.throttle: %w", err)
	}
	return nil
}

// Network returns what counts as one source: an IPv4 address, or the /64 that
// one customer of IPv6 has to himself. What is not an address is one source.
func Network(source string) string {
	addr, err := netip.ParseAddr(source)
	if err != nil {
		return "elsewhere"
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	prefix, _ := addr.Prefix(64) // of a valid IPv6 address
	return prefix.String()
}

// stripes is a fixed number of locks shared by many keys. It keeps two requests
// of this process from reading and writing the same short record at once; those
// of another process can still lose a count, never a success.
type stripes struct {
	seed  maphash.Seed
	once  sync.Once
	locks [256]sync.Mutex
}

// lock locks all keys and returns what unlocks them.
func (s *stripes) lock(keys ...string) (unlock func()) {
	s.once.Do(func() { s.seed = maphash.MakeSeed() })
	at := make([]int, len(keys))
	for i, k := range keys {
		at[i] = int(maphash.String(s.seed, k) % uint64(len(s.locks)))
	}
	slices.Sort(at)
	at = slices.Compact(at)
	for _, i := range at {
		s.locks[i].Lock()
	}
	return func() {
		for _, i := range at {
			s.locks[i].Unlock()
		}
	}
}
