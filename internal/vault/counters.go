package vault

import (
	"maps"
	"sync"
)

// Counters is what a vault has committed since it was made, of all types and of
// each.
type Counters struct {
	Tally
	Types map[string]Tally
}

// Tally counts versions, and what they are found by.
type Tally struct{ Versions, Tokens, Edges uint64 }

// Less returns what came to t since an earlier reading.
func (t Tally) Less(o Tally) Tally {
	return Tally{t.Versions - o.Versions, t.Tokens - o.Tokens, t.Edges - o.Edges}
}

func (t Tally) plus(o Tally) Tally {
	return Tally{t.Versions + o.Versions, t.Tokens + o.Tokens, t.Edges + o.Edges}
}

type counters struct {
	mu  sync.Mutex
	all Tally
	by  map[string]Tally
}

// add counts the puts of a commit; records[i] is the one that puts[i] holds.
func (c *counters) add(p *preparation, records []Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[string]Tally{}
	}
	for i := range p.batch.Puts {
		put := &p.batch.Puts[i]
		one := Tally{1, uint64(len(put.Tokens)), uint64(len(put.Edges))}
		c.all = c.all.plus(one)
		c.by[records[i].Type] = c.by[records[i].Type].plus(one)
	}
}

// Counters returns what has been committed so far.
func (v *Vault) Counters() Counters {
	v.counters.mu.Lock()
	defer v.counters.mu.Unlock()
	return Counters{v.counters.all, maps.Clone(v.counters.by)}
}
