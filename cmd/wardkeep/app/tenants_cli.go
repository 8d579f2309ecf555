package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// serveTenants is serve for settings that have several.
func (c *serveCmd) serveTenants(ctx context.Context, t Terminal, cfg config.Config) error {
	if c.MTLSCA != "" || c.CheckpointOut != "" || c.Dir != "" && !config.SamePath(c.Dir, cfg.Dir) {
		return fault.New(fault.Invalid, "serve", "settings with tenants serve all of them: folders, --mtls-ca and --checkpoint-out belong into the entry of each")
	}
	if (c.Tenant != "") != (c.DeclareSuccessor != "") || c.Tenant != "" && !slices.Contains(cfg.TenantNames(), c.Tenant) {
		return fault.New(fault.Invalid, "serve", "settings with tenants serve all of them; --tenant says whose log --declare-successor is for: "+strings.Join(cfg.TenantNames(), ", "))
	}
	cfg.Each(func(one *config.Config) {
		override(&one.Listen, c.Listen)
		override(&one.MTLSListen, c.MTLSListen)
		one.ACME.TLSLocal = one.ACME.TLSLocal || c.TLSLocal
	})
	if err := cfg.Check(); err != nil {
		return fault.New(fault.Invalid, "serve", err.Error())
	}
	server := Tenants{Config: cfg, Slog: newLogger(t.Err, cfg.Log), Version: t.Version, Ready: func(base string) {
		fmt.Fprintln(t.Out, "Wardkeep serves", base)
	}}
	if c.DeclareSuccessor != "" {
		server.Restored, server.Successor = c.Tenant, c.successor()
	}
	return server.Run(ctx)
}

// overlay sets what flags say of a folder that no settings with tenants name.
func (p place) overlay(cfg *config.Config) error {
	override(&cfg.Dir, p.Dir)
	if p.Tenant == "" || p.Tenant == cfg.Tenant {
		return nil
	}
	if p.Config != "" {
		return errors.New("the settings have no tenants: leave --tenant out")
	}
	cfg.Tenant = p.Tenant
	return config.CheckTenantName(p.Tenant)
}

// oneOf picks the tenant that a command is for: by name, or by its folder.
func (p place) oneOf(cfg config.Config) (config.Config, error) {
	names := strings.Join(cfg.TenantNames(), ", ")
	folder := p.Dir != "" && !config.SamePath(p.Dir, cfg.Dir)
	for _, t := range cfg.Tenants {
		named := p.Tenant == t.Tenant || p.Tenant == "" && folder
		if named && (!folder || config.SamePath(p.Dir, t.Dir)) {
			return t, nil
		}
	}
	if folder {
		return cfg, fault.New(fault.Invalid, "config", "--dir is not the folder of that tenant, or of any: leave it out, and give --tenant; there are "+names)
	}
	if p.Tenant != "" {
		return cfg, fault.New(fault.Invalid, "config", "there is no such tenant in the settings; there are "+names)
	}
	return cfg, fault.New(fault.Invalid, "config", "the settings have several organisations: give --tenant; there are "+names)
}
