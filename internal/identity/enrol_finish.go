package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// factorProof checks a second factor, new or old, and keeps it in the account.
type factorProof func(*account, pendingEnrolment) error

// FinishEnrolment takes the first code of the authenticator (the old one, if it
// stays) and makes everything final. It returns recovery codes, shown once, if
// the second factor is new; then the person signs in. Every older session ends.
func (s *Service) FinishEnrolment(ctx context.Context, token, code string, o Origin) (recovery []string, err error) {
	return s.finishEnrolment(ctx, token, o, func(a *account, p pendingEnrolment) error {
		who, secret, last := a.ID, a.TOTPSecret, a.LastTOTPStep
		if p.TOTPSecret != "" { // another authenticator, with a clock of its own
			digest, _ := readSecret("", token)
			who, secret, last, a.TOTPAhead = digest, p.TOTPSecret, 0, 0
		}
		ok, err := s.takeTOTP(ctx, a, who, secret, code, last)
		if err == nil && !ok {
			err = fault.New(fault.Unauthenticated, "identity.FinishEnrolment", "The code is wrong or has been used before. Wait for the next one.")
		}
		return err
	})
}

// AskEnrolmentPasskey asks the browser to make a passkey instead of a new
// authenticator, or, where the second factor stays, for one that the person has.
func (s *Service) AskEnrolmentPasskey(ctx context.Context, token string) (PasskeyAsk, error) {
	const op = "identity.AskEnrolmentPasskey"
	if err := s.wantPasskeys(op); err != nil {
		return PasskeyAsk{}, err
	}
	digest, ok := readSecret("", token)
	if !ok {
		return PasskeyAsk{}, errEnrol(op)
	}
	var p pendingEnrolment
	found, err := s.getShort(ctx, shortEnrolment, digest, &p)
	if err != nil {
		return PasskeyAsk{}, fmt.Errorf("%s: %w", op, err)
	}
	if !found || !s.cfg.Clock.Now().Before(p.Expires) {
		return PasskeyAsk{}, errEnrol(op)
	}
	a, err := s.accountByID(ctx, p.PersonID)
	if err != nil {
		return PasskeyAsk{}, fmt.Errorf("%s: %w", op, err)
	}
	if p.TOTPSecret == "" {
		return s.askOf(ctx, a, useEnrol, digest)
	}
	return s.askNew(ctx, a, useEnrol, digest)
}

// FinishEnrolmentPasskey takes the browser's answer in place of a code.
func (s *Service) FinishEnrolmentPasskey(ctx context.Context, token string, answer PasskeyAnswer, name string, o Origin) (recovery []string, err error) {
	digest, _ := readSecret("", token)
	c, err := s.takeCeremony(ctx, answer.Ask, useEnrol, digest)
	if err != nil {
		return nil, err
	}
	return s.finishEnrolment(ctx, token, o, func(a *account, p pendingEnrolment) error {
		if p.TOTPSecret != "" {
			return s.keepPasskey(a, c, answer, name)
		}
		parsed, err := readAnswer(answer)
		if err != nil {
			return err
		}
		used, err := s.checkAnswer(a, c, parsed)
		if err != nil || used.Authenticator.CloneWarning {
			return errPasskey("identity.FinishEnrolmentPasskey")
		}
		s.mark(a, used, false)
		return nil
	})
}

func (s *Service) finishEnrolment(ctx context.Context, token string, o Origin, proof factorProof) (recovery []string, err error) {
	const op = "identity.finishEnrolment"
	digest, ok := readSecret("", token)
	if !ok {
		return nil, errEnrol(op)
	}
	defer s.stripes.lock(digest)()
	p, err := s.takeEnrolmentTry(ctx, digest)
	if err != nil {
		return nil, err
	}
	texts, digests, err := s.newRecovery()
	if err != nil {
		return nil, err
	}
	e := s.arrival(o, "enrol", Success, "")
	e.Actor = p.PersonID
	a, err := s.changeAccount(ctx, p.PersonID, e, func(a *account) error { return s.enrol(a, p, proof, digests) })
	if fault.Is(err, fault.Unauthenticated) {
		e.Outcome = Failure
		return nil, errors.Join(err, s.note(ctx, e))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	net := Network(o.Source)
	err = errors.Join(s.dropShort(ctx, shortEnrolment, digest), s.throttle.clear(ctx, accountClaim(a.UserName, net, false), enrolClaim(a.UserName, net)),
		s.throttle.add(ctx, -1, claim{perSource, net}))
	if p.TOTPSecret == "" {
		texts = nil
	}
	return texts, err
}

// takeEnrolmentTry counts a try on an enrolment before it is looked at.
func (s *Service) takeEnrolmentTry(ctx context.Context, digest string) (pendingEnrolment, error) {
	const op = "identity.takeEnrolmentTry"
	var p pendingEnrolment
	found, err := s.getShort(ctx, shortEnrolment, digest, &p)
	if err != nil {
		return p, err
	}
	if !found || !s.cfg.Clock.Now().Before(p.Expires) {
		return p, errEnrol(op)
	}
	p.Tries++
	if p.Tries >= 2*triesPerChallenge {
		return p, s.dropShort(ctx, shortEnrolment, digest)
	}
	return p, s.putShort(ctx, shortEnrolment, digest, p, p.Expires)
}

// enrol applies a proven enrolment to the account.
func (s *Service) enrol(a *account, p pendingEnrolment, proof factorProof, recovery []string) error {
	standing := a.Enrolment != nil && a.Enrolment.Digest == p.Digest && s.cfg.Clock.Now().Before(a.Enrolment.Expires)
	if !standing || !a.mayEnrol() {
		return errEnrol("identity.enrol")
	}
	if err := proof(a, p); err != nil {
		return err
	}
	if p.PasswordHash != "" {
		a.PasswordHash, a.PasswordSet, a.PasswordResetBy = p.PasswordHash, s.cfg.Clock.Now(), ""
	}
	if p.TOTPSecret != "" { // a new second factor, of either kind
		a.Recovery, a.MFAResetBy = recovery, ""
	}
	a.Enrolment = nil
	a.settle()
	a.Epoch++
	return nil
}
