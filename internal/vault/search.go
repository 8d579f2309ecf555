package vault

import (
	"context"
	"slices"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
)

// NarrowFunc tells how the records of a type are narrowed; an error refuses the
// search. It is asked for every type that a search touches on its way.
type NarrowFunc func(ctx context.Context, typ string) (Narrow, error)

// SearchRequest is one page of a search. One that GivesContained finds records all
// the same, and Limit counts them; its total is that of the entries they make.
type SearchRequest struct {
	Query  *search.Query
	Narrow NarrowFunc // nil: everything, for the server's own questions
	After  Cursor
	Limit  int  // 0: no records, only the total
	Total  bool // count all that match
}

// Cursor is where a page begins: behind the record with this sort key and
// position. A record that does not change keeps both.
type Cursor struct {
	Position record.Position
	Key      []byte
}

// SearchResult is one page.
type SearchResult struct {
	Records []Record
	Next    *Cursor         // nil on the last page
	Total   int             // -1 if not asked for
	At      record.Position // every commit up to here was seen, none after
	// Necessary are tokens of which every match bears at least one.
	Necessary []record.Token
}

// Search runs one page of a query. Whatever tokens cannot decide alone is
// rechecked on the opened cards.
func (v *Vault) Search(ctx context.Context, r SearchRequest) (*SearchResult, error) {
	b, err := v.bind(ctx, r.Query, r.Narrow)
	if err != nil {
		return nil, err
	}
	result := &SearchResult{Total: -1, Necessary: b.necessary()}
	switch {
	case r.Limit > 0 && r.Query.Sorted():
		err = v.sorted(ctx, b, r, result)
	case r.Limit > 0:
		err = v.inOrder(ctx, b, r, result)
	}
	if err == nil && r.Total && result.Total < 0 {
		err = v.count(ctx, b, result)
	}
	return result, v.storeFault("vault.Search", err)
}

// All returns every record that matches, unnarrowed and unaudited: for the
// server's own questions, whose answers never leave it.
func (v *Vault) All(ctx context.Context, q *search.Query) ([]Record, error) {
	b, err := v.bind(ctx, q, nil)
	if err != nil {
		return nil, err
	}
	var records []Record
	_, err = v.walk(ctx, b, store.Find{}, func(c candidate) error {
		r := c.bodiless()
		header, err := search.ReadHeader(c.opened.Card)
		r.ID = header.ID
		records = append(records, r)
		return err
	})
	return records, v.storeFault("vault.All", err)
}

// AllWithBodies is All with the bodies opened.
func (v *Vault) AllWithBodies(ctx context.Context, q *search.Query) ([]Record, error) {
	records, err := v.All(ctx, q)
	if err != nil {
		return nil, err
	}
	records, err = v.fill(ctx, records)
	return records, v.storeFault("vault.AllWithBodies", err)
}

// bound is a query together with what it is confined to: a part for each type.
type bound []part

type part struct {
	typ    string
	class  record.Token
	plan   *search.Plan
	expr   store.Expr
	exact  bool // else every candidate is rechecked, against the narrowing too
	narrow confines
	spend  func() error // before a body is read for its text
}

// expr is what all parts find together.
func (b bound) expr() store.Expr {
	if len(b) == 1 {
		return b[0].expr
	}
	var any store.Or
	for _, p := range b {
		if none, ok := p.plan.Expr.(store.Or); !ok || len(none) > 0 {
			any = append(any, p.expr)
		}
	}
	return any
}

// of returns the part that a row of a class belongs to.
func (b bound) of(class record.Token) *part {
	for i := range b {
		if b[i].class == class {
			return &b[i]
		}
	}
	return nil
}

// certain reports whether every candidate matches, and its card can say so.
func (b bound) certain() bool {
	for _, p := range b {
		if !p.exact || p.plan == nil || p.plan.Joined {
			return false
		}
	}
	return true
}

