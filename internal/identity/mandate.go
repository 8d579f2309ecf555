package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Mandate is what is kept of whoever asked for something that the server does
// later: a subscription, an export. It holds no rights but the scopes that were
// granted, which what is done later MUST NOT exceed.
type Mandate struct {
	Kind   Kind      `json:"kind"`
	ID     string    `json:"id"`
	Scopes Scopes    `json:"scopes,omitempty"`
	MFA    Assurance `json:"mfa"`
	Given  time.Time `json:"given"`
	// Of a program that acts for a person: which, by which connection, and the
	// patient it is confined to.
	ClientID       string `json:"client,omitempty"`
	ConnectionID   string `json:"connection,omitempty"`
	PatientContext string `json:"context,omitempty"`
	// Epoch is of the credentials that a program asked with in its own name. What was
	// ordered with a secret that was stolen ends with it. 0, kept before there was
	// one, stands for the first.
	Epoch uint64 `json:"epoch,omitempty"`
	// Purpose is what it was asked for, "" if nothing else was stated than follows from
	// the person's roles, or by a program nothing.
	Purpose string `json:"purpose,omitempty"`
}

// firstEpoch is of credentials that were never changed.
const firstEpoch = 1

// Mandate returns what is kept of an actor who asks for something now.
func (a Actor) Mandate(now time.Time) Mandate {
	m := Mandate{
		Kind: a.Kind, ID: a.ID, Scopes: a.Scopes, MFA: a.MFA, Given: now,
		ClientID: a.ClientID, ConnectionID: a.ConnectionID, PatientContext: a.PatientContext, Epoch: a.epoch,
	}
	if a.Kind != KindPerson || a.Purpose != PurposeOf(a.Roles) {
		m.Purpose = a.Purpose
	}
	return m
}

// Act returns the actor of a mandate with the rights of today. fault.Denied says
// that nobody stands behind it any more.
func (s *Service) Act(ctx context.Context, m Mandate) (Actor, error) {
	a, err := s.act(ctx, m)
	switch {
	case fault.Is(err, fault.NotFound):
		return Actor{}, fault.New(fault.Denied, "identity.Act", "Whoever asked for this is no longer known here.")
	case err != nil:
		return Actor{}, fmt.Errorf("identity.Act: %w", err)
	}
	if m.Purpose != "" {
		a.Purpose = m.Purpose
	}
	return a, nil
}

func (s *Service) act(ctx context.Context, m Mandate) (Actor, error) {
	gone := fault.New(fault.Denied, "identity.act", "Whoever asked for this may no longer do anything here.")
	switch m.Kind {
	case KindClient:
		c, err := s.clientByID(ctx, m.ID)
		if err != nil {
			return Actor{}, err
		}
		if c.Status != StatusActive || c.Epoch != max(m.Epoch, firstEpoch) {
			return Actor{}, gone
		}
		return clientActor(c, m.Scopes.Meet(c.Scopes.At(LevelSystem)), "", m.Given, Origin{}), nil
	case KindPerson:
		if m.ClientID != "" {
			return s.actBy(ctx, m)
		}
		p, err := s.accountByID(ctx, m.ID)
		if err != nil {
			return Actor{}, err
		}
		if !p.active() {
			return Actor{}, gone
		}
		a := personActor(p.Person, s.cfg.Clock.Now())
		a.MFA, a.AuthTime = m.MFA, m.Given
		return a, nil
	}
	return Actor{}, gone
}
