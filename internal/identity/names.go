package identity

import (
	"context"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Names returns the names of people and programs by their ids, also of those whose
// accounts have ended. Of accounts it tells nothing else, and leaves unknown ids out.
func (s *Service) Names(ctx context.Context, ids []string) (map[string]string, error) {
	const op = "identity.Names"
	names := map[string]string{}
	for _, id := range ids {
		if !validID(id) {
			continue
		}
		a, err := s.accountByID(ctx, id)
		if err == nil {
			names[id] = displayName(a.Person)
			continue
		}
		if !fault.Is(err, fault.NotFound) {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		c, err := s.clientByID(ctx, id)
		if err == nil {
			names[id] = c.Name
		} else if !fault.Is(err, fault.NotFound) {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
	}
	return names, nil
}

// Practitioners returns, by the ids of people, those by which records name them.
// Whoever has none is left out. Who calls it MUST have found the ids where their reader
// may see them.
func (s *Service) Practitioners(ctx context.Context, ids []string) (map[string]string, error) {
	const op = "identity.Practitioners"
	practitioners := map[string]string{}
	for _, id := range ids {
		if !validID(id) {
			continue
		}
		a, err := s.accountByID(ctx, id)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		if err == nil && a.PractitionerID != "" {
			practitioners[id] = a.PractitionerID
		}
	}
	return practitioners, nil
}
