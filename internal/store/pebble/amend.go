package pebble

import (
	"errors"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/posting"
)

// checkAmends refuses amends that no state of the store could make right.
func checkAmends(b *record.Batch) error {
	if len(b.Amends) == 0 {
		return nil
	}
	seen := make(map[record.Key]bool, len(b.Puts)+len(b.Amends))
	for i := range b.Puts {
		seen[b.Puts[i].Key] = true
	}
	for i := range b.Amends {
		a := &b.Amends[i]
		switch {
		case a.Key.IsZero() || a.Version == 0 || a.Deleted:
			return invalid("an amend without a version to amend")
		case seen[a.Key]:
			return invalid("a record amended twice, or put as well")
		}
		seen[a.Key] = true
	}
	return nil
}

// findAmended reads the rows to be amended. A version that is current no more,
// or is a tombstone, fails the batch like a guard.
func (w *writer) findAmended() error {
	if len(w.plan.b.Amends) == 0 {
		return nil
	}
	rows, err := w.v.rows(0)
	if err != nil {
		return err
	}
	return errors.Join(w.readAmended(rows), rows.close())
}

func (w *writer) readAmended(rows *rows) error {
	for i := range w.plan.b.Amends {
		a := &w.plan.b.Amends[i]
		h, err := w.v.head(a.Key)
		if err != nil {
			return err
		}
		if h.version != a.Version {
			return store.ErrGuard
		}
		row, err := rows.at(h.at)
		switch {
		case err != nil:
			return err
		case row.Deleted:
			return store.ErrGuard
		case row.Class != a.Class:
			return invalid("a record changes its class")
		}
		w.amended = append(w.amended, row)
	}
	return nil
}

// putAmends writes rows and bodies where they are, and adds to the lists.
func (w *writer) putAmends() error {
	for i, row := range w.amended {
		a := &w.plan.b.Amends[i]
		w.box = appendRow(w.box[:0], a, row.Time)
		if err := w.out.Set(positionKey(w.key[:0], tagRow, row.Position), w.box, nil); err != nil {
			return err
		}
		if err := w.out.Set(positionKey(w.key[:0], tagBody, row.Position), a.Body, nil); err != nil {
			return err
		}
		for _, e := range a.Edges {
			if err := w.join(posting.List{Kind: posting.ByEdge, Token: e.Rel, Key: e.To}, row.Position); err != nil {
				return err
			}
		}
		for _, t := range a.Tokens {
			if err := w.join(posting.List{Kind: posting.ByToken, Token: t}, row.Position); err != nil {
				return err
			}
		}
	}
	return nil
}

// join adds one position to a list.
func (w *writer) join(l posting.List, p record.Position) error {
	chunk, low := posting.Locate(p)
	w.set.Reset()
	w.set.Add(low)
	w.key = listPrefix(w.key[:0], l)
	return w.merge(chunk)
}
