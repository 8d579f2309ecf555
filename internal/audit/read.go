package audit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

// Record is an entry as an officer reads it.
type Record struct {
	Tree    verify.TreeID
	Index   uint64 // of the leaf
	Shard   uint64
	Counter uint64
	// Event holds the content fields, too, unless ContentGone.
	Event
	// ContentGone says that the content part was removed, or the keys it was
	// sealed for. The entry itself still verifies.
	ContentGone bool
	Statement   *verify.Statement // what a statement declares; Event is then empty
}

var (
	errLeaf    = errors.New("a leaf of the audit tree cannot be found")
	errAltered = errors.New("an audit entry has been altered")
)

// Read returns the entry that is a leaf of the current tree.
func (l *Log) Read(ctx context.Context, index uint64) (*Record, error) {
	const op = "audit.Read"
	id, size := l.head()
	if index >= size {
		return nil, fault.New(fault.NotFound, op, "There is no audit entry with this number.")
	}
	r, err := l.open(ctx, &leafReader{log: l, id: id}, index)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	return r, nil
}

func (l *Log) head() (verify.TreeID, uint64) {
	l.heads.mu.Lock()
	defer l.heads.mu.Unlock()
	return l.heads.id, l.heads.size
}

// leafReader finds the entries that a tree's leaves are.
type leafReader struct {
	log    *Log
	id     verify.TreeID
	bundle uint64 // of leaves, plus one; 0: none
	leaves []verify.Leaf
}

// entry returns the bytes of the entry that is a leaf.
func (r *leafReader) entry(ctx context.Context, index uint64) ([]byte, error) {
	if n := index / 256; r.bundle != n+1 || index%256 >= uint64(len(r.leaves)) {
		cell, err := r.log.cell(ctx, record.SpaceTree, r.id.MapName(n))
		if err != nil {
			return nil, err
		}
		if r.leaves, err = verify.ParseLeaves(cell); err != nil {
			return nil, err
		}
		r.bundle = n + 1
	}
	if index%256 >= uint64(len(r.leaves)) {
		return nil, errLeaf
	}
	at := r.leaves[index%256]
	entries, err := r.log.cfg.Store.Log(ctx, at.Shard, at.Counter, 1)
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	if len(entries) != 1 || entries[0].Counter != at.Counter {
		return nil, errLeaf
	}
	return entries[0].Bytes, nil
}

// leaf returns the bytes of the entry that is a leaf of a tree.
func (l *Log) leaf(ctx context.Context, id verify.TreeID, index uint64) ([]byte, error) {
	r := leafReader{log: l, id: id}
	return r.entry(ctx, index)
}

// open returns an entry, opened. It believes nothing that the store says: the
// chain's MAC shows that a process of ours wrote the entry at its place.
func (l *Log) open(ctx context.Context, leaves *leafReader, index uint64) (*Record, error) {
	bytes, err := leaves.entry(ctx, index)
	if err != nil {
		return nil, err
	}
	e, err := verify.ParseEntry(bytes)
	if err != nil {
		return nil, errAltered
	}
	key, err := l.keys.get(ctx, l, e.Shard)
	if err != nil {
		return nil, err
	}
	if !verify.CheckMAC(bytes, key) {
		return nil, errAltered
	}
	r := &Record{Tree: leaves.id, Index: index, Shard: e.Shard, Counter: e.Counter}
	if e.Flags&verify.FlagStatement != 0 {
		r.Statement, err = verify.ParseStatement(e)
		return r, err
	}
	account, err := l.openAccount(e)
	if err != nil {
		return nil, err
	}
	r.Event = eventOf(account)
	return r, l.readContent(ctx, e, r)
}

// readContent fills in the content part, if it is still there.
func (l *Log) readContent(ctx context.Context, e *verify.Entry, r *Record) error {
	if e.Content == ([32]byte{}) {
		return nil
	}
	sealed, err := l.cell(ctx, record.SpaceContent, e.Content[:])
	if err != nil {
		return err
	}
	if sealed == nil {
		r.ContentGone = true
		return nil
	}
	if sha256.Sum256(sealed) != e.Content {
		return errAltered
	}
	plain, err := l.cfg.Sealer.OpenFor(ctx, purpose, []byte(contentAAD), sealed)
	if errors.Is(err, seal.ErrNoKey) {
		r.ContentGone = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("open content: %w", err)
	}
	return r.parseContent(plain)
}

// Prove returns a proof that the leaf is in the tree of the newest checkpoint,
// which it signs first if the leaf is younger. Anybody can check it with the
// public key alone (verify.Proof.Check).
func (l *Log) Prove(ctx context.Context, index uint64) (*verify.Proof, error) {
	const op = "audit.Prove"
	id, size := l.head()
	if index >= size {
		return nil, fault.New(fault.NotFound, op, "There is no audit entry with this number.")
	}
	signed, c := l.Published()
	if index >= c.Size || c.Origin != id.Origin(l.cfg.Tenant) {
		if err := l.Checkpoint(ctx); err != nil {
			return nil, err
		}
		signed, c = l.Published()
	}
	entry, err := l.leaf(ctx, id, index)
	if err == nil {
		var p *verify.Proof
		if p, err = verify.Prove(entry, index, c, signed, l.tile(ctx, id)); err == nil {
			return p, nil
		}
	}
	return nil, fault.Wrap(fault.Internal, op, err)
}

// Find returns the leaves of the current tree that hold the entries of one
// request, or that speak of one version of a record (Version 0: of any).
func (l *Log) Find(ctx context.Context, f Filter) ([]uint64, error) {
	var found []uint64
	err := l.Search(ctx, f, func(r *Record) error {
		found = append(found, r.Index)
		return nil
	})
	return found, err
}