func (b bound) necessary() []record.Token {
	if len(b) == 1 {
		return b[0].plan.Necessary()
	}
	return nil
}

func (v *Vault) bind(ctx context.Context, q *search.Query, narrow NarrowFunc) (bound, error) {
	return v.bindWith(ctx, q, confiner{lister{names{v}, narrow}}, narrow)
}

// bindWith is bind with other names: without a search.Confiner, cards can always
// be held against the plan.
func (v *Vault) bindWith(ctx context.Context, q *search.Query, names search.Names, narrow NarrowFunc) (bound, error) {
	if q.InContained() {
		if err := v.hasContained(ctx); err != nil {
			return nil, err
		}
	}
	var b bound
	spend := spender()
	for _, of := range q.Parts() {
		plan, err := of.Plan(ctx, names, func(ctx context.Context, sub *search.Query, found func(TypeID, record.Key, []byte) error) error {
			return v.resolve(ctx, sub, narrow, found)
		})
		if err != nil {
			return nil, err
		}
		p, err := v.confine(ctx, of.Type, plan, narrow)
		if err != nil {
			return nil, err
		}
		p.spend = spend
		b = append(b, p)
	}
	return b, nil
}

// confine ANDs a plan with its class and its narrowing.
func (v *Vault) confine(ctx context.Context, typ string, plan *search.Plan, narrow NarrowFunc) (part, error) {
	exact := plan.Exact && v.sealer.Exact()
	p, err := v.within(ctx, typ, store.And{store.All{Class: v.sealer.Class(typ)}, plan.Expr}, narrow, exact)
	p.plan = plan
	return p, err
}

// within ANDs records of a type, its class first, with their narrowing.
func (v *Vault) within(ctx context.Context, typ string, expr store.And, narrow NarrowFunc, exact bool) (part, error) {
	p := part{typ: typ, class: v.sealer.Class(typ), exact: exact, narrow: confines{all: true}}
	if narrow != nil {
		n, err := narrow(ctx, typ)
		if err != nil {
			return part{}, err
		}
		if p.narrow, err = v.compile(ctx, typ, n); err != nil {
			return part{}, err
		}
		p.exact = exact && p.narrow.exact()
	}
	if v.typed(expr[1:]) {
		expr = expr[1:] // its class, the longest list of all, would tell nothing new
	}
	p.expr = v.narrowed(expr, p.narrow, p.exact)
	return p, nil
}

// typed reports whether nothing but records of the type that an expression was
// made for can be in it: fields bear the name of their type, but for that of
// compartments, and no two fields have a wide token in common.
func (v *Vault) typed(e store.Expr) bool {
	if !v.sealer.Exact() {
		return false
	}
	switch e := e.(type) {
	case store.Has:
		return true
	case store.To:
		return e.Rel != v.sealer.Rel(search.CompartmentField)
	case store.Join:
		return e.Rel != v.sealer.Rel(search.CompartmentField)
	case store.And:
		return slices.ContainsFunc(e, v.typed)
	case store.Or:
		return len(e) > 0 && !slices.ContainsFunc(e, func(one store.Expr) bool { return !v.typed(one) })
	case store.Minus:
		return v.typed(e.Of)
	}
	return false
}

// resolve runs a query on the way of another, a link of a chain, narrowed like
// any other search: a chain must not tell of records that a search would not.
func (v *Vault) resolve(ctx context.Context, q *search.Query, narrow NarrowFunc, found func(TypeID, record.Key, []byte) error) error {
	b, err := v.bind(ctx, q, narrow)
	if err != nil {
		return err
	}
	_, err = v.walk(ctx, b, store.Find{}, func(c candidate) error {
		header, err := search.ReadHeader(c.opened.Card)
		if err != nil {
			return err
		}
		return found(TypeID{Type: c.part.typ, ID: header.ID}, c.row.Key, c.opened.Card)
	})
	return v.storeFault("vault.resolve", err)
}

