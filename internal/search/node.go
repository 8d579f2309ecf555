package search

import "github.com/wardkeep/wardkeep/internal/store"

// node is a part of a plan. Its expression is a superset of what it stands for,
// and equal to it if exact.
type node struct {
	expr  store.Expr
	exact bool
	all   bool       // every record of the class; expr is not set
	minus store.Expr // to be taken from all, which is set

	// sure, if it is set, is a part of what an inexact node stands for: what
	// it finds need not be rechecked, and may be subtracted.
	sure store.Expr
}

// loose is n as a superset of which nothing is sure.
func (n node) loose() node {
	n.exact, n.sure = false, nil
	return n
}

var nothing = node{expr: store.Or{}, exact: true}

// anything is the superset that says nothing.
var anything = node{all: true}

func (p *planner) or(nodes []node) node {
	out := node{exact: true}
	var terms store.Or
	for _, n := range nodes {
		out.exact = out.exact && n.exact
		switch {
		case n.all && n.minus == nil:
			out.all = true
		case n.all:
			terms = append(terms, store.Minus{Of: p.class(), Without: n.minus})
		default:
			if inner, ok := n.expr.(store.Or); ok {
				terms = append(terms, inner...)
			} else {
				terms = append(terms, n.expr)
			}
		}
	}
	switch {
	case out.all:
	case len(terms) == 1:
		out.expr = terms[0]
	default:
		out.expr = terms
	}
	if !out.exact {
		var sure store.Or
		for _, n := range nodes {
			if e := p.sureOf(n); e != nil {
				sure = append(sure, e)
			}
		}
		if sure != nil {
			out.sure = sure
		}
	}
	return out
}

// sureOf is what n stands for without doubt, nil if nothing is.
func (p *planner) sureOf(n node) store.Expr {
	switch {
	case !n.exact:
		return n.sure
	case n.minus != nil:
		return store.Minus{Of: p.class(), Without: n.minus}
	}
	return p.expr(n)
}

// sureOfAll is what all nodes stand for without doubt.
func (p *planner) sureOfAll(nodes []node) store.Expr {
	var sure store.And
	for _, n := range nodes {
		e := p.sureOf(n)
		if e == nil {
			return nil
		}
		sure = append(sure, e)
	}
	return sure
}

func (p *planner) and(nodes []node) node {
	out := node{exact: true}
	var terms store.And
	var without store.Or
	for _, n := range nodes {
		out.exact = out.exact && n.exact
		switch {
		case !n.all:
			if inner, ok := n.expr.(store.And); ok {
				terms = append(terms, inner...)
			} else {
				terms = append(terms, n.expr)
			}
		case n.minus != nil:
			without = append(without, n.minus)
		}
	}
	if !out.exact {
		out.sure = p.sureOfAll(nodes)
	}
	if len(terms) == 0 && len(without) == 0 {
		out.all = true
		return out
	}
	switch len(terms) {
	case 0:
		out.expr = p.class()
	case 1:
		out.expr = terms[0]
	default:
		out.expr = terms
	}
	switch len(without) {
	case 0:
	case 1:
		out.expr = store.Minus{Of: out.expr, Without: without[0]}
	default:
		out.expr = store.Minus{Of: out.expr, Without: without}
	}
	return out
}

// not turns a set round. Of an inexact one only what is sure can be taken away,
// and what it does not even find is sure to be left.
func (p *planner) not(n node) node {
	switch {
	case !n.exact:
		out := node{all: true, minus: n.sure}
		if !n.all && p.exact {
			out.sure = store.Minus{Of: p.class(), Without: n.expr}
		}
		return out
	case n.minus != nil:
		return node{expr: n.minus, exact: true}
	case n.all:
		return nothing
	}
	return node{all: true, minus: n.expr, exact: true}
}

// class is every record that there is to find.
func (p *planner) class() store.Expr {
	if p.inside {
		return store.Has{Token: p.names.Token(p.q.Type, []byte{tagContains})}
	}
	return store.All{Class: p.names.Class(p.q.Type)}
}

func (p *planner) has(field string, words ...[]byte) []store.Expr {
	out := make([]store.Expr, len(words))
	for i, w := range words {
		out[i] = store.Has{Token: p.names.Token(field, w)}
	}
	return out
}

// any is the union of words; exact says whether it is just what is meant.
func (p *planner) any(field string, exact bool, words ...[]byte) node {
	if len(words) == 1 {
		return node{expr: p.has(field, words[0])[0], exact: exact && p.exact}
	}
	return node{expr: store.Or(p.has(field, words...)), exact: exact && p.exact}
}
