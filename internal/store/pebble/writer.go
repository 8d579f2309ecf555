package pebble

import (
	"encoding/binary"
	"errors"
	"time"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/posting"
)

// writer turns a plan into one batch of the tree, under the commit lock.
type writer struct {
	plan *plan
	v    view
	base record.Position // of the first put
	time time.Time
	out  *lsm.Batch

	heads []head            // what becomes current, by plan.heads; version 0: superseded within the batch
	older []superseded      // in order of keys
	dead  []record.Position // in any order

	amended []record.Row // those of the batch's amends, as they are

	key, box []byte
	set      posting.Set
}

// superseded is a version that is current no more.
type superseded struct {
	key     record.Key
	version uint64
	at      record.Position
}

// succeed checks that every put follows the current version of its record, and
// notes what it supersedes.
func (w *writer) succeed() error {
	if len(w.plan.b.Puts) == 0 {
		return nil
	}
	heads, err := w.v.heads()
	if err != nil {
		return err
	}
	return errors.Join(w.follow(heads), heads.close())
}

func (w *writer) follow(heads *heads) error {
	puts := w.plan.b.Puts
	w.heads = make([]head, len(puts))
	var now head
	for i, at := range w.plan.heads {
		p := &puts[at]
		if i == 0 || puts[w.plan.heads[i-1]].Key != p.Key {
			var err error
			if now, err = heads.get(p.Key); err != nil {
				return err
			}
		} else {
			w.heads[i-1] = head{}
		}
		switch {
		case p.Version != now.version+1:
			return store.ErrGuard
		case now.version > 0 && now.class != p.Class:
			return invalid("a record changes its class")
		case now.version > 0:
			w.older = append(w.older, superseded{p.Key, now.version, now.at})
			w.dead = append(w.dead, now.at)
		}
		now = head{p.Version, w.base + record.Position(at), p.Class}
		w.heads[i] = now
		if p.Deleted {
			w.dead = append(w.dead, now.at)
		}
	}
	return nil
}

// size estimates the bytes of the batch, so that it grows rarely.
func (w *writer) size(run record.LogRun) int {
	b := w.plan.b
	n := 64 + 40*len(w.plan.lists)
	for i := range b.Puts {
		n += 160 + len(b.Puts[i].Body) + len(b.Puts[i].Card)
	}
	for i := range b.Amends {
		n += 160 + len(b.Amends[i].Body) + len(b.Amends[i].Card) + 40*(len(b.Amends[i].Tokens)+len(b.Amends[i].Edges))
	}
	for i := range b.Cells {
		n += 48 + 2*len(b.Cells[i].Name) + len(b.Cells[i].Value)
	}
	for _, e := range run.Entries {
		n += 32 + len(e)
	}
	return n
}

// fill writes everything, in the order of keys.
func (w *writer) fill(run record.LogRun) error {
	steps := []func() error{
		w.putRows,
		func() error { return w.putLists(posting.ByClass) },
		w.putDead,
		func() error { return w.putLists(posting.ByEdge) },
		w.putHeads,
		func() error { return w.putLog(run) },
		w.putOlder,
		w.putExpiries,
		func() error { return w.putLists(posting.ByToken) },
		w.putCells,
		w.putAmends,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) putRows() error {
	puts := w.plan.b.Puts
	for i := range puts {
		w.key = positionKey(w.key[:0], tagRow, w.base+record.Position(i))
		w.box = appendRow(w.box[:0], &puts[i], w.time)
		if err := w.out.Set(w.key, w.box, nil); err != nil {
			return err
		}
	}
	for i := range puts {
		w.key = positionKey(w.key[:0], tagBody, w.base+record.Position(i))
		if err := w.out.Set(w.key, puts[i].Body, nil); err != nil {
			return err
		}
	}
	return nil
}

// putLists adds the new positions to the lists of one kind. A batch may
// straddle two chunks, or more.
func (w *writer) putLists(kind posting.Kind) error {
	for _, l := range w.plan.lists {
		if l.list.Kind != kind {
			continue
		}
		w.key = listPrefix(w.key[:0], l.list)
		for at := 0; at < len(l.puts); {
			chunk, low := posting.Locate(w.base + record.Position(l.puts[at]))
			w.set.Reset()
			for next := chunk; next == chunk; {
				w.set.Add(low)
				if at++; at == len(l.puts) {
					break
				}
				next, low = posting.Locate(w.base + record.Position(l.puts[at]))
			}
			if err := w.merge(chunk); err != nil {
				return err
			}
		}
	}
	return nil
}

// merge adds w.set to the list whose prefix w.key is, and leaves that as it was.
func (w *writer) merge(c posting.Chunk) error {
	fixed := len(w.key)
	w.key = appendChunk(w.key, c)
	w.box = w.set.AppendTo(w.box[:0])
	err := w.out.Merge(w.key, w.box, nil)
	w.key = w.key[:fixed]
	return err
}

func (w *writer) putDead() error {
	chunks := make(map[posting.Chunk]*posting.Set, 1)
	for _, p := range w.dead {
		c, low := posting.Locate(p)
		if chunks[c] == nil {
			chunks[c] = new(posting.Set)
		}
		chunks[c].Add(low)
	}
	for c, set := range chunks {
		w.box = set.AppendTo(w.box[:0])
		if err := w.out.Merge(deadKey(w.key[:0], c), w.box, nil); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) putHeads() error {
	for i, h := range w.heads {
		if h.version == 0 {
			continue
		}
		w.key = headKey(w.key[:0], w.plan.b.Puts[w.plan.heads[i]].Key)
		w.box = h.appendTo(w.box[:0])
		if err := w.out.Set(w.key, w.box, nil); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) putLog(run record.LogRun) error {
	for i, entry := range run.Entries {
		w.key = logKey(w.key[:0], w.plan.b.Shard, run.First+uint64(i))
		if err := w.out.Set(w.key, entry, nil); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) putOlder() error {
	for _, o := range w.older {
		w.key = olderKey(w.key[:0], o.key, o.version)
		w.box = binary.BigEndian.AppendUint64(w.box[:0], uint64(o.at))
		if err := w.out.Set(w.key, w.box, nil); err != nil {
			return err
		}
	}
	return nil
}

// putExpiries notes when cells expire, for the sweeper alone: reads look at
// the cell itself.
func (w *writer) putExpiries() error {
	for _, i := range w.plan.cells {
		c := &w.plan.b.Cells[i]
		if c.Value == nil || c.Expires.IsZero() {
			continue
		}
		w.key = expiryKey(w.key[:0], expiryOf(*c), c.Space, c.Name)
		if err := w.out.Set(w.key, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) putCells() error {
	for _, i := range w.plan.cells {
		c := &w.plan.b.Cells[i]
		w.key = cellKey(w.key[:0], c.Space, c.Name)
		var err error
		if c.Value == nil {
			err = w.out.Delete(w.key, nil)
		} else {
			w.box = cellValue(w.box[:0], *c)
			err = w.out.Set(w.key, w.box, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