// names gives plans their tokens and keys.
type names struct{ *Vault }

func (n names) Token(field string, value []byte) record.Token { return n.sealer.Token(field, value) }
func (n names) Class(typ string) record.Token                 { return n.sealer.Class(typ) }
func (n names) Rel(field string) record.Token                 { return n.sealer.Rel(field) }
func (n names) Exact() bool                                   { return n.sealer.Exact() }

// confiner is names for a search that is narrowed: the middle of a chain is cut
// to what the same caller would find by a search of its own.
type confiner struct{ lister }

// lister is names that can open Lists.
type lister struct {
	names
	narrow NarrowFunc
}

var (
	_ search.Confiner = confiner{}
	_ search.Lister   = lister{}
	_ search.Prober   = names{}
)

// ListItems implements search.Lister. A List is read like any other record: one
// that may not be seen has no items.
func (n lister) ListItems(ctx context.Context, id string) ([]TypeID, error) {
	q, err := search.Parse("List", []search.Param{{Key: "_id", Value: id}}, search.Options{})
	if err != nil {
		return nil, err
	}
	found, err := n.Search(ctx, SearchRequest{Query: q, Narrow: n.narrow, Limit: 1})
	if err != nil || len(found.Records) == 0 {
		return nil, err
	}
	list, err := fhir.Parse(found.Records[0].Body)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "vault.ListItems", err)
	}
	return search.ListItems(list), nil
}

// Confine implements search.Confiner.
func (n confiner) Confine(ctx context.Context, typ string, e store.Expr) (store.Expr, bool, error) {
	if !n.sealer.Exact() {
		return nil, false, nil
	}
	b, err := n.within(ctx, typ, store.And{store.All{Class: n.sealer.Class(typ)}, e}, n.narrow, true)
	return b.expr, err == nil && b.exact, err
}

// Any implements search.Prober.
func (n names) Any(ctx context.Context, e store.Expr) (any bool, err error) {
	_, err = n.store.Find(ctx, store.Find{Expr: e, Limit: 1}, func(record.Row) error {
		any = true
		return store.ErrStop
	})
	return any, n.storeFault("vault.Any", err)
}

// RevIncludes returns the records that q's _revincludes add for those found, and
// for those included, narrowed for each type, at most limit of them.
func (v *Vault) RevIncludes(ctx context.Context, q *search.Query, found []Record, included bool, narrow NarrowFunc, limit int) ([]Record, error) {
	if len(q.RevIncludes) == 0 || len(found) == 0 {
		return nil, nil
	}
	ids := make([]TypeID, len(found))
	keys := make([]record.Key, len(found))
	for i, r := range found {
		ids[i], keys[i] = r.TypeID, r.Key
	}
	var records []Record
	seen := map[record.Key]bool{} // two relations may lead to the same record
	for _, rp := range q.RevPlans(ids, keys, included, names{v}) {
		b, err := v.confine(ctx, rp.Type, rp.Plan, narrow)
		if fault.Is(err, fault.Denied) {
			continue // a type the actor may see nothing of adds nothing
		}
		if err != nil {
			return nil, err
		}
		_, err = v.walk(ctx, bound{b}, store.Find{}, func(c candidate) error {
			if seen[c.row.Key] {
				return nil
			}
			seen[c.row.Key] = true
			if records = append(records, c.bodiless()); len(records) >= limit {
				return store.ErrStop
			}
			return nil
		})
		if err != nil {
			return nil, v.storeFault("vault.RevIncludes", err)
		}
	}
	return v.fill(ctx, records)
}

// Cards visits the cards of all records that a query finds, narrowed like a
// search: for what is told of many records and of none in particular.
func (v *Vault) Cards(ctx context.Context, q *search.Query, narrow NarrowFunc, visit func(card []byte) error) error {
	return v.resolve(ctx, q, narrow, func(_ TypeID, _ record.Key, card []byte) error { return visit(card) })
}
