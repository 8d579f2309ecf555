// Package smart is the OAuth 2.0 server for programs: SMART Backend Services
// with a client secret (RFC 6749 §4.4), revocation (RFC 7009), introspection
// (RFC 7662) and SMART's discovery document. It tells of nothing that it does
// not serve.
package smart

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// Clients is what this package needs of package identity, which also audits
// every token given or refused.
type Clients interface {
	AuthenticateClient(ctx context.Context, id, secret string, o identity.Origin) (identity.Client, error)
	IssueToken(ctx context.Context, c identity.Client, asked identity.Scopes, o identity.Origin) (identity.Token, error)
	RefuseToken(ctx context.Context, c identity.Client, why string, o identity.Origin) error
	RevokeToken(ctx context.Context, c identity.Client, token string, o identity.Origin) error
	Introspect(ctx context.Context, c identity.Client, token string) (identity.TokenInfo, bool, error)
}

// Config is what a Server needs. Issuer and FHIRBase are https URLs as clients
// see them, without a slash at the end; they are never taken from a request.
type Config struct {
	Clients  Clients
	Issuer   string
	FHIRBase string
	Clock    clock.Clock
	// Source is the address a request came from; nil takes the peer's.
	Source func(*http.Request) string
	// RequestID names the request in the audit log; nil leaves it out.
	RequestID func(*http.Request) string
}

// Check reports whether a server can be built of c.
func (c Config) Check() error {
	if c.Clients == nil || c.Clock == nil {
		return errors.New("smart.Config: Clients and Clock are required")
	}
	for _, base := range []string{c.Issuer, c.FHIRBase} {
		u, err := url.Parse(base)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
			strings.HasSuffix(base, "/") || strings.ContainsAny(base, "{}") {
			return errors.New("smart.Config: Issuer and FHIRBase must be https URLs without a slash at the end")
		}
	}
	return nil
}

type server struct {
	cfg       Config
	discovery []byte
}

// Paths below the issuer, and below the FHIR base.
const (
	tokenPath      = "/oauth2/token"
	revokePath     = "/oauth2/revoke"
	introspectPath = "/oauth2/introspect"
	discoveryPath  = "/.well-known/smart-configuration"
)

// New returns the handler of the three endpoints and the discovery document. Of
// a Config that does not pass Check it makes one that serves nobody.
func New(cfg Config) http.Handler {
	if cfg.Source == nil {
		cfg.Source = peer
	}
	s := &server{cfg: cfg}
	base, err := url.Parse(cfg.FHIRBase)
	if err = errors.Join(err, cfg.Check()); err == nil {
		s.discovery, err = json.Marshal(discoveryOf(cfg))
	}
	if err != nil {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { refuseFault(w, err) })
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+tokenPath, s.handleToken)
	mux.HandleFunc("POST "+revokePath, s.handleRevoke)
	mux.HandleFunc("POST "+introspectPath, s.handleIntrospect)
	mux.HandleFunc("GET "+base.Path+discoveryPath, s.handleDiscovery)
	return mux
}

func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func (s *server) origin(r *http.Request) identity.Origin {
	o := identity.Origin{Source: s.cfg.Source(r)}
	if s.cfg.RequestID != nil {
		o.RequestID = s.cfg.RequestID(r)
	}
	return o
}

// Discovery is SMART App Launch 2.2 §8, as far as it is served.
type Discovery struct {
	TokenEndpoint            string   `json:"token_endpoint"`
	TokenEndpointAuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	GrantTypes               []string `json:"grant_types_supported"`
	RevocationEndpoint       string   `json:"revocation_endpoint"`
	IntrospectionEndpoint    string   `json:"introspection_endpoint"`
	Scopes                   []string `json:"scopes_supported"`
	CodeChallengeMethods     []string `json:"code_challenge_methods_supported"` // the standard requires this value
	Capabilities             []string `json:"capabilities"`
}

func discoveryOf(cfg Config) Discovery {
	return Discovery{
		TokenEndpoint:            cfg.Issuer + tokenPath,
		TokenEndpointAuthMethods: []string{"client_secret_basic", "client_secret_post"},
		GrantTypes:               []string{grantClientCredentials},
		RevocationEndpoint:       cfg.Issuer + revokePath,
		IntrospectionEndpoint:    cfg.Issuer + introspectPath,
		Scopes:                   []string{"system/*.cruds", "system/*.rs"},
		CodeChallengeMethods:     []string{"S256"},
		Capabilities:             []string{"client-confidential-symmetric", "permission-v2"},
	}
}

// handleDiscovery answers in JSON whatever the client says it accepts, and to
// pages of any origin: there is nothing in it that is not public.
func (s *server) handleDiscovery(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	_, _ = w.Write(s.discovery) // the client hung up: nobody is left to tell
}

// refusal is an error response of RFC 6749 §5.2.
type refusal struct {
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// Error codes of RFC 6749 §5.2, and of §4.1.2.1 for what it has no word for.
const (
	invalidRequest = "invalid_request"
	invalidClient  = "invalid_client"
	invalidScope   = "invalid_scope"
	wrongGrant     = "unsupported_grant_type"
	notNow         = "temporarily_unavailable"
	serverError    = "server_error"
)

func answer(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"`+serverError+`"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client hung up: nobody is left to tell
}

func refuse(w http.ResponseWriter, code, description string) {
	answer(w, http.StatusBadRequest, refusal{code, description})
}

// refuseFault answers with what went wrong in package identity. Nothing of the
// request comes back.
func refuseFault(w http.ResponseWriter, err error) {
	switch fault.KindOf(err) {
	case fault.Unauthenticated:
		w.Header().Set("WWW-Authenticate", `Basic realm="wardkeep", charset="UTF-8"`)
		answer(w, http.StatusUnauthorized, refusal{invalidClient, fault.Public(err)})
	case fault.Denied:
		refuse(w, invalidScope, fault.Public(err))
	case fault.Throttled:
		if after, ok := identity.RetryAfter(err); ok {
			w.Header().Set("Retry-After", strconv.Itoa(int((after+time.Second-1)/time.Second)))
		}
		answer(w, http.StatusTooManyRequests, refusal{notNow, fault.Public(err)})
	case fault.Unavailable:
		answer(w, http.StatusServiceUnavailable, refusal{notNow, fault.Public(err)})
	default:
		answer(w, http.StatusInternalServerError, refusal{serverError, fault.Internal.Sentence()})
	}
}
