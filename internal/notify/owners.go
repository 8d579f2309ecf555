package notify

import (
	"context"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// ownersEvery is how often it is asked whether those whose web sockets are open
// may still do anything: who was shut out is let go within a second.
const ownersEvery = 500 * time.Millisecond

// watchOwners lets go of the web sockets of owners who are gone. What would be
// told them meanwhile is not: each notification asks for itself.
func (m *Manager) watchOwners() {
	tick := time.NewTicker(ownersEvery)
	defer tick.Stop()
	for {
		select {
		case <-m.ctx.Done():
			return
		case <-tick.C:
			m.dismiss(m.ctx)
		}
	}
}

// dismiss asks once for each owner.
func (m *Manager) dismiss(ctx context.Context) {
	for who, ids := range m.bound() {
		_, err := m.act(ctx, who.mandate)
		if !fault.Is(err, fault.Denied) {
			continue // an owner who cannot be asked about now is told nothing either
		}
		m.mu.Lock()
		for _, id := range ids {
			if w := m.workers[id]; w != nil && w.isOf(who.owner.kind, who.owner.id) && w.mandate.ConnectionID == who.mandate.ConnectionID {
				m.sockets.close(id)
			}
		}
		m.mu.Unlock()
	}
}

// asker is an owner with one of the mandates that he gave.
type asker struct {
	owner
	mandate identity.Mandate
}

// bound returns the Subscriptions that web sockets are bound to, by owner.
func (m *Manager) bound() map[*asker][]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sockets.mu.Lock()
	defer m.sockets.mu.Unlock()
	type by struct {
		owner
		connection string // of the program that acts for him
	}
	owners, out := map[by]*asker{}, map[*asker][]string{}
	for id := range m.sockets.bound {
		w := m.workers[id]
		if w == nil {
			continue
		}
		of := by{owner{w.mandate.Kind, w.mandate.ID}, w.mandate.ConnectionID}
		if owners[of] == nil {
			owners[of] = &asker{of.owner, w.mandate}
		}
		out[owners[of]] = append(out[owners[of]], id)
	}
	return out
}
