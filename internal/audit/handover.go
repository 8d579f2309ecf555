package audit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/mod/sumdb/note"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/wholefile"
)

var errResigning = errors.New("the keyring cannot replace its signing key")

// HandOver has the keyring's next key sign from now on, and the one before never again:
// both sign a note of it, which is committed with the event and kept outside the store,
// too. Without a next key it has been done.
func (l *Log) HandOver(ctx context.Context, event Event) error {
	const op = "audit.HandOver"
	keys, ok := l.cfg.Keyring.(kms.Resigning)
	if !ok {
		return fault.Wrap(fault.NotSupported, op, errResigning)
	}
	if err := l.usable(ctx, op); err != nil {
		return err
	}
	if err := l.handOver(ctx, keys, event); err != nil {
		return fault.Wrap(fault.Unavailable, op, err)
	}
	if err := l.Integrate(ctx); err != nil {
		return err
	}
	return l.Checkpoint(ctx)
}

func (l *Log) handOver(ctx context.Context, keys kms.Resigning, event Event) error {
	l.heads.publishing.Lock() // nothing is signed in between
	defer l.heads.publishing.Unlock()
	next := keys.Next()
	if next == nil {
		return nil
	}
	signed, err := l.handOverNote(ctx, keys)
	if err != nil {
		return err
	}
	own, err := l.cell(ctx, record.SpaceTree, []byte(verify.HandOversName))
	if err != nil {
		return err
	}
	was := record.Cell{Space: record.SpaceTree, Name: []byte(verify.HandOversName), Value: bytes.Clone(own)}
	signers, err := verify.Believe(next, own, signed)
	if err != nil {
		return err
	}
	now := was
	now.Value = signers.Notes()
	event.Detail = "checkpoint: " + verify.KeyName(next) + " signs from now on, after " + verify.KeyName(keys.Public())
	parts, err := l.prepare(ctx, []Event{event})
	if err != nil {
		return err
	}
	receipt, err := l.commit(ctx, "audit.HandOver", record.Batch{Cells: []record.Cell{now}, Guards: []record.Guard{{Cell: &was}}}, parts)
	if err != nil {
		return err
	}
	if err := receipt.Wait(); err != nil {
		return err
	}
	// From here on nothing may be signed by the key before: the log would not verify.
	if err := keys.FinishSigning(); err != nil {
		return l.fail("audit.HandOver", err)
	}
	l.signs.Store(signers)
	l.heads.reset()
	return nil
}

// handOverNote has both keys sign how far the tree is.
func (l *Log) handOverNote(ctx context.Context, keys kms.Resigning) ([]byte, error) {
	l.heads.mu.Lock()
	at := verify.Checkpoint{Origin: l.heads.id.Origin(l.cfg.Tenant), Size: l.heads.size, Root: l.heads.root}
	l.heads.mu.Unlock()
	h := verify.HandOver{Tenant: l.cfg.Tenant, Old: keys.Public(), New: keys.Next(), At: at, Time: l.cfg.Clock.Now()}
	before, err := newSigner(ctx, h.Name(), h.Old, keys.Sign)
	if err != nil {
		return nil, err
	}
	after, err := newSigner(ctx, h.Name(), h.New, keys.SignNext)
	if err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: h.Text()}, before, after)
	if err != nil {
		return nil, fmt.Errorf("sign the hand-over: %w", err)
	}
	return signed, nil
}

// HandOvers are the notes by which the keys there were lead to the one that signs.
func (l *Log) HandOvers() []byte { return l.signs.Load().Notes() }

// openCheckpoint verifies one of this log's.
func (l *Log) openCheckpoint(ctx context.Context, signed []byte) (verify.Checkpoint, error) {
	trees, err := l.cell(ctx, record.SpaceTree, []byte(verify.TreesName))
	if err != nil {
		return verify.Checkpoint{}, err
	}
	ids, _ := verify.ParseTrees(trees) // of a store without trees there is no order
	return l.signs.Load().InOrder(verify.Origins(l.cfg.Tenant, ids)).OpenCheckpoint(signed)
}

