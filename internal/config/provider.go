package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Provider is one identity provider (OpenID Connect) by which people may sign in.
type Provider struct {
	// Name is short and stays: it is part of the address that the provider sends
	// browsers back to, BASE/sign-in/return/NAME, and of user names.
	Name string `koanf:"name"`
	// Label is what the button says: "Sign in with LABEL".
	Label string `koanf:"label"`
	// Issuer is exactly what the provider calls itself in its discovery document.
	Issuer   string `koanf:"issuer"`
	ClientID string `koanf:"client_id"`
	// The client secret lies in a file (a path, or credential:NAME), or in a variable
	// of the environment.
	ClientSecretFile string `koanf:"client_secret_file"`
	ClientSecretEnv  string `koanf:"client_secret_env"`
	// Scopes are asked for beside openid; nil is profile.
	Scopes []string `koanf:"scopes"`
	// Subject is the claim that names a person for ever; "" is sub.
	Subject string `koanf:"subject"`
	// Roles says which of the provider's groups or roles is which role here.
	Roles RoleMap `koanf:"roles"`
	// MFA says how a second factor shows in the provider's tokens.
	MFA MFA `koanf:"mfa"`
	// Require are claims that must have these values: tid, hd, a domain.
	Require map[string]string `koanf:"require"`
	// MaxAge is how long ago the person may have signed in at the provider; 0: as
	// long as the provider likes.
	MaxAge time.Duration `koanf:"max_age"`
	// Hosts are hosts of the provider beside the issuer's, for its token endpoint
	// and its keys, each with a port if that is not 443.
	Hosts []string `koanf:"hosts"`
	// Private allows those hosts to be on this machine and on private networks.
	Private bool `koanf:"private"`
	// CA is a file of certificates (PEM) to believe beside the system's.
	CA string `koanf:"ca"`
	// LeastRSA is how many bits the RSA keys have by which it signs; 0 is 3072. Many
	// sign with 2048: write that, and know that it is 112 bits of security.
	LeastRSA int `koanf:"least_rsa"`
	// Logout is how signing out there is asked for: standard (OpenID Connect
	// RP-Initiated Logout), cognito, or none; "" is standard.
	Logout string `koanf:"logout"`
}

// RoleMap maps values of a claim to roles.
type RoleMap struct {
	// Claim is the claim's name, or a path into objects: realm_access.roles.
	Claim string `koanf:"claim"`
	// Map is value there → role here. A value that is not in it gives no role.
	Map map[string]string `koanf:"map"`
}

// MFA says how a provider proves a second factor.
type MFA struct {
	// Claim must have one of Values, or hold one: acr, amr, acrs, or one of your own.
	Claim  string   `koanf:"claim"`
	Values []string `koanf:"values"`
	// Request is how it is asked for: acr_values, claims (an essential claim), or
	// "" for not at all.
	Request string `koanf:"request"`
	// Assumed says, instead, that the provider lets nobody in without a second
	// factor and that its tokens do not tell. It is your word for it.
	Assumed bool `koanf:"assumed"`
}

var providerName = regexp.MustCompile(`^[a-z][a-z0-9]{1,15}$`)

func checkProviders(list []Provider) error {
	names := map[string]bool{}
	for _, p := range list {
		if !providerName.MatchString(p.Name) || names[p.Name] {
			return errors.New("federation: each provider needs a name of its own, of 2 to 16 small letters and digits, such as entra")
		}
		names[p.Name] = true
		if err := p.check(); err != nil {
			return fmt.Errorf("federation, provider %s: %w", p.Name, err)
		}
	}
	return nil
}

func (p Provider) check() error {
	u, err := url.Parse(p.Issuer)
	switch {
	case err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("issuer must be the https address that the provider's discovery document gives as its issuer")
	case p.Label == "" || len(p.Label) > 64:
		return errors.New("label must say what people know the provider as, in at most 64 characters")
	case p.ClientID == "":
		return errors.New("client_id is missing: register this server at the provider")
	case (p.ClientSecretFile == "") == (p.ClientSecretEnv == ""):
		return errors.New("give client_secret_file or client_secret_env, one of them")
	case strings.HasPrefix(p.ClientSecretEnv, EnvPrefix):
		return errors.New("client_secret_env must not begin with " + EnvPrefix + ": those variables are settings")
	case p.Roles.Claim == "" || len(p.Roles.Map) == 0:
		return errors.New("roles needs a claim and a map: without it nobody could come in")
	case p.MaxAge < 0 || p.MaxAge%time.Second != 0:
		return errors.New("max_age is a duration in whole seconds, such as 12h")
	case p.LeastRSA != 0 && !rsaBits(p.LeastRSA):
		return errors.New("least_rsa must be 3072, or 2048 for a provider that signs with no better keys")
	case p.LeastRSA == 0 && signsBy2048(u.Hostname()):
		return errors.New("it signs with RSA keys of 2048 bits, which are 112 bits of security and refused unless you say so: write least_rsa: 2048, or keep people from coming by it")
	case !slices.Contains([]string{"", "standard", "cognito", "none"}, p.Logout):
		return errors.New("logout must be standard, cognito or none")
	}
	for _, host := range p.Hosts {
		if strings.ContainsAny(host, "/*@ ") || host == "" {
			return errors.New("hosts are names, each with a port if that is not 443, without *")
		}
	}
	return p.MFA.check()
}

func rsaBits(n int) bool { return n == 2048 || n == leastRSA }

// signsBy2048 reports whether a provider is known to have no better keys: who starts
// this server is told, and not the first who signs in.
func signsBy2048(host string) bool {
	return host == "login.microsoftonline.com" || host == "sts.windows.net" || host == "accounts.google.com" ||
		strings.HasPrefix(host, "cognito-idp.") && strings.HasSuffix(host, ".amazonaws.com")
}

// RSA is how many bits its keys have at least.
func (p Provider) RSA() int {
	if p.LeastRSA == 0 {
		return leastRSA
	}
	return p.LeastRSA
}

func (m MFA) check() error {
	switch {
	case m.Assumed && (m.Claim != "" || len(m.Values) > 0 || m.Request != ""):
		return errors.New("mfa: assumed stands alone; leave claim, values and request out")
	case !m.Assumed && (m.Claim == "" || len(m.Values) == 0 || slices.Contains(m.Values, "")):
		return errors.New("mfa: give the claim, and its values, by which the provider's tokens prove a second factor; or assumed: true if it lets nobody in without one and does not tell")
	case !slices.Contains([]string{"", "acr_values", "claims"}, m.Request):
		return errors.New("mfa: request must be acr_values, claims, or be left out")
	}
	return nil
}

// CalledHosts are the hosts the server calls for this provider.
func (p Provider) CalledHosts() []string {
	u, err := url.Parse(p.Issuer)
	if err != nil {
		return nil
	}
	host := u.Hostname()
	if port := u.Port(); port != "" {
		host = net.JoinHostPort(host, port)
	}
	return append([]string{host}, p.Hosts...)
}

// Secret reads the client secret.
func (p Provider) Secret(sealed Sealed) (string, error) {
	var text string
	if p.ClientSecretFile != "" {
		var err error
		if text, err = secretFile("client_secret_file", p.ClientSecretFile, sealed); err != nil {
			return "", fmt.Errorf("federation, provider %s: %w", p.Name, err)
		}
	} else {
		text = os.Getenv(p.ClientSecretEnv)
	}
	if text == "" {
		return "", fmt.Errorf("federation, provider %s: the client secret is empty", p.Name)
	}
	return text, nil
}
