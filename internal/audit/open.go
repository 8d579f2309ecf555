package audit

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/wholefile"
)

// Open makes the log ready, or says why nothing may be served: it compares the
// store with the checkpoint kept elsewhere, takes in what earlier processes
// left behind, and writes the first entry of its own shard.
func Open(ctx context.Context, c Config) (*Log, error) {
	const op = "audit.Open"
	l, err := newLog(c)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	if err := l.start(ctx); err != nil {
		var f *fault.Error
		if errors.As(err, &f) {
			return nil, err
		}
		return nil, fault.Wrap(fault.Unavailable, op, err)
	}
	go l.run()
	return l, nil
}

var errConfig = errors.New("the audit log needs a store, a sealer, a keyring and a tenant without spaces, slashes or plus signs")

func newLog(c Config) (*Log, error) {
	if c.Store == nil || c.Sealer == nil || c.Keyring == nil || c.Tenant == "" || strings.ContainsFunc(c.Tenant, badTenant) {
		return nil, errConfig
	}
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		set  *time.Duration
		then time.Duration
	}{{&c.CheckpointEvery, 10 * time.Second}, {&c.IntegrateEvery, 100 * time.Millisecond}, {&c.SweepEvery, 2 * time.Second}, {&c.CloseWithin, 10 * time.Second}} {
		if *d.set <= 0 {
			*d.set = d.then
		}
	}
	return &Log{cfg: c, wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}, nil
}

func badTenant(r rune) bool { return r <= ' ' || r >= 0x7f || r == '/' || r == '+' }

func (l *Log) start(ctx context.Context) error {
	if err := l.openSigners(ctx); err != nil {
		return err
	}
	pinned, err := l.readPinned(ctx)
	if err != nil {
		return err
	}
	if err := l.openTree(ctx, pinned); err != nil {
		return err
	}
	if err := l.checkStored(ctx); err != nil {
		return err
	}
	problem := l.comparePinned(ctx, pinned)
	if problem != nil && l.cfg.DeclareSuccessor == nil {
		return problem.fault()
	}
	if problem == nil {
		if err := l.recover(ctx); err != nil {
			return err
		}
	}
	if err := l.openShard(ctx, problem, pinned); err != nil {
		return err
	}
	if err := l.Integrate(ctx); err != nil {
		return err
	}
	return l.Checkpoint(ctx)
}

// readPinned reads the checkpoint kept outside the store, nil if there is none.
func (l *Log) readPinned(ctx context.Context) (*verify.Checkpoint, error) {
	if l.cfg.CheckpointOut == "" {
		return nil, nil
	}
	signed, err := os.ReadFile(l.cfg.CheckpointOut)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the checkpoint kept outside the store: %w", wholefile.WithoutPath(err))
	}
	c, err := l.openCheckpoint(ctx, signed)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "audit.Open",
			"The checkpoint kept outside the store does not open under this key. Give the right keys, or the right file.")
	}
	return &c, nil
}

// openTree loads the tree, and founds one in a fresh store.
func (l *Log) openTree(ctx context.Context, pinned *verify.Checkpoint) error {
	l.tree.mu.Lock()
	defer l.tree.mu.Unlock()
	for {
		err := l.loadTree(ctx)
		if !errors.Is(err, errNoTree) {
			return err
		}
		if pinned != nil && l.cfg.DeclareSuccessor == nil {
			return rollback(0, pinned.Size)
		}
		id := newTreeID()
		state := verify.State{Root: new(verify.Tree).Root()}.Append(nil)
		err = l.foundTree(ctx, nil, []verify.TreeID{id}, []record.Cell{{Space: record.SpaceTree, Name: id.StateName(), Value: state}})
		if err != nil && !errors.Is(err, store.ErrGuard) {
			return err
		}
	}
}

// foundTree makes the last of ids the current tree; was are those known before.
func (l *Log) foundTree(ctx context.Context, was, ids []verify.TreeID, cells []record.Cell) error {
	before := record.Cell{Space: record.SpaceTree, Name: []byte(verify.TreesName)}
	if len(was) > 0 {
		before.Value = verify.AppendTrees(nil, was)
	}
	after := record.Cell{Space: record.SpaceTree, Name: []byte(verify.TreesName), Value: verify.AppendTrees(nil, ids)}
	receipt, err := l.cfg.Store.Commit(ctx, record.Batch{
		Cells: append(cells, after), Guards: []record.Guard{{Cell: &before}}, Time: l.cfg.Clock.Now(),
	})
	if err != nil {
		return fmt.Errorf("found a tree: %w", err)
	}
	return receipt.Wait()
}

func newTreeID() (id verify.TreeID) {
	_, _ = rand.Read(id[:])
	return id
}

// recover takes in what earlier processes committed and did not integrate.
func (l *Log) recover(ctx context.Context) error {
	shards, err := l.shards(ctx)
	if err != nil {
		return err
	}
	if err := l.integrate(ctx, shards); err != nil {
		return err
	}
	for _, err := range l.broken.all() {
		return &fault.Error{
			Kind: fault.Unavailable, Op: "audit.Open", Err: err,
			Public: "The audit entries that an earlier process left behind have been altered. Verify the store before it is used again.",
		}
	}
	return nil
}

// openShard registers this process's shard together with its first entry.
func (l *Log) openShard(ctx context.Context, problem *Rollback, pinned *verify.Checkpoint) error {
	var id [8]byte
	key := make([]byte, 32)
	_, _ = rand.Read(id[:])
	_, _ = rand.Read(key)
	l.shard = binary.BigEndian.Uint64(id[:])
	now := l.cfg.Clock.Now()
	sealed, err := l.cfg.Sealer.SealValue(purpose, verify.ShardAAD(l.cfg.Tenant, l.shard, now), key)
	if err != nil {
		return fmt.Errorf("seal the chain key: %w", err)
	}
	l.keys.put(l.shard, key)
	l.mac, l.prev = newMAC(key), verify.ChainStart(l.cfg.Tenant, l.shard)

	var parts []part
	if problem == nil {
		parts, err = l.prepare(ctx, []Event{{Action: ActionLogStart, Actor: l.cfg.Server, Detail: l.cfg.About}})
	} else {
		parts, err = l.declare(problem, pinned)
	}
	if err != nil {
		return err
	}
	cell := record.Cell{
		Space: record.SpaceShard, Name: verify.ShardName(l.shard),
		Value: verify.Shard{Opened: now, SealedKey: sealed}.Append(nil),
	}
	absent := record.Cell{Space: record.SpaceShard, Name: cell.Name}
	receipt, err := l.commit(ctx, "audit.Open", record.Batch{
		Cells: []record.Cell{cell}, Guards: []record.Guard{{Cell: &absent}}, Time: now,
	}, parts)
	if err != nil {
		return err
	}
	if err := receipt.Wait(); err != nil {
		return err
	}
	if problem != nil {
		return l.succeed(ctx)
	}
	return nil
}
