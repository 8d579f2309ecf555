package app

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/collector"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/rekey"
	"github.com/wardkeep/wardkeep/internal/web"
)

type doctorCmd struct {
	place
	Pins   bool   `help:"Print the pins of the current and of the next TLS key, for mobile apps, and nothing else."`
	Format string `help:"Of --pins: text, android (network-security-config) or ios (NSPinnedDomains)." enum:"text,android,ios" default:"text"`
	JSON   bool   `help:"Print the result as JSON."`
}

func (doctorCmd) Help() string {
	return `Looks at the settings, the data folder and the server that runs on it, and says what to mend. It changes nothing
and opens no record. Exit 1 if anything fails; warnings alone are exit 0.

Examples:
  wardkeep doctor --config wardkeep.yaml
  wardkeep doctor --config wardkeep.yaml --tenant north
  wardkeep doctor --dir hospital --pins
  wardkeep doctor --dir hospital --pins --format android`
}

func (c *doctorCmd) Run(ctx context.Context, t Terminal) error {
	if all, err := c.settings(); err != nil {
		return err
	} else if len(all.Tenants) > 0 && c.Tenant == "" && !c.Pins && (c.Dir == "" || config.SamePath(c.Dir, all.Dir)) {
		return c.eachTenant(ctx, t, all.Tenants)
	}
	cfg, err := c.existing()
	if err != nil {
		return err
	}
	d := newDoctor(ctx, cfg)
	if c.Pins {
		return c.printPins(t, d)
	}
	d.examine(ctx)
	if c.JSON {
		err = json.NewEncoder(t.Out).Encode(d.report())
	} else {
		d.print(t)
	}
	if err == nil && d.count(failure) > 0 {
		return errSilent
	}
	return err
}

func newDoctor(ctx context.Context, cfg config.Config) *doctor {
	d := &doctor{cfg: cfg, clock: clock.System{}}
	if d.server, d.unreached = askServer(ctx, cfg.Dir); d.server != nil {
		d.server.overlay(&d.cfg)
	}
	return d
}

// eachTenant looks at all of them; one that is not there is a finding about it alone.
func (c *doctorCmd) eachTenant(ctx context.Context, t Terminal, list []config.Config) error {
	reports, failures := map[string]any{}, 0
	for _, cfg := range list {
		d := newDoctor(ctx, cfg)
		if err := thereIs(cfg); err != nil {
			d.add("folder", failure, errorText(err), "wardkeep init --tenant "+cfg.Tenant)
		} else {
			d.examine(ctx)
		}
		reports[cfg.Tenant] = d.report()
		failures += d.count(failure)
		if !c.JSON {
			fmt.Fprintf(t.Out, "%s\n", cfg.Tenant)
			d.print(t)
		}
	}
	if c.JSON {
		if err := json.NewEncoder(t.Out).Encode(map[string]any{"ok": failures == 0, "tenants": reports}); err != nil {
			return err
		}
	}
	if failures > 0 {
		return errSilent
	}
	return nil
}

func (c *doctorCmd) printPins(t Terminal, d *doctor) error {
	cert, err := d.certificate()
	if err != nil {
		return fault.New(fault.Unavailable, "app.pins", "There is no certificate yet, or it cannot be read. Start the server once: it makes one.")
	}
	pins, err := pinsOf(d.cfg, cert.RawSubjectPublicKeyInfo)
	if err != nil {
		return err
	}
	if d.server != nil {
		pins.Current = d.server.Pin
	}
	if c.JSON {
		return json.NewEncoder(t.Out).Encode(pins)
	}
	return writePins(t, d.cfg.Base(), c.Format, pins)
}

// States of a finding.
const (
	fine    = "ok"
	warning = "warning"
	failure = "failure"
)

// finding is what one check says, and what to do about it.
type finding struct {
	Check  string `json:"check"`
	State  string `json:"state"`
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}

// doctor examines a data folder, and the server that runs on it.
type doctor struct {
	cfg       config.Config
	clock     clock.Clock
	server    *serverState // nil: none runs, or
	unreached error        // it does not answer
	findings  []finding
}

