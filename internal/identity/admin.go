package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"

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

// Credentials are given to a person by the server itself, for a demonstration.
type Credentials struct {
	Password   string
	TOTPSecret string // base32; "" for a fresh one
}

// Provision adds somebody who can sign in at once. Only a part of this server
// may do it: for people, nobody else may know both factors.
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
	a.Status, a.PasswordSet = StatusActive, s.cfg.Clock.Now()
	if err := s.putAccount(ctx, s.about(actor, "create", Success, "provisioned"), a); err != nil {
		return Person{}, Enrolment{}, nameTaken(op, err)
	}
	return a.Person, Enrolment{Secret: a.TOTPSecret, URI: s.provisioning(a.UserName, a.TOTPSecret)}, nil
}

func (s *Service) newAccount(ctx context.Context, actor Actor, n NewPerson) (*account, error) {
	if err := s.cfg.Gate.Permit(ctx, actor, "create", TypeUser); err != nil {
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
	code, digest, err := s.newCode(inviteSize)
	if err != nil {
		return Invitation{}, err
	}
	until := s.cfg.Clock.Now().Add(s.cfg.InviteLife)
	a.Enrolment = &enrolment{Digest: digest, Expires: until, NewPassword: password, NewMFA: mfa}
	return Invitation{Code: code, Expires: until}, nil
}

// another checks that an administrator acts on somebody else.
func (s *Service) another(ctx context.Context, actor Actor, action, personID string) error {
	if err := s.cfg.Gate.Permit(ctx, actor, action, TypeUser); err != nil {
		return err
	}
	if actor.ID == personID {
		return fault.New(fault.Denied, "identity.another", "Nobody does this for himself. Ask another administrator.")
	}
	return nil
}

// ResetMFA takes a person's second factor away, ends her sessions and returns
// an invitation to enrol a new one, for which she needs her password too. The
// administrator who has just reset her password cannot also do this: together
// the two would let him sign in as her.
func (s *Service) ResetMFA(ctx context.Context, actor Actor, personID, reason string) (Invitation, error) {
	return s.reset(ctx, actor, personID, "reset-mfa", reason, func(a *account) error {
		if a.PasswordResetBy != "" && a.PasswordResetBy == actor.ID {
			return errSecondPerson()
		}
		a.TOTPSecret, a.Recovery, a.MFAResetBy = "", nil, actor.ID
		return nil
	})
}

// ResetPassword takes a person's password away, ends her sessions and returns
// an invitation to set a new one, for which she needs her second factor too.
func (s *Service) ResetPassword(ctx context.Context, actor Actor, personID, reason string) (Invitation, error) {
	return s.reset(ctx, actor, personID, "update", reason, func(a *account) error {
		if a.MFAResetBy != "" && a.MFAResetBy == actor.ID {
			return errSecondPerson()
		}
		a.PasswordHash, a.PasswordResetBy = "", actor.ID
		return nil
	})
}

func errSecondPerson() error {
	return fault.New(fault.Denied, "identity.reset", "Password and second factor of one person are reset by two administrators.")
}

func (s *Service) reset(ctx context.Context, actor Actor, personID, action, reason string, take func(*account) error) (Invitation, error) {
	const op = "identity.reset"
	if err := s.another(ctx, actor, action, personID); err != nil {
		return Invitation{}, fmt.Errorf("%s: %w", op, err)
	}
	var inv Invitation
	a, err := s.changeAccount(ctx, personID, s.about(actor, action, Success, reason), func(a *account) error {
		if a.Status == StatusEnded || a.Status == StatusDisabled {
			return fault.New(fault.Unprocessable, op, "This person's account is not active.")
		}
		if a.Status == StatusInvited { // both are missing, and were from the start
			var err error
			inv, err = s.invite(a, true, true)
			return err
		}
		if err := take(a); err != nil {
			return err
		}
		a.Epoch++
		var err error
		inv, err = s.invite(a, a.PasswordHash == "", a.TOTPSecret == "")
		return err
	})
	if err != nil {
		return Invitation{}, fmt.Errorf("%s: %w", op, err)
	}
	return inv, s.throttle.clear(ctx, accountClaim(a.UserName, "", false))
}

// SetPassword changes one's own password. All sessions end.
func (s *Service) SetPassword(ctx context.Context, actor Actor, old, new string) error {
	const op = "identity.SetPassword"
	if actor.Kind != KindPerson || actor.MFA != AssuranceMulti {
		return fault.New(fault.Denied, op, "")
	}
	a, err := s.accountByID(ctx, actor.ID)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	own := claim{perAccount, "password\x00" + a.ID}
	if _, err := s.throttle.admit(ctx, own); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	match, err := s.hash.verify(ctx, a.PasswordHash, old)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	if !match {
		e := s.about(actor, "set-password", Failure, "")
		if err := s.note(ctx, e); err != nil {
			return err
		}
		return fault.New(fault.Unprocessable, op, "The old password is wrong.")
	}
	if err := s.checkPassword(new, a.UserName, a.Given, a.Family, s.cfg.Issuer); err != nil {
		return err
	}
	hash, err := s.hash.hash(ctx, new)
	if err != nil {
		return err
	}
	before := a.PasswordHash
	_, err = s.changeAccount(ctx, a.ID, s.about(actor, "set-password", Success, ""), func(a *account) error {
		if a.PasswordHash != before || !a.usable() {
			return fault.New(fault.Conflict, op, "")
		}
		a.PasswordHash, a.PasswordSet = hash, s.cfg.Clock.Now()
		a.Epoch++
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return s.throttle.clear(ctx, own)
}

// Disable shuts a person out; every session ends within a second. End does so
// for good. Enable lets a disabled person back in.
func (s *Service) Disable(ctx context.Context, actor Actor, personID, reason string) error {
	return s.setStatus(ctx, actor, personID, reason, StatusDisabled, StatusInvited, StatusActive, StatusDisabled)
}

// EndPerson shuts a person out for good.
func (s *Service) EndPerson(ctx context.Context, actor Actor, personID, reason string) error {
	return s.setStatus(ctx, actor, personID, reason, StatusEnded, StatusInvited, StatusActive, StatusDisabled, StatusEnded)
}

// Enable lets a disabled person back in. One who had not enrolled needs a new
// invitation.
func (s *Service) Enable(ctx context.Context, actor Actor, personID, reason string) error {
	return s.setStatus(ctx, actor, personID, reason, StatusActive, StatusDisabled)
}

func (s *Service) setStatus(ctx context.Context, actor Actor, personID, reason string, to Status, from ...Status) error {
	const op = "identity.setStatus"
	if err := s.another(ctx, actor, "update", personID); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	_, err := s.changeAccount(ctx, personID, s.about(actor, "status-"+string(to), Success, reason), func(a *account) error {
		if !slices.Contains(from, a.Status) {
			return fault.New(fault.Unprocessable, op, "This person's account cannot be changed that way.")
		}
		a.Status = to
		if to == StatusActive && a.PasswordHash == "" && a.TOTPSecret == "" {
			a.Status = StatusInvited
		}
		a.Enrolment = nil
		a.Epoch++
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// Change says what to change of a person; nil leaves as it is.
type Change struct {
	Given, Family, Title      *string
	Roles, WardIDs            *[]string
	PractitionerID, PatientID *string
}

// ChangePerson changes somebody else's record. New roles and wards hold from
// the person's next request on, a second later at most.
func (s *Service) ChangePerson(ctx context.Context, actor Actor, personID, reason string, c Change) (Person, error) {
	const op = "identity.ChangePerson"
	if err := s.another(ctx, actor, "update", personID); err != nil {
		return Person{}, fmt.Errorf("%s: %w", op, err)
	}
	a, err := s.changeAccount(ctx, personID, s.about(actor, "update", Success, reason), func(a *account) error {
		n := NewPerson{
			UserName: a.UserName, Given: pick(c.Given, a.Given), Family: pick(c.Family, a.Family), Title: pick(c.Title, a.Title),
			Roles: pick(c.Roles, a.Roles), WardIDs: pick(c.WardIDs, a.WardIDs),
			PractitionerID: pick(c.PractitionerID, a.PractitionerID), PatientID: pick(c.PatientID, a.PatientID),
		}
		p, err := n.person(a.ID, a.Created)
		p.Status = a.Status
		a.Person = p
		return err
	})
	if err != nil {
		return Person{}, fmt.Errorf("%s: %w", op, err)
	}
	return a.Person, nil
}

func pick[T any](v *T, def T) T {
	if v == nil {
		return def
	}
	return *v
}

// Person returns one person.
func (s *Service) Person(ctx context.Context, actor Actor, id string) (Person, error) {
	if actor.Kind != KindPerson || actor.ID != id {
		if err := s.cfg.Gate.Permit(ctx, actor, "read", TypeUser); err != nil {
			return Person{}, err
		}
	}
	a, err := s.accountByID(ctx, id)
	if err != nil {
		return Person{}, err
	}
	return a.Person, nil
}

// People returns everybody, by user name.
func (s *Service) People(ctx context.Context, actor Actor) ([]Person, error) {
	if err := s.cfg.Gate.Permit(ctx, actor, "read", TypeUser); err != nil {
		return nil, err
	}
	docs, err := s.cfg.Records.List(ctx, TypeUser)
	if err != nil {
		return nil, fmt.Errorf("identity.People: %w", err)
	}
	var out []Person
	for _, doc := range docs {
		a, err := decodeAccount(doc)
		if err != nil {
			return nil, err
		}
		out = append(out, a.Person)
	}
	slices.SortFunc(out, func(a, b Person) int { return strings.Compare(a.UserName, b.UserName) })
	return out, nil
}
