package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store/posting"
)

// Checked counts what Check found in order.
type Checked struct {
	Rows, Records, Containers, Entries, Cells int
}

// Check reads the whole store and compares everything that is kept twice:
// rows with heads, older versions, classes and the dead; posting lists with
// the positions that exist; audit entries with their neighbours. What tokens a
// version bears is sealed in its card, so whether a list is complete only
// audit verify --deep can tell. The error wraps store.ErrCorrupt.
func (s *Store) Check(ctx context.Context) (Checked, error) {
	v, err := s.snapshot(ctx)
	if err != nil {
		return Checked{}, fmt.Errorf("pebble.Check: %w", err)
	}
	c := &checker{view: v, ctx: ctx, shards: make(map[uint64]uint64)}
	err = c.rows()
	for tag, entry := range map[byte]func(key, value []byte) error{
		tagHead: c.headEntry, tagOlder: c.olderEntry, tagLog: c.logEntry, tagCell: c.cellEntry, tagExpiry: c.expiryEntry,
		tagClass: c.classEntry, tagDead: c.deadEntry, tagEdge: c.postingEntry, tagToken: c.postingEntry,
	} {
		if err == nil {
			err = c.all(tag, entry)
		}
	}
	if err == nil {
		err = c.totals()
	}
	if err = errors.Join(damage(err), v.done()); err != nil {
		return c.done, fmt.Errorf("pebble.Check: %w", err)
	}
	return c.done, nil
}

type checker struct {
	*view
	ctx  context.Context
	done Checked

	past       int               // rows that are not current
	heads      int               // heads seen
	olders     int               // older versions seen
	shards     map[uint64]uint64 // shard → next counter
	classes    int               // memberships expected of class lists
	members    int               // memberships seen
	deadWanted int
	deadSeen   int
}

func (c *checker) all(tag byte, entry func(key, value []byte) error) error {
	it, err := c.iter([]byte{tag})
	if err != nil {
		return err
	}
	n := 0
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		if n++; n%checkEvery == 0 {
			err = c.ctx.Err()
		}
		var b []byte
		if err == nil {
			b, err = it.ValueAndErr()
		}
		if err == nil {
			err = entry(it.Key(), b)
		}
	}
	return errors.Join(err, it.Error(), it.Close())
}

// rows walks all positions: they are dense, their times do not fall, and each
// has a body and agrees with its record's head.
func (c *checker) rows() error {
	bodies, err := c.iter([]byte{tagBody})
	if err != nil {
		return err
	}
	next, more := record.Position(1), bodies.First()
	var before record.Row
	err = c.all(tagRow, func(key, value []byte) error {
		row, err := openRow(value, positionOf(key))
		switch {
		case err != nil:
			return err
		case row.Position != next:
			return damaged("positions have a gap")
		case row.Time.Before(before.Time):
			return damaged("times fall")
		case !more || positionOf(bodies.Key()) != next:
			return damaged("rows and bodies do not go together")
		}
		next, more, before = next+1, bodies.Next(), record.Row{Time: row.Time}
		c.done.Rows++
		return c.row(&row)
	})
	if err == nil && more {
		err = damaged("a body without a row")
	}
	return errors.Join(err, bodies.Error(), bodies.Close())
}

func (c *checker) row(row *record.Row) error {
	h, err := c.head(row.Key)
	if err != nil {
		return err
	}
	if h.class != row.Class {
		return damaged("class of a record")
	}
	c.classes++
	if h.at == row.Position {
		c.done.Records++
		if h.version != row.Version {
			return damaged("current version of a record")
		}
		if row.Deleted {
			c.deadWanted++
		}
	} else {
		c.past++
		c.deadWanted++
		at, err := c.older(row.Key, row.Version)
		if err != nil {
			return err
		}
		if h.version <= row.Version || at != row.Position {
			return damaged("older version of a record")
		}
	}
	if row.Version > 1 {
		at, err := c.older(row.Key, row.Version-1)
		if err != nil {
			return err
		}
		if at == 0 || at >= row.Position {
			return damaged("predecessor of a version")
		}
	}
	return nil
}

func (c *checker) headEntry(_, value []byte) error {
	c.heads++
	_, err := openHead(value)
	return err
}

func (c *checker) olderEntry(_, _ []byte) error {
	c.olders++
	return nil
}

func (c *checker) logEntry(key, _ []byte) error {
	shard, counter := binary.BigEndian.Uint64(key[1:]), counterOf(key)
	if next, seen := c.shards[shard]; seen && next != counter {
		return damaged("a shard of the log has a gap")
	}
	c.shards[shard] = counter + 1
	c.done.Entries++
	return nil
}

func (c *checker) cellEntry(_, value []byte) error {
	c.done.Cells++
	if len(value) < 8 {
		return damaged("cell")
	}
	return nil
}

func (c *checker) expiryEntry(key, _ []byte) error {
	if len(key) < 10 {
		return damaged("expiry")
	}
	return nil
}

// container decodes a container and looks whether its positions exist.
func (c *checker) container(key, value []byte, each func(record.Position) error) (int, error) {
	var set posting.Set
	if err := set.Decode(value); err != nil {
		return 0, err
	}
	c.done.Containers++
	for low := range set.All() {
		p := chunkOf(key).Position(low)
		if p == 0 || p > c.last {
			return 0, damaged("a posting of a position that does not exist")
		}
		if each != nil {
			if err := each(p); err != nil {
				return 0, err
			}
		}
	}
	return set.Len(), nil
}

func (c *checker) classEntry(key, value []byte) error {
	n, err := c.container(key, value, func(p record.Position) error {
		row, err := c.rowAt(p)
		if err == nil && uint64(row.Class) != binary.BigEndian.Uint64(key[1:]) {
			err = damaged("a class list holds another class")
		}
		return err
	})
	c.members += n
	return err
}

func (c *checker) deadEntry(key, value []byte) error {
	n, err := c.container(key, value, func(p record.Position) error {
		row, err := c.rowAt(p)
		if err != nil || row.Deleted {
			return err
		}
		h, err := c.head(row.Key)
		if err == nil && h.at == p {
			err = damaged("a current version is among the dead")
		}
		return err
	})
	c.deadSeen += n
	return err
}

func (c *checker) postingEntry(key, value []byte) error {
	_, err := c.container(key, value, nil)
	return err
}

func (c *checker) rowAt(p record.Position) (row record.Row, err error) {
	c.buf = positionKey(c.buf[:0], tagRow, p)
	_, err = c.get(c.buf, func(b []byte) (err error) {
		row, err = openRow(b, p)
		row.Card = nil
		return err
	})
	return row, err
}

// totals finds what is there too often or not at all: all else was compared
// from the side of the rows.
func (c *checker) totals() error {
	switch {
	case c.heads != c.done.Records:
		return damaged("heads")
	case c.olders != c.past:
		return damaged("older versions")
	case c.members != c.classes:
		return damaged("class lists")
	case c.deadSeen != c.deadWanted:
		return damaged("the dead")
	}
	return nil
}
