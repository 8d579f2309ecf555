// Package config is the one place where settings come from: a YAML file, then
// WARDKEEP_* environment variables, then flags, each over the one before.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/structs"
	"github.com/knadh/koanf/v2"

	"github.com/wardkeep/wardkeep/internal/content"
)

// Config holds every setting of a server. The zero value of a field means its
// default, given by Default.
type Config struct {
	// Dir is the folder of the embedded store, the local keys and the local CA.
	Dir string `koanf:"dir"`
	// Listen is the address of the HTTPS listener.
	Listen string `koanf:"listen"`
	// Redirect is the address of a plain HTTP listener that only redirects; "" for none.
	Redirect string `koanf:"redirect"`
	// BaseURL is how clients reach the server; "" derives it from Listen.
	BaseURL string `koanf:"base_url"`
	// TLS certificate and key files; empty: a local CA in Dir.
	TLSCert string `koanf:"tls_cert"`
	TLSKey  string `koanf:"tls_key"`
	// TLSNextKey is the file of the key that the next certificate is to be made for;
	// it is made if it is not there. "": one in Dir.
	TLSNextKey string `koanf:"tls_next_key"`
	// MTLSListen is the address of the HTTPS listener at which programs show
	// certificates (RFC 8705); "" for none. Browsers have no business there.
	MTLSListen string `koanf:"mtls_listen"`
	// MTLSBaseURL is how programs reach it; "" derives it from BaseURL and MTLSListen.
	MTLSBaseURL string `koanf:"mtls_base_url"`
	// MTLSCA is a file of certificates (PEM): the authorities that sign programs'
	// certificates. "": only certificates that are registered one by one are taken.
	MTLSCA string `koanf:"mtls_ca"`
	// KMS is what keeps the root key: a key service, as ParseKMS reads it; or local, a
	// file in Dir. "": the same, of a server for this machine alone.
	KMS string `koanf:"kms"`
	// Tenant is the organisation whose keys and records these are.
	Tenant string `koanf:"tenant"`
	// Facility is the name shown on pages, Zone its IANA time zone.
	Facility string `koanf:"facility"`
	Zone     string `koanf:"zone"`
	// CheckpointOut is a file, best on another machine's disk, to which every
	// signed audit checkpoint is written. A start behind it is refused.
	CheckpointOut string `koanf:"checkpoint_out"`
	// AuditSpool is the file, best on another disk, in which emergencies are told
	// while the audit log cannot be written; "": one in Dir.
	AuditSpool string `koanf:"audit_spool"`
	// Log is debug, info, warn or error.
	Log string `koanf:"log"`
	// CacheMB is the memory the embedded store may use for blocks.
	CacheMB int `koanf:"cache_mb"`
	// CORSOrigins are the web origins, apart by spaces, whose pages may call the
	// FHIR API from a browser; "" for none.
	CORSOrigins string `koanf:"cors_origins"`
	// OutboundHosts are the hosts that the server itself may call, apart by
	// spaces: endpoints of Subscriptions, sources of imports. Each is a name with
	// a port if that is not 443; *.example.org is all names below; "" is none.
	OutboundHosts string `koanf:"outbound_hosts"`
	// OutboundPrivate allows those hosts to be on this machine and on private
	// networks.
	OutboundPrivate bool `koanf:"outbound_private"`
	// Validation is what is done with resources that break invariants or the
	// profiles they claim when they are written: off, warn, entered, which refuses what
	// people and programs enter and takes imports as they are, or enforce.
	Validation string `koanf:"validation"`
	// UnknownProfiles is what is thought of a claim to a profile that is not
	// loaded: warn, or refuse, which makes it an error.
	UnknownProfiles string `koanf:"unknown_profiles"`
	// IdleLock is after how long without a hand on it a session locks, SessionLife
	// when it ends whatever happens, StepUpLife how long a proof of identity counts
	// as fresh. Each can only be shorter than its default: 5m, 12h, 5m.
	IdleLock    time.Duration `koanf:"idle_lock"`
	SessionLife time.Duration `koanf:"session_life"`
	StepUpLife  time.Duration `koanf:"step_up_life"`
	// PasswordLength is how many characters a password has at least: 8, beside a
	// second factor (SP 800-63B-4 §3.1.1.2), or more.
	PasswordLength int `koanf:"password_length"`
	// LeastRSA is how many bits RSA keys of programs and their certificates have at
	// least: 3072, which are 128 bits of security, or 2048, which are 112, for programs
	// that cannot do better. Of providers of identities each says for itself.
	LeastRSA int `koanf:"least_rsa"`
	// Federation are the identity providers by which people may sign in. It can
	// only be given in a file.
	Federation []Provider `koanf:"federation"`
	// ACME are acme and what belongs to it.
	ACME ACME `koanf:",squash,flatten"`
	// LogOut are log_out and what belongs to it.
	LogOut LogOut `koanf:",squash,flatten"`
	// Minors says who is one, and what is hidden from parents. It can only be given in
	// a file.
	Minors Minors `koanf:"minors"`
	// SearchInURLs says which parameters of searches may stand in addresses: those that are
	// opaque, which tell of nobody, while the others are sent by POST; or all. Single
	// programs can be registered as exceptions.
	SearchInURLs string `koanf:"search_in_urls"`
	// Scanner is where ClamAV's clamd looks at files before they are stored and before they
	// are shown: unix:PATH, or tcp:HOST:PORT of this machine. none: nobody looks; "": the
	// same, of a server for this machine alone.
	Scanner string `koanf:"scanner"`
	// SecretsInFiles says that secrets which settings name may lie bare in files, or in the
	// environment, of a server for other machines.
	SecretsInFiles bool `koanf:"secrets_in_files"`
	// Limits are settings of their own, without a name before them.
	Limits `koanf:",squash,flatten"`
	// Policies is a folder of rules and tables of one's own, laid over those that the
	// program comes with; "" for none.
	Policies string `koanf:"policies"`
	// Tenants are the organisations that share this server, each with settings of its
	// own; nil: there is one, whose settings these are. They can only be given in a file.
	Tenants []Config `koanf:"-"`
	// Shared says of a tenant's settings that the server has others beside it.
	Shared bool `koanf:"-"`
}

