package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// ErrStepUp says that the proof of identity is too old for what was asked: the
// person proves herself anew, by StepUp, and asks again.
var ErrStepUp = errors.New("a fresh proof of identity is needed")

// Fresh reports whether a's last proof of identity, by two factors, is at most
// five minutes old, or fewer if so configured. A part of this server is always
// fresh. A program never is, one that acts for a person neither: it has nobody to ask.
func Fresh(a Actor, now time.Time) bool { return a.recent(a.AuthTime, now) }

func (a Actor) recent(proof, now time.Time) bool {
	if a.ClientID != "" {
		return false
	}
	switch a.Kind {
	case KindSystem:
		return true
	case KindPerson:
		life := MaxStepUpLife
		if a.freshFor > 0 {
			life = min(life, a.freshFor)
		}
		return a.MFA == AssuranceMulti && now.Sub(proof).Abs() <= life
	}
	return false
}

// DemandFresh returns an error for which errors.Is(err, ErrStepUp) holds, of kind
// fault.Denied, unless a is Fresh. Whatever administers, breaks the glass, exports,
// handles keys or signs MUST ask it, after policy has allowed the rest.
func DemandFresh(a Actor, now time.Time) error {
	if Fresh(a, now) {
		return nil
	}
	return errStale("identity.DemandFresh")
}

// DemandProof is DemandFresh for what one factor is enough for, such as ending other
// sessions of one's own: having unlocked counts.
func DemandProof(a Actor, now time.Time) error {
	if Fresh(a, now) || a.recent(a.proven, now) {
		return nil
	}
	return errStale("identity.DemandProof")
}

func errStale(op string) error {
	return &fault.Error{
		Kind: fault.Denied, Op: op, Err: ErrStepUp,
		Public: "This needs a fresh proof that it is you. Confirm it, and try again.",
	}
}

// permit asks the gate and, for all but reading, for a fresh proof of identity.
func (s *Service) permit(ctx context.Context, actor Actor, action, typ string) error {
	if err := s.cfg.Gate.Permit(ctx, actor, action, typ); err != nil {
		return err
	}
	if action == "read" {
		return nil
	}
	return DemandFresh(actor, s.cfg.Clock.Now())
}

// Proof is what somebody proves herself by.
type Proof struct {
	Password string
	Code     string        // of the authenticator, or a recovery code
	Passkey  PasskeyAnswer // instead of both
}

// StepUp takes a fresh proof within a session that is open, and returns the
// session under a new id with a new AuthTime; nothing prolongs it. Wrong proofs
// count with wrong passwords at Unlock: five end the session.
func (s *Service) StepUp(ctx context.Context, token string, p Proof, o Origin) (Grant, error) {
	const op = "identity.StepUp"
	view, err := s.Resume(ctx, token, o)
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	defer s.stripes.lock(view.ID)()
	l, tries, err := s.takeSessionTry(ctx, view.ID)
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	e := s.arrival(o, "step-up", Success, "")
	e.Actor, e.Session, e.Roles = l.person.ID, l.id, l.person.Roles
	a, g, err := s.proveAgain(ctx, l, p, e)
	if fault.Is(err, fault.Unauthenticated) {
		return Grant{}, s.refuseStepUp(ctx, l.id, tries, e)
	}
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	opened, err := s.reopen(ctx, a, l, o)
	opened.RecoveryLeft, opened.RecoveryUsed = g.RecoveryLeft, g.RecoveryUsed
	return opened, err
}

// takeSessionTry counts a try to prove oneself within a session, before it is
// looked at.
func (s *Service) takeSessionTry(ctx context.Context, id string) (*live, int, error) {
	l, err := s.liveSession(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	tries := 0
	if _, err := s.getShort(ctx, shortUnlock, id, &tries); err != nil {
		return nil, 0, err
	}
	tries++
	return l, tries, s.putShort(ctx, shortUnlock, id, tries, s.expiry(l.rec))
}

// proveAgain checks both factors, and uses the code up in the commit that says so.
func (s *Service) proveAgain(ctx context.Context, l *live, p Proof, e Event) (*account, Grant, error) {
	if p.Passkey.Ask != "" {
		e.Detail = "passkey"
		a, err := s.sessionPasskey(ctx, l, p.Passkey, e)
		return a, Grant{}, err
	}
	e.Detail = "password and code"
	a, err := s.accountByID(ctx, l.rec.PersonID)
	if err != nil {
		return nil, Grant{}, err
	}
	hash := a.PasswordHash
	match, err := s.hash.verify(ctx, hash, p.Password)
	if err != nil {
		return nil, Grant{}, err
	}
	a, recovered, err := s.spendCode(ctx, a.ID, p.Code, e, func(a *account) bool {
		return match && a.PasswordHash == hash && a.Epoch == l.rec.Epoch
	})
	if err != nil {
		return nil, Grant{}, err
	}
	return a, Grant{RecoveryLeft: len(a.Recovery), RecoveryUsed: recovered}, nil
}

func (s *Service) refuseStepUp(ctx context.Context, id string, tries int, e Event) error {
	e.Outcome, e.Detail = Failure, "proof wrong"
	if err := s.note(ctx, e); err != nil {
		return err
	}
	if tries >= triesPerLock {
		return errors.Join(errEnded("identity.StepUp"), s.drop(ctx, id))
	}
	return fault.New(fault.Unauthenticated, "identity.StepUp", "Password or code is wrong, or the code has been used before.")
}

func errEnded(op string) error {
	return fault.New(fault.Unauthenticated, op, "The session has ended. Sign in again.")
}
