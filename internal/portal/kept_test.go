package portal_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

// Whom a doctor's decision keeps something from is told until when, and how to have it
// reviewed, on every page of the chart (45 CFR 164.524(d)); nobody else reads of it.
func TestWhatIsKeptIsTold(t *testing.T) {
	v := visit(t).signIn()
	const words = "something is kept back here until"
	for _, path := range []string{"/chart/" + portaltest.Quiet, "/chart/" + portaltest.Quiet + "/results"} {
		v.stage.Chart.Kept = time.Time{}
		if a := v.get(path); strings.Contains(a.body, words) {
			t.Errorf("%s: it is told without a decision", path)
		}
		v.stage.Chart.Kept = time.Date(2026, 12, 7, 17, 0, 0, 0, time.UTC)
		if a := v.get(path); !strings.Contains(a.body, words+" 7 December 2026") || !strings.Contains(a.body, "reviewed by another doctor") {
			t.Errorf("%s: it is not told", path)
		}
	}
}
