package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/config"
)

func TestACMESettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "wardkeep.yaml")
	text := "listen: 0.0.0.0:443\nbase_url: https://ehr.example.org\nacme: https://ca.example.org/directory\nacme_terms_agreed: true\nscanner: none\nkms: local\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file, []string{"WARDKEEP_ACME_CONTACT=it@example.org"})
	if err != nil || cfg.Check() != nil || cfg.CheckServing() != nil || cfg.ACME.Contact != "it@example.org" {
		t.Fatalf("%+v: %v, %v, %v", cfg.ACME, err, cfg.Check(), cfg.CheckServing())
	}
	for name, c := range map[string]struct {
		change func(*config.Config)
		says   string
	}{
		"plain":             {func(c *config.Config) { c.ACME.Directory = "http://ca.example.org" }, "https"},
		"two certificates":  {func(c *config.Config) { c.TLSCert, c.TLSKey = "a", "b" }, "one of them"},
		"no name":           {func(c *config.Config) { c.BaseURL = "" }, "base_url"},
		"an address":        {func(c *config.Config) { c.BaseURL = "https://192.0.2.7" }, "base_url"},
		"not agreed":        {func(c *config.Config) { c.ACME.TermsAgreed = false }, "acme_terms_agreed"},
		"no mail address":   {func(c *config.Config) { c.ACME.Contact = "mailto:it@example.org" }, "acme_contact"},
		"half an account":   {func(c *config.Config) { c.ACME.KID = "x" }, "together"},
		"without authority": {func(c *config.Config) { c.ACME.Directory = "" }, "of use with acme only"},
		"programs by another name": {func(c *config.Config) {
			c.MTLSListen, c.MTLSBaseURL = "127.0.0.1:9443", "https://api.example.org:9443"
		}, "mtls_base_url"},
	} {
		wrong := cfg
		c.change(&wrong)
		if err := wrong.Check(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOthersAreNotServedUnsigned: a server does not start towards other machines with a
// certificate that they have no reason to believe.
func TestOthersAreNotServedUnsigned(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*config.Config)
		serves bool
	}{
		"this machine":             {func(*config.Config) {}, true},
		"everybody":                {func(c *config.Config) { c.Listen = "0.0.0.0:443" }, false},
		"everybody, shortly":       {func(c *config.Config) { c.Listen = ":443" }, false},
		"one address":              {func(c *config.Config) { c.Listen = "192.0.2.7:443" }, false},
		"programs elsewhere":       {func(c *config.Config) { c.MTLSListen = "0.0.0.0:9443" }, false},
		"everybody, by files":      {func(c *config.Config) { c.Listen, c.TLSCert, c.TLSKey = ":443", "a", "b" }, true},
		"everybody, by acme":       {func(c *config.Config) { c.Listen, c.ACME.Directory = ":443", "https://ca.example.org" }, true},
		"an inner network":         {func(c *config.Config) { c.Listen, c.ACME.TLSLocal = ":443", true }, true},
		"programs of this machine": {func(c *config.Config) { c.MTLSListen = "127.0.0.1:9443" }, true},
	} {
		cfg := config.Default()
		cfg.Scanner, cfg.KMS, cfg.SecretsInFiles = config.ScannerNone, config.KMSLocal, true
		c.change(&cfg)
		if err := cfg.CheckServing(); (err == nil) != c.serves {
			t.Errorf("%s: %v", name, err)
		}
	}
	cfg, err := config.Load("", []string{"WARDKEEP_TLS_LOCAL=true"})
	if err != nil || !cfg.ACME.TLSLocal || cfg.Check() != nil {
		t.Errorf("tls_local alone: %v, %v", err, cfg.Check())
	}
}

// TestOthersAreServedByDecisions: what a server does to be one to try it does for other
// machines only if it is said in so many words, and what is missing is told at once.
func TestOthersAreServedByDecisions(t *testing.T) {
	decided := config.Default()
	decided.Listen, decided.ACME.TLSLocal, decided.Scanner, decided.KMS = ":443", true, config.ScannerNone, config.KMSLocal
	if err := decided.CheckServing(); err != nil || decided.Check() != nil || decided.Scans() {
		t.Fatalf("all is said: %v, %v", err, decided.Check())
	}
	for setting, forget := range map[string]func(*config.Config){
		"tls_local":          func(c *config.Config) { c.ACME.TLSLocal = false },
		"scanner":            func(c *config.Config) { c.Scanner = "" },
		"kms":                func(c *config.Config) { c.KMS = "" },
		"tls_key":            func(c *config.Config) { c.TLSCert, c.TLSKey = "cert.pem", "key.pem" },
		"log_out_key":        func(c *config.Config) { c.LogOut.Key = "key.pem" },
		"client_secret_file": func(c *config.Config) { c.Federation = []config.Provider{{ClientSecretFile: "secret"}} },
		"client_secret_env":  func(c *config.Config) { c.Federation = []config.Provider{{ClientSecretEnv: "SECRET"}} },
	} {
		for name, listen := range map[string]func(*config.Config){
			"people": func(*config.Config) {}, "programs": func(c *config.Config) { c.Listen, c.MTLSListen = "127.0.0.1:8443", "0.0.0.0:9443" },
		} {
			c := decided
			forget(&c)
			listen(&c)
			if err := c.CheckServing(); err == nil || !strings.Contains(err.Error(), setting) {
				t.Errorf("%s without %s: %v", name, setting, err)
			}
			if c.Listen, c.MTLSListen = "127.0.0.1:443", ""; c.CheckServing() != nil {
				t.Errorf("this machine is not served without %s: %v", setting, c.CheckServing())
			}
		}
	}
	kept := decided
	kept.TLSCert, kept.TLSKey, kept.ACME.KeyFile, kept.Federation = "cert.pem", "sealed:tls", "credential:eab", []config.Provider{{ClientSecretFile: "sealed:idp"}}
	if err := kept.CheckServing(); err != nil {
		t.Errorf("secrets that a vault keeps: %v", err)
	}
	kept.TLSKey, kept.SecretsInFiles = "key.pem", true
	if err := kept.CheckServing(); err != nil {
		t.Errorf("files, in so many words: %v", err)
	}
	nothing := config.Default()
	nothing.Listen = ":443"
	if err := nothing.CheckServing(); err == nil || !strings.Contains(err.Error(), "tls_local") || !strings.Contains(err.Error(), "scanner: none") || !strings.Contains(err.Error(), "kms: local") {
		t.Errorf("not all at once: %v", err)
	}
}
