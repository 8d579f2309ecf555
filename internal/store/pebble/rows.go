package pebble

import (
	"errors"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/posting"
)

// rows reads versions by position, best in runs. What it returns is valid
// until the next call.
type rows struct {
	v    *view
	want store.Want
	row  *lsm.Iterator
	body *lsm.Iterator // nil unless bodies are wanted
	key  []byte

	chunk  posting.Chunk // of dead
	dead   posting.Set
	loaded bool
}

func (v *view) rows(want store.Want) (*rows, error) {
	r := &rows{v: v, want: want}
	var err error
	if r.row, err = v.iter([]byte{tagRow}); err != nil {
		return nil, err
	}
	if want&store.WantBody != 0 {
		if r.body, err = v.iter([]byte{tagBody}); err != nil {
			return nil, errors.Join(err, r.row.Close())
		}
	}
	return r, nil
}

func (r *rows) close() error {
	err := r.row.Close()
	if r.body != nil {
		err = errors.Join(err, r.body.Close())
	}
	return damage(err)
}

// at returns the row of a position that exists; Current is not filled.
func (r *rows) at(p record.Position) (record.Row, error) {
	b, err := r.find(r.row, tagRow, p)
	if err != nil {
		return record.Row{}, err
	}
	row, err := openRow(b, p)
	if err != nil {
		return record.Row{}, err
	}
	if r.want&store.WantCard == 0 {
		row.Card = nil
	}
	if r.body != nil {
		row.Body, err = r.find(r.body, tagBody, p)
	}
	return row, err
}

// find moves it to the entry of a position.
func (r *rows) find(it *lsm.Iterator, tag byte, p record.Position) ([]byte, error) {
	ok := false
	switch {
	case it.Valid() && positionOf(it.Key()) == p-1:
		ok = it.Next()
	case it.Valid() && positionOf(it.Key()) == p+1:
		ok = it.Prev()
	default:
		r.key = positionKey(r.key[:0], tag, p)
		ok = it.SeekGE(r.key)
	}
	if err := it.Error(); err != nil {
		return nil, damage(err)
	}
	if !ok || positionOf(it.Key()) != p {
		return nil, damaged("a version is missing")
	}
	b, err := it.ValueAndErr()
	return b, damage(err)
}

// version is at, with Current filled. A tombstone is dead without having been
// superseded: there the head decides.
func (r *rows) version(p record.Position) (record.Row, error) {
	row, err := r.at(p)
	if err != nil {
		return row, err
	}
	if row.Deleted {
		h, err := r.v.head(row.Key)
		row.Current = h.at == p
		return row, err
	}
	c, low := posting.Locate(p)
	if !r.loaded || r.chunk != c {
		if err := r.v.Dead(c, &r.dead); err != nil {
			return row, err
		}
		r.chunk, r.loaded = c, true
	}
	row.Current = !r.dead.Contains(low)
	return row, nil
}
