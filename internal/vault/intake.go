package vault

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/spool"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// OpenSpool takes in what a spool at a path holds, and returns what that was. One that
// is not there stays so until it is wanted.
func (v *Vault) OpenSpool(ctx context.Context, path string, log *slog.Logger) (*Spool, []Kept, error) {
	s := &Spool{vault: v, cfg: spool.Config{Path: path, Sealer: v.sealer}, slog: log}
	kept, err := s.open(ctx, false)
	return s, kept, err
}

// Want has a spool be there.
func (s *Spool) Want(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		return nil
	}
	_, err := s.open(ctx, true)
	return err
}

var (
	errGone      = errors.New("the audit spool is gone")
	errExchanged = errors.New("the audit spool is not the one that the store knows")
)

// open opens the file. What is damaged, gone or not the spool that the store knows is
// told by the log, and what there is of it kept beside. Nothing else is logged before.
func (s *Spool) open(ctx context.Context, wanted bool) ([]Kept, error) {
	s.vault.log.Hold(true)
	defer s.vault.log.Hold(false)
	state, err := s.vault.log.SpoolState(ctx)
	if err != nil {
		return nil, err
	}
	file, entries, err := spool.Open(s.cfg)
	s.file = file
	var damaged *spool.DamagedError
	switch known := state.Spool != [16]byte{}; {
	case errors.Is(err, fs.ErrNotExist) && !wanted:
		return nil, nil
	case errors.Is(err, fs.ErrNotExist) && known:
		return nil, s.alarm(ctx, errGone)
	case errors.Is(err, fs.ErrNotExist):
		return nil, s.create(ctx)
	case err != nil && !errors.As(err, &damaged):
		return nil, fault.Wrap(fault.Unavailable, "vault.OpenSpool", err)
	case known && file.ID() == spool.ID(state.Before): // a crash came between the cell and the file
		_, err := file.Renew(spool.ID(state.Spool), file.Last())
		return nil, err
	case !known && err == nil && len(entries) == 0: // a crash came between the file and the cell
		return nil, s.vault.log.SetSpool(ctx, state, audit.SpoolState{Spool: file.ID()})
	case file.ID() != spool.ID(state.Spool):
		return nil, s.alarm(ctx, errors.Join(errExchanged, err))
	}
	kept, takeErr := s.take(ctx, file.ID(), entries)
	switch {
	case takeErr != nil:
		return nil, takeErr
	case err != nil:
		return kept, s.alarm(ctx, err)
	case len(entries) > 0:
		return kept, s.renew(ctx)
	}
	return kept, nil
}

// take logs entries in order, each once, and returns those that were new.
func (s *Spool) take(ctx context.Context, id spool.ID, entries []spool.Entry) (kept []Kept, err error) {
	for _, e := range entries {
		k, err := ParseKept(e.Plain)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, "vault.take", err)
		}
		marked := audit.TakingIn(ctx, audit.Intake{Spooled: audit.Spooled{Spool: id, Number: e.Number}, Time: k.Event.Time})
		switch err := s.takeOne(marked, k); {
		case errors.Is(err, audit.ErrTaken):
		case err != nil:
			return nil, err
		default:
			kept = append(kept, k)
		}
	}
	if len(kept) > 0 {
		s.slog.WarnContext(ctx, "alert: what was kept in the audit spool has been taken into the log", "entries", len(kept), "spool", spoolName(id))
	}
	return kept, nil
}

func (s *Spool) takeOne(ctx context.Context, k Kept) error {
	for i, d := range k.Docs {
		now, err := s.vault.Get(ctx, d.TypeID)
		if err != nil {
			return err
		}
		k.Docs[i].Expect = now.Version
	}
	err := s.vault.tell(ctx, k.Event, k.Docs)
	if fault.Is(err, fault.Conflict) { // the entry is what must not be lost
		s.slog.ErrorContext(ctx, "alarm: what was kept in the audit spool with an entry cannot be stored", "action", k.Event.Action)
		k.Event.Detail += " (what was to be stored with it could not be)"
		return s.vault.tell(ctx, k.Event, nil)
	}
	return err
}

// alarm logs that the spool is not what was written, keeps what there is of it beside,
// and begins another one.
func (s *Spool) alarm(ctx context.Context, why error) error {
	s.slog.ErrorContext(ctx, "alarm: the audit spool is not what was written; entries of emergencies may be missing", "error", why)
	event := audit.Event{
		Actor: "wardkeep", Action: audit.ActionSpool, Outcome: audit.OutcomeFailure, Type: "AuditEvent",
		Detail: why.Error(), Time: s.vault.clock.Now(),
	}
	if err := s.vault.log.Append(audit.TakingIn(ctx, audit.Intake{}), event); err != nil {
		return err
	}
	if s.file == nil || errors.Is(why, fs.ErrNotExist) {
		return s.create(ctx)
	}
	name, err := s.file.SetAside()
	if err != nil {
		return fault.Wrap(fault.Unavailable, "vault.alarm", err)
	}
	s.slog.ErrorContext(ctx, "the damaged audit spool is kept beside the new one", "name", name)
	return s.create(ctx)
}

// create begins a spool where there is no file.
func (s *Spool) create(ctx context.Context) error {
	id := spool.NewID()
	if s.file != nil {
		_ = s.file.Close() // of what lies elsewhere now
	}
	err := spool.Create(s.cfg, id)
	if err == nil {
		s.file, _, err = spool.Open(s.cfg)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, "vault.create", err)
	}
	state, err := s.vault.log.SpoolState(ctx)
	if err != nil {
		return err
	}
	return s.vault.log.SetSpool(ctx, state, audit.SpoolState{Spool: id})
}

// renew empties a spool all of which has been taken in.
func (s *Spool) renew(ctx context.Context) error {
	next, err := s.retire(ctx)
	if err != nil {
		return err
	}
	_, err = s.file.Renew(next, s.file.Last())
	return fault.Wrap(fault.Unavailable, "vault.renew", err)
}

// retire tells the store which spool follows. It hears of it before the file is replaced,
// so that a crash leaves the file of the spool before.
func (s *Spool) retire(ctx context.Context) (spool.ID, error) {
	state, err := s.vault.log.SpoolState(ctx)
	if err != nil {
		return spool.ID{}, err
	}
	next := audit.SpoolState{Spool: spool.NewID(), Before: s.file.ID()}
	return next.Spool, s.vault.log.SetSpool(ctx, state, next)
}

func spoolName(id spool.ID) string { return hex.EncodeToString(id[:]) }
