package identity

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// origins are those of all apps, read anew every second.
type origins struct {
	mu      sync.Mutex
	all     map[string]bool
	checked time.Time
}

// AllowsOrigin reports whether an active app is registered with the origin, so
// that its pages may call from browsers.
func (s *Service) AllowsOrigin(ctx context.Context, origin string) (bool, error) {
	s.origins.mu.Lock()
	defer s.origins.mu.Unlock()
	now := s.cfg.Clock.Now()
	if s.origins.all != nil && now.Sub(s.origins.checked).Abs() < recheck {
		return s.origins.all[origin], nil
	}
	clients, err := s.allClients(ctx)
	if err != nil {
		return false, fmt.Errorf("identity.AllowsOrigin: %w", err)
	}
	all := map[string]bool{}
	for _, c := range clients {
		for _, o := range c.Origins {
			if c.Status == StatusActive {
				all[o] = true
			}
		}
	}
	s.origins.all, s.origins.checked = all, now
	return all[origin], nil
}
