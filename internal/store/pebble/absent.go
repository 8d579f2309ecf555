package pebble

import (
	"sync"
	"sync/atomic"

	"github.com/wardkeep/wardkeep/internal/record"
)

// absent remembers tokens that no version bears, so that a query does not seek
// their lists again: a search that leaves out every sensitive record asks for
// dozens of labels that hardly any store has.
//
// What it says holds for a view that is no older than the one that missed the
// list, as long as no commit has added to it since. So a commit takes out what it
// is about to add before any of it is visible, and a view may note only what no
// commit can have changed since it was opened. What is swept away later was
// there for older views: hence the age.
type absent struct {
	age atomic.Uint64 // even; odd while a commit that adds to lists is applied

	mu    sync.RWMutex
	since map[record.Token]uint64 // the age of the view that missed it
}

// maxAbsent bounds the tokens remembered; beyond it all are forgotten.
const maxAbsent = 1 << 14

// noAge is that of a view that may neither ask nor tell.
const noAge = 1

// knows reports whether a view of that age finds nothing under a token.
func (a *absent) knows(t record.Token, age uint64) bool {
	if age == noAge {
		return false
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	since, ok := a.since[t]
	return ok && since <= age
}

// learn notes a token that a view has missed.
func (a *absent) learn(t record.Token, age uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.age.Load() != age { // a commit began; it drops its tokens after this
		return
	}
	if a.since == nil || len(a.since) >= maxAbsent {
		a.since = map[record.Token]uint64{}
	}
	if _, ok := a.since[t]; !ok {
		a.since[t] = age
	}
}

// adding is called before a batch is applied, and the function it returns once
// it is visible. Commits come one at a time.
func (a *absent) adding(b *record.Batch) (added func()) {
	if len(b.Puts) == 0 && len(b.Amends) == 0 {
		return func() {}
	}
	a.age.Add(1)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.since) > 0 {
		for _, puts := range [...][]record.Put{b.Puts, b.Amends} {
			for i := range puts {
				for _, t := range puts[i].Tokens {
					delete(a.since, t)
				}
			}
		}
	}
	return func() { a.age.Add(1) }
}
