// Package federation signs people in by the identity providers of their own
// organisations: OpenID Connect Core 1.0 with the authorization code flow, PKCE
// S256 (RFC 7636) and the issuer in the answer (RFC 9207), RP-Initiated Logout 1.0
// and Back-Channel Logout 1.0.
//
// It believes nothing that a browser brings but a code to ask the provider about,
// and of what the provider answers only what is signed, for this server, for this
// browser and for this moment. Whom it believes it hands to package identity,
// which alone decides about accounts and sessions.
package federation

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/outbound"
)

// People is what this package needs of identity.Service.
type People interface {
	AdmitUpstream(ctx context.Context, o identity.Origin) error
	RefuseUpstream(ctx context.Context, action, provider, why string, o identity.Origin) error
	SignInUpstream(ctx context.Context, u identity.Upstream, o identity.Origin) (identity.Grant, error)
	RenewUpstream(ctx context.Context, sessionID string, u identity.Upstream, o identity.Origin) (identity.Grant, error)
	EndUpstream(ctx context.Context, end identity.UpstreamEnd, id string, until time.Time, o identity.Origin) error
}

// Short is sealed storage for what is under way; see identity.Records.
type Short interface {
	GetShort(ctx context.Context, kind, id string) ([]byte, error)
	PutShort(ctx context.Context, kind, id string, value []byte, expires time.Time) error
	DropShort(ctx context.Context, kind, id string) error
}

// Config is what a Federation needs. Providers have passed config.Config.Check.
type Config struct {
	Providers []config.Provider
	Base      string // how browsers reach this server, without a slash at the end
	People    People
	Short     Short
	Clock     clock.Clock
	Rand      io.Reader // nil means crypto/rand
	Sealed    config.Sealed
}

// Federation knows the providers. It is safe for concurrent use.
type Federation struct {
	cfg       Config
	providers []*provider

	taking sync.Mutex // a sign-in under way is taken once
}

// Button is a provider as the sign-in page shows it.
type Button struct{ Name, Label string }

// Names returns what identity.Config.Providers wants.
func Names(list []config.Provider) []string {
	var names []string
	for _, p := range list {
		names = append(names, p.Name)
	}
	return names
}

// New reads secrets and certificates and returns a Federation. It calls nobody: a
// provider that is down keeps nobody else from starting.
func New(cfg Config) (*Federation, error) {
	if cfg.People == nil || cfg.Short == nil || cfg.Clock == nil || cfg.Base == "" {
		return nil, errors.New("federation.New: base, people, short and clock are required")
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	f := &Federation{cfg: cfg}
	for _, settings := range cfg.Providers {
		p, err := newProvider(settings, cfg)
		if err != nil {
			return nil, err
		}
		f.providers = append(f.providers, p)
	}
	return f, nil
}

func newProvider(settings config.Provider, cfg Config) (*provider, error) {
	secret, err := settings.Secret(cfg.Sealed)
	if err != nil {
		return nil, err
	}
	known := identity.StaffRoles()
	for _, role := range settings.Roles.Map {
		if !slices.Contains(known, role) {
			return nil, fmt.Errorf("federation, provider %s: roles map to a role that is not known here", settings.Name)
		}
	}
	policy := outbound.Policy{Hosts: settings.CalledHosts(), Private: settings.Private, Timeout: callTime}
	if settings.CA != "" {
		if policy.Roots, err = roots(settings.CA); err != nil {
			return nil, fmt.Errorf("federation, provider %s: ca cannot be used: %w", settings.Name, err)
		}
	}
	p := &provider{Provider: settings, secret: secret, clock: cfg.Clock, base: cfg.Base}
	p.line = newLine(outbound.New(policy), cfg.Clock, p.RSA())
	if p.Subject == "" {
		p.Subject = "sub"
	}
	if p.Scopes == nil {
		p.Scopes = []string{"profile"}
	}
	return p, nil
}

func roots(file string) (*tls.Config, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate is in it")
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// Buttons returns the providers in the order of the settings.
func (f *Federation) Buttons() []Button {
	var list []Button
	for _, p := range f.providers {
		list = append(list, Button{Name: p.Name, Label: p.Label})
	}
	return list
}

func (f *Federation) provider(name string) (*provider, error) {
	for _, p := range f.providers {
		if p.Name == name {
			return p, nil
		}
	}
	return nil, fault.New(fault.NotFound, "federation.provider", "")
}

// secret returns 256 random bits as text.
func (f *Federation) secret() (string, error) {
	b := make([]byte, 32)
	if _, err := io.ReadFull(f.cfg.Rand, b); err != nil {
		return "", fmt.Errorf("federation.secret: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
