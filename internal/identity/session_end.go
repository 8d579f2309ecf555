package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// triesPerLock is how many wrong passwords end a locked session.
const triesPerLock = 5

// Lock locks a session at once, in every process within a second.
func (s *Service) Lock(ctx context.Context, token string) error {
	const op = "identity.Lock"
	id, ok := readSecret("", token)
	if !ok {
		return errNoSession(op)
	}
	l, err := s.liveSession(ctx, id)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	defer s.sessions.forget(id)
	return s.putShort(ctx, shortLock, id, true, s.expiry(l.rec))
}

// Unlock takes the password for a locked session and returns it under a new
// id. Five wrong passwords end the session. A password alone is no fresh proof of
// identity: AuthTime stays.
func (s *Service) Unlock(ctx context.Context, token, password string, o Origin) (Grant, error) {
	const op = "identity.Unlock"
	id, ok := readSecret("", token)
	if !ok {
		return Grant{}, errNoSession(op)
	}
	defer s.stripes.lock(id)()
	l, tries, err := s.takeSessionTry(ctx, id)
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	a, err := s.accountByID(ctx, l.rec.PersonID)
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	match, err := s.hash.verify(ctx, a.PasswordHash, password)
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	e := s.arrival(o, "unlock", Success, "")
	e.Actor, e.Session, e.Roles = a.ID, id, a.Roles
	if !match || !a.usable() || a.Epoch != l.rec.Epoch {
		return Grant{}, s.refuseUnlock(ctx, id, tries, e, "password wrong")
	}
	if a, err = s.unlocked(ctx, a, password, e); err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	rec := l.rec
	rec.Proven = s.cfg.Clock.Now()
	g, err := s.openSession(ctx, a, rec, o)
	if err != nil {
		return Grant{}, err
	}
	return g, s.drop(ctx, id)
}

func (s *Service) refuseUnlock(ctx context.Context, id string, tries int, e Event, why string) error {
	e.Outcome, e.Detail = Failure, why
	if err := s.note(ctx, e); err != nil {
		return err
	}
	if tries >= triesPerLock {
		return errors.Join(errEnded("identity.Unlock"), s.drop(ctx, id))
	}
	return &fault.Error{Kind: fault.Unauthenticated, Op: "identity.Unlock", Public: "That does not unlock this session.", Err: ErrLocked}
}

// unlocked records the success. If the password was hashed at another cost than
// today's, this is where it is hashed anew: both factors are proven, and nobody
// learns anything from the time it takes, as he would at Begin.
func (s *Service) unlocked(ctx context.Context, a *account, password string, e Event) (*account, error) {
	if !s.hash.outdated(a.PasswordHash) {
		return a, s.note(ctx, e)
	}
	fresh, err := s.hash.hash(ctx, password)
	if err != nil {
		return nil, err
	}
	old := a.PasswordHash
	return s.changeAccount(ctx, a.ID, e, func(now *account) error {
		if now.PasswordHash != old || !now.usable() {
			return errNoSession("identity.Unlock")
		}
		now.PasswordHash = fresh
		return nil
	})
}

// Rotate gives a session a new id. Whoever raises what a session may do MUST
// call it, so that an id somebody learned before is worth nothing after.
func (s *Service) Rotate(ctx context.Context, token string, o Origin) (Grant, error) {
	const op = "identity.Rotate"
	view, err := s.Resume(ctx, token, o)
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	l, err := s.liveSession(ctx, view.ID)
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	a := &account{Person: l.person, Epoch: l.rec.Epoch}
	g, err := s.openSession(ctx, a, l.rec, o)
	if err != nil {
		return Grant{}, err
	}
	return g, s.drop(ctx, view.ID)
}

// End ends a session, and with one that is open what its owner typed and did not
// send. Ending one that is not there is no error.
func (s *Service) End(ctx context.Context, token string, o Origin) error {
	const op = "identity.End"
	id, ok := readSecret("", token)
	if !ok {
		return nil
	}
	var rec sessionRecord
	found, err := s.getShort(ctx, shortSession, id, &rec)
	if err != nil || !found {
		s.sessions.forget(id)
		return err
	}
	defer s.owners.lock(rec.PersonID)() // nothing is kept by a session that ends
	if err := errors.Join(s.endDrafts(ctx, id, rec), s.drop(ctx, id)); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	e := s.arrival(o, "logout", Success, "")
	e.Actor, e.Session = rec.PersonID, id
	return s.note(ctx, e)
}

// Leave kills the token of the session that goes on in line, because somebody has
// signed in where it was. What its owner typed is kept. Her own session ends, if it is
// she; anybody else's goes on locked under an id whose token nobody has: what she let
// apps do for as long as she is signed in goes on, and she ends it from her account.
func (s *Service) Leave(ctx context.Context, line, enteredID string, o Origin) error {
	const op = "identity.Leave"
	var id string
	if found, err := s.getShort(ctx, shortLine, line, &id); err != nil || !found {
		return err
	}
	defer s.stripes.lock(id)()
	l, err := s.liveSession(ctx, id)
	if fault.Is(err, fault.Unauthenticated) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	e := s.arrival(o, "logout", Success, "its owner signed in anew in the same browser")
	e.Actor, e.Session, e.Roles = l.person.ID, id, l.person.Roles
	if l.person.ID != enteredID {
		e.Action, e.Detail = "lock", "somebody else signed in in the same browser"
		g, err := s.openSession(ctx, &account{Person: l.person, Epoch: l.rec.Epoch}, l.rec, Origin{})
		if err == nil {
			err = s.putShort(ctx, shortLock, g.Session.ID, true, g.Session.Expires)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
	}
	if err := errors.Join(s.drop(ctx, id), s.note(ctx, e)); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// EndAll ends every session of a person: one's own, or anybody's for those who
// may change people.
func (s *Service) EndAll(ctx context.Context, actor Actor, personID, reason string) error {
	const op = "identity.EndAll"
	err := DemandProof(actor, s.cfg.Clock.Now())
	if actor.Kind != KindPerson || actor.ID != personID {
		err = s.permit(ctx, actor, "update", TypeUser)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	_, err = s.changeAccount(ctx, personID, s.about(actor, "end-sessions", Success, reason), func(a *account) error {
		a.Epoch++
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// drop takes a session out of storage and memory.
func (s *Service) drop(ctx context.Context, id string) error {
	err := s.dropShort(ctx, shortSession, id)
	s.sessions.forget(id)
	for _, kind := range []string{shortSeen, shortLock, shortUnlock} {
		err = errors.Join(err, s.dropShort(ctx, kind, id))
	}
	return err
}
