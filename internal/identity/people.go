package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// SetPassword changes one's own password. It wants a fresh proof. All sessions end.
func (s *Service) SetPassword(ctx context.Context, actor Actor, old, new string) error {
	const op = "identity.SetPassword"
	if err := s.own(actor); err != nil {
		return fmt.Errorf("%s: %w", op, err)
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
	return s.setStatus(ctx, actor, personID, reason, StatusDisabled, StatusInvited, StatusPending, StatusActive, StatusDisabled)
}

// EndPerson shuts a person out for good.
func (s *Service) EndPerson(ctx context.Context, actor Actor, personID, reason string) error {
	return s.setStatus(ctx, actor, personID, reason, StatusEnded, StatusInvited, StatusPending, StatusActive, StatusDisabled, StatusEnded)
}

// Enable lets a disabled person back in. One who had not enrolled needs a new
// invitation; one who is not attested waits for it.
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
		if a.Status = to; to == StatusActive {
			a.revive()
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

// revive puts an account that was disabled where it belongs now.
func (a *account) revive() {
	if a.PasswordHash == "" && !a.hasSecondFactor() && !a.linked() {
		a.Status = StatusInvited
	} else if !a.attested() {
		a.Status = StatusPending
	}
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
		p.Status, p.Attestations, p.InvitedBy, p.EntitledBy, p.Covers = a.Status, a.Attestations, a.InvitedBy, a.EntitledBy, a.Covers
		same := slices.Equal(p.Roles, a.Roles) && slices.Equal(p.WardIDs, a.WardIDs) && p.PractitionerID == a.PractitionerID && p.PatientID == a.PatientID
		a.Person = p
		if !same {
			a.entitled(actor)
		}
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
		if err := s.permit(ctx, actor, "read", TypeUser); err != nil {
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
	if err := s.permit(ctx, actor, "read", TypeUser); err != nil {
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
