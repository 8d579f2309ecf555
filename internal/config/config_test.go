package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/config"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wardkeep.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLaterGoesOverEarlier(t *testing.T) {
	path := file(t, "listen: 127.0.0.1:9443\nfacility: From the file\nzone: Europe/Berlin\n")
	cfg, err := config.Load(path, []string{"WARDKEEP_FACILITY=From the environment", "OTHER=x"})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Listen != "127.0.0.1:9443" || cfg.Facility != "From the environment" || cfg.Tenant != config.Default().Tenant {
		t.Errorf("%+v", cfg)
	}
}

func TestTimesAreRead(t *testing.T) {
	cfg, err := config.Load(file(t, "idle_lock: 2m\nsession_life: 8h\n"), []string{"WARDKEEP_STEP_UP_LIFE=90s", "WARDKEEP_PASSWORD_LENGTH=15"})
	if err != nil || cfg.Check() != nil {
		t.Fatal(err, cfg.Check())
	}
	if cfg.IdleLock != 2*time.Minute || cfg.SessionLife != 8*time.Hour || cfg.StepUpLife != 90*time.Second || cfg.PasswordLength != 15 {
		t.Errorf("%+v", cfg)
	}
}

func TestUnknownSettingsAreRefused(t *testing.T) {
	if _, err := config.Load(file(t, "listne: 127.0.0.1:9443\n"), nil); err == nil || !strings.Contains(err.Error(), "listne") {
		t.Errorf("in the file: %v", err)
	}
	if _, err := config.Load("", []string{"WARDKEEP_LISTNE=x"}); err == nil {
		t.Error("in the environment: accepted")
	}
	if _, err := config.Load(file(t, "listen: [\n"), nil); err == nil {
		t.Error("what is not YAML is accepted")
	}
	if _, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), nil); err == nil {
		t.Error("a missing file is accepted")
	}
}

func TestCheck(t *testing.T) {
	for name, change := range map[string]func(*config.Config){
		"no port":           func(c *config.Config) { c.Listen = "localhost" },
		"certificate alone": func(c *config.Config) { c.TLSCert = "x" },
		"base with slash":   func(c *config.Config) { c.BaseURL = "https://a.example/" },
		"plain base":        func(c *config.Config) { c.BaseURL = "http://a.example" },
		"any origin":        func(c *config.Config) { c.CORSOrigins = "*" },
		"origins by marks":  func(c *config.Config) { c.CORSOrigins = "https://*.a.example" },
		"origin with path":  func(c *config.Config) { c.CORSOrigins = "https://a.example/x" },
		"longer sessions":   func(c *config.Config) { c.SessionLife = 12*time.Hour + 1 },
		"longer idleness":   func(c *config.Config) { c.IdleLock = 5*time.Minute + 1 },
		"older proofs":      func(c *config.Config) { c.StepUpLife = time.Hour },
		"no time at all":    func(c *config.Config) { c.IdleLock = 0 },
		"short keys":        func(c *config.Config) { c.LeastRSA = 1024 },
		"short passwords":   func(c *config.Config) { c.PasswordLength = 7 },
		"next key in use":   func(c *config.Config) { c.TLSCert, c.TLSKey, c.TLSNextKey = "a", "b", "b" },
		"no mtls port":      func(c *config.Config) { c.MTLSListen = "localhost" },
		"mtls for browsers": func(c *config.Config) { c.MTLSListen = c.Listen },
		"mtls base alike":   func(c *config.Config) { c.MTLSListen, c.MTLSBaseURL = "127.0.0.1:9443", c.Base() },
		"plain mtls base":   func(c *config.Config) { c.MTLSListen, c.MTLSBaseURL = "127.0.0.1:9443", "http://a.example" },
		"authorities alone": func(c *config.Config) { c.MTLSCA = "ca.pem" },
		"mtls base alone":   func(c *config.Config) { c.MTLSBaseURL = "https://a.example:9443" },
		"unknown zone":      func(c *config.Config) { c.Zone = "Mars/Olympus" },
	} {
		cfg := config.Default()
		if err := cfg.Check(); err != nil {
			t.Fatalf("the defaults: %v", err)
		}
		if change(&cfg); cfg.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestBase(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:8443": "https://localhost:8443", ":443": "https://localhost", "0.0.0.0:8443": "https://localhost:8443",
		"ehr.example:443": "https://ehr.example", "192.0.2.7:8443": "https://192.0.2.7:8443",
	} {
		cfg := config.Default()
		if cfg.Listen = listen; cfg.Base() != want {
			t.Errorf("%s: %s, want %s", listen, cfg.Base(), want)
		}
	}
	for _, c := range []struct{ base, listen, own, want string }{
		{"", "", "", ""}, {"", "127.0.0.1:9443", "", "https://localhost:9443"}, {"https://ehr.example", ":9443", "", "https://ehr.example:9443"},
		{"https://ehr.example", ":9443", "https://mtls.example", "https://mtls.example"},
	} {
		cfg := config.Default()
		cfg.BaseURL, cfg.MTLSListen, cfg.MTLSBaseURL = c.base, c.listen, c.own
		if cfg.MTLSBase() != c.want || cfg.Check() != nil {
			t.Errorf("%+v: %s, %v", c, cfg.MTLSBase(), cfg.Check())
		}
	}
	for listen, want := range map[string]bool{"127.0.0.1:1": true, "[::1]:1": true, "localhost:1": true, "0.0.0.0:1": false, ":1": false, "192.0.2.7:1": false} {
		if config.Loopback(listen) != want {
			t.Errorf("%s", listen)
		}
	}
}
