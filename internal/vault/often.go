package vault

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"slices"
	"sync"

	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
)

// often is a plan that many searches are narrowed by.
type often struct {
	*search.Plan
	expr store.Expr
}

// oftenAsked has an engine keep what a plan finds that is made of tokens alone.
func oftenAsked(plan *search.Plan) *often {
	name := sha256.New()
	if !tokens(plan.Expr, name) {
		return &often{plan, plan.Expr}
	}
	o := store.Often{Of: plan.Expr}
	name.Sum(o.Name[:0])
	return &often{plan, o}
}

// tokens writes down an expression that is made of tokens alone; else it is false.
func tokens(e store.Expr, into hash.Hash) bool {
	list := func(kind byte, of []store.Expr) bool {
		into.Write(binary.BigEndian.AppendUint64([]byte{kind}, uint64(len(of))))
		return !slices.ContainsFunc(of, func(one store.Expr) bool { return !tokens(one, into) })
	}
	switch e := e.(type) {
	case store.Has:
		into.Write(binary.BigEndian.AppendUint64([]byte{'h'}, uint64(e.Token)))
		return true
	case store.And:
		return list('a', e)
	case store.Or:
		return list('o', e)
	}
	return false
}

// confinement returns the plan of a query that searches are narrowed by. Of those
// that rest on words alone, which mean the same for ever, it is made once.
func (v *Vault) confinement(ctx context.Context, q *search.Query) (*often, error) {
	if plan, ok := v.confining.get(q); ok {
		return plan, nil
	}
	plan, err := v.narrowing(ctx, q)
	if err != nil {
		return nil, err
	}
	o := oftenAsked(plan)
	if _, ok := o.expr.(store.Often); ok {
		v.confining.put(q, o)
	}
	return o, nil
}

// confinings are plans by their queries, which whoever asks keeps, too.
type confinings struct {
	mu    sync.RWMutex
	plans map[*search.Query]*often
}

const maxConfinings = 4096

func (c *confinings) get(q *search.Query) (*often, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	plan, ok := c.plans[q]
	return plan, ok
}

func (c *confinings) put(q *search.Query, plan *often) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.plans == nil || len(c.plans) >= maxConfinings {
		c.plans = map[*search.Query]*often{}
	}
	c.plans[q] = plan
}
