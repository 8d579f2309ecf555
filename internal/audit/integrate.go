package audit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Bounds of one round of integration, so that a long backlog is taken in steps
// and a lost race costs little.
const (
	roundEntries = verify.RunLeaves // the index of a round fits into one cell
	roundBytes   = 4 << 20
)

// tree is this process's view of the shared tree. It is right as long as the
// state cell holds what it remembers, because every change of any cell of the
// tree changes the state cell in the same batch.
type tree struct {
	mu     sync.Mutex
	loaded bool
	ids    []verify.TreeID
	past   []span // the trees before the current one
	cell   []byte // the state cell as read or written
	edge   *verify.Tree
	leaves []byte // the unfinished cell of leaves
	index  index
	marks  map[uint64]verify.Mark
}

// broken are the shards of other processes that are not taken any further.
type broken struct {
	mu  sync.Mutex
	why map[uint64]error
}

func (b *broken) set(shard uint64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.why == nil {
		b.why = map[uint64]error{}
	}
	b.why[shard] = err
}

func (b *broken) get(shard uint64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.why[shard]
}

func (b *broken) all() []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Values(b.why))
}

func (t *tree) id() verify.TreeID { return t.ids[len(t.ids)-1] }

// Integrate takes all pending entries of all shards into the tree, and returns
// when they are durably there.
func (l *Log) Integrate(ctx context.Context) error {
	const op = "audit.Integrate"
	if err := l.Err(); err != nil {
		return err
	}
	shards, err := l.shards(ctx)
	if err != nil {
		return fault.Wrap(fault.Unavailable, op, err)
	}
	return l.integrate(ctx, shards)
}

func (l *Log) integrate(ctx context.Context, shards []uint64) error {
	const op = "audit.Integrate"
	for pause := time.Millisecond; ; {
		more, err := l.round(ctx, shards)
		switch {
		case errors.Is(err, store.ErrGuard):
			// Another process was faster. It has done the work, or part of it.
			if err := wait(ctx, pause); err != nil {
				return fault.Wrap(fault.Unavailable, op, err)
			}
			pause = min(2*pause, 100*time.Millisecond)
		case err != nil:
			return fault.Wrap(fault.Unavailable, op, err)
		case !more:
			return nil
		}
	}
}

// round takes up to one round of entries in one batch.
func (l *Log) round(ctx context.Context, shards []uint64) (more bool, err error) {
	t := &l.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.loaded {
		if err := l.loadTree(ctx); err != nil {
			return false, err
		}
	}
	s := newStep(l, t)
	for _, shard := range shards {
		if err := s.take(ctx, shard, t); err != nil {
			return false, err
		}
		if s.count >= roundEntries || s.bytes >= roundBytes {
			more = true
			break
		}
	}
	if s.count > 0 {
		if raced, err := l.advance(ctx, t, s); err != nil {
			return raced, err
		}
	}
	own := t.marks[l.shard].Counter
	raise(&l.taken, own)
	l.fresh.drop(own)
	return more, nil
}

// advance commits a step and makes it the tree's state. raced says that another
// process may have been faster.
func (l *Log) advance(ctx context.Context, t *tree, s *step) (raced bool, err error) {
	if err := s.finish(); err != nil {
		return false, err
	}
	old := record.Cell{Space: record.SpaceTree, Name: t.id().StateName(), Value: t.cell}
	trees := record.Cell{Space: record.SpaceTree, Name: []byte(verify.TreesName), Value: verify.AppendTrees(nil, t.ids)}
	receipt, err := l.cfg.Store.Commit(ctx, record.Batch{
		Cells: s.cells, Guards: []record.Guard{{Cell: &old}, {Cell: &trees}}, Time: l.cfg.Clock.Now(),
	})
	if err != nil {
		t.loaded = false
		return true, err
	}
	if err := receipt.Wait(); err != nil {
		return false, l.fail("audit.Integrate", err)
	}
	t.edge, t.leaves, t.index, t.cell = s.edge, s.leaves, s.index, s.state
	maps.Copy(t.marks, s.marks)
	l.heads.grown(t)
	return false, nil
}

// step gathers one round's changes.
type step struct {
	log     *Log
	id      verify.TreeID
	ordinal uint32
	edge    *verify.Tree
	leaves  []byte
	marks   map[uint64]verify.Mark
	index   index
	kept    int                                // of its postings are in cells of earlier steps
	from    uint64                             // leaf of the first of the others
	tokens  map[string]map[string]record.Token // of fields that repeat, by value
	cells   []record.Cell
	state   []byte
	count   int
	bytes   int
}

func newStep(l *Log, t *tree) *step {
	return &step{
		log: l, id: t.id(), ordinal: uint32(len(t.ids)), edge: t.edge.Clone(), leaves: slices.Clone(t.leaves),
		marks: map[uint64]verify.Mark{}, index: t.index, kept: len(t.index.posts),
		tokens: map[string]map[string]record.Token{verify.TokenDay: {}, verify.TokenActor: {}, verify.TokenPatient: {}},
	}
}

