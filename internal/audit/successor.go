package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
)

// Rollback says how the store's tree stands against the checkpoint kept
// elsewhere.
type Rollback struct {
	Kind   string // rollback | fork | other-tree
	Size   uint64 // of the store's tree
	Pinned uint64
}

// Kinds of Rollback.
const (
	KindRollback  = "rollback"
	KindFork      = "fork"
	KindOtherTree = "other-tree"
)

func (r *Rollback) Error() string {
	switch r.Kind {
	case KindRollback:
		return fmt.Sprintf("rollback: the store's audit tree is older than the checkpoint kept outside it: size %d < %d", r.Size, r.Pinned)
	case KindFork:
		return fmt.Sprintf("fork: the store's audit tree of size %d does not contain the checkpoint kept outside it, of size %d", r.Size, r.Pinned)
	}
	return fmt.Sprintf("other tree: the checkpoint kept outside the store, of size %d, is of a tree that this store does not descend from", r.Pinned)
}

func (r *Rollback) fault() *fault.Error {
	return &fault.Error{Kind: fault.Unavailable, Op: "audit.Open", Err: r, Public: "The store does not match the audit checkpoint kept outside it (" +
		r.Error() + "). If it was restored on purpose, declare a successor; if not, treat this as an incident."}
}

func rollback(size, pinned uint64) error {
	return (&Rollback{Kind: KindRollback, Size: size, Pinned: pinned}).fault()
}

// checkStored checks the newest checkpoint in the store against the tree.
func (l *Log) checkStored(ctx context.Context) error {
	signed, err := l.cell(ctx, record.SpaceTree, l.treeID().CheckpointName())
	if err != nil || signed == nil {
		return err
	}
	c, err := l.openCheckpoint(ctx, signed)
	if err != nil {
		return fmt.Errorf("the store's own checkpoint: %w", err)
	}
	if c.Origin != l.treeID().Origin(l.cfg.Tenant) {
		return fmt.Errorf("the store's own checkpoint: %w", errTree)
	}
	inside, err := l.contains(ctx, c)
	if err != nil {
		return err
	}
	if !inside {
		return fmt.Errorf("the store's own checkpoint: %w", errTree)
	}
	l.heads.mu.Lock()
	defer l.heads.mu.Unlock()
	l.heads.signed, l.heads.text = c, signed
	return nil
}

// contains reports whether the current tree has c as a prefix.
func (l *Log) contains(ctx context.Context, c verify.Checkpoint) (bool, error) {
	l.tree.mu.Lock()
	size, root, id := l.tree.edge.Size(), l.tree.edge.Root(), l.tree.id()
	l.tree.mu.Unlock()
	if c.Size > size {
		return false, nil
	}
	if c.Size == 0 {
		return true, nil
	}
	got, err := tlog.TreeHash(int64(c.Size), verify.Hashes(size, root, l.tile(ctx, id)))
	if err != nil {
		return false, fmt.Errorf("read the tree: %w", err)
	}
	return got == c.Root, nil
}

// comparePinned returns nil if the store is the continuation of the pinned
// checkpoint.
func (l *Log) comparePinned(ctx context.Context, pinned *verify.Checkpoint) *Rollback {
	if pinned == nil {
		return nil
	}
	l.tree.mu.Lock()
	size, ids := l.tree.edge.Size(), slices.Clone(l.tree.ids)
	l.tree.mu.Unlock()
	r := &Rollback{Size: size, Pinned: pinned.Size}
	switch {
	case pinned.Origin != ids[len(ids)-1].Origin(l.cfg.Tenant):
		if l.descends(ctx, ids, *pinned) {
			return nil
		}
		r.Kind = KindOtherTree
	case pinned.Size > size:
		r.Kind = KindRollback
	default:
		inside, err := l.contains(ctx, *pinned)
		if err == nil && inside {
			return nil
		}
		r.Kind = KindFork
	}
	return r
}

// descends reports whether a tree of the store was declared the successor of
// the pinned checkpoint's tree, with that checkpoint or a later one in view.
func (l *Log) descends(ctx context.Context, ids []verify.TreeID, pinned verify.Checkpoint) bool {
	for i := len(ids) - 1; i > 0; i-- {
		entry, err := l.leaves().entry(ctx, ids[i], 0)
		if err != nil {
			return false
		}
		e, err := verify.ParseEntry(entry)
		if err != nil {
			return false
		}
		s, err := verify.ParseStatement(e)
		if err != nil {
			return false
		}
		if s.LastOrigin == pinned.Origin {
			return s.LastSize >= pinned.Size
		}
	}
	return false
}

// declare makes the statement that becomes the first leaf of the successor.
func (l *Log) declare(r *Rollback, pinned *verify.Checkpoint) ([]part, error) {
	l.tree.mu.Lock()
	defer l.tree.mu.Unlock()
	d := l.cfg.DeclareSuccessor
	if d.Who == "" || d.Why == "" {
		return nil, errors.New("a successor needs who declares it and why")
	}
	account, err := json.Marshal(verify.Statement{
		Kind: verify.StatementSuccessor, Reason: r.Kind, Time: l.cfg.Clock.Now(),
		LastOrigin: pinned.Origin, LastSize: pinned.Size, LastRoot: pinned.Root,
		RecoveredOrigin: l.tree.id().Origin(l.cfg.Tenant), RecoveredSize: l.tree.edge.Size(), RecoveredRoot: l.tree.edge.Root(),
		Who: clip(d.Who, maxText), Why: clip(d.Why, maxText),
	})
	if err != nil {
		return nil, err
	}
	return []part{{flags: verify.FlagStatement, account: account, digest: verify.AccountDigest(account)}}, nil
}

// succeed closes the tree and starts its successor, with this shard's first
// entry, the statement, as leaf 0, in one batch: nothing can come before it.
func (l *Log) succeed(ctx context.Context) error {
	entries, err := l.cfg.Store.Log(ctx, l.shard, 1, 1)
	if err != nil {
		return fmt.Errorf("read the statement: %w", err)
	}
	if len(entries) != 1 {
		return &ChainError{Shard: l.shard, Counter: 1, Problem: "is missing"}
	}
	mark, err := l.checkLink(ctx, l.shard, verify.Mark{Link: verify.ChainStart(l.cfg.Tenant, l.shard)}, entries[0])
	if err != nil {
		return err
	}
	l.tree.mu.Lock()
	defer l.tree.mu.Unlock()
	ids := append(slices.Clone(l.tree.ids), newTreeID())
	s := &step{
		log: l, id: ids[len(ids)-1], ordinal: uint32(len(ids)),
		edge: new(verify.Tree), marks: map[uint64]verify.Mark{l.shard: mark},
	}
	if err := s.add(l.shard, entries[0], nil); err != nil {
		return err
	}
	if err := s.finish(); err != nil {
		return err
	}
	if err := l.foundTree(ctx, l.tree.ids, ids, s.cells); err != nil {
		return err
	}
	raise(&l.taken, 1)
	l.heads.reset()
	return l.loadTree(ctx)
}
