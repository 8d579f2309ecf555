package search

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Lister is a Names that can open Lists. ListItems returns what the List of that
// id names in entries that are not marked as deleted; nothing if there is none
// that the caller may see.
type Lister interface {
	ListItems(ctx context.Context, id string) ([]TypeID, error)
}

// ListItems reads the items of a List, but for entries marked as deleted.
func ListItems(r *fhir.Resource) (items []TypeID) {
	for e := range r.Root().All("entry") {
		if e.Get("deleted").Text() == "true" {
			continue
		}
		references(e.Get("item"), func(v entry) {
			if v.typ != "" {
				items = append(items, TypeID{v.typ, v.code})
			}
		})
	}
	return items
}

// list reads the ids of stored Lists.
func (p *parser) list(value string) (*criterion, error) {
	ids := split(value, ',')
	if len(ids) > maxValues {
		return nil, invalid("too-costly", fmt.Sprintf("_list has more than %d values.", maxValues))
	}
	for _, id := range ids {
		if strings.HasPrefix(id, "$") {
			return nil, invalid("not-supported", "_list takes the id of a stored List; lists that a server works out itself, such as $current-problems, are not served.")
		}
		if !validID(id) {
			return nil, invalid("value", "_list is the id of a stored List.")
		}
	}
	return &criterion{lists: ids}, nil
}

// listed plans the items of Lists.
func (p *planner) listed(c *criterion) (node, error) {
	lister, ok := p.names.(Lister)
	if !ok {
		return node{}, fault.New(fault.Invalid, "search.Plan", "_list is not served here.")
	}
	set := map[string]bool{}
	var ids []TypeID
	for _, list := range c.lists {
		items, err := lister.ListItems(p.ctx, list)
		if err != nil {
			return node{}, err
		}
		for _, id := range items {
			if name := id.Type + "/" + id.ID; id.Type == p.q.Type && !set[name] {
				set[name] = true
				ids = append(ids, id)
			}
		}
	}
	p.sets[c] = set
	keys, err := p.keys(slices.Clip(ids))
	return node{expr: store.Is{Keys: keys}, exact: p.exact}, err
}
