package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// AddPerson adds somebody, who then enrols with the invitation.
func (s *Service) AddPerson(ctx context.Context, actor Actor, n NewPerson) (Person, Invitation, error) {
	const op = "identity.AddPerson"
	a, err := s.newAccount(ctx, actor, n)
	if err != nil {
		return Person{}, Invitation{}, fmt.Errorf("%s: %w", op, err)
	}
	inv, err := s.invite(a, true, true)
	if err != nil {
		return Person{}, Invitation{}, err
	}
	if err := s.putAccount(ctx, s.about(actor, "create", Success, ""), a); err != nil {
		return Person{}, Invitation{}, nameTaken(op, err)
	}
	return a.Person, inv, nil
}

// MayAddPerson returns why the actor may not invite anybody now, nil if he may.
func (s *Service) MayAddPerson(ctx context.Context, actor Actor) error {
	if err := s.permit(ctx, actor, "create", TypeUser); err != nil {
		return fmt.Errorf("identity.MayAddPerson: %w", err)
	}
	return nil
}

// Credentials are given to a person by the server itself, for a demonstration.
type Credentials struct {
	Password   string
	TOTPSecret string // base32; "" for a fresh one
}

// Provision adds somebody who can sign in at once, attested by the actor. Only a
// part of this server may do it: for people, nobody else may know both factors.
func (s *Service) Provision(ctx context.Context, actor Actor, n NewPerson, c Credentials) (Person, Enrolment, error) {
	const op = "identity.Provision"
	if actor.Kind != KindSystem {
		return Person{}, Enrolment{}, fault.New(fault.Denied, op, "")
	}
	a, err := s.newAccount(ctx, actor, n)
	if err != nil {
		return Person{}, Enrolment{}, fmt.Errorf("%s: %w", op, err)
	}
	if err := s.checkPassword(c.Password, a.UserName, a.Given, a.Family, s.cfg.Issuer); err != nil {
		return Person{}, Enrolment{}, err
	}
	if a.PasswordHash, err = s.hash.hash(ctx, c.Password); err != nil {
		return Person{}, Enrolment{}, err
	}
	if a.TOTPSecret = c.TOTPSecret; a.TOTPSecret == "" {
		a.TOTPSecret, err = s.newTOTP()
	} else if !validTOTPSecret(a.TOTPSecret) {
		err = fault.New(fault.Invalid, op, "A TOTP secret is 16 to 64 bytes in base32 without padding.")
	}
	if err != nil {
		return Person{}, Enrolment{}, err
	}
	a.PasswordSet = s.cfg.Clock.Now()
	for _, kind := range AttestationKinds() {
		t, err := s.attestation(actor, kind, a.PasswordSet, actor.Name)
		if err != nil {
			return Person{}, Enrolment{}, err
		}
		a.attest(t)
	}
	if err := s.putAccount(ctx, s.about(actor, "create", Success, "provisioned"), a); err != nil {
		return Person{}, Enrolment{}, nameTaken(op, err)
	}
	return a.Person, Enrolment{Secret: a.TOTPSecret, URI: s.provisioning(a.UserName, a.TOTPSecret)}, nil
}

func (s *Service) newAccount(ctx context.Context, actor Actor, n NewPerson) (*account, error) {
	if err := s.permit(ctx, actor, "create", TypeUser); err != nil {
		return nil, err
	}
	id, err := s.newID()
	if err != nil {
		return nil, err
	}
	p, err := n.person(id, s.cfg.Clock.Now())
	if err != nil {
		return nil, err
	}
	p.InvitedBy = actor.ID
	return &account{Person: p, Epoch: 1}, nil
}

func nameTaken(op string, err error) error {
	if fault.Is(err, fault.Conflict) {
		return &fault.Error{Kind: fault.Conflict, Op: op, Public: "This user name is taken.", Err: err}
	}
	return fmt.Errorf("%s: %w", op, err)
}

