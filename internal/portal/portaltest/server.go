package portaltest

import (
	"net/http/httptest"
	"time"

	_ "time/tzdata" // the ward's zone must not depend on the machine

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/portal"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Stage is a portal over the fakes, served over TLS on loopback.
type Stage struct {
	Chart    *FakeChart
	Accounts *FakeAccounts
	Drafts   *FakeDrafts
	Clock    *clock.Manual
	Portal   *portal.Portal
	Server   *httptest.Server
}

// NewStage starts a stage. idle is after how long its pages lock themselves. With
// change it stands on something else.
func NewStage(idle time.Duration, change ...func(*Stage, *portal.Config)) (*Stage, error) {
	chart, err := Ward()
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		return nil, err
	}
	s := &Stage{Chart: chart, Clock: clock.NewManual(Now)}
	s.Drafts = NewFakeDrafts(s.Clock)
	s.Accounts = NewFakeAccounts(s.Clock, idle)
	cfg := portal.Config{
		Chart: chart, Accounts: s.Accounts, Drafts: s.Drafts, Clock: s.Clock, Zone: zone, Facility: "Lakeside Hospital", Demo: true, Idle: idle,
	}
	for _, f := range change {
		f(s, &cfg)
	}
	p, err := portal.New(cfg)
	if err != nil {
		return nil, err
	}
	s.Portal = p
	s.Server = httptest.NewTLSServer(web.OwnForms(p))
	return s, nil
}

// Close ends the stage.
func (s *Stage) Close() { s.Server.Close() }
