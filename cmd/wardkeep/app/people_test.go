package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// TestOperatorsEndSessions: a command ends what somebody has open, and shuts nobody out.
func TestOperatorsEndSessions(t *testing.T) {
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	cfg := config.Default()
	cfg.Dir, cfg.CacheMB = t.TempDir(), 8
	house, err := OpenHouse(ctx, cfg, slog.New(slog.DiscardHandler), Options{Clock: clock.NewManual(time.Now().UTC())})
	must(err)
	t.Cleanup(func() { _ = house.Close(context.Background()) })
	people, who := house.Identity, identity.System("test", "operator")
	const password = "lantern harbor copper"
	ana, e, err := people.Provision(ctx, who, identity.NewPerson{UserName: "ana", Family: "Okafor", Roles: []string{"nurse"}}, identity.Credentials{Password: password})
	must(err)
	from := identity.Origin{Source: "192.0.2.7"}
	step, err := people.Begin(ctx, "ana", password, from)
	must(err)
	code, err := totp.GenerateCode(e.Secret, house.Clock.Now())
	must(err)
	g, err := people.Finish(ctx, step.Token, code, from)
	must(err)
	end := func(name string) error {
		in, err := json.Marshal(userChange{name, "tablet lost"})
		must(err)
		_, err = operations()["user-sessions"](ctx, house, "tester", in)
		return err
	}
	if err := end("nobody"); err == nil {
		t.Error("sessions of nobody were ended")
	}
	_, err = people.Resume(ctx, g.Token, from)
	must(err)
	must(end("ana"))
	if _, err := people.Resume(ctx, g.Token, from); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("the session goes on: %v", err)
	}
	if person, err := people.Person(ctx, who, ana.ID); err != nil || person.Status != identity.StatusActive {
		t.Errorf("%v, %v", person.Status, err)
	}
}
