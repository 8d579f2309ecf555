package audit

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Side is one of two stores when a log is copied from one to the other.
type Side struct {
	Store   store.Store
	Sealer  Sealer
	Keyring kms.Keyring
}

// copyRun is how many entries or cells are copied in one commit.
const copyRun = 1000

// Copy copies a log that nobody writes to into a store that has none: entries, chains,
// tree and content parts to the byte, chain keys sealed anew, the index of entries by
// the tokens of the other store. The key that signs there follows the one that signed.
func Copy(ctx context.Context, tenant string, from, to Side) error {
	const op = "audit.Copy"
	l, err := newLog(Config{Store: to.Store, Sealer: to.Sealer, Keyring: to.Keyring, Tenant: tenant})
	if err != nil {
		return fault.Wrap(fault.Internal, op, err)
	}
	c := &copying{Log: l, from: from}
	for _, do := range []func(context.Context) error{c.shards, c.cells, c.handOver, l.reindex} {
		if err := do(ctx); err != nil {
			return fault.Wrap(fault.Unavailable, op, err)
		}
	}
	return nil
}

type copying struct {
	*Log
	from  Side
	batch []record.Cell
}

func (c *copying) put(ctx context.Context, cell record.Cell) error {
	if c.batch = append(c.batch, cell); len(c.batch) < copyRun {
		return nil
	}
	return c.flush(ctx)
}

func (c *copying) flush(ctx context.Context) error {
	if len(c.batch) == 0 {
		return nil
	}
	b := record.Batch{Cells: c.batch}
	c.batch = nil
	return c.write(ctx, b)
}

func (l *Log) write(ctx context.Context, b record.Batch) error {
	receipt, err := l.cfg.Store.Commit(ctx, b)
	if err != nil {
		return err
	}
	return receipt.Wait()
}

func (c *copying) shards(ctx context.Context) error {
	return c.from.Store.Scan(ctx, record.SpaceShard, nil, nil, func(name, value []byte) error {
		s, err := verify.ParseShard(value)
		if err != nil || len(name) != 8 {
			return errLayout
		}
		shard := binary.BigEndian.Uint64(name)
		aad := verify.ShardAAD(c.cfg.Tenant, shard, s.Opened)
		key, err := c.from.Sealer.OpenValue(purpose, aad, s.SealedKey)
		if err != nil {
			return fmt.Errorf("open a chain key: %w", err)
		}
		defer clear(key)
		if s.SealedKey, err = c.cfg.Sealer.SealValue(purpose, aad, key); err != nil {
			return err
		}
		if err := c.put(ctx, record.Cell{Space: record.SpaceShard, Name: slices.Clone(name), Value: s.Append(nil)}); err != nil {
			return err
		}
		return c.entries(ctx, shard)
	})
}

var errLayout = errors.New("a cell of the log is malformed")

func (c *copying) entries(ctx context.Context, shard uint64) error {
	for next := uint64(1); ; {
		some, err := c.from.Store.Log(ctx, shard, next, copyRun)
		if err != nil || len(some) == 0 {
			return err
		}
		run := record.LogRun{First: next}
		for _, e := range some {
			run.Entries = append(run.Entries, e.Bytes)
		}
		b := record.Batch{Shard: shard, Link: func() (record.LogRun, error) { return run, nil }}
		if err := c.write(ctx, b); err != nil {
			return err
		}
		next += uint64(len(some))
	}
}

// cells copies the tree, without the index, and the content parts.
func (c *copying) cells(ctx context.Context) error {
	for _, space := range []record.Space{record.SpaceTree, record.SpaceContent} {
		err := c.from.Store.Scan(ctx, space, nil, nil, func(name, value []byte) error {
			if space == record.SpaceTree && (verify.OfIndex(name) || string(name) == verify.HandOversName || string(name) == spoolName) {
				return nil // they are made anew
			}
			return c.put(ctx, record.Cell{Space: space, Name: slices.Clone(name), Value: bytes.Clone(value)})
		})
		if err != nil {
			return err
		}
	}
	return c.flush(ctx)
}

// handOver has the key that signed say which one follows.
func (c *copying) handOver(ctx context.Context) error {
	c.tree.mu.Lock()
	defer c.tree.mu.Unlock()
	if err := c.loadTree(ctx); err != nil {
		return err
	}
	own, err := c.from.Store.Cells(ctx, record.SpaceTree, [][]byte{[]byte(verify.HandOversName)})
	if err != nil {
		return err
	}
	h := verify.HandOver{
		Tenant: c.cfg.Tenant, Old: c.from.Keyring.Public(), New: c.cfg.Keyring.Public(), Time: time.Now(),
		At: verify.Checkpoint{Origin: c.tree.id().Origin(c.cfg.Tenant), Size: c.tree.edge.Size(), Root: c.tree.edge.Root()},
	}
	before, err1 := newSigner(ctx, h.Name(), h.Old, c.from.Keyring.Sign)
	after, err2 := newSigner(ctx, h.Name(), h.New, c.cfg.Keyring.Sign)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	signed, err := note.Sign(&note.Note{Text: h.Text()}, before, after)
	if err != nil {
		return err
	}
	signers, err := verify.Believe(h.New, own[0], signed)
	if err != nil {
		return err
	}
	return c.write(ctx, record.Batch{Cells: []record.Cell{{Space: record.SpaceTree, Name: []byte(verify.HandOversName), Value: signers.Notes()}}})
}

// reindex makes the index of entries anew, of a log that is not open.
func (l *Log) reindex(ctx context.Context) error {
	for i, id := range l.tree.ids {
		if err := l.reindexTree(ctx, id, uint32(i+1)); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) reindexTree(ctx context.Context, id verify.TreeID, ordinal uint32) error {
	cell, err := l.cell(ctx, record.SpaceTree, id.StateName())
	if err != nil {
		return err
	}
	state, err := verify.ParseState(cell)
	if err != nil {
		return err
	}
	s := newStep(l, &l.tree)
	s.id, s.ordinal, s.index, s.kept = id, ordinal, index{}, 0
	leaves := &leafReader{log: l}
	for n := range state.Size {
		raw, err := leaves.entry(ctx, id, n)
		if err != nil {
			return err
		}
		e, err := verify.ParseEntry(raw)
		if err != nil {
			return err
		}
		if e.Flags&verify.FlagStatement != 0 {
			continue
		}
		account, err := l.openAccount(e)
		if err != nil {
			return err
		}
		s.post(account, n)
		if len(s.cells) >= copyRun {
			if err := l.write(ctx, record.Batch{Cells: s.cells}); err != nil {
				return err
			}
			s.cells = nil
		}
	}
	s.putStep()
	return l.write(ctx, record.Batch{Cells: s.cells})
}

// Resealed tells of versions that hold what they held, sealed anew by other keys. The
// items say what is stored now.
func (l *Log) Resealed(ctx context.Context, event Event, items []Item) error {
	if err := l.usable(ctx, "audit.Resealed"); err != nil {
		return err
	}
	event.Items = slices.Clone(items)
	for i := range event.Items {
		event.Items[i].Amended = true
	}
	parts, err := l.prepare(ctx, []Event{event})
	if err != nil {
		return err
	}
	receipt, err := l.commit(ctx, "audit.Resealed", record.Batch{}, parts)
	if err != nil {
		return err
	}
	return receipt.Wait()
}
