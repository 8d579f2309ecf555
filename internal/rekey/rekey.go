// Package rekey replaces keys: the root, what tenants have keys for, and the key that
// signs checkpoints. A step is
// one commit, kept with the place it came to, so that a process that dies leaves
// work that the next one carries on.
//
// What is replaced seals nothing any more and still opens. Each owner's key gets a
// fresh version in front, and the versions before are wrapped anew; nothing that an
// audit entry covers is touched (docs/adr/0026-replacing-keys.md). An old version is
// dropped once nothing in the store is sealed under it.
package rekey

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Root is a keyring below which everything can be wrapped anew by another root, or by
// what a service has put in its place.
type Root interface {
	kms.Keyring
	// Rotating reports whether an old root is kept beside the new one.
	Rotating() bool
	// Begin puts a fresh root in front, unless one was put there before.
	Begin() error
	// Newest is a keyring of the newest root alone.
	Newest() kms.Keyring
	// Finish destroys the old root, if it is here.
	Finish() error
	// Fate says, for the audit log, what becomes of it.
	Fate() string
}

// Config says what a manager stands on.
type Config struct {
	Store  store.Store
	Sealer *seal.Sealer
	Log    *audit.Log
	Clock  clock.Clock
	Slog   *slog.Logger

	Root    Root          // nil: it is not here
	Signing kms.Resigning // nil: it is not here
	FileKey string        // path of the wrapped key of the store's files; "": there is none
	// Again writes anew what lapses late or never and has a writer of its own.
	Again func(ctx context.Context) error
	// Resign signs by the next key what else the one before has signed.
	Resign func(ctx context.Context) error
}

// Grace is how long after a new version an old one is kept at least: what was
// under way has been committed or refused by then (record.MaxSkew), and page links
// that were given out have lapsed.
const Grace = 24 * time.Hour

// Keys that can be replaced.
const (
	KeyRoot       = "root"
	KeyCheckpoint = "checkpoint" // signs checkpoints
	keyIndex      = "index"
	keyData       = "data"
	keyAudit      = "audit"
)

// Manager replaces keys. It is safe for concurrent use.
type Manager struct {
	Config
	mu   sync.Mutex // one step at a time
	wake chan struct{}
	stop context.CancelFunc
	done chan struct{}

	problem atomic.Pointer[string] // why the work in the background stopped last
}

