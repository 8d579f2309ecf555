package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

// Record is an entry as an officer reads it.
type Record struct {
	// Index numbers the entries of all trees of the store: a successor's
	// leaves follow those of the tree that was closed.
	Index   uint64
	Tree    verify.TreeID
	Leaf    uint64 // within its tree
	Shard   uint64
	Counter uint64
	// Event holds the content fields, too, unless ContentGone.
	Event
	// ContentGone says that the content part was removed, or the keys it was
	// sealed for. The entry itself still verifies.
	ContentGone bool
	Statement   *verify.Statement // what a statement declares; Event is then empty
	// Altered says that the store does not give back what was logged here.
	// Nothing else is known of the entry; verify the store.
	Altered bool
}

var (
	errLeaf    = errors.New("a leaf of the audit tree cannot be found")
	errAltered = errors.New("an audit entry has been altered")
)

// Read returns an entry by its index.
func (l *Log) Read(ctx context.Context, index uint64) (*Record, error) {
	const op = "audit.Read"
	leaves := l.leaves()
	if index >= leaves.size() {
		return nil, fault.New(fault.NotFound, op, "There is no audit entry with this number.")
	}
	r, err := l.open(ctx, leaves, index)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	return r, nil
}

// span is a tree among the trees of the store.
type span struct {
	id    verify.TreeID
	first uint64 // index of its leaf 0
	size  uint64
}

// leafReader finds the entries that leaves are. It is for one reader.
type leafReader struct {
	log   *Log
	spans []span

	cell  []byte // name of the cell that table was read from
	table []verify.Leaf
}

// leaves returns a reader of all trees as they are now.
func (l *Log) leaves() *leafReader {
	h := &l.heads
	h.mu.Lock()
	defer h.mu.Unlock()
	current := span{id: h.id, size: h.size}
	if n := len(h.past); n > 0 {
		current.first = h.past[n-1].first + h.past[n-1].size
	}
	return &leafReader{log: l, spans: append(slices.Clone(h.past), current)}
}

func (r *leafReader) size() uint64 {
	last := r.spans[len(r.spans)-1]
	return last.first + last.size
}

// locate returns the tree that holds an index, which MUST be below size.
func (r *leafReader) locate(index uint64) (tree span, leaf uint64) {
	i := len(r.spans) - 1
	for i > 0 && index < r.spans[i].first {
		i--
	}
	return r.spans[i], index - r.spans[i].first
}

// entry returns the bytes of the entry that is a leaf.
func (r *leafReader) entry(ctx context.Context, id verify.TreeID, leaf uint64) ([]byte, error) {
	name := id.MapName(leaf / 256)
	if !bytes.Equal(name, r.cell) || leaf%256 >= uint64(len(r.table)) {
		cell, err := r.log.cell(ctx, record.SpaceTree, name)
		if err != nil {
			return nil, err
		}
		if r.table, err = verify.ParseLeaves(cell); err != nil {
			return nil, err
		}
		r.cell = name
	}
	if leaf%256 >= uint64(len(r.table)) {
		return nil, errLeaf
	}
	at := r.table[leaf%256]
	entries, err := r.log.cfg.Store.Log(ctx, at.Shard, at.Counter, 1)
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	if len(entries) != 1 || entries[0].Counter != at.Counter {
		return nil, errLeaf
	}
	return entries[0].Bytes, nil
}

// open returns an entry, opened.
func (l *Log) open(ctx context.Context, leaves *leafReader, index uint64) (*Record, error) {
	tree, leaf := leaves.locate(index)
	_, e, err := l.authentic(ctx, leaves, tree.id, leaf)
	if err != nil {
		return nil, err
	}
	r := &Record{Index: index, Tree: tree.id, Leaf: leaf, Shard: e.Shard, Counter: e.Counter}
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
	content, err := verify.ParseContent(plain)
	if err != nil {
		return err
	}
	r.fill(content)
	return nil
}

// Prove returns a proof that an entry is in the tree of its newest checkpoint,
// which it signs first if the leaf is younger. Anybody can check it with the
// public key alone (verify.Proof.Check).
func (l *Log) Prove(ctx context.Context, index uint64) (*verify.Proof, error) {
	const op = "audit.Prove"
	leaves := l.leaves()
	if index >= leaves.size() {
		return nil, fault.New(fault.NotFound, op, "There is no audit entry with this number.")
	}
	tree, leaf := leaves.locate(index)
	signed, c, err := l.checkpointOf(ctx, tree.id, leaf)
	if err != nil {
		return nil, err
	}
	if leaf >= c.Size {
		return nil, fault.New(fault.NotFound, op,
			"The entry's tree was closed before a checkpoint covered the entry. The declaration of the tree that follows states its root.")
	}
	entry, err := leaves.entry(ctx, tree.id, leaf)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	p, err := verify.Prove(entry, leaf, c, signed, l.tile(ctx, tree.id))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	p.HandOvers = string(l.HandOvers())
	return p, nil
}

// checkpointOf returns the newest checkpoint of a tree, of the current one such
// that it covers the leaf.
func (l *Log) checkpointOf(ctx context.Context, id verify.TreeID, leaf uint64) ([]byte, verify.Checkpoint, error) {
	if id != l.treeID() {
		signed, err := l.cell(ctx, record.SpaceTree, id.CheckpointName())
		if err != nil {
			return nil, verify.Checkpoint{}, fault.Wrap(fault.Unavailable, "audit.Prove", err)
		}
		c, err := l.openCheckpoint(ctx, signed)
		return signed, c, fault.Wrap(fault.Internal, "audit.Prove", err)
	}
	signed, c := l.Published()
	if leaf < c.Size && c.Origin == id.Origin(l.cfg.Tenant) {
		return signed, c, nil
	}
	if err := l.Checkpoint(ctx); err != nil {
		return nil, c, err
	}
	signed, c = l.Published()
	return signed, c, nil
}

// Find returns the indexes of the entries that match: those of one request, or
// those that speak of one version of a record, say.
func (l *Log) Find(ctx context.Context, f Filter) ([]uint64, error) {
	var found []uint64
	err := l.Search(ctx, f, func(r *Record) error {
		found = append(found, r.Index)
		return nil
	})
	return found, err
}
