package portal

import (
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/clinical"
)

// alerts remembers for a shift which patients stood in a list beside somebody
// of a similar name, so that their charts carry the mark as well. It holds ids,
// no names, and is bounded.
type alerts struct {
	mu    sync.Mutex
	until map[string]time.Time
}

const (
	alertLife = 12 * time.Hour
	maxAlerts = 20_000
)

// markSimilar marks the rows of a list and remembers whom it marked.
func (p *Portal) markSimilar(rows []clinical.PatientRow) {
	clinical.MarkSimilar(rows)
	p.alerts.mu.Lock()
	defer p.alerts.mu.Unlock()
	if p.alerts.until == nil || len(p.alerts.until) > maxAlerts {
		p.alerts.until = map[string]time.Time{}
	}
	for _, r := range rows {
		if r.Alert.On {
			p.alerts.until[r.ID] = p.cfg.Clock.Now().Add(alertLife)
		}
	}
}

// alertOn adds the mark to a banner that has none of its own.
func (p *Portal) alertOn(b *clinical.Banner) {
	p.alerts.mu.Lock()
	defer p.alerts.mu.Unlock()
	if until, ok := p.alerts.until[b.ID]; ok && !b.Alert.On && p.cfg.Clock.Now().Before(until) {
		b.Alert = clinical.NameAlert{On: true, Reason: "Similar name"}
	}
}