// New returns a manager. It does nothing yet.
func New(cfg Config) *Manager {
	return &Manager{Config: cfg, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// Rotate begins to replace a key: from when it returns the new one seals. Carry
// does the rest.
func (m *Manager) Rotate(ctx context.Context, who, key, reason string) error {
	const op = "rekey.Rotate"
	switch reason = strings.TrimSpace(reason); {
	case reason == "":
		return fault.New(fault.Invalid, op, "Say why: --reason. It is kept in the audit log.")
	case key == keyIndex:
		return fault.New(fault.NotSupported, op, "The index key cannot be replaced in its place: classes, names and tokens of every version rest on it. wardkeep keys renew writes a second folder with all keys new.")
	case key == KeyRoot:
		if err := m.checkRoot(ctx); err != nil {
			return err
		}
	case key == KeyCheckpoint:
		if m.Signing == nil {
			return fault.New(fault.NotSupported, op, "The key that signs checkpoints is not kept here.")
		}
	case !slices.Contains(seal.Purposes(), key):
		return fault.New(fault.Invalid, op, "The keys that can be replaced are: root, checkpoint, data, blob, audit.")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.retried(op, func() error { return m.begin(ctx, who, key, reason) })
}

func (m *Manager) begin(ctx context.Context, who, key, reason string) error {
	reg, err := m.load(ctx)
	if err != nil {
		return err
	}
	if w := reg.Work; w != nil {
		return fault.New(fault.Conflict, "rekey.Rotate", "The key "+w.Key+" is being replaced since "+w.Begun.UTC().Format(time.RFC3339)+
			". Wait until that is done, or carry it on by wardkeep keys resume.")
	}
	now := m.Clock.Now().UTC()
	reg.Work = &work{Key: key, By: who, Reason: reason, Begun: now, Phase: phaseBegun}
	event := m.event(reg.Work, "begun")
	if key == KeyRoot || key == KeyCheckpoint {
		return m.save(ctx, reg, record.Batch{}, event)
	}
	change, version, err := m.Sealer.NewVersion(ctx, key)
	if err != nil {
		return err
	}
	reg.Work.Version, reg.Work.Phase = version, phaseOwners
	reg.Versions[key] = append(reg.Versions[key], made{Version: version, Made: now, By: who, Reason: reason})
	event.Detail = fmt.Sprintf("%s: version %d seals from now on", key, version)
	if err := m.save(ctx, reg, record.Batch{Cells: change.Cells, Guards: change.Guards}, event); err != nil {
		return err
	}
	change.Use()
	return nil
}

func (m *Manager) event(w *work, what string) audit.Event {
	return audit.Event{
		Time: m.Clock.Now(), Actor: w.By, Action: audit.ActionRekey, Reason: w.Reason,
		Detail: w.Key + ": " + what,
	}
}

// Carry does what is left to do of a replacement under way.
func (m *Manager) Carry(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		more, err := m.Step(ctx)
		if err != nil || !more {
			return err
		}
	}
}

// Step does one commit's worth, and reports whether there is more.
func (m *Manager) Step(ctx context.Context) (more bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	err = m.retried("rekey.Step", func() error {
		reg, err := m.load(ctx)
		if err != nil {
			return err
		}
		if reg.Work == nil {
			reg.Work = m.halfDone()
		}
		if reg.Work == nil {
			more = false
			return nil
		}
		more = true
		switch reg.Work.Key {
		case KeyRoot:
			return m.stepRoot(ctx, reg)
		case KeyCheckpoint:
			return m.stepSigning(ctx, reg)
		}
		return m.stepOwners(ctx, reg)
	})
	return more, err
}

// halfDone is the work that a keyring tells of, when what told of it in the store is gone.
func (m *Manager) halfDone() *work {
	w := &work{By: itself, Reason: "found half done", Begun: m.Clock.Now().UTC(), Phase: phaseBegun}
	switch {
	case m.Root != nil && m.Root.Rotating():
		w.Key = KeyRoot
	case m.Signing != nil && m.Signing.Next() != nil:
		w.Key = KeyCheckpoint
	default:
		return nil
	}
	return w
}

// maxTries bounds how often a step is done anew that lost a race.
const maxTries = 16

func (m *Manager) retried(op string, do func() error) error {
	var err error
	for range maxTries {
		if err = do(); !errors.Is(err, store.ErrGuard) && !errors.Is(err, store.ErrStale) {
			break
		}
	}
	var f *fault.Error
	if err == nil || errors.As(err, &f) {
		return err
	}
	return fault.Wrap(fault.Unavailable, op, err)
}

// every is how often old versions are looked at that wait to be dropped, and retry
// how long the manager waits after a failure.
const (
	every = time.Hour
	retry = 5 * time.Second
)

// Start carries on in the background what is under way, and drops what has had its
// time.
func (m *Manager) Start(ctx context.Context) {
	ctx, m.stop = context.WithCancel(context.WithoutCancel(ctx))
	go m.run(ctx)
}

// Started reports whether work goes on in the background.
func (m *Manager) Started() bool { return m.stop != nil }

// Wake tells the work in the background that there is something to do.
func (m *Manager) Wake() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Close stops the work in the background; what was committed stays done.
func (m *Manager) Close() {
	if m.stop != nil {
		m.stop()
		<-m.done
	}
}

func (m *Manager) run(ctx context.Context) {
	defer close(m.done)
	for {
		wait := every
		err := m.Carry(ctx)
		if err == nil {
			err = m.Drop(ctx)
		}
		m.problem.Store(nil)
		if err != nil && ctx.Err() == nil {
			m.Slog.WarnContext(ctx, "replacing a key stopped; it will be tried again", "err", err)
			wait = retry
			problem := err.Error()
			m.problem.Store(&problem)
		}
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
		case <-time.After(wait):
		}
	}
}