func (d *doctor) add(check, state, text, remedy string) {
	d.findings = append(d.findings, finding{check, state, text, remedy})
}

func (d *doctor) count(state string) (n int) {
	for _, f := range d.findings {
		if f.State == state {
			n++
		}
	}
	return n
}

func (d *doctor) report() any {
	return struct {
		OK     bool      `json:"ok"`
		Checks []finding `json:"checks"`
	}{d.count(failure) == 0, d.findings}
}

func (d *doctor) print(t Terminal) {
	for _, f := range d.findings {
		fmt.Fprintf(t.Out, "%-8s %-12s %s\n", f.State, f.Check, f.Text)
		if f.Remedy != "" {
			fmt.Fprintf(t.Out, "%21s → %s\n", "", f.Remedy)
		}
	}
	fmt.Fprintf(t.Out, "\n%d checks, %d warnings, %d failures.\n", len(d.findings), d.count(warning), d.count(failure))
}

// certificate is the one configured.
func (d *doctor) certificate() (*x509.Certificate, error) {
	file, _, _ := keysOf(d.cfg).Files()
	return readCertificate(file)
}

// serverState is what a running server tells of itself: its flags may have set
// what its settings do not.
type serverState struct {
	Listen, BaseURL, MTLSListen, MTLSBaseURL, MTLSCA, CheckpointOut, SearchInURLs, Scanner, KMS string

	TLSCert, TLSKey, TLSNextKey string
	SecretsInFiles              bool
	Pin                         string // of the certificate shown

	LogOut    config.LogOut
	ACME      config.ACME
	Collector *collector.State
	Keys      *rekey.Status // nil: they cannot be read
}

func (s *serverState) overlay(cfg *config.Config) {
	cfg.Listen, cfg.BaseURL, cfg.CheckpointOut, cfg.SearchInURLs = s.Listen, s.BaseURL, s.CheckpointOut, s.SearchInURLs
	cfg.Scanner, cfg.KMS, cfg.SecretsInFiles = s.Scanner, s.KMS, s.SecretsInFiles
	cfg.LogOut, cfg.ACME = s.LogOut, s.ACME
	cfg.MTLSListen, cfg.MTLSBaseURL, cfg.MTLSCA = s.MTLSListen, s.MTLSBaseURL, s.MTLSCA
	if cfg.TLSCert == "" { // else what is configured is what counts: it is shown from the next start
		cfg.TLSCert, cfg.TLSKey, cfg.TLSNextKey = s.TLSCert, s.TLSKey, s.TLSNextKey
	}
}

func tellState(ctx context.Context, h *House, _ string, _ struct{}) (serverState, error) {
	keeper, err := h.keeper()
	if err != nil {
		return serverState{}, err
	}
	cfg := h.Config
	state := serverState{
		Listen: cfg.Listen, BaseURL: cfg.BaseURL, MTLSListen: cfg.MTLSListen, MTLSBaseURL: cfg.MTLSBaseURL, MTLSCA: cfg.MTLSCA, CheckpointOut: cfg.CheckpointOut, SearchInURLs: cfg.SearchInURLs, Scanner: cfg.Scanner, KMS: cfg.KMS, SecretsInFiles: cfg.SecretsInFiles,
		TLSCert: cfg.TLSCert, TLSKey: cfg.TLSKey, TLSNextKey: cfg.TLSNextKey, Pin: web.Pin(keeper.Certificate().Leaf.RawSubjectPublicKeyInfo),
		LogOut: cfg.LogOut, ACME: cfg.ACME, Collector: h.collectorState(),
	}
	if keys, err := h.Keys.Summary(ctx); err == nil {
		state.Keys = &keys
	}
	return state, nil
}

// askServer asks the server that holds dir, nil if none runs.
func askServer(ctx context.Context, dir string) (*serverState, error) {
	desk := dialDesk(dir)
	if desk == nil {
		return nil, nil
	}
	defer desk.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	s := &serverState{}
	if err := desk.call(ctx, "server-state", struct{}{}, s); err != nil {
		return nil, err
	}
	return s, nil
}