var (
	errKeyBefore = fault.New(fault.Unavailable, "audit.Open",
		"The key that signs checkpoints was replaced, and this is the one before: it is not believed any more. Give the newest root.key or signing.key.")
	errNotes = fault.New(fault.Unavailable, "audit.Open",
		"What says which key signs checkpoints after which is damaged or forged. Compare the file .handovers beside the checkpoint kept outside the store with a copy of it.")
)

// openSigners finds out who signs: by the store, and by what is kept outside it, which
// outlives a restore. A hand-over that was cut short is ended.
func (l *Log) openSigners(ctx context.Context) error {
	own, err := l.cell(ctx, record.SpaceTree, []byte(verify.HandOversName))
	if err != nil {
		return err
	}
	outside, err := l.readHandOvers()
	if err != nil {
		return err
	}
	if err := l.settleSigning(own, outside); err != nil {
		return err
	}
	signers, err := verify.Believe(l.cfg.Keyring.Public(), own, outside)
	if err != nil {
		return errNotes
	}
	if !signers.Newest().Equal(l.cfg.Keyring.Public()) {
		return errKeyBefore
	}
	l.signs.Store(signers)
	if known, err := verify.Believe(l.cfg.Keyring.Public(), own); err == nil && len(known.HandOvers()) == len(signers.HandOvers()) {
		return nil
	}
	was := record.Cell{Space: record.SpaceTree, Name: []byte(verify.HandOversName), Value: bytes.Clone(own)}
	now := was
	now.Value = signers.Notes()
	receipt, err := l.cfg.Store.Commit(ctx, record.Batch{Cells: []record.Cell{now}, Guards: []record.Guard{{Cell: &was}}, Time: l.cfg.Clock.Now()})
	if err != nil {
		return fmt.Errorf("store the hand-overs: %w", err)
	}
	return receipt.Wait()
}

// settleSigning has the next key sign if the log was handed over to it: what is durable
// counts, not what a process did last.
func (l *Log) settleSigning(notes ...[]byte) error {
	keys, ok := l.cfg.Keyring.(kms.Resigning)
	if !ok || keys.Next() == nil {
		return nil
	}
	signers, err := verify.Believe(keys.Public(), notes...)
	if err != nil {
		return errNotes
	}
	if !signers.Newest().Equal(keys.Next()) {
		return nil // not yet
	}
	return keys.FinishSigning()
}

func (l *Log) readHandOvers() ([]byte, error) {
	if l.cfg.CheckpointOut == "" {
		return nil, nil
	}
	notes, err := os.ReadFile(l.cfg.CheckpointOut + verify.HandOversBeside)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the hand-overs outside the store: %w", wholefile.WithoutPath(err))
	}
	return notes, nil
}

// publishHandOvers writes them outside the store, before anything that needs them.
func (l *Log) publishHandOvers() error {
	notes := l.HandOvers()
	there, err := l.readHandOvers()
	if err != nil || bytes.Equal(there, notes) {
		return err
	}
	return wholefile.Replace(l.cfg.CheckpointOut+verify.HandOversBeside, notes, 0o644)
}

// signer is a note.Signer on a keyring, so that the key never leaves it.
type signer struct {
	note.Verifier
	ctx  context.Context
	sign func(ctx context.Context, message []byte) ([]byte, error)
}

func newSigner(ctx context.Context, name string, key ed25519.PublicKey, sign func(context.Context, []byte) ([]byte, error)) (note.Signer, error) {
	v, err := verify.NewVerifier(name, key)
	if err != nil {
		return nil, err
	}
	return signer{v, ctx, sign}, nil
}

func (s signer) Sign(message []byte) ([]byte, error) { return s.sign(s.ctx, message) }
