package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// OwnAccount is what a person may see of the means by which she signs in.
type OwnAccount struct {
	Password      bool      // has one here
	PasswordSet   time.Time // zero: not known
	Authenticator bool      // has an authenticator app
	RecoveryLeft  int       // recovery codes not used yet
}

// OwnAccount returns one's own.
func (s *Service) OwnAccount(ctx context.Context, actor Actor) (OwnAccount, error) {
	const op = "identity.OwnAccount"
	if actor.Kind != KindPerson || actor.ClientID != "" {
		return OwnAccount{}, fault.New(fault.Denied, op, "")
	}
	a, err := s.accountByID(ctx, actor.ID)
	if err != nil {
		return OwnAccount{}, fmt.Errorf("%s: %w", op, err)
	}
	return OwnAccount{
		Password: a.PasswordHash != "", PasswordSet: a.PasswordSet, Authenticator: a.TOTPSecret != "", RecoveryLeft: len(a.Recovery),
	}, nil
}

// RenewRecovery replaces one's own recovery codes and returns the new ones, to be
// shown once. It wants a fresh proof.
func (s *Service) RenewRecovery(ctx context.Context, actor Actor) ([]string, error) {
	const op = "identity.RenewRecovery"
	if err := s.own(actor); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	texts, digests, err := s.newRecovery()
	if err != nil {
		return nil, err
	}
	_, err = s.changeAccount(ctx, actor.ID, s.about(actor, "renew-recovery", Success, ""), func(a *account) error {
		if !a.usable() {
			return fault.New(fault.Unprocessable, op, "You sign in by another organisation: recovery codes would open nothing here.")
		}
		a.Recovery = digests
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return texts, nil
}
