package audit

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Leaf is an entry as another system may have it: its place, its hash, and its
// accountability part. The content part is not even opened.
type Leaf struct {
	Index   uint64 // among the entries of all trees, as in Record
	Tree    verify.TreeID
	Leaf    uint64
	Hash    tlog.Hash
	Shard   uint64
	Counter uint64
	Logged  time.Time // when it was linked

	Account   *verify.Account   // nil: a statement, or Altered
	Statement *verify.Statement // in the clear in the store, too
	Altered   bool              // the store does not give back what was logged here
}

// Size is how many entries the trees hold, durably.
func (l *Log) Size() uint64 { return l.leaves().size() }

// Feed visits entries in the order of the trees, from an index on, limit at most.
// visit may return store.ErrStop.
func (l *Log) Feed(ctx context.Context, from uint64, limit int, visit func(*Leaf) error) error {
	leaves := l.leaves()
	for index := from; index < leaves.size() && index-from < uint64(limit); index++ {
		leaf, err := l.leaf(ctx, leaves, index)
		if damaged(err) {
			tree, n := leaves.locate(index)
			leaf, err = &Leaf{Index: index, Tree: tree.id, Leaf: n, Altered: true}, nil
		}
		if err == nil {
			err = visit(leaf)
		}
		if errors.Is(err, store.ErrStop) {
			return nil
		}
		if err != nil {
			return fault.Wrap(fault.Unavailable, "audit.Feed", err)
		}
	}
	return nil
}

func (l *Log) leaf(ctx context.Context, leaves *leafReader, index uint64) (*Leaf, error) {
	tree, n := leaves.locate(index)
	raw, e, err := l.authentic(ctx, leaves, tree.id, n)
	if err != nil {
		return nil, err
	}
	leaf := &Leaf{Index: index, Tree: tree.id, Leaf: n, Hash: verify.LeafHash(raw), Shard: e.Shard, Counter: e.Counter, Logged: e.Time}
	if e.Flags&verify.FlagStatement != 0 {
		leaf.Statement, err = verify.ParseStatement(e)
	} else {
		leaf.Account, err = l.openAccount(e)
	}
	return leaf, err
}

// authentic returns the entry that is a leaf. It believes nothing that the store
// says: the chain's MAC shows that a process of ours wrote the entry at its place.
func (l *Log) authentic(ctx context.Context, leaves *leafReader, tree verify.TreeID, leaf uint64) ([]byte, *verify.Entry, error) {
	raw, err := leaves.entry(ctx, tree, leaf)
	if err != nil {
		return nil, nil, err
	}
	e, err := verify.ParseEntry(raw)
	if err != nil {
		return nil, nil, errAltered
	}
	key, err := l.keys.get(ctx, l, e.Shard)
	if err != nil {
		return nil, nil, err
	}
	if !verify.CheckMAC(raw, key) {
		return nil, nil, errAltered
	}
	return raw, e, nil
}

// cursorCell is up to where another system has the entries: a mark of progress, sealed as
// those are. A store that moved it forth would keep entries from that system. Moving it
// back costs nothing but sending them again.
func (l *Log) cursorCell(name string) []byte {
	return []byte("audit-cursor/" + l.cfg.Tenant + "/" + name)
}

const cursorPurpose = "job"

// Cursor returns what KeepCursor kept, 0 if there is nothing that can be believed.
func (l *Log) Cursor(ctx context.Context, name string) (uint64, error) {
	at := l.cursorCell(name)
	sealed, err := l.cell(ctx, record.SpaceJob, at)
	if err != nil || sealed == nil {
		return 0, err
	}
	plain, err := l.cfg.Sealer.OpenValue(cursorPurpose, at, sealed)
	if errors.Is(err, seal.ErrClosed) {
		return 0, fmt.Errorf("audit.Cursor: %w", err)
	}
	if err != nil || len(plain) != 8 {
		return 0, nil
	}
	if next := binary.BigEndian.Uint64(plain); next <= l.Size() {
		return next, nil
	}
	return 0, nil // of a store that was put back
}

// KeepCursor keeps, durably, that the entries before next need not be fed again.
func (l *Log) KeepCursor(ctx context.Context, name string, next uint64) error {
	const op = "audit.KeepCursor"
	at := l.cursorCell(name)
	sealed, err := l.cfg.Sealer.SealValue(cursorPurpose, at, binary.BigEndian.AppendUint64(nil, next))
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	receipt, err := l.cfg.Store.Commit(ctx, record.Batch{
		Cells: []record.Cell{{Space: record.SpaceJob, Name: at, Value: sealed}}, Time: l.cfg.Clock.Now(),
	})
	if err == nil {
		err = receipt.Wait()
	}
	return fault.Wrap(fault.Unavailable, op, err)
}
