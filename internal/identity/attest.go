package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// AttestationKind is what is vouched for.
type AttestationKind string

const (
	AttestClearance AttestationKind = "clearance" // the person was checked and may work here
	AttestTraining  AttestationKind = "training"  // was taught to handle health records
)

// AttestationKinds are those an account needs before it becomes active.
func AttestationKinds() []AttestationKind { return []AttestationKind{AttestClearance, AttestTraining} }

// Attestation is a dated word that somebody gave for a person.
type Attestation struct {
	Kind     AttestationKind `json:"kind"`
	On       time.Time       `json:"on"` // the day, midnight UTC
	By       string          `json:"by"` // who vouched, as they are called
	Recorder string          `json:"recorder"`
	Recorded time.Time       `json:"recorded"`
	// Of AttestIdentity alone.
	How      string `json:"how,omitempty"`
	Document string `json:"document,omitempty"`
	Note     string `json:"note,omitempty"`
}

// oldest bounds what a slip of the pen can date.
const oldest = 50 * 365 * 24 * time.Hour

func errWaits(op string) error {
	return fault.New(fault.Denied, op, "Your account is not active yet: your clearance and your training have to be recorded first. Ask your administrator.")
}

// Attest records an attestation of somebody else, in place of an older one of
// its kind. Once both are there, an account that waited for them is active. Who
// invited the person or last gave her roles or wards cannot attest it: it takes two
// people to let somebody in. The operator of the host is not held to it, since he
// holds the keys; what he did is on the record and in the audit log.
func (s *Service) Attest(ctx context.Context, actor Actor, personID string, kind AttestationKind, on time.Time, by string) error {
	const op = "identity.Attest"
	if err := s.another(ctx, actor, "update", personID); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	t, err := s.attestation(actor, kind, on, by)
	if err != nil {
		return err
	}
	e := s.about(actor, "attest", Success, t.By)
	e.Detail = string(kind) + " of " + t.On.Format(time.DateOnly)
	_, err = s.changeAccount(ctx, personID, e, func(a *account) error {
		if a.Status == StatusEnded {
			return fault.New(fault.Unprocessable, op, "This person's account has ended.")
		}
		if actor.Kind != KindSystem && a.MadeBy(actor.ID) {
			return errAnotherPerson(op, "You invited this person, or gave the roles and wards. Another administrator has to attest.")
		}
		a.attest(t)
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

func (s *Service) attestation(actor Actor, kind AttestationKind, on time.Time, by string) (Attestation, error) {
	const op = "identity.attestation"
	now := s.cfg.Clock.Now()
	by = strings.TrimSpace(by)
	switch {
	case !slices.Contains(AttestationKinds(), kind):
		return Attestation{}, fault.New(fault.Invalid, op, "There are attestations of clearance and of training.")
	case by == "" || len(by) > maxName:
		return Attestation{}, fault.New(fault.Invalid, op, "Say who attested it, in at most 128 bytes.")
	case on.IsZero() || on.After(now.Add(24*time.Hour)) || now.Sub(on) > oldest: // the day may have begun elsewhere
		return Attestation{}, fault.New(fault.Invalid, op, "An attestation has a date, which is not in the future.")
	}
	y, m, d := on.Date()
	return Attestation{Kind: kind, On: time.Date(y, m, d, 0, 0, 0, 0, time.UTC), By: by, Recorder: actor.ID, Recorded: now}, nil
}

// attest keeps t and lets the account in if nothing is missing any more.
func (a *account) attest(t Attestation) {
	a.Attestations = append(slices.DeleteFunc(slices.Clone(a.Attestations), func(old Attestation) bool { return old.Kind == t.Kind }), t)
	a.settle()
}

// settle makes an account that is complete active, and lets one that lacks only
// attestations wait for them.
func (a *account) settle() {
	if a.Status != StatusInvited && a.Status != StatusPending && a.Status != StatusActive || !a.enrolled() && !a.linked() {
		return
	}
	a.Status = StatusPending
	if a.attested() {
		a.Status = StatusActive
	}
}

// Has reports whether p bears an attestation of the kind.
func (p Person) Has(kind AttestationKind) bool {
	return slices.ContainsFunc(p.Attestations, func(t Attestation) bool { return t.Kind == kind })
}

// MadeBy reports whether the actor of an id made the account what it is.
func (p Person) MadeBy(id string) bool { return id != "" && (p.InvitedBy == id || p.EntitledBy == id) }

// entitled notes who gave the account its rights. If it is not open yet, what he
// attested before falls: the order of the two must not matter.
func (a *account) entitled(by Actor) {
	a.EntitledBy = by.ID
	if by.Kind == KindSystem || a.Status == StatusActive {
		return
	}
	a.Attestations = slices.DeleteFunc(slices.Clone(a.Attestations), func(t Attestation) bool { return t.Recorder == by.ID })
}

// reinvited notes who holds an invitation in place of the one before. What others
// attested was of whom another had invited, and falls: he could enrol himself.
func (a *account) reinvited(by Actor) {
	if by.Kind != KindSystem && by.ID != a.InvitedBy {
		a.Attestations = nil
	}
	a.InvitedBy = by.ID
}

// attested reports whether p bears all that an account needs.
func (p Person) attested() bool { return p.Has(AttestClearance) && p.Has(AttestTraining) }

// enrolled reports whether the person has set both factors.
func (a *account) enrolled() bool { return a.PasswordHash != "" && a.hasSecondFactor() }

// linked reports whether a provider proves who the person is.
func (a *account) linked() bool { return len(a.Links) > 0 }

// active reports whether the account may be used at all.
func (a *account) active() bool { return a.Status == StatusActive && a.attested() }

// usable reports whether the person can sign in.
func (a *account) usable() bool { return a.active() && a.enrolled() }

// waits reports whether nothing but attestations is missing.
func (a *account) waits() bool {
	return a.enrolled() && !a.attested() && (a.Status == StatusActive || a.Status == StatusPending)
}
