package portal

import (
	"context"
	"errors"

	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// accounts signs people in by the identity service.
type accounts struct{ identity *identity.Service }

// NewAccounts returns the accounts of the identity service.
func NewAccounts(s *identity.Service) Accounts { return accounts{s} }

func origin(ctx context.Context, try Attempt) identity.Origin {
	return identity.Origin{Source: try.Source, Device: try.Device, RequestID: web.EventOf(ctx).RequestID}
}

func (a accounts) Password(ctx context.Context, try Attempt) (string, error) {
	c, err := a.identity.Begin(ctx, try.User, try.Password, origin(ctx, try))
	return c.Token, err
}

func (a accounts) Code(ctx context.Context, challenge string, try Attempt) (Entry, error) {
	g, err := a.identity.Finish(ctx, challenge, try.Code, origin(ctx, try))
	return Entry{Token: g.Token, Recovered: g.RecoveryUsed, RecoveryLeft: g.RecoveryLeft}, err
}

func (a accounts) AskPasskey(ctx context.Context, token string, try Attempt) (identity.PasskeyAsk, error) {
	if token == "" {
		return a.identity.AskPasskey(ctx, origin(ctx, try))
	}
	return a.identity.AskOwnPasskey(ctx, token)
}

func (a accounts) Passkey(ctx context.Context, try Attempt) (Entry, error) {
	g, err := a.identity.SignInPasskey(ctx, try.Passkey, origin(ctx, try))
	return Entry{Token: g.Token, RecoveryLeft: g.RecoveryLeft}, err
}

func (a accounts) AskEnrolment(ctx context.Context, token string) (identity.PasskeyAsk, error) {
	return a.identity.AskEnrolmentPasskey(ctx, token)
}

func (a accounts) Session(ctx context.Context, token string, active bool) (Session, error) {
	s, err := a.identity.Resume(ctx, token, identity.Origin{Background: !active, RequestID: web.EventOf(ctx).RequestID})
	if errors.Is(err, identity.ErrLocked) {
		err = nil // whose session it is stays known: the lock page leads back to it
	}
	return Session{Actor: s.Actor, Line: s.Line, Locked: s.Locked, Provider: s.Provider, News: s.News, OpenedFor: s.OpenedFor}, err
}

func (a accounts) Lock(ctx context.Context, token string) error { return a.identity.Lock(ctx, token) }

func (a accounts) Leave(ctx context.Context, line, entered string, try Attempt) error {
	return a.identity.Leave(ctx, line, entered, origin(ctx, try))
}

func (a accounts) Unlock(ctx context.Context, token string, try Attempt) (string, error) {
	if try.Passkey.Ask != "" {
		g, err := a.identity.UnlockPasskey(ctx, token, try.Passkey, origin(ctx, try))
		return g.Token, err
	}
	g, err := a.identity.Unlock(ctx, token, try.Password, origin(ctx, try))
	return g.Token, err
}

func (a accounts) StepUp(ctx context.Context, token string, try Attempt) (string, error) {
	g, err := a.identity.StepUp(ctx, token, identity.Proof{Password: try.Password, Code: try.Code, Passkey: try.Passkey}, origin(ctx, try))
	return g.Token, err
}

func (a accounts) EndOthers(ctx context.Context, token string, try Attempt) (string, error) {
	g, err := a.identity.EndOthers(ctx, token, origin(ctx, try))
	return g.Token, err
}

func (a accounts) WorkFor(ctx context.Context, token, purpose, source string) error {
	return a.identity.WorkFor(ctx, token, purpose, origin(ctx, Attempt{Source: source}))
}

func (a accounts) OpenFor(ctx context.Context, token, patient, purpose string) error {
	return a.identity.OpenFor(ctx, token, patient, purpose, origin(ctx, Attempt{}))
}

func (a accounts) SignOut(ctx context.Context, token string) error {
	return a.identity.End(ctx, token, origin(ctx, Attempt{}))
}

func (a accounts) BeginEnrolment(ctx context.Context, try Attempt) (Enrolment, error) {
	e, err := a.identity.BeginEnrolment(ctx, try.User, try.Code, try.Password, origin(ctx, try))
	return Enrolment{Token: e.Token, Secret: e.Secret, URI: e.URI, Expires: e.Expires}, err
}

func (a accounts) FinishEnrolment(ctx context.Context, token string, try Attempt) ([]string, error) {
	if try.Passkey.Ask != "" {
		return a.identity.FinishEnrolmentPasskey(ctx, token, try.Passkey, try.Name, origin(ctx, try))
	}
	return a.identity.FinishEnrolment(ctx, token, try.Code, origin(ctx, try))
}
