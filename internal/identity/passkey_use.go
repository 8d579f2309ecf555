package identity

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// SignInPasskey takes the browser's answer to AskPasskey and opens a session. A
// passkey that verified its user is two factors: what she has, and what she
// knows or is. A passkey is not guessed, so that only what fails is counted against
// the address: others there cannot keep her out.
func (s *Service) SignInPasskey(ctx context.Context, answer PasskeyAnswer, o Origin) (Grant, error) {
	const op = "identity.SignInPasskey"
	source := claim{perSource, Network(o.Source)}
	e := s.arrival(o, "login", Success, "passkey")
	a, err := s.signInPasskey(ctx, answer, e)
	if fault.Is(err, fault.Unauthenticated) {
		if _, wait := s.throttle.admit(ctx, source); wait != nil {
			return Grant{}, fmt.Errorf("%s: %w", op, wait)
		}
		e.Outcome, e.Detail = Failure, "passkey refused"
		return Grant{}, errors.Join(err, s.note(ctx, e))
	}
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	if err := s.throttle.add(ctx, -1, claim{perAsk, source.key}); err != nil {
		return Grant{}, err
	}
	if err := s.rememberSource(ctx, a.UserName, source.key); err != nil {
		return Grant{}, err
	}
	g, err := s.beginSession(ctx, a, s.newSession(), o)
	g.RecoveryLeft = len(a.Recovery)
	return g, err
}

func (s *Service) signInPasskey(ctx context.Context, answer PasskeyAnswer, e Event) (*account, error) {
	c, err := s.takeCeremony(ctx, answer.Ask, useSignIn, "")
	if err != nil {
		return nil, err
	}
	parsed, err := readAnswer(answer)
	if err != nil {
		return nil, err
	}
	person := string(parsed.Response.UserHandle)
	if !validID(person) {
		return nil, errPasskey("identity.signInPasskey")
	}
	return s.spendPasskey(ctx, person, c, parsed, e, func(a *account) bool { return a.usable() || a.waits() })
}

func readAnswer(answer PasskeyAnswer) (*protocol.ParsedCredentialAssertionData, error) {
	const op = "identity.readAnswer"
	if len(answer.JSON) > maxAnswer {
		return nil, errPasskey(op)
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer.JSON)
	if err != nil {
		return nil, errPasskey(op)
	}
	return parsed, nil
}

// spendPasskey checks an answer and keeps the passkey's new counter in the same
// commit that says whose it was. right says whether the account may use it. A
// counter that does not move on tells of a copy: the passkey is refused from then
// on, and the audit log says so.
func (s *Service) spendPasskey(ctx context.Context, personID string, c ceremony, parsed *protocol.ParsedCredentialAssertionData, e Event, right func(*account) bool) (*account, error) {
	const op = "identity.spendPasskey"
	for try := 0; ; try++ {
		a, err := s.accountByID(ctx, personID)
		if fault.Is(err, fault.NotFound) {
			return nil, errPasskey(op)
		}
		if err != nil {
			return nil, err
		}
		used, err := s.checkAnswer(a, c, parsed)
		if err != nil || !right(a) {
			return nil, errPasskey(op)
		}
		e.Actor, e.Roles = a.ID, a.Roles
		said, clone := e, used.Authenticator.CloneWarning
		if clone {
			said.Action, said.Outcome, said.Detail = "passkey-copied", Failure, "a counter did not move on; the passkey is refused from now on"
		}
		waits := !clone && a.waits()
		if waits {
			said.Outcome, said.Detail = Failure, notAttested
		}
		s.mark(a, used, clone)
		err = s.putAccount(ctx, said, a)
		switch {
		case err == nil && clone:
			return nil, errPasskey(op)
		case err == nil && waits:
			return nil, errWaits(op)
		case err == nil:
			return a, nil
		}
		if !fault.Is(err, fault.Conflict) || try == retries {
			return nil, err
		}
	}
}

// checkAnswer verifies challenge, origin, relying party, user verification and
// signature, and that the passkey is one of a's.
func (s *Service) checkAnswer(a *account, c ceremony, parsed *protocol.ParsedCredentialAssertionData) (*webauthn.Credential, error) {
	if c.Use != useSignIn {
		return s.webauthn.ValidateLogin(holder{a}, c.Data, parsed)
	}
	find := func(_, _ []byte) (webauthn.User, error) { return holder{a}, nil }
	_, used, err := s.webauthn.ValidatePasskeyLogin(find, c.Data, parsed)
	return used, err
}

// mark writes down what the use of a passkey told of it.
func (s *Service) mark(a *account, used *webauthn.Credential, clone bool) {
	now := s.cfg.Clock.Now()
	for i := range a.Passkeys {
		k := &a.Passkeys[i]
		if !bytes.Equal(k.ID, used.ID) {
			continue
		}
		if clone {
			k.Suspect = now
			return
		}
		k.SignCount, k.BackedUp, k.Used = used.Authenticator.SignCount, used.Flags.BackupState, now
	}
}

// UnlockPasskey takes an answer to AskOwnPasskey for a locked session. Unlike a
// password it is two factors, so that the proof is fresh after it.
func (s *Service) UnlockPasskey(ctx context.Context, token string, answer PasskeyAnswer, o Origin) (Grant, error) {
	const op = "identity.UnlockPasskey"
	id, ok := readSecret("", token)
	if !ok {
		return Grant{}, errNoSession(op)
	}
	defer s.stripes.lock(id)()
	l, tries, err := s.takeSessionTry(ctx, id)
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	e := s.arrival(o, "unlock", Success, "passkey")
	e.Actor, e.Session, e.Roles = l.person.ID, id, l.person.Roles
	a, err := s.sessionPasskey(ctx, l, answer, e)
	if fault.Is(err, fault.Unauthenticated) {
		return Grant{}, s.refuseUnlock(ctx, id, tries, e, "passkey refused")
	}
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	return s.reopen(ctx, a, l, o)
}

// sessionPasskey checks an answer that was asked for within a session.
func (s *Service) sessionPasskey(ctx context.Context, l *live, answer PasskeyAnswer, e Event) (*account, error) {
	c, err := s.takeCeremony(ctx, answer.Ask, useSession, l.id)
	if err != nil {
		return nil, err
	}
	parsed, err := readAnswer(answer)
	if err != nil {
		return nil, err
	}
	return s.spendPasskey(ctx, l.rec.PersonID, c, parsed, e, func(a *account) bool {
		return s.bears(a, l.rec.Upstream) && a.Epoch == l.rec.Epoch
	})
}

// reopen gives a session a new id after a proof by two factors.
func (s *Service) reopen(ctx context.Context, a *account, l *live, o Origin) (Grant, error) {
	rec := l.rec
	rec.AuthTime = s.cfg.Clock.Now()
	rec.Proven = rec.AuthTime
	g, err := s.openSession(ctx, a, rec, o)
	if err != nil {
		return Grant{}, err
	}
	return g, s.drop(ctx, l.id)
}
