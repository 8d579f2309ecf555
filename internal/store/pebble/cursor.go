package pebble

import (
	"bytes"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store/posting"
)

// Cursor implements posting.Source. The cursors of a view share one iterator: a
// query reads few containers of many lists, and opening an iterator costs more
// than moving one.
func (v *view) Cursor(l posting.List, down bool) (posting.Cursor, error) {
	learns := l.Kind == posting.ByToken && v.absent != nil && v.age != noAge
	if learns && v.absent.knows(l.Token, v.age) {
		return nil, nil
	}
	if v.cursors == 0 {
		it, err := v.r.NewIter(&lsm.IterOptions{LowerBound: []byte{tagClass}, UpperBound: []byte{tagToken + 1}})
		if err != nil {
			return nil, err
		}
		v.lists = it
	}
	v.cursors++
	prefix := listPrefix(make([]byte, 0, 32), l)
	c := &cursor{view: v, key: prefix, fixed: len(prefix), down: down}
	if learns {
		c.token = &l.Token
	}
	return c, nil
}

// cursor reads the containers of one list.
type cursor struct {
	view  *view
	key   []byte // the list's prefix, and room for a chunk
	fixed int
	down  bool
	box   []byte // of the last container, copied: other cursors move the iterator

	token *record.Token // until the first seek, of a list that may be absent
}

// Seek implements posting.Cursor.
func (c *cursor) Seek(at posting.Chunk) (posting.Chunk, []byte, bool, error) {
	if last, _ := posting.Locate(c.view.last); !c.down && at > last && c.token == nil {
		return 0, nil, false, nil // no list goes further
	}
	it := c.view.lists
	var found bool
	switch {
	case !c.down:
		c.key = appendChunk(c.key[:c.fixed], at)
		found = it.SeekGE(c.key)
	case at == ^posting.Chunk(0):
		found = it.SeekLT(after(c.key[:c.fixed]))
	default:
		c.key = appendChunk(c.key[:c.fixed], at+1)
		found = it.SeekLT(c.key)
	}
	t := c.token
	c.token = nil
	if !found || !bytes.HasPrefix(it.Key(), c.key[:c.fixed]) {
		if err := it.Error(); err != nil {
			return 0, nil, false, damage(err)
		}
		return 0, nil, false, c.learn(t)
	}
	if len(it.Key()) != c.fixed+chunkBytes {
		return 0, nil, false, damaged("posting key")
	}
	box, err := it.ValueAndErr()
	if err != nil {
		return 0, nil, false, damage(err)
	}
	c.box = append(c.box[:0], box...)
	return chunkOf(it.Key()), c.box, true, nil
}

// learn notes a list that was sought in vain, if it has no containers on the
// other side either.
func (c *cursor) learn(t *record.Token) error {
	if t == nil {
		return nil
	}
	it := c.view.lists
	var found bool
	if c.down {
		found = it.SeekGE(c.key[:c.fixed])
	} else {
		found = it.SeekLT(c.key)
	}
	if err := it.Error(); err != nil {
		return damage(err)
	}
	if !found || !bytes.HasPrefix(it.Key(), c.key[:c.fixed]) {
		c.view.absent.learn(*t, c.view.age)
	}
	return nil
}

// Close implements posting.Cursor. The last one closes the iterator.
func (c *cursor) Close() error {
	if c.view.cursors--; c.view.cursors > 0 {
		return nil
	}
	it := c.view.lists
	c.view.lists = nil
	return damage(it.Close())
}
