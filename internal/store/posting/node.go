package posting

import (
	"errors"
	"slices"
)

// A node is one compiled expression. Chunks are asked for in one direction and
// never backwards.
type node interface {
	// seek returns the first chunk at or past c where the node may have
	// members; false if there is none.
	seek(c Chunk) (Chunk, bool, error)

	// load fills into with the members in chunk c, which need not be one that
	// seek returned.
	load(c Chunk, into *Set) error

	// weight bounds the members in the chunk that seek returned last.
	weight() int

	close() error
}

// none is the empty set.
type none struct{}

func (none) seek(Chunk) (Chunk, bool, error) { return 0, false, nil }
func (none) load(_ Chunk, into *Set) error   { into.Reset(); return nil }
func (none) weight() int                     { return 0 }
func (none) close() error                    { return nil }

// direction compares chunks in the order walked.
type direction bool // true: downwards

func (d direction) before(a, b Chunk) bool {
	if d {
		return a > b
	}
	return a < b
}

// next returns the chunk after c; false if c is the last of all.
func (d direction) next(c Chunk) (Chunk, bool) {
	if d {
		return c - 1, c > 0
	}
	return c + 1, c < ^Chunk(0)
}

// leaf reads one posting list.
type leaf struct {
	cursor Cursor
	dir    direction
	at     Chunk
	box    []byte
	state  leafState
}

type leafState byte

const (
	leafFresh leafState = iota
	leafAt              // at and box are those of the last container sought
	leafEnd
)

func (l *leaf) seek(c Chunk) (Chunk, bool, error) {
	if l.state == leafEnd {
		return 0, false, nil
	}
	if l.state == leafAt && !l.dir.before(l.at, c) {
		return l.at, true, nil
	}
	at, box, ok, err := l.cursor.Seek(c)
	if err != nil {
		return 0, false, err
	}
	if !ok {
		l.state = leafEnd
		return 0, false, nil
	}
	l.at, l.box, l.state = at, box, leafAt
	return at, true, nil
}

func (l *leaf) load(c Chunk, into *Set) error {
	at, ok, err := l.seek(c)
	if err != nil {
		return err
	}
	if !ok || at != c {
		into.Reset()
		return nil
	}
	return into.Decode(l.box)
}

func (l *leaf) weight() int  { return weight(l.box) }
func (l *leaf) close() error { return l.cursor.Close() }

// and is what all kids have in common; it has at least one.
type and struct {
	kids []node
	dir  direction
	tmp  Set
}

func (a *and) seek(c Chunk) (Chunk, bool, error) {
	for agreed := 0; agreed < len(a.kids); {
		agreed = 0
		for _, k := range a.kids {
			at, ok, err := k.seek(c)
			if err != nil || !ok {
				return 0, false, err
			}
			if at != c {
				c = at
				break
			}
			agreed++
		}
	}
	return c, true, nil
}

// load starts with the kid that has the fewest members here, so that the
// others only strike out.
func (a *and) load(c Chunk, into *Set) error {
	into.Reset()
	if at, ok, err := a.seek(c); err != nil || !ok || at != c {
		return err
	}
	slices.SortStableFunc(a.kids, func(x, y node) int { return x.weight() - y.weight() })
	for i, k := range a.kids {
		if i == 0 {
			if err := k.load(c, into); err != nil {
				return err
			}
			continue
		}
		if into.Len() == 0 {
			return nil
		}
		if err := keep(k, c, into, &a.tmp); err != nil {
			return err
		}
	}
	return nil
}

func (a *and) weight() int {
	w := ChunkSize
	for _, k := range a.kids {
		w = min(w, k.weight())
	}
	return w
}

func (a *and) close() error { return closeAll(a.kids) }

// or is the union of its kids.
type or struct {
	kids []node
	dir  direction
	tmp  Set
}

func (o *or) seek(c Chunk) (Chunk, bool, error) {
	var best Chunk
	found := false
	for _, k := range o.kids {
		at, ok, err := k.seek(c)
		if err != nil {
			return 0, false, err
		}
		if ok && (!found || o.dir.before(at, best)) {
			best, found = at, true
		}
		if found && best == c {
			break
		}
	}
	return best, found, nil
}

func (o *or) load(c Chunk, into *Set) error {
	into.Reset()
	for _, k := range o.kids {
		if err := k.load(c, &o.tmp); err != nil {
			return err
		}
		into.Union(&o.tmp)
	}
	return nil
}

func (o *or) weight() int {
	w := 0
	for _, k := range o.kids {
		w += k.weight()
	}
	return w
}

func (o *or) close() error { return closeAll(o.kids) }

// minus is of without the members of without.
type minus struct {
	of, without node
	tmp         Set
}

func (m *minus) seek(c Chunk) (Chunk, bool, error) { return m.of.seek(c) }

func (m *minus) load(c Chunk, into *Set) error {
	if err := m.of.load(c, into); err != nil || into.Len() == 0 {
		return err
	}
	return strike(m.without, c, into, &m.tmp)
}

func (m *minus) weight() int  { return m.of.weight() }
func (m *minus) close() error { return errors.Join(m.of.close(), m.without.close()) }

func closeAll(kids []node) error {
	var err error
	for _, k := range kids {
		err = errors.Join(err, k.close())
	}
	return err
}