// invite gives an account a fresh invitation in place of any older one.
func (s *Service) invite(a *account, password, mfa bool) (Invitation, error) {
	code, digest, err := s.newCode()
	if err != nil {
		return Invitation{}, err
	}
	until := s.cfg.Clock.Now().Add(s.cfg.InviteLife)
	a.Enrolment = &enrolment{Digest: digest, Expires: until, NewPassword: password, NewMFA: mfa}
	return Invitation{Code: code, Expires: until}, nil
}

// another checks that an administrator acts on somebody else.
func (s *Service) another(ctx context.Context, actor Actor, action, personID string) error {
	if err := s.permit(ctx, actor, action, TypeUser); err != nil {
		return err
	}
	if actor.ID == personID {
		return errAnotherPerson("identity.another", "Nobody does this for himself. Ask another administrator.")
	}
	return nil
}

// ResetMFA takes a person's second factor away, ends her sessions and returns
// an invitation to enrol a new one, for which she needs her password too. The
// administrator who has just reset her password cannot also do this: together
// the two would let him sign in as her. seen says how she was known again.
func (s *Service) ResetMFA(ctx context.Context, actor Actor, personID, reason string, seen Identified) (Invitation, error) {
	return s.reset(ctx, actor, personID, "reset-mfa", reason, seen, func(a *account) error {
		if a.PasswordResetBy != "" && a.PasswordResetBy == actor.ID {
			return errSecondPerson()
		}
		a.TOTPSecret, a.Passkeys, a.Recovery, a.MFAResetBy = "", nil, nil, actor.ID
		return nil
	})
}

// ResetPassword takes a person's password away, ends her sessions and returns
// an invitation to set a new one, for which she needs her second factor too.
func (s *Service) ResetPassword(ctx context.Context, actor Actor, personID, reason string, seen Identified) (Invitation, error) {
	return s.reset(ctx, actor, personID, "update", reason, seen, func(a *account) error {
		if a.MFAResetBy != "" && a.MFAResetBy == actor.ID {
			return errSecondPerson()
		}
		a.PasswordHash, a.PasswordResetBy = "", actor.ID
		return nil
	})
}

func errSecondPerson() error {
	return errAnotherPerson("identity.reset", "Password and second factor of one person are reset by two administrators.")
}

// ErrAnotherPerson says that what was asked for takes a second person.
var ErrAnotherPerson = errors.New("this takes another person")

func errAnotherPerson(op, public string) error {
	return &fault.Error{Kind: fault.Denied, Op: op, Err: ErrAnotherPerson, Public: public}
}

func (s *Service) reset(ctx context.Context, actor Actor, personID, action, reason string, seen Identified, take func(*account) error) (Invitation, error) {
	const op = "identity.reset"
	if err := s.another(ctx, actor, action, personID); err != nil {
		return Invitation{}, fmt.Errorf("%s: %w", op, err)
	}
	proof, err := s.identified(actor, seen)
	if err != nil {
		return Invitation{}, fmt.Errorf("%s: %w", op, err)
	}
	var inv Invitation
	e := s.about(actor, action, Success, reason)
	e.Detail = proof.words()
	a, err := s.changeAccount(ctx, personID, e, func(a *account) error {
		if a.Status == StatusEnded || a.Status == StatusDisabled {
			return fault.New(fault.Unprocessable, op, "This person's account is not active.")
		}
		if a.linked() && a.PasswordHash == "" && !a.hasSecondFactor() { // or one administrator could make both and come in as her
			return fault.New(fault.Unprocessable, op, "This person signs in by her organisation's identity provider. Password and second factor are reset there.")
		}
		if a.Status == StatusInvited { // both are missing, and were from the start
			a.reinvited(actor)
			var err error
			inv, err = s.invite(a, true, true)
			return err
		}
		if err := take(a); err != nil {
			return err
		}
		a.Epoch++
		a.attest(proof)
		var err error
		inv, err = s.invite(a, a.PasswordHash == "", !a.hasSecondFactor())
		return err
	})
	if err != nil {
		return Invitation{}, fmt.Errorf("%s: %w", op, err)
	}
	return inv, s.throttle.clear(ctx, accountClaim(a.UserName, "", false))
}
