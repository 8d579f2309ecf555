package audit

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// cell reads one cell; nil if there is none.
func (l *Log) cell(ctx context.Context, space record.Space, name []byte) ([]byte, error) {
	values, err := l.cfg.Store.Cells(ctx, space, [][]byte{name})
	if err != nil {
		return nil, fmt.Errorf("read a cell: %w", err)
	}
	return values[0], nil
}

// tile returns a reader of a tree's tiles.
func (l *Log) tile(ctx context.Context, id verify.TreeID) func(level int, n uint64) ([]byte, error) {
	return func(level int, n uint64) ([]byte, error) {
		return l.cell(ctx, record.SpaceTree, id.TileName(level, n))
	}
}

var errTree = errors.New("the store's audit tree contradicts itself")

// loadTree reads the tree as the store has it now. l.tree.mu is held. Its cells are read
// one by one, and other processes write them: they belong together if the state was the
// same before and after. An error is store.ErrGuard if it never was.
func (l *Log) loadTree(ctx context.Context) error {
	const tries, longest = 50, 10 * time.Millisecond
	t := &l.tree
	t.loaded = false
	for try, pause := 1, time.Millisecond; ; try++ {
		ids, cell, err := l.state(ctx)
		if err != nil {
			return err
		}
		readErr := l.readTree(ctx, ids, cell)
		idsNow, now, err := l.state(ctx)
		switch {
		case err != nil:
			return err
		case !bytes.Equal(cell, now) || !slices.Equal(ids, idsNow):
		case readErr != nil:
			return readErr
		default:
			if t.index.damaged > 0 {
				l.cfg.Logger.ErrorContext(ctx, "cells of the log's search index are damaged; some entries may not be found by a search: run audit verify", "cells", t.index.damaged)
			}
			t.loaded = true
			l.heads.grown(t)
			return nil
		}
		if try == tries {
			return fmt.Errorf("read the tree, which others move on all the time: %w", store.ErrGuard)
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, longest)
	}
}

// wait lets others go first for a while.
func wait(ctx context.Context, pause time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
		return nil
	}
}

// state reads which trees there are, and how far the newest has come.
func (l *Log) state(ctx context.Context) ([]verify.TreeID, []byte, error) {
	trees, err := l.cell(ctx, record.SpaceTree, []byte(verify.TreesName))
	if err != nil {
		return nil, nil, err
	}
	if trees == nil {
		return nil, nil, errNoTree
	}
	ids, err := verify.ParseTrees(trees)
	if err != nil {
		return nil, nil, err
	}
	cell, err := l.cell(ctx, record.SpaceTree, ids[len(ids)-1].StateName())
	return ids, slices.Clone(cell), err
}

// readTree reads what belongs to a state.
func (l *Log) readTree(ctx context.Context, ids []verify.TreeID, cell []byte) error {
	t, id := &l.tree, ids[len(ids)-1]
	state, err := verify.ParseState(cell)
	if err != nil {
		return err
	}
	edge, err := verify.LoadTree(state.Size, l.tile(ctx, id))
	if err != nil {
		return err
	}
	if edge.Root() != state.Root {
		return errTree
	}
	var leaves []byte
	if width := state.Size % 256; width > 0 {
		leaves, err = l.cell(ctx, record.SpaceTree, id.MapName(state.Size/256))
		if err != nil {
			return err
		}
		if uint64(len(leaves)) != 16*width {
			return errTree
		}
	}
	index, err := l.loadIndex(ctx, uint32(len(ids)), state.Size)
	if err != nil {
		return err
	}
	if len(ids) != len(t.past)+1 {
		if t.past, err = l.loadPast(ctx, ids[:len(ids)-1]); err != nil {
			return err
		}
	}
	t.ids, t.cell, t.edge, t.leaves, t.index = ids, cell, edge, slices.Clone(leaves), index
	t.marks = map[uint64]verify.Mark{}
	return nil
}

// loadPast reads how large the closed trees are.
func (l *Log) loadPast(ctx context.Context, ids []verify.TreeID) ([]span, error) {
	var past []span
	var first uint64
	for _, id := range ids {
		cell, err := l.cell(ctx, record.SpaceTree, id.StateName())
		if err != nil {
			return nil, err
		}
		state, err := verify.ParseState(cell)
		if err != nil {
			return nil, err
		}
		past = append(past, span{id, first, state.Size})
		first += state.Size
	}
	return past, nil
}

var errNoTree = errors.New("the store holds no audit tree")

// loadMark reads how far a shard has been taken. l.tree.mu is held.
func (l *Log) loadMark(ctx context.Context, shard uint64) (verify.Mark, error) {
	value, err := l.cell(ctx, record.SpaceTree, verify.MarkName(shard))
	if err != nil {
		return verify.Mark{}, err
	}
	if value == nil {
		return verify.Mark{Link: verify.ChainStart(l.cfg.Tenant, shard)}, nil
	}
	return verify.ParseMark(value)
}

// shards lists the registered shards, in the order of their names.
func (l *Log) shards(ctx context.Context) ([]uint64, error) {
	var all []uint64
	err := l.cfg.Store.Scan(ctx, record.SpaceShard, nil, nil, func(name, _ []byte) error {
		if len(name) == 8 {
			all = append(all, binary.BigEndian.Uint64(name))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list shards: %w", err)
	}
	return all, nil
}

// keyCache keeps the chain keys of the shards met.
type keyCache struct {
	mu   sync.Mutex
	keys map[uint64][]byte
}

func (c *keyCache) put(shard uint64, key []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil {
		c.keys = map[uint64][]byte{}
	}
	c.keys[shard] = key
}

func (c *keyCache) get(ctx context.Context, l *Log, shard uint64) ([]byte, error) {
	c.mu.Lock()
	key := c.keys[shard]
	c.mu.Unlock()
	if key != nil {
		return key, nil
	}
	value, err := l.cell(ctx, record.SpaceShard, verify.ShardName(shard))
	if err != nil {
		return nil, err
	}
	if value == nil {
		return nil, &ChainError{Shard: shard, Counter: 1, Problem: "belongs to a shard that is not registered"}
	}
	registered, err := verify.ParseShard(value)
	if err != nil {
		return nil, err
	}
	key, err = l.cfg.Sealer.OpenValue(purpose, verify.ShardAAD(l.cfg.Tenant, shard, registered.Opened), registered.SealedKey)
	if err != nil {
		return nil, fmt.Errorf("open a chain key: %w", err)
	}
	c.put(shard, key)
	return key, nil
}

// openAccount opens and reads an entry's accountability part.
func (l *Log) openAccount(e *verify.Entry) (*verify.Account, error) {
	plain, err := l.cfg.Sealer.OpenValue(purpose, verify.AccountAAD(l.cfg.Tenant, e.Shard, e.Content), e.Account)
	if err != nil {
		return nil, fmt.Errorf("open accountability: %w", err)
	}
	return verify.ParseAccount(plain)
}
