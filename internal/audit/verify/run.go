// Package verify checks an audit log, and the records it speaks of, from the
// files of a store alone. It asks no server and believes no engine: every leaf
// is rehashed into the signed root, every chain is followed, and every version
// in the store is held against the entry that was committed with it.
//
// It also holds the formats of the log, which docs/formats/audit.md describes,
// so that this package and that page are all a stranger has to read.
package verify

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Config is what a verification works with. Store MUST not be written to
// meanwhile: give a checkpoint's copy, not a serving store.
type Config struct {
	Store  store.Store
	Key    ed25519.PublicKey // signs the checkpoints
	Tenant string            // "": as the store's own checkpoint says
	Pinned []byte            // signed checkpoint kept outside the store; nil: none

	// HandOvers are those kept outside the store, beside its own; nil: none.
	HandOvers []byte

	// Open opens accountability parts and chain keys. Without it MACs and
	// records cannot be checked, and the report says so.
	Open func(aad, sealed []byte) ([]byte, error)

	// Token makes the tokens of the index of entries; nil: it is not checked.
	Token Tokenize

	// Deep re-derives tokens and edges; nil: they are not checked.
	Deep Deep

	// Progress is told how far the work is; nil: nobody asks.
	Progress func(done, total uint64)
}

// Deep knows how to open a version, which this package must not.
type Deep interface {
	// Index returns the tokens and edges that follow from the content of a
	// version that is no tombstone. row carries body and card.
	Index(ctx context.Context, row record.Row) ([]record.Token, []record.Edge, error)
}

// Run verifies a store. An error means that the work could not be done; what is
// wrong with the store is in the report.
func Run(ctx context.Context, c Config) (*Report, error) {
	v := &verifier{Config: c, ctx: ctx, report: &Report{Findings: []Finding{}}, chains: map[uint64]*chain{}, spools: spooled{}}
	if err := v.run(); err != nil {
		return nil, fmt.Errorf("verify.Run: %w", err)
	}
	v.report.OK = len(v.report.Findings) == 0
	return v.report, nil
}

type verifier struct {
	Config
	ctx    context.Context
	report *Report
	pinned *Checkpoint
	signs  *Signers
	trees  []*treeCheck
	chains map[uint64]*chain
	rows   *rows
	index  *postings
	spools spooled
	done   uint64
	total  uint64
}

func (v *verifier) run() error {
	if v.Open == nil {
		v.skip("MACs of the chains, and records against entries: no keys were given")
	}
	cell, err := v.cell(record.SpaceTree, []byte(TreesName))
	if err != nil {
		return err
	}
	ids, errTrees := ParseTrees(cell)
	if err := v.believe(ids); err != nil {
		return err
	}
	v.openPinned()
	if cell == nil {
		v.noTree()
		return nil
	}
	if errTrees != nil {
		v.find(Finding{Code: CodeCell, Text: "the list of trees cannot be read: " + errTrees.Error()})
		return nil
	}
	if v.Open != nil {
		v.rows = newRows(v)
		defer v.rows.stop()
		if v.Token != nil {
			v.index = &postings{verifier: v}
		}
	}
	for i, id := range ids {
		if err := v.openTree(i, id); err != nil {
			return err
		}
	}
	v.report.Trees = len(ids)
	for _, t := range v.trees {
		if err := t.walk(); err != nil {
			return err
		}
	}
	v.checkKept()
	if err := v.checkShards(); err != nil {
		return err
	}
	v.checkSpools()
	if v.index != nil {
		if err := v.index.finish(); err != nil {
			return err
		}
	}
	if v.rows != nil {
		return v.rows.finish()
	}
	return nil
}

func (v *verifier) noTree() {
	v.find(Finding{Code: CodeNoTree, Text: "the store holds no audit tree"})
	if v.pinned != nil {
		v.find(Finding{Code: CodeRollback, Text: fmt.Sprintf("the store is older than the pinned checkpoint: no tree, size %s", number(v.pinned.Size))})
	}
}

// openTree reads what the store says of a tree.
func (v *verifier) openTree(i int, id TreeID) error {
	t := &treeCheck{verifier: v, id: id, ordinal: i, roots: map[uint64]tlog.Hash{}, tileRoots: map[uint64]tlog.Hash{}, upper: map[tileName][]byte{}}
	cell, err := v.cell(record.SpaceTree, id.StateName())
	if err != nil {
		return err
	}
	if t.state, err = ParseState(cell); err != nil {
		t.find(Finding{Code: CodeCell, Text: "the tree's state is missing or malformed"})
		return nil
	}
	signed, err := v.cell(record.SpaceTree, id.CheckpointName())
	if err != nil {
		return err
	}
	if signed != nil {
		c, err := v.signs.OpenCheckpoint(signed)
		switch {
		case err != nil:
			t.find(Finding{Code: CodeSignature, Text: "the store's checkpoint: " + err.Error()})
		case c.Origin != id.Origin(v.Tenant):
			t.find(Finding{Code: CodeSignature, Text: "the store's checkpoint is of another tree"})
		default:
			t.signed = &c
		}
	}
	v.trees = append(v.trees, t)
	v.total += t.state.Size
	return nil
}

// checkKept compares the trees with the checkpoint kept elsewhere, and with those
// at which a key was handed over. The roots have been computed from the leaves by now.
func (v *verifier) checkKept() {
	if v.pinned != nil {
		v.checkAgainst(*v.pinned, "the pinned checkpoint")
	}
	for _, h := range v.signs.HandOvers() {
		v.checkAgainst(h.At, "the hand-over to "+KeyName(h.New))
		v.report.HandOvers = append(v.report.HandOvers, h.String())
	}
}

func (v *verifier) checkAgainst(c Checkpoint, what string) {
	for i, t := range v.trees {
		if t.id.Origin(v.Tenant) != c.Origin {
			continue
		}
		switch size := t.state.Size; {
		case c.Size <= size:
			if t.roots[c.Size] != c.Root && t.tileRoots[c.Size] != c.Root {
				t.find(Finding{Code: CodeFork, Text: fmt.Sprintf(
					"the store does not contain %s: another history of size %s", what, number(c.Size))})
			}
		case i+1 < len(v.trees) && v.trees[i+1].covers(c):
			// A successor says in the open that these leaves are lost.
		default:
			t.find(Finding{Code: CodeRollback, Text: fmt.Sprintf(
				"the store is older than %s: size %s < %s", what, number(size), number(c.Size))})
		}
		return
	}
	for _, t := range v.trees {
		if t.covers(c) {
			return
		}
	}
	v.find(Finding{Code: CodeOtherTree, Text: what + " is of a tree that this store does not descend from"})
}

func (v *verifier) find(f Finding)      { v.report.add(f) }
func (v *verifier) skip(what string)    { v.report.Skipped = append(v.report.Skipped, what) }
func (v *verifier) step(n uint64) error { v.done += n; return v.ctx.Err() }

func (v *verifier) cell(space record.Space, name []byte) ([]byte, error) {
	values, err := v.Store.Cells(v.ctx, space, [][]byte{name})
	if err != nil {
		return nil, fmt.Errorf("read a cell: %w", err)
	}
	if len(values) != 1 {
		return nil, errors.New("the store answered another question")
	}
	return values[0], nil
}
