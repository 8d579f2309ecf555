package vault

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Narrow confines a search to what its actor may see: everything, or the records
// that fit any of the confines. The zero Narrow confines to nothing.
type Narrow struct {
	All bool
	Any []Confine
}

// Confine is one way in which a record may be seen.
type Confine struct {
	Within  []PatientSet // in the compartment of a patient of each of these
	Outside []PatientSet // and of no patient of these
	Without []string     // bearing none of these security labels, "system|code"
	// Matching are queries that find it, each of which CanNarrow takes.
	Matching []*search.Query
	// Whole: all of its patients, of whom there is one, are in each of these.
	Whole  []PatientSet
	Except []Confine // and fitting none of these
}

// Empty reports whether no record can fit.
func (c Confine) Empty() bool {
	none := func(set PatientSet) bool { return set.Len() == 0 }
	return slices.ContainsFunc(c.Within, none) || slices.ContainsFunc(c.Whole, none)
}

// errNarrowing: a narrowing that needs more than tokens could not be joined with.
var errNarrowing = errors.New("the plan of a narrowing is not exact")

// CanNarrow refuses a query that no search can be narrowed by: whether a record
// matches MUST be said by its tokens, and by its card, alone.
func (v *Vault) CanNarrow(ctx context.Context, q *search.Query) error {
	_, err := v.narrowing(ctx, q)
	return err
}

func (v *Vault) narrowing(ctx context.Context, q *search.Query) (*search.Plan, error) {
	plan, err := q.Plan(ctx, names{v}, nil)
	if err == nil && v.sealer.Exact() && !plan.Exact {
		err = fault.Wrap(fault.Internal, "vault.narrowing", errNarrowing)
	}
	return plan, err
}

// errLabels: what is subtracted from a search must be exact, or it would take
// away records that bear no label.
var errLabels = errors.New("the plan for security labels is not exact")

// confines is a narrowing compiled for one type.
type confines struct {
	all bool
	any []compiled
}

type compiled struct {
	Confine
	labelled *often // finds what bears any of the labels; nil if none are left out
	matching []*often
	except   []compiled
}

// exact reports whether tokens and edges alone tell what is confined to.
func (c confines) exact() bool {
	return !slices.ContainsFunc(c.any, func(way compiled) bool { return len(way.Whole) > 0 })
}

func (v *Vault) compile(ctx context.Context, typ string, n Narrow) (confines, error) {
	c := confines{all: n.All}
	if n.All {
		return c, nil
	}
	var err error
	c.any, err = v.compileAll(ctx, typ, n.Any)
	return c, err
}

func (v *Vault) compileAll(ctx context.Context, typ string, ways []Confine) (all []compiled, err error) {
	for _, way := range ways {
		out := compiled{Confine: way}
		if len(way.Without) > 0 {
			if out.labelled, err = v.labelled(ctx, typ, strings.Join(way.Without, ",")); err != nil {
				return nil, err
			}
		}
		for _, q := range way.Matching {
			l, err := v.confinement(ctx, q)
			if err != nil {
				return nil, err
			}
			out.matching = append(out.matching, l)
		}
		if out.except, err = v.compileAll(ctx, typ, way.Except); err != nil {
			return nil, err
		}
		all = append(all, out)
	}
	return all, nil
}

// labelled returns the plan of what bears any of the labels. Labels come from
// policies, never from a caller, and their plans rest on words and keys that stay
// as long as the process: each is made once.
func (v *Vault) labelled(ctx context.Context, typ, labels string) (*often, error) {
	name := typ + "?" + labels
	if plan, ok := v.labels.Load(name); ok {
		return plan.(*often), nil
	}
	q, err := search.Parse(typ, []search.Param{{Key: "_security", Value: labels}}, search.Options{})
	if err != nil {
		return nil, err
	}
	plan, err := q.Plan(ctx, names{v}, nil)
	if err != nil {
		return nil, err
	}
	if v.sealer.Exact() && !plan.Exact {
		return nil, fault.Wrap(fault.Internal, "vault.labelled", errLabels)
	}
	l := oftenAsked(plan)
	v.labels.Store(name, l)
	return l, nil
}

// narrowed narrows by edges and tokens what expr finds. What would have to be
// subtracted is left to the recheck unless tokens are wide enough to be exact.
func (v *Vault) narrowed(expr store.And, c confines, exact bool) store.Expr {
	if c.all {
		return expr
	}
	if len(c.any) == 1 {
		return v.way(expr, c.any[0], exact)
	}
	var ways store.Or
	for _, way := range c.any {
		var of store.And // what all ways have in common is read once
		if !way.tells() {
			of = expr[:1]
		}
		ways = append(ways, v.way(of, way, exact))
	}
	return append(slices.Clone(expr), ways)
}

// tells reports whether a way says what lies in it, and not only what does not.
func (c compiled) tells() bool { return len(c.Within)+len(c.matching)+len(c.Whole) > 0 }

// way narrows to one of the confines.
func (v *Vault) way(expr store.And, way compiled, exact bool) store.Expr {
	rel := v.sealer.Rel(search.CompartmentField)
	of := slices.Clone(expr)
	for _, set := range way.Within {
		of = append(of, v.compartments(set, rel))
	}
	for _, plan := range way.matching {
		of = append(of, plan.expr)
	}
	for _, set := range way.Whole { // and of nobody else, which the recheck sees to
		of = append(of, v.compartments(set, rel))
	}
	var without store.Or
	if way.labelled != nil {
		without = append(without, way.labelled.expr)
	}
	for _, set := range way.Outside {
		if set.Len() > 0 {
			without = append(without, v.compartments(set, rel))
		}
	}
	for _, except := range way.except {
		base := of
		if except.tells() {
			base = nil
		}
		without = append(without, v.way(base, except, exact))
	}
	if exact && len(without) > 0 {
		return store.Minus{Of: of, Without: without}
	}
	return of
}

// admits decides the same on what the opened card says.
func (c confines) admits(opened *seal.Opened) (bool, error) {
	if c.all {
		return true, nil
	}
	for _, way := range c.any {
		ok, err := way.admits(opened)
		if err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

func (c compiled) admits(opened *seal.Opened) (bool, error) {
	for _, set := range c.Within {
		if !set.HasAny(opened.Subjects) {
			return false, nil
		}
	}
	for _, set := range c.Outside {
		if set.HasAny(opened.Subjects) {
			return false, nil
		}
	}
	for _, plan := range c.matching {
		if ok, err := plan.Match(opened.Card); err != nil || !ok {
			return false, err
		}
	}
	for _, set := range c.Whole {
		if !set.HasAll(opened.Subjects) {
			return false, nil
		}
	}
	for _, except := range c.except {
		if fits, err := except.admits(opened); err != nil || fits {
			return false, err
		}
	}
	if c.labelled == nil {
		return true, nil
	}
	labelled, err := c.labelled.Match(opened.Card)
	return !labelled, err
}
