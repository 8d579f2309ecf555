package chart

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/profile"
)

// termsOf answers questions about codes from the library.
func termsOf(*library) profile.Codes { return unloaded{} }

// unloaded knows no code system.
type unloaded struct{}

func (unloaded) InValueSet(context.Context, string, profile.Code) (profile.Verdict, error) {
	return profile.Unknown, nil
}

func (unloaded) InSystem(context.Context, profile.Code) (profile.Verdict, error) {
	return profile.Unknown, nil
}
