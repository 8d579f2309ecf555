package profile_test

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/profile"
)

func codes(shelf) profile.Codes { return noCodes{} }

// noCodes knows no code system.
type noCodes struct{}

func (noCodes) InValueSet(context.Context, string, profile.Code) (profile.Verdict, error) {
	return profile.Unknown, nil
}

func (noCodes) InSystem(context.Context, profile.Code) (profile.Verdict, error) {
	return profile.Unknown, nil
}
