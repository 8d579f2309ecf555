package pebble

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/posting"
)

// plan is a batch prepared as far as it can be without the commit lock: what
// several puts share is written once, and everything is in the order of keys.
type plan struct {
	b     *record.Batch
	lists []posted // ascending by key
	cells []int    // indexes of cells, by space and name; later ones last
	heads []int    // indexes of puts, by key and version
}

// posted is one posting list and the puts that go onto it, ascending.
type posted struct {
	list posting.List
	puts []int32
}

// link is one posting before grouping.
type link struct {
	token record.Token
	put   int32
}

type edge struct {
	record.Edge
	put int32
}

// prepare checks what can be told from the batch alone, and sorts it.
func prepare(b *record.Batch) (*plan, error) {
	if err := check(b); err != nil {
		return nil, err
	}
	p := &plan{b: b}
	p.postAll()
	p.heads = make([]int, len(b.Puts))
	for i := range p.heads {
		p.heads[i] = i
	}
	slices.SortFunc(p.heads, func(i, j int) int {
		x, y := &b.Puts[i], &b.Puts[j]
		return cmp.Or(bytes.Compare(x.Key[:], y.Key[:]), cmp.Compare(i, j))
	})
	p.cells = make([]int, len(b.Cells))
	for i := range p.cells {
		p.cells[i] = i
	}
	slices.SortStableFunc(p.cells, func(i, j int) int {
		x, y := &b.Cells[i], &b.Cells[j]
		return cmp.Or(cmp.Compare(x.Space, y.Space), bytes.Compare(x.Name, y.Name))
	})
	return p, nil
}

// check refuses what no state of the store could make right.
func check(b *record.Batch) error {
	for i := range b.Puts {
		p := &b.Puts[i]
		switch {
		case p.Key.IsZero():
			return invalid("a put without a key")
		case p.Version == 0:
			return invalid("a put without a version")
		case p.Deleted && len(p.Tokens)+len(p.Edges) > 0:
			return invalid("a tombstone with tokens or edges")
		}
	}
	if err := checkAmends(b); err != nil {
		return err
	}
	if len(b.Puts) > 0 && b.Time.IsZero() {
		return invalid("puts without a time")
	}
	for _, g := range b.Guards {
		forms := 0
		for _, filled := range []bool{g.Record != nil, g.Token != nil, g.Cell != nil} {
			if filled {
				forms++
			}
		}
		if forms != 1 {
			return invalid("a guard that is not of exactly one form")
		}
	}
	return nil
}

func invalid(what string) error { return fmt.Errorf("%s: %w", what, store.ErrInvalid) }

// postAll gathers classes, edges and tokens, which is the order of their tags.
func (p *plan) postAll() {
	var classes, tokens []link
	var edges []edge
	n := 0
	for i := range p.b.Puts {
		n += len(p.b.Puts[i].Tokens)
	}
	tokens = make([]link, 0, n)
	classes = make([]link, 0, len(p.b.Puts))
	for i := range p.b.Puts {
		put, at := &p.b.Puts[i], int32(i)
		classes = append(classes, link{put.Class, at})
		for _, t := range put.Tokens {
			tokens = append(tokens, link{t, at})
		}
		for _, e := range put.Edges {
			edges = append(edges, edge{e, at})
		}
	}
	p.lists = make([]posted, 0, len(classes)+len(tokens)+len(edges))
	room := make([]int32, 0, len(classes)+len(tokens)+len(edges))
	room = p.post(posting.ByClass, classes, room)
	room = p.postEdges(edges, room)
	p.post(posting.ByToken, tokens, room)
}

// post sorts links and adds one list for each token. The puts of all lists lie
// one after another in room.
func (p *plan) post(kind posting.Kind, links []link, room []int32) []int32 {
	sortLinks(links)
	for len(links) > 0 {
		t, from := links[0].token, len(room)
		for len(links) > 0 && links[0].token == t {
			if len(room) == from || room[len(room)-1] != links[0].put {
				room = append(room, links[0].put)
			}
			links = links[1:]
		}
		p.lists = append(p.lists, posted{posting.List{Kind: kind, Token: t}, room[from:len(room):len(room)]})
	}
	return room
}

// sortLinks orders links by token, then by put. Tokens are digests, so their
// highest bits spread them evenly over small buckets; tokens narrowed to few
// bits all fall into one, which is slower and no less right.
func sortLinks(links []link) {
	const top = 64 - bucketBits
	if len(links) < 1<<bucketBits {
		slices.SortFunc(links, link.compare)
		return
	}
	var ends [1 << bucketBits]int
	for _, l := range links {
		ends[l.token>>top]++
	}
	sum := 0
	for i, n := range ends {
		ends[i] = sum
		sum += n
	}
	spread := make([]link, len(links))
	for _, l := range links {
		at := &ends[l.token>>top]
		spread[*at] = l
		*at++
	}
	from := 0
	for _, end := range ends {
		slices.SortFunc(spread[from:end], link.compare)
		from = end
	}
	copy(links, spread)
}

const bucketBits = 10

func (a link) compare(b link) int {
	switch {
	case a.token < b.token:
		return -1
	case a.token > b.token:
		return 1
	}
	return int(a.put - b.put)
}

func (p *plan) postEdges(edges []edge, room []int32) []int32 {
	slices.SortFunc(edges, func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.Rel, b.Rel), bytes.Compare(a.To[:], b.To[:]), cmp.Compare(a.put, b.put))
	})
	for len(edges) > 0 {
		e, from := edges[0].Edge, len(room)
		for len(edges) > 0 && edges[0].Edge == e {
			if len(room) == from || room[len(room)-1] != edges[0].put {
				room = append(room, edges[0].put)
			}
			edges = edges[1:]
		}
		list := posting.List{Kind: posting.ByEdge, Token: e.Rel, Key: e.To}
		p.lists = append(p.lists, posted{list, room[from:len(room):len(room)]})
	}
	return room
}
