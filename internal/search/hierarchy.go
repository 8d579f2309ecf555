package search

import (
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
)

// maxTree bounds the records of a hierarchy that one condition may reach.
const maxTree = 50_000

// parentOf returns the parameter by which resources of a type form a strict
// hierarchy: one reference to a parent of the same type. Nil if they do not.
func (s *schema) parentOf() *param {
	for _, code := range [...]string{"partof", "part-of"} {
		q := s.params[code]
		if q != nil && q.kind == kindReference && slices.Equal(q.targets, []string{s.typ}) && len(q.sources) == 1 && !q.sources[0].repeats {
			return q
		}
	}
	return nil
}

// hierarchies returns those of q's targets that form one.
func (q *param) hierarchies() []string {
	if q.kind != kindReference {
		return nil
	}
	var list []string
	for _, t := range q.targets {
		if s := schemaOf(t); s != nil && s.parentOf() != nil {
			list = append(list, t)
		}
	}
	return list
}

// treePred asks for references to any of roots, or to what is below or above
// them (R4 search, 3.1.1.4.14). Planning finds out what that is.
type treePred struct {
	roots []TypeID
	above bool
}

func (p *treePred) match(*value) bool { return false }

// tree reads the value of a reference with :above or :below.
func (r *reader) tree(text string) (pred, error) {
	types := slices.DeleteFunc(slices.Clone(r.types), func(t string) bool { return schemaOf(t) == nil || schemaOf(t).parentOf() == nil })
	if local, ok := strings.CutPrefix(text, r.opt.BaseURL+"/"); ok && r.opt.BaseURL != "" {
		text = local
	}
	if len(types) == 0 || absolute(text) {
		if r.modifier == "below" {
			return r.canonical(text)
		}
		return nil, r.wrong("with :above an id or Type/id")
	}
	p := &treePred{above: r.modifier == "above"}
	typ, id, version := cutLocal(text)
	switch {
	case typ != "" && slices.Contains(types, typ) && version == "":
		p.roots = []TypeID{{typ, id}}
	case typ == "" && validID(text):
		for _, t := range types {
			p.roots = append(p.roots, TypeID{t, text})
		}
	default:
		return nil, r.wrong("with :above and :below an id or Type/id of: " + strings.Join(types, ", "))
	}
	return p, nil
}

// hasTree reports whether c asks for a hierarchy.
func (c *criterion) hasTree() bool {
	return slices.ContainsFunc(c.preds, func(pr pred) bool { _, ok := pr.(*treePred); return ok })
}

// hierarchy plans such a condition. What is above and below is searched for as
// the caller would: a record that he may not see leads him no further.
func (p *planner) hierarchy(c *criterion) (node, error) {
	set := map[string]bool{}
	var all []TypeID
	var nodes []node
	for _, pr := range c.preds {
		tree, ok := pr.(*treePred)
		if !ok {
			n, err := p.pred(c.sources, pr)
			if err != nil {
				return node{}, err
			}
			nodes = append(nodes, n)
			continue
		}
		if err := p.climb(tree, func(id TypeID) bool {
			name := id.Type + "/" + id.ID
			if set[name] {
				return false
			}
			set[name] = true
			all = append(all, id)
			return true
		}); err != nil {
			return node{}, err
		}
	}
	p.sets[c] = set
	for _, s := range c.sources {
		n, err := p.edges(s, slices.DeleteFunc(slices.Clone(all), func(id TypeID) bool { return s.only != "" && id.Type != s.only }))
		if err != nil {
			return node{}, err
		}
		nodes = append(nodes, n)
	}
	return p.or(nodes), nil
}

// climb calls add with the roots and all above or below them; add reports
// whether a record is new.
func (p *planner) climb(tree *treePred, add func(TypeID) bool) error {
	if p.resolve == nil {
		return fault.Wrap(fault.Internal, "search.Plan", errResolve)
	}
	var front []TypeID
	grow := func(next []TypeID, id TypeID) []TypeID {
		if add(id) {
			next = append(next, id)
		}
		return next
	}
	for _, id := range tree.roots {
		front = grow(front, id)
	}
	for n := 0; len(front) > 0; {
		if n += len(front); n > maxTree {
			return fault.New(fault.TooCostly, "search.Plan", "A hierarchy has too many records.")
		}
		step := front[:min(len(front), maxValues)]
		front = front[len(step):]
		for _, typ := range typesIn(step) {
			var err error
			if front, err = p.neighbours(tree.above, typ, step, front, grow); err != nil {
				return err
			}
		}
	}
	return nil
}

func typesIn(ids []TypeID) (types []string) {
	for _, id := range ids {
		if !slices.Contains(types, id.Type) {
			types = append(types, id.Type)
		}
	}
	return types
}

// neighbours appends to front the parents, or the children, of those of step
// that are of one type.
func (p *planner) neighbours(above bool, typ string, step, front []TypeID, grow func([]TypeID, TypeID) []TypeID) ([]TypeID, error) {
	s := p.q.opt.schema(typ)
	parent := s.parentOf()
	c := &criterion{param: parent, sources: parent.sources, kind: kindReference}
	if above {
		c = &criterion{param: s.params["_id"]}
	}
	for _, id := range step {
		switch {
		case id.Type != typ:
		case above:
			c.preds = append(c.preds, &idPred{id.ID})
		default:
			c.preds = append(c.preds, &refPred{types: []string{typ}, id: id.ID, base: p.q.opt.BaseURL})
		}
	}
	var card cardReader
	q := &Query{Type: typ, opt: p.q.opt, criteria: []*criterion{c}}
	err := p.resolve(p.ctx, q, func(id TypeID, _ record.Key, b []byte) error {
		if !above {
			front = grow(front, id)
			return nil
		}
		if err := card.open(b); err != nil {
			return err
		}
		return card.targets(parent.sources, typ, func(up string) { front = grow(front, TypeID{typ, up}) })
	})
	if fault.Is(err, fault.Denied) {
		return front, nil // nothing of the type is for the caller
	}
	return front, err
}
