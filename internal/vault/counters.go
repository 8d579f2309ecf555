package vault

import (
	"sync/atomic"

	"github.com/wardkeep/wardkeep/internal/record"
)

// Counters is what a vault has committed since it was made.
type Counters struct{ Versions, Tokens, Edges uint64 }

type counters struct{ versions, tokens, edges atomic.Uint64 }

func (c *counters) add(puts []record.Put) {
	for i := range puts {
		c.versions.Add(1)
		c.tokens.Add(uint64(len(puts[i].Tokens)))
		c.edges.Add(uint64(len(puts[i].Edges)))
	}
}

// Counters returns what has been committed so far.
func (v *Vault) Counters() Counters {
	return Counters{v.counters.versions.Load(), v.counters.tokens.Load(), v.counters.edges.Load()}
}
