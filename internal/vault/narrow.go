package vault

import (
	"context"
	"errors"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
)

// PatientSet is a set of patients by their record keys. It MUST NOT be changed
// once it was handed out.
type PatientSet map[record.Key]struct{}

// HasAny reports whether any of the keys is in the set.
func (s PatientSet) HasAny(keys []record.Key) bool {
	for _, key := range keys {
		if _, ok := s[key]; ok {
			return true
		}
	}
	return false
}

// HasAll reports whether the set holds all of the keys, of which there is one.
func (s PatientSet) HasAll(keys []record.Key) bool {
	for _, key := range keys {
		if _, ok := s[key]; !ok {
			return false
		}
	}
	return len(keys) > 0
}

func (s PatientSet) keys() []record.Key {
	set := make(map[record.Key]struct{}, len(s))
	for key := range s {
		set[key] = struct{}{}
	}
	return sortedKeys(set)
}

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
	labelled *search.Plan // finds what bears any of the labels; nil if none are left out
}

func (v *Vault) compile(ctx context.Context, typ string, n Narrow) (confines, error) {
	c := confines{all: n.All}
	if n.All {
		return c, nil
	}
	for _, way := range n.Any {
		out := compiled{Confine: way}
		if len(way.Without) > 0 {
			q, err := search.Parse(typ, []search.Param{{Key: "_security", Value: strings.Join(way.Without, ",")}}, search.Options{})
			if err != nil {
				return confines{}, err
			}
			if out.labelled, err = q.Plan(ctx, names{v}, nil); err != nil {
				return confines{}, err
			}
			if v.sealer.Exact() && !out.labelled.Exact {
				return confines{}, fault.Wrap(fault.Internal, "vault.compile", errLabels)
			}
		}
		c.any = append(c.any, out)
	}
	return c, nil
}

// expr narrows by edges and tokens. What would have to be subtracted is left to
// the recheck unless tokens are wide enough to be exact.
func (v *Vault) narrowExpr(typ string, c confines, exact bool) store.Expr {
	rel := v.sealer.Rel(search.CompartmentField)
	var ways store.Or
	for _, way := range c.any {
		of := store.And{store.All{Class: v.sealer.Class(typ)}}
		for _, set := range way.Within {
			of = append(of, store.To{Rel: rel, Keys: set.keys()})
		}
		var without store.Or
		if way.labelled != nil {
			without = append(without, way.labelled.Expr)
		}
		for _, set := range way.Outside {
			if len(set) > 0 {
				without = append(without, store.To{Rel: rel, Keys: set.keys()})
			}
		}
		if exact && len(without) > 0 {
			ways = append(ways, store.Minus{Of: of, Without: without})
		} else {
			ways = append(ways, of)
		}
	}
	return ways
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
	if c.labelled == nil {
		return true, nil
	}
	labelled, err := c.labelled.Match(opened.Card)
	return !labelled, err
}
