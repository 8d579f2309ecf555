package vault

import (
	"context"
	"errors"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/store"
)

var (
	errDamagedName = errors.New("the cell of a name does not hold the key that was allotted to it")
	errGap         = errors.New("the store left out a version of a record")
	errSwapped     = errors.New("the store answered with another record than was asked for")
	errStale       = errors.New("the store answered with a version that is not the current one")
)

// storeFault gives an engine's error its kind. An unusable store is
// Unavailable: whoever asks may try again, and nothing half-done was left.
func (v *Vault) storeFault(op string, err error) error {
	var known *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(fault.Unavailable, op, err)
	case errors.Is(err, store.ErrGuard):
		return fault.Wrap(fault.Conflict, op, err)
	case errors.Is(err, store.ErrFailed), errors.Is(err, store.ErrClosed), errors.Is(err, store.ErrStale):
		return fault.Wrap(fault.Unavailable, op, err)
	}
	return fault.Wrap(fault.Internal, op, err)
}