// take adds the shard's pending entries.
func (s *step) take(ctx context.Context, shard uint64, t *tree) error {
	if s.log.broken.get(shard) != nil {
		return nil
	}
	mark, ok := t.marks[shard]
	if !ok {
		var err error
		if mark, err = s.log.loadMark(ctx, shard); err != nil {
			return err
		}
		if shard == s.log.shard && mark.Counter < s.log.taken.Load() {
			return s.log.fail("audit.Integrate", &ChainError{Shard: shard, Counter: mark.Counter + 1, Problem: "was taken before"})
		}
		t.marks[shard] = mark
	}
	// What was visible before the read must be in it; what came since need not.
	visible := s.log.visible.Load()
	entries, err := s.log.cfg.Store.Log(ctx, shard, mark.Counter+1, roundEntries-s.count)
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	if shard == s.log.shard && len(entries) == 0 && visible > mark.Counter && roundEntries > s.count {
		return s.log.fail("audit.Integrate", &ChainError{Shard: shard, Counter: mark.Counter + 1, Problem: "is missing"})
	}
	for _, stored := range entries {
		next, account, err := s.log.inspect(ctx, shard, mark, stored)
		if err == nil {
			err = s.add(shard, stored, account)
		}
		if err != nil {
			return s.broke(ctx, shard, err)
		}
		mark = next
		s.marks[shard] = mark
		if s.bytes >= roundBytes {
			break
		}
	}
	return nil
}

// broke handles a chain that does not hold. Our own means that the store lies
// to us: nothing may go on. Another's is left alone and reported.
func (s *step) broke(ctx context.Context, shard uint64, err error) error {
	var chain *ChainError
	if !errors.As(err, &chain) {
		return err
	}
	if shard == s.log.shard {
		return s.log.fail("audit.Integrate", err)
	}
	s.log.broken.set(shard, err)
	s.log.cfg.Logger.ErrorContext(ctx, "an audit chain is broken; its remaining entries are not taken into the tree", "err", err)
	return nil
}

// inspect returns what the next entry of a shard makes of its mark, and what it
// tells; nil for a statement. An entry that the store gives back as this process
// linked it needs no more than that comparison.
func (l *Log) inspect(ctx context.Context, shard uint64, mark verify.Mark, stored store.Entry) (verify.Mark, *verify.Account, error) {
	if shard == l.shard {
		if own, ok := l.fresh.get(mark, stored); ok {
			return own.mark, own.account, nil
		}
	}
	next, err := l.checkLink(ctx, shard, mark, stored)
	if err != nil {
		return mark, nil, err
	}
	e, err := verify.ParseEntry(stored.Bytes)
	if err != nil || e.Flags&verify.FlagStatement != 0 {
		return next, nil, err
	}
	a, err := l.openAccount(e)
	if err != nil {
		return mark, nil, &ChainError{Shard: e.Shard, Counter: e.Counter, Problem: "cannot be opened"}
	}
	return next, a, nil
}

func (s *step) add(shard uint64, stored store.Entry, account *verify.Account) error {
	index := s.edge.Size()
	if len(s.leaves) == 256*16 {
		s.leaves = s.leaves[:0]
	}
	s.leaves = verify.AppendLeaf(s.leaves, verify.Leaf{Shard: shard, Counter: stored.Counter})
	if len(s.leaves) == 256*16 {
		s.put(s.id.MapName(index/256), slices.Clone(s.leaves))
	}
	if err := s.edge.Add(verify.LeafHash(stored.Bytes), s.putTile); err != nil {
		return err
	}
	s.count++
	s.bytes += len(stored.Bytes)
	if account != nil {
		s.post(account, index)
	}
	return nil
}

// token is the sealer's; days, actors and patients come again and again in a round.
func (s *step) token(field string, value []byte) record.Token {
	known := s.tokens[field]
	if known == nil {
		return s.log.cfg.Sealer.Token(field, value)
	}
	t, ok := known[string(value)]
	if !ok {
		t = s.log.cfg.Sealer.Token(field, value)
		known[string(value)] = t
	}
	return t
}

func (s *step) putTile(level int, n uint64, data []byte) error {
	s.put(s.id.TileName(level, n), data)
	return nil
}

func (s *step) put(name, value []byte) {
	s.cells = append(s.cells, record.Cell{Space: record.SpaceTree, Name: name, Value: value})
}

// finish adds the cells that are written once a round.
func (s *step) finish() error {
	if err := s.edge.Flush(s.putTile); err != nil {
		return err
	}
	if len(s.leaves) < 256*16 {
		s.put(s.id.MapName(s.edge.Size()/256), slices.Clone(s.leaves))
	}
	for shard, m := range s.marks {
		s.put(verify.MarkName(shard), m.Append(nil))
	}
	s.putStep()
	s.state = verify.State{Size: s.edge.Size(), Root: s.edge.Root()}.Append(nil)
	s.put(s.id.StateName(), s.state)
	return nil
}
