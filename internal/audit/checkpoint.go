package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/wholefile"
)

// heads is how far the tree has grown, and how far that is signed.
type heads struct {
	publishing sync.Mutex // one signature at a time

	mu     sync.Mutex // guards what follows, never held over I/O
	id     verify.TreeID
	past   []span // the closed trees
	size   uint64
	root   tlog.Hash
	signed verify.Checkpoint
	text   []byte // the signed note
	at     time.Time
	err    error // of the last attempt
}

func (h *heads) grown(t *tree) {
	size, root := t.edge.Size(), t.edge.Root()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.id, h.past, h.size, h.root = t.id(), t.past, size, root
}

func (h *heads) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.signed, h.text = verify.Checkpoint{}, nil
}

// Checkpoint signs the tree as it is, unless that has been done, and publishes
// it: in the store, and in CheckpointOut once the store has it durably.
func (l *Log) Checkpoint(ctx context.Context) error {
	h := &l.heads
	h.publishing.Lock()
	defer h.publishing.Unlock()

	h.mu.Lock()
	id, done := h.id, h.err == nil
	c := verify.Checkpoint{Origin: h.id.Origin(l.cfg.Tenant), Size: h.size, Root: h.root}
	done = done && h.signed == c && !h.at.IsZero()
	h.mu.Unlock()
	if done {
		return nil
	}
	text, err := l.publish(ctx, id, c)

	h.mu.Lock()
	defer h.mu.Unlock()
	h.at, h.err = time.Now(), err
	if err == nil {
		h.signed, h.text = c, text
	}
	return fault.Wrap(fault.Unavailable, "audit.Checkpoint", err)
}

// publish signs c and writes it everywhere.
func (l *Log) publish(ctx context.Context, id verify.TreeID, c verify.Checkpoint) ([]byte, error) {
	signer, err := newSigner(ctx, c.Origin, l.cfg.Keyring.Public(), l.cfg.Keyring.Sign)
	if err != nil {
		return nil, err
	}
	text, err := note.Sign(&note.Note{Text: c.Text()}, signer)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	// Whatever this cell's commit makes durable, the tree's own commits came
	// before it: outside the store nothing is claimed that a crash could undo.
	if err := l.keepCheckpoint(ctx, id, c, text); err != nil {
		return nil, err
	}
	if l.cfg.CheckpointOut != "" {
		if err := l.publishHandOvers(); err != nil {
			return nil, fmt.Errorf("write the hand-overs outside the store: %w", err)
		}
		if err := l.writeCheckpoint(ctx, l.cfg.CheckpointOut, c, text); err != nil {
			return nil, fmt.Errorf("write the checkpoint outside the store: %w", err)
		}
	}
	return text, nil
}

// keepCheckpoint stores the note, unless a newer one is stored.
func (l *Log) keepCheckpoint(ctx context.Context, id verify.TreeID, c verify.Checkpoint, text []byte) error {
	for {
		old, err := l.cell(ctx, record.SpaceTree, id.CheckpointName())
		if err != nil {
			return err
		}
		if known, err := l.openCheckpoint(ctx, old); err == nil && known.Size > c.Size {
			return nil
		}
		cell := record.Cell{Space: record.SpaceTree, Name: id.CheckpointName(), Value: text}
		was := record.Cell{Space: record.SpaceTree, Name: id.CheckpointName(), Value: bytes.Clone(old)}
		receipt, err := l.cfg.Store.Commit(ctx, record.Batch{
			Cells: []record.Cell{cell}, Guards: []record.Guard{{Cell: &was}}, Time: l.cfg.Clock.Now(),
		})
		if errors.Is(err, store.ErrGuard) {
			continue
		}
		if err != nil {
			return fmt.Errorf("store the checkpoint: %w", err)
		}
		return receipt.Wait()
	}
}

// Published returns the newest checkpoint this process has signed.
func (l *Log) Published() (signed []byte, c verify.Checkpoint) {
	l.heads.mu.Lock()
	defer l.heads.mu.Unlock()
	return bytes.Clone(l.heads.text), l.heads.signed
}

// due reports whether the tree has grown and its last checkpoint is old enough.
func (l *Log) due() bool {
	l.heads.mu.Lock()
	defer l.heads.mu.Unlock()
	h := &l.heads
	return (h.size != h.signed.Size || h.err != nil) && time.Since(h.at) >= l.cfg.CheckpointEvery
}

// writeCheckpoint replaces the file, unless it holds a newer checkpoint of the
// same tree: several servers may share it.
func (l *Log) writeCheckpoint(ctx context.Context, path string, c verify.Checkpoint, text []byte) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return wholefile.WithoutPath(err)
	}
	if known, err := l.openCheckpoint(ctx, old); err == nil && known.Origin == c.Origin && known.Size > c.Size {
		return nil
	}
	return wholefile.Replace(path, text, 0o644)
}
