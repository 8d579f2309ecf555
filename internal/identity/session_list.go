package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// OwnSession is one of a person's open sessions, as she may see it.
type OwnSession struct {
	ID      string // digest
	Device  string // in words
	Source  string // network address
	Created time.Time
	Seen    time.Time // somebody was there
	Locked  bool
	Current bool
}

// maxSessions bounds how many sessions a person has open; the oldest end first.
const maxSessions = 32

// enlist writes a session into its person's list. The list only serves to show
// and to bound: a session lives by its own record, and ends by her account.
func (s *Service) enlist(ctx context.Context, personID, id string) error {
	defer s.owners.lock(personID)()
	var ids []string
	if _, err := s.getShort(ctx, shortSessions, personID, &ids); err != nil {
		return err
	}
	if len(ids) >= maxSessions {
		var err error
		if ids, err = s.present(ctx, ids); err != nil {
			return err
		}
	}
	for len(ids) >= maxSessions {
		e := s.arrival(Origin{}, "logout", Success, "the oldest of too many sessions")
		e.Actor, e.Session = personID, ids[0]
		if err := errors.Join(s.note(ctx, e), s.drop(ctx, ids[0])); err != nil {
			return err
		}
		ids = ids[1:]
	}
	return s.putShort(ctx, shortSessions, personID, append(ids, id), s.cfg.Clock.Now().Add(s.cfg.SessionLife))
}

// present returns those that are still there.
func (s *Service) present(ctx context.Context, ids []string) ([]string, error) {
	var left []string
	for _, id := range ids {
		var rec sessionRecord
		found, err := s.getShort(ctx, shortSession, id, &rec)
		if err != nil {
			return nil, err
		}
		if found {
			left = append(left, id)
		}
	}
	return left, nil
}

// Sessions returns one's own open sessions, the latest first.
func (s *Service) Sessions(ctx context.Context, actor Actor) ([]OwnSession, error) {
	const op = "identity.Sessions"
	if actor.Kind != KindPerson || actor.ClientID != "" {
		return nil, fault.New(fault.Denied, op, "")
	}
	var ids []string
	if _, err := s.getShort(ctx, shortSessions, actor.ID, &ids); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	var out []OwnSession
	for _, id := range slices.Backward(ids) {
		l, err := s.liveSession(ctx, id)
		if fault.Is(err, fault.Unauthenticated) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		if l.rec.PersonID != actor.ID {
			continue
		}
		l.mu.Lock()
		view := s.view(l, s.cfg.Clock.Now(), Origin{})
		out = append(out, OwnSession{
			ID: id, Device: l.rec.Device, Source: l.rec.Source, Created: l.rec.Created, Seen: l.seen,
			Locked: view.Locked, Current: id == actor.SessionID,
		})
		l.mu.Unlock()
	}
	return out, nil
}

// EndSession ends one of one's own sessions, named by its digest: another than this one
// after a proof that is fresh.
func (s *Service) EndSession(ctx context.Context, actor Actor, id string) error {
	const op = "identity.EndSession"
	if actor.Kind != KindPerson || actor.ClientID != "" {
		return fault.New(fault.Denied, op, "")
	}
	if id != actor.SessionID {
		if err := DemandProof(actor, s.cfg.Clock.Now()); err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
	}
	var rec sessionRecord
	found, err := s.getShort(ctx, shortSession, id, &rec)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	if !found || rec.PersonID != actor.ID {
		return fault.New(fault.NotFound, op, "This session has ended.")
	}
	e := s.about(actor, "logout", Success, "")
	e.Session, e.Detail = id, "ended by its owner from another session"
	if err := s.note(ctx, e); err != nil {
		return err
	}
	return s.drop(ctx, id)
}

// EndOthers ends all of one's own sessions but this one, after a proof that is fresh,
// and returns this one under a new id. Whatever else rests on the account, such as what programs were let do,
// ends too.
func (s *Service) EndOthers(ctx context.Context, token string, o Origin) (Grant, error) {
	const op = "identity.EndOthers"
	view, err := s.Resume(ctx, token, o)
	if err == nil {
		err = DemandProof(view.Actor, s.cfg.Clock.Now())
	}
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	defer s.stripes.lock(view.ID)()
	l, err := s.liveSession(ctx, view.ID)
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	e := s.about(view.Actor, "end-sessions", Success, "")
	e.Detail = "all but this one"
	a, err := s.changeAccount(ctx, l.rec.PersonID, e, func(a *account) error {
		if a.Epoch != l.rec.Epoch || !s.bears(a, l.rec.Upstream) {
			return errNoSession(op)
		}
		a.Epoch++
		return nil
	})
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	g, err := s.openSession(ctx, a, l.rec, o)
	if err != nil {
		return Grant{}, err
	}
	return g, s.drop(ctx, view.ID)
}