// ScannerNone is the setting scanner where nobody looks at files.
const ScannerNone = "none"

// Scans reports whether somebody looks at files.
func (c Config) Scans() bool { return c.Scanner != "" && c.Scanner != ScannerNone }

// What SearchInURLs may be.
const (
	SearchOpaque = "opaque"
	SearchAll    = "all"
)

// Bounds of how long people stay signed in, and of passwords.
const (
	shortest       = 30 * time.Second
	longestIdle    = 5 * time.Minute
	longestSession = 12 * time.Hour
	longestStepUp  = 5 * time.Minute

	leastPassword, mostPassword = 8, 64

	leastRSA = 3072
)

// Default returns the settings of a server on this machine only.
func Default() Config {
	return Config{
		Dir: "wardkeep-data", Listen: "127.0.0.1:8443", Tenant: "default",
		Facility: "Wardkeep", Zone: "America/New_York", Log: "info", CacheMB: 128,
		Validation: "entered", UnknownProfiles: "warn",
		IdleLock: longestIdle, SessionLife: longestSession, StepUpLife: longestStepUp, PasswordLength: leastPassword, LeastRSA: leastRSA,
		Minors: commonMinors(), Limits: commonLimits(), SearchInURLs: SearchOpaque,
	}
}

// EnvPrefix begins the names of the environment variables: WARDKEEP_BASE_URL
// sets base_url.
const EnvPrefix = "WARDKEEP_"

// Load reads path, if it is not empty, over the defaults, and the environment
// over that. A setting that is not known is an error: a misspelt one would
// otherwise be silently off.
func Load(path string, environ []string) (Config, error) {
	k := koanf.New(".")
	if err := k.Load(structs.Provider(Default(), "koanf"), nil); err != nil {
		return Config{}, fmt.Errorf("config.Load: %w", err)
	}
	known := map[string]bool{}
	for _, key := range k.Keys() {
		known[key] = true
	}
	known["federation"], known["tenants"] = true, true // lists, of which there are none by default
	if path != "" {
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return Config{}, fmt.Errorf("there is no file %s; give one by --config, or use --dir", path)
			}
			return Config{}, fmt.Errorf("%s is not the YAML that was expected: %w", path, err)
		}
	}
	if err := k.Load(env.Provider(".", env.Opt{
		Prefix:        EnvPrefix,
		EnvironFunc:   func() []string { return environ },
		TransformFunc: func(key, value string) (string, any) { return envKey(key), value },
	}), nil); err != nil {
		return Config{}, fmt.Errorf("config.Load: %w", err)
	}
	for _, key := range k.Keys() {
		if !known[key] {
			return Config{}, fmt.Errorf("the setting %q is not known; known are: %s", key, strings.Join(names(known), ", "))
		}
	}
	tenants, several := k.Get("tenants"), k.Exists("tenants")
	k.Delete("tenants")
	cfg, err := decode(k)
	if err == nil && several {
		cfg.Tenants, err = tenantsOf(k, tenants)
	}
	return cfg, err
}

func decode(k *koanf.Koanf) (Config, error) {
	var cfg Config
	if err := k.UnmarshalWithConf("", &cfg, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		Result: &cfg, TagName: "koanf", WeaklyTypedInput: true, ErrorUnused: true,
		DecodeHook: mapstructure.StringToTimeDurationHookFunc(),
	}}); err != nil {
		return Config{}, fmt.Errorf("the settings cannot be read: %w", err)
	}
	return cfg, nil
}

func envKey(name string) string {
	name = strings.ToLower(strings.TrimPrefix(name, EnvPrefix))
	if name == "testdata" || name == "chromium" {
		return "" // test settings, not ours
	}
	return name
}

