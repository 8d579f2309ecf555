package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/config"
)

const federation = `
federation:
  - name: keycloak
    label: Lakeside
    issuer: https://id.example.org:8443/realms/lakeside
    client_id: wardkeep
    client_secret_env: A_SECRET
    roles:
      claim: realm_access.roles
      map: {ward.nurse: nurse, "https://id.example.org/doctor": doctor}
    mfa: {claim: acr, values: [gold], request: acr_values}
    require: {hd: example.org}
    hosts: [keys.example.org]
    max_age: 12h
    private: true
`

func TestFederationIsRead(t *testing.T) {
	t.Setenv("A_SECRET", "s3cret")
	cfg, err := config.Load(file(t, federation), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.Check(); err != nil {
		t.Fatal(err)
	}
	p := cfg.Federation[0]
	if p.Roles.Map["ward.nurse"] != "nurse" || p.Roles.Map["https://id.example.org/doctor"] != "doctor" || p.MaxAge != 12*time.Hour || !p.Private || p.Require["hd"] != "example.org" {
		t.Errorf("%+v", p)
	}
	if want := []string{"id.example.org:8443", "keys.example.org"}; !slices.Equal(p.CalledHosts(), want) {
		t.Errorf("calls %q", p.CalledHosts())
	}
	if secret, err := p.Secret(nil); err != nil || secret != "s3cret" {
		t.Errorf("%q, %v", secret, err)
	}
	p.ClientSecretEnv, p.ClientSecretFile = "", filepath.Join(t.TempDir(), "secret")
	if _, err := p.Secret(nil); err == nil {
		t.Error("a missing file is no secret")
	}
	if err := os.WriteFile(p.ClientSecretFile, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if secret, err := p.Secret(nil); err != nil || secret != "from a file" {
		t.Errorf("%q, %v", secret, err)
	}
}

// TestFederationIsChecked takes one thing at a time out of settings that are good.
func TestFederationIsChecked(t *testing.T) {
	for _, c := range [][2]string{
		{"client_id: wardkeep", "client_idd: wardkeep"}, // misspelt
		{"claim: acr", "claims: acr"},
		{"name: keycloak", "name: Key cloak"},
		{"issuer: https:", "issuer: http:"},
		{"label: Lakeside", "label: ''"},
		{"client_id: wardkeep", "client_id: ''"},
		{"client_secret_env: A_SECRET", "client_secret_env: ''"},
		{"values: [gold]", "values: []"},
		{"mfa: {claim: acr, values: [gold], request: acr_values}", "mfa: {claim: acr, values: [gold], assumed: true}"},
		{"mfa: {claim: acr, values: [gold], request: acr_values}", "mfa: {}"},
		{"request: acr_values", "request: please"},
		{"claim: realm_access.roles", "claim: ''"},
		{"hosts: [keys.example.org]", "hosts: ['*.example.org']"},
		{"max_age: 12h", "max_age: -1h"},
		{"private: true", "logout: maybe"},
	} {
		text := strings.Replace(federation, c[0], c[1], 1)
		if text == federation {
			t.Fatalf("%q is not in the settings", c[0])
		}
		cfg, err := config.Load(file(t, text), nil)
		if err == nil {
			err = cfg.Check()
		}
		if err == nil {
			t.Errorf("%s: accepted", c[1])
		}
	}
	double, err := config.Load(file(t, federation+strings.TrimPrefix(federation, "\nfederation:")), nil)
	if err != nil || double.Check() == nil {
		t.Errorf("two providers of one name: %v", err)
	}
	if _, err := config.Load("", []string{"WARDKEEP_FEDERATION=x"}); err == nil {
		t.Error("providers from the environment: accepted")
	}
}

// TestWorkedSettings: what docs/federation.md gives to copy is taken.
func TestWorkedSettings(t *testing.T) {
	text, err := os.ReadFile("../../docs/federation.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, block := range strings.Split(string(text), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		cfg, err := config.Load(file(t, block), nil)
		if err == nil {
			err = cfg.Check()
		}
		if err != nil {
			t.Errorf("%v in\n%s", err, block)
			continue
		}
		for _, p := range cfg.Federation {
			names = append(names, p.Name)
		}
	}
	if want := []string{"entra", "cognito", "keycloak"}; !slices.Equal(names, want) {
		t.Errorf("settings are given for %q, want %q", names, want)
	}
}

// TestKnownShortKeys: who names a provider that is known to sign with 2048 bits is told at
// the start what that means, and what to write.
func TestKnownShortKeys(t *testing.T) {
	for issuer, known := range map[string]bool{
		"https://login.microsoftonline.com/t/v2.0": true, "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_P": true, "https://accounts.google.com": true,
		"https://id.example.org": false, "https://login.microsoftonline.com.example.org": false,
	} {
		for bits, wrong := range map[int]bool{0: known, 2048: false, 3072: false, 1024: true, 2049: true} {
			text := strings.Replace(federation, "https://id.example.org:8443/realms/lakeside", issuer, 1)
			cfg, err := config.Load(file(t, text), nil)
			if err != nil {
				t.Fatal(err)
			}
			cfg.Federation[0].LeastRSA = bits
			if err := cfg.Check(); (err != nil) != wrong || err != nil && !strings.Contains(err.Error(), "least_rsa") {
				t.Errorf("%s with %d: %v", issuer, bits, err)
			}
		}
	}
}
