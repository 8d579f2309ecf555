package config

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/knadh/koanf/providers/structs"
	"github.com/knadh/koanf/v2"
)

// Whose a setting is, where several organisations share a server.
var (
	// ofEach are given by each tenant for itself: on top they would be shared by
	// all without anybody having said so, or by none, and are refused there.
	ofEach = []string{
		"base_url", "kms", "tls_cert", "tls_key", "tls_next_key", "mtls_base_url", "mtls_ca", "checkpoint_out", "audit_spool",
		"cors_origins", "outbound_hosts", "outbound_private", "federation", "policies", "program_rates",
		"acme", "acme_terms_agreed", "acme_contact", "acme_ca", "acme_eab_kid", "acme_eab_key_file",
		"log_out", "log_out_ca", "log_out_name", "log_out_cert", "log_out_key",
	}
	// takenFromTop are those of the top, where a tenant gives none.
	takenFromTop = []string{
		"facility", "zone", "validation", "unknown_profiles", "idle_lock", "session_life", "step_up_life", "password_length", "least_rsa", "minors",
		"search_in_urls", "scanner", "person_rate", "address_rate", "program_rate", "requests_at_once", "usual_charts", "tls_local", "secrets_in_files",
	}
	// ofProcess are the server's own. dir is where folders lie that tenants do not name.
	ofProcess = []string{"dir", "listen", "mtls_listen", "redirect", "log", "cache_mb"}
)

const leastCacheMB = 8

