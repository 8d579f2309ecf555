package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/config"
)

const northAndSouth = `
dir: /srv/wardkeep
facility: The trust
idle_lock: 2m
cache_mb: 100
tenants:
  - name: north
    base_url: https://north.example.org
    idle_lock: 1m
    outbound_hosts: hooks.example.org
    minors: {adult_age: 19}
  - name: south
    base_url: https://south.example.org
    dir: /mnt/south
    minors: {confidential: [{category: hiv, from_age: 14}]}
`

func TestTenantsTakeFromTheTop(t *testing.T) {
	cfg, err := config.Load(file(t, northAndSouth), []string{"WARDKEEP_ZONE=Europe/Berlin"})
	if err != nil || cfg.Check() != nil {
		t.Fatal(err, cfg.Check())
	}
	if !slices.Equal(cfg.TenantNames(), []string{"north", "south"}) {
		t.Fatal(cfg.TenantNames())
	}
	north, south := cfg.Tenants[0], cfg.Tenants[1]
	if north.Dir != "/srv/wardkeep/north" || south.Dir != "/mnt/south" || !north.Shared || north.CacheMB != 50 {
		t.Errorf("%+v", north)
	}
	if north.IdleLock != time.Minute || south.IdleLock != 2*time.Minute || north.Facility != "The trust" || south.Zone != "Europe/Berlin" {
		t.Errorf("%+v\n%+v", north, south)
	}
	if north.OutboundHosts == "" || south.OutboundHosts != "" {
		t.Error("one tenant has the hosts of the other")
	}
	if north.Minors.AdultAge != 19 || south.Minors.AdultAge != 18 || len(north.Minors.Confidential) != 6 || len(south.Minors.Confidential) != 1 {
		t.Errorf("%+v %+v", north.Minors, south.Minors)
	}
	north.Minors.Confidential[0].Category = "changed"
	if south.Minors.Confidential[0].Category != "hiv" || cfg.Minors.Confidential[0].Category == "changed" {
		t.Error("settings of one tenant lie in those of another")
	}
	cfg.Each(func(c *config.Config) { c.Listen = "127.0.0.1:1" })
	if cfg.Listen != cfg.Tenants[1].Listen {
		t.Error("a flag does not reach the tenants")
	}
}