func names(known map[string]bool) []string {
	var list []string
	for name := range known {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// Check finds what is wrong before anything starts, and says how to mend it.
func (c Config) Check() error {
	if len(c.Tenants) > 0 {
		return c.checkTenants()
	}
	_, port, err := net.SplitHostPort(c.Listen)
	if n, numErr := strconv.ParseUint(port, 10, 16); err != nil || numErr != nil || n == 0 {
		return fmt.Errorf("listen must be an address and a port, such as 127.0.0.1:8443")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("give tls_cert and tls_key together, or neither")
	}
	if c.TLSNextKey != "" && c.TLSNextKey == c.TLSKey {
		return errors.New("tls_next_key must be another file than tls_key")
	}
	for name, address := range map[string]string{"base_url": c.BaseURL, "mtls_base_url": c.MTLSBaseURL} {
		if address == "" {
			continue
		}
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" || u.Host == "" || strings.HasSuffix(address, "/") {
			return fmt.Errorf("%s must look like https://ehr.example.org, without a slash at its end", name)
		}
	}
	if err := c.checkMTLS(); err != nil {
		return err
	}
	if _, err := ParseKMS(c.KMS); err != nil {
		return err
	}
	for origin := range strings.FieldsSeq(c.CORSOrigins) {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin || strings.Contains(origin, "*") || u.Scheme != "https" && u.Hostname() != "localhost" {
			return errors.New("cors_origins must look like https://app.example.org https://other.example.org, without paths")
		}
	}
	if !slices.Contains([]string{"off", "warn", "entered", "enforce"}, c.Validation) {
		return errors.New("validation must be off, warn, entered or enforce")
	}
	if c.Scans() {
		if _, err := content.NewScanner(c.Scanner); err != nil {
			return err
		}
	}
	if !slices.Contains([]string{SearchAll, SearchOpaque}, c.SearchInURLs) {
		return errors.New("search_in_urls must be all or opaque")
	}
	if !slices.Contains([]string{"warn", "refuse"}, c.UnknownProfiles) {
		return errors.New("unknown_profiles must be warn or refuse")
	}
	for _, s := range []struct {
		name       string
		d, longest time.Duration
	}{{"idle_lock", c.IdleLock, longestIdle}, {"session_life", c.SessionLife, longestSession}, {"step_up_life", c.StepUpLife, longestStepUp}} {
		if s.d < shortest || s.d > s.longest {
			return fmt.Errorf("%s must be at least %s and at most %s, such as %s", s.name, shortest, s.longest, s.longest)
		}
	}
	if c.PasswordLength < leastPassword || c.PasswordLength > mostPassword {
		return fmt.Errorf("password_length must be %d to %d", leastPassword, mostPassword)
	}
	if !rsaBits(c.LeastRSA) {
		return errors.New("least_rsa must be 3072, or 2048 for programs that have no better keys")
	}
	if err := errors.Join(checkProviders(c.Federation), c.Minors.check(), c.Limits.check(), c.LogOut.check(), c.checkACME()); err != nil {
		return err
	}
	if _, err := time.LoadLocation(c.Zone); err != nil {
		return errors.New("zone must be an IANA time zone, such as Europe/Berlin")
	}
	return nil
}

// Base returns the address under which clients reach the server.
func (c Config) Base() string {
	if c.BaseURL != "" {
		return c.BaseURL
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		host = "localhost"
	}
	if port == "443" {
		return "https://" + host
	}
	return "https://" + net.JoinHostPort(host, port)
}

// checkMTLS finds out whether programs can show certificates where browsers are
// not asked for any.
func (c Config) checkMTLS() error {
	if c.MTLSListen == "" {
		if c.MTLSCA != "" || c.MTLSBaseURL != "" {
			return errors.New("mtls_ca and mtls_base_url are of use with mtls_listen only: give that, too")
		}
		return nil
	}
	_, port, err := net.SplitHostPort(c.MTLSListen)
	if n, numErr := strconv.ParseUint(port, 10, 16); err != nil || numErr != nil || n == 0 {
		return errors.New("mtls_listen must be an address and a port, such as 127.0.0.1:9443")
	}
	if c.MTLSListen == c.Listen || c.MTLSBase() == c.Base() {
		return errors.New("mtls_listen and mtls_base_url must differ from listen and base_url: browsers would be asked for certificates")
	}
	return nil
}

// MTLSBase returns the address at which programs show certificates, "" if there is
// none.
func (c Config) MTLSBase() string {
	if c.MTLSListen == "" || c.MTLSBaseURL != "" {
		return c.MTLSBaseURL
	}
	_, port, err := net.SplitHostPort(c.MTLSListen)
	u, wrong := url.Parse(c.Base())
	if err != nil || wrong != nil {
		return ""
	}
	return "https://" + net.JoinHostPort(u.Hostname(), port)
}

// Loopback reports whether an address is reachable from this machine only.
func Loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Environ is the process's environment, for Load.
func Environ() []string { return os.Environ() }