var (
	tenantName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	hostName   = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z]([a-z0-9-]*[a-z0-9])?$`)
)

// CheckTenantName refuses what is no name of a tenant.
func CheckTenantName(name string) error {
	if len(name) > 32 || !tenantName.MatchString(name) {
		return errors.New("the name of a tenant has 1 to 32 small letters, digits and single hyphens, and begins with a letter, such as north-clinic; it stays for ever: everything sealed is bound to it")
	}
	return nil
}

// TenantNames returns what the tenants are called.
func (c Config) TenantNames() []string {
	var names []string
	for _, t := range c.Tenants {
		names = append(names, t.Tenant)
	}
	return names
}

// Each changes the settings of the server and of all its tenants.
func (c *Config) Each(change func(*Config)) {
	change(c)
	for i := range c.Tenants {
		change(&c.Tenants[i])
	}
}

// tenantsOf reads the list of tenants over the settings on top.
func tenantsOf(top *koanf.Koanf, list any) ([]Config, error) {
	entries, _ := list.([]any)
	if len(entries) == 0 {
		return nil, errors.New("tenants must be a list, in the file, each with a name and a base_url")
	}
	defaults := koanf.New(".")
	if err := defaults.Load(structs.Provider(Default(), "koanf"), nil); err != nil {
		return nil, err
	}
	for _, key := range append([]string{"tenant"}, ofEach...) {
		if !reflect.DeepEqual(top.Get(key), defaults.Get(key)) {
			return nil, fmt.Errorf("with tenants, %s belongs into the entry of each: on top it would be shared by all of them", key)
		}
	}
	var tenants []Config
	for i, entry := range entries {
		t, err := tenantOf(top, entry, len(entries))
		if err != nil {
			return nil, fmt.Errorf("tenants[%d]: %w", i, err)
		}
		tenants = append(tenants, t)
	}
	return tenants, nil
}

func tenantOf(top *koanf.Koanf, entry any, tenants int) (Config, error) {
	settings, ok := entry.(map[string]any)
	name, _ := settings["name"].(string)
	if !ok {
		return Config{}, errors.New("a tenant is a list of settings, such as name and base_url")
	}
	if err := CheckTenantName(name); err != nil {
		return Config{}, err
	}
	known := slices.Concat([]string{"name", "dir"}, ofEach, takenFromTop)
	k := top.Copy()
	for key, value := range map[string]any{
		"tenant": name, "dir": filepath.Join(top.String("dir"), name), "cache_mb": max(leastCacheMB, top.Int("cache_mb")/tenants),
	} {
		if err := k.Set(key, value); err != nil {
			return Config{}, err
		}
	}
	for key, value := range settings {
		if !slices.Contains(known, key) {
			slices.Sort(known)
			return Config{}, fmt.Errorf("the setting %q is not one of a tenant; those are: %s", key, strings.Join(known, ", "))
		}
		if key == "name" {
			continue
		}
		if err := k.Set(key, value); err != nil {
			return Config{}, err
		}
	}
	c, err := decode(k)
	c.Shared = true
	return c, err
}

// checkTenants holds each tenant to what a server is held to, and finds what two of
// them would share.
func (c Config) checkTenants() error {
	taken := map[string]string{} // by whom
	take := func(name, what, value, shown string) error {
		if by := taken[what+" "+value]; by != "" && by != name {
			return fmt.Errorf("the tenants %s and %s have the same %s %s; organisations share nothing but the server", by, name, what, shown)
		}
		taken[what+" "+value] = name
		return nil
	}
	var dirs [][2]string
	for i, t := range c.Tenants {
		name := t.Tenant
		if slices.Contains(c.TenantNames()[:i], name) {
			return fmt.Errorf("two tenants are called %s", name)
		}
		if err := t.Check(); err != nil {
			return fmt.Errorf("tenant %s: %w", name, err)
		}
		hosts, err := t.hosts()
		if err != nil {
			return fmt.Errorf("tenant %s: %w", name, err)
		}
		for _, host := range hosts {
			if err := take(name, "host name", host, host); err != nil {
				return err
			}
		}
		for what, path := range map[string]string{"audit_spool": t.AuditSpool, "checkpoint_out": t.CheckpointOut} {
			if path == "" {
				continue
			}
			if err := take(name, what, canonical(path), path); err != nil {
				return err
			}
		}
		if t.KMS != "" && t.KMS != KMSLocal {
			if err := take(name, "kms", t.KMS, "key"); err != nil {
				return err
			}
		}
		for _, p := range t.Federation {
			if err := take(name, "federation client", p.Issuer+" "+p.ClientID, p.ClientID); err != nil {
				return err
			}
		}
		dirs = append(dirs, [2]string{name, canonical(t.Dir)})
	}
	for _, a := range dirs {
		for _, b := range dirs {
			if a[0] != b[0] && (a[1] == b[1] || strings.HasPrefix(b[1], strings.TrimSuffix(a[1], "/")+"/")) {
				return fmt.Errorf("the folder of tenant %s is that of %s, or lies in it; give each a dir of its own", b[0], a[0])
			}
		}
	}
	return nil
}

// hosts are the names by which one of several tenants is known to clients.
func (c Config) hosts() ([]string, error) {
	if c.BaseURL == "" {
		return nil, errors.New("base_url is missing: it says by which name this tenant is reached")
	}
	var names []string
	for _, base := range []string{c.BaseURL, c.MTLSBase()} {
		if base == "" {
			continue
		}
		u, err := url.Parse(base)
		if err != nil || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || !hostName.MatchString(u.Hostname()) {
			return nil, errors.New("base_url and mtls_base_url must be a host name in small letters, with a port if it is not 443, such as https://north.example.org; an address of numbers would be no tenant's own")
		}
		names = append(names, u.Hostname())
	}
	return names, nil
}

// canonical is a path as far as it can be followed: two spellings of one file are one.
func canonical(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	for rest, dir := "", path; ; rest, dir = filepath.Join(filepath.Base(dir), rest), filepath.Dir(dir) {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			return filepath.Join(real, rest)
		}
		if dir == filepath.Dir(dir) {
			return path
		}
	}
}

// SamePath reports whether two paths lead to one place.
func SamePath(a, b string) bool { return canonical(a) == canonical(b) }