// TestWhatTenantsMustNotShare: each is refused with words that name the place.
func TestWhatTenantsMustNotShare(t *testing.T) {
	folder := t.TempDir()
	if err := os.Symlink(folder, folder+"-again"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(folder + "-again") })
	provider := "federation: [{name: entra, label: E, issuer: 'https://idp.example.org', client_id: one, client_secret_file: s, roles: {claim: g, map: {a: nurse}}, mfa: {assumed: true}}]"
	pair := func(a, b string) string {
		return fmt.Sprintf("tenants:\n  - {name: north, base_url: 'https://north.example.org'%s}\n  - {name: south, base_url: 'https://south.example.org'%s}\n", a, b)
	}
	if cfg, err := config.Load(file(t, pair(", "+provider, "")), nil); err != nil || cfg.Check() != nil {
		t.Fatal("the control:", err, cfg.Check())
	}
	for name, c := range map[string]struct{ text, words string }{
		"on top: checkpoints":    {"checkpoint_out: /x\n" + pair("", ""), "checkpoint_out"},
		"on top: certificate":    {"tls_cert: /x\ntls_key: /y\n" + pair("", ""), "tls_cert"},
		"on top: outbound hosts": {"outbound_hosts: a.example.org\n" + pair("", ""), "outbound_hosts"},
		"on top: private":        {"outbound_private: true\n" + pair("", ""), "outbound_private"},
		"on top: origins":        {"cors_origins: https://a.example.org\n" + pair("", ""), "cors_origins"},
		"on top: providers":      {provider + "\n" + pair("", ""), "federation"},
		"on top: authorities":    {"mtls_listen: 127.0.0.1:1\nmtls_ca: /x\n" + pair("", ""), "mtls_ca"},
		"on top: policies":       {"policies: /x\n" + pair("", ""), "policies"},
		"on top: address":        {"base_url: https://a.example.org\n" + pair("", ""), "base_url"},
		"on top: name":           {"tenant: north\n" + pair("", ""), "tenant"},
		"name":                   {"tenants: [{name: a, base_url: 'https://a.org'}, {name: a, base_url: 'https://b.org'}]", "called a"},
		"name in capitals":       {"tenants: [{name: a, base_url: 'https://a.org'}, {name: A, base_url: 'https://b.org'}]", "small letters"},
		"no name":                {"tenants: [{base_url: 'https://a.org'}]", "tenants[0]"},
		"no address":             {"tenants: [{name: a}]", "base_url"},
		"address of numbers":     {"tenants: [{name: a, base_url: 'https://127.0.0.1'}]", "base_url"},
		"address with a path":    {"tenants: [{name: a, base_url: 'https://a.org/a'}]", "base_url"},
		"host by port":           {"tenants: [{name: a, base_url: 'https://x.org'}, {name: b, base_url: 'https://x.org:9443'}]", "host name x.org"},
		"host by capitals":       {"tenants: [{name: a, base_url: 'https://x.org'}, {name: b, base_url: 'https://X.org'}]", "small letters"},
		"host for programs":      {"mtls_listen: 127.0.0.1:1\ntenants: [{name: a, base_url: 'https://x.org'}, {name: b, base_url: 'https://y.org', mtls_base_url: 'https://x.org:1'}]", "host name x.org"},
		"folder":                 {pair(", dir: "+folder, ", dir: "+folder), "dir of its own"},
		"folder by a link":       {pair(", dir: "+folder, ", dir: "+folder+"-again"), "dir of its own"},
		"folder in a folder":     {pair(", dir: "+folder, ", dir: "+folder+"/a/b"), "dir of its own"},
		"folder about a folder":  {pair(", dir: "+folder+"-again/a", ", dir: "+folder), "dir of its own"},
		"spools":                 {pair(", audit_spool: "+folder+"/s", ", audit_spool: "+folder+"-again/s"), "audit_spool"},
		"checkpoints":            {pair(", checkpoint_out: "+folder+"/c", ", checkpoint_out: "+folder+"-again/c"), "checkpoint_out"},
		"client of a provider":   {pair(", "+provider, ", "+provider), "federation client"},
		"listener of its own":    {pair(", listen: '127.0.0.1:1'", ""), `"listen"`},
		"misspelt":               {pair(", facilty: x", ""), `"facilty"`},
		"misspelt below":         {pair(", minors: {age: 1}", ""), "tenants[0]"},
		"what a server refuses":  {pair(", validation: maybe", ""), "tenant north: validation"},
		"no list":                {"tenants: north", "list"},
		"empty":                  {"tenants: []", "list"},
		"nothing":                {"tenants:", "list"},
	} {
		cfg, err := config.Load(file(t, c.text), nil)
		if err == nil {
			err = cfg.Check()
		}
		if err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := config.Load("", []string{"WARDKEEP_TENANTS=north"}); err == nil {
		t.Error("tenants by the environment")
	}
	if _, err := config.Load(file(t, pair("", "")), []string{"WARDKEEP_CHECKPOINT_OUT=/x"}); err == nil {
		t.Error("shared by the environment")
	}
}

// TestEachSettingIsSomebodys: a setting that is added must say whose it is where
// organisations share a server. On top it would otherwise be shared by all.
func TestEachSettingIsSomebodys(t *testing.T) {
	whose := map[string]int{"tenant": 1, "-": 1}
	for _, list := range config.Whose() {
		for _, key := range list {
			whose[key]++
		}
	}
	var look func(reflect.Type)
	look = func(typ reflect.Type) {
		for i := range typ.NumField() {
			switch key := typ.Field(i).Tag.Get("koanf"); {
			case strings.HasPrefix(key, ",squash"):
				look(typ.Field(i).Type)
			case whose[key] != 1:
				t.Errorf("%s is in %d of the lists of tenants.go", key, whose[key])
			}
		}
	}
	look(reflect.TypeFor[config.Config]())
}

func TestTenantNames(t *testing.T) {
	for name, good := range map[string]bool{
		"north": true, "north-2": true, "a": true, strings.Repeat("a", 32): true,
		"": false, "North": false, "2north": false, "north-": false, "a--b": false, "a.b": false, "a/b": false, "..": false, "a_b": false, "nörth": false, strings.Repeat("a", 33): false,
	} {
		if err := config.CheckTenantName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestSamePath(t *testing.T) {
	dir := t.TempDir()
	if !config.SamePath(dir+"/a/../b/", dir+"/b") || config.SamePath(dir+"/a", dir+"/b") || !config.SamePath(filepath.Join(dir, "none", "x"), dir+"/none/x") {
		t.Error("paths")
	}
}
