package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
)

type serveCmd struct {
	place
	Listen           string `help:"Address of the HTTPS listener." placeholder:"ADDR"`
	MTLSListen       string `name:"mtls-listen" help:"Address of the HTTPS listener at which programs show certificates." placeholder:"ADDR"`
	MTLSCA           string `name:"mtls-ca" help:"File of the authorities that sign those certificates (PEM)." placeholder:"FILE"`
	CheckpointOut    string `help:"File, best on another machine's disk, for signed audit checkpoints." placeholder:"FILE"`
	TLSLocal         bool   `name:"tls-local" help:"Serve other machines with this server's own certificate: all of them trust its ca.pem."`
	DeclareSuccessor string `help:"Go on after a restore that is behind the published checkpoint; say why." placeholder:"REASON"`
}

func (serveCmd) Help() string {
	return `Settings come from --config, then WARDKEEP_* variables, then flags. The data folder
is made by wardkeep init.

Examples:
  wardkeep serve --dir hospital
  wardkeep serve --config wardkeep.yaml

Settings with tenants serve all of them, each at its own host name.`
}

func (c *serveCmd) Run(ctx context.Context, t Terminal) error {
	cfg, err := c.settings()
	if err != nil {
		return err
	}
	if len(cfg.Tenants) > 0 {
		return c.serveTenants(ctx, t, cfg)
	}
	if err := mayServe(cfg); err != nil {
		return err
	}
	override(&cfg.Listen, c.Listen)
	override(&cfg.MTLSListen, c.MTLSListen)
	override(&cfg.MTLSCA, c.MTLSCA)
	override(&cfg.CheckpointOut, c.CheckpointOut)
	cfg.ACME.TLSLocal = cfg.ACME.TLSLocal || c.TLSLocal
	if err := cmp.Or(cfg.Check(), cfg.CheckServing()); err != nil {
		return fault.New(fault.Invalid, "serve", err.Error())
	}
	log, lines := serverLog(t.Err, cfg)
	var opt Options
	if c.DeclareSuccessor != "" {
		opt.Successor = c.successor()
	}
	house, err := OpenHouse(ctx, cfg, log, opt)
	if err != nil {
		return err
	}
	server := Server{House: house, Version: t.Version, Lines: lines, Ready: func(base string) {
		fmt.Fprintln(t.Out, "Wardkeep serves", base)
	}}
	return closeAfter(ctx, house, server.Run(ctx))
}

func (c *serveCmd) successor() *audit.Decision {
	return &audit.Decision{Who: "os:" + processUser(), Why: c.DeclareSuccessor}
}

// mayServe insists on a data folder that is for care.
func mayServe(cfg config.Config) error {
	if err := thereIs(cfg); err != nil {
		return err
	}
	if isDemo(cfg.Dir) {
		return fault.New(fault.Invalid, "serve", cfg.Dir+" holds a demo: its passwords are printed on a screen. Use wardkeep demo for it, and another folder for care")
	}
	return nil
}

// override sets what a flag gives.
func override(setting *string, flag string) {
	if flag != "" {
		*setting = flag
	}
}

func closeAfter(ctx context.Context, h *House, err error) error {
	if closeErr := h.Close(context.WithoutCancel(ctx)); err == nil {
		err = closeErr
	}
	return err
}

type initCmd struct {
	place
	Admin  string `help:"User name of the first administrator." required:""`
	Given  string `help:"Given name." required:""`
	Family string `help:"Family name." required:""`
	JSON   bool   `help:"Print the result as JSON."`
}

func (initCmd) Help() string {
	return `Example:
  wardkeep init --dir /var/lib/wardkeep --admin mgarcia --given Maria --family Garcia
  wardkeep init --config wardkeep.yaml --tenant north --admin mgarcia --given Maria --family Garcia
  wardkeep serve --dir /var/lib/wardkeep

The setting kms says what keeps the root key; without it, a file in the folder does.`
}

func (c *initCmd) Run(ctx context.Context, t Terminal) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	if entries, err := os.ReadDir(cfg.Dir); err == nil && len(entries) > 0 {
		return fault.New(fault.Invalid, "init", "the folder "+cfg.Dir+" is not empty")
	}
	out, err := c.make(ctx, cfg, t)
	if err != nil {
		return errors.Join(err, emptied(cfg.Dir))
	}
	if !c.JSON {
		fmt.Fprintf(t.Out, "Made %s. %s\n", cfg.Dir, whereRootIs(cfg.KMS))
	}
	return printInvitation(t, out, c.JSON)
}

func (c *initCmd) make(ctx context.Context, cfg config.Config, t Terminal) (invited, error) {
	house, err := OpenHouse(ctx, cfg, newLogger(t.Err, "warn"), Options{})
	if err != nil {
		return invited{}, err
	}
	out, err := addUser(ctx, house, processUser(), newUser{
		UserName: c.Admin, Given: c.Given, Family: c.Family, Role: "admin",
	})
	if err == nil { // nobody else could do it
		today := house.Clock.Now().UTC().Format(time.DateOnly)
		_, err = attestUser(ctx, house, processUser(), attesting{c.Admin, today, today, "the operator, by wardkeep init"})
	}
	return out, closeAfter(ctx, house, err)
}

// emptied removes what an init that failed has made. The folder was empty before
// it, so that nothing in it has ever been used.
func emptied(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}
