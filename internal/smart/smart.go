// Package smart is the OAuth 2.0 server for programs: SMART App Launch 2.2 for
// apps that act for people (RFC 6749 §4.1 with PKCE, RFC 9126, refresh tokens,
// OpenID Connect), SMART Backend Services with a client secret, a signed assertion
// or a certificate (RFC 6749 §4.4, RFC 7523, RFC 8705), revocation (RFC 7009), introspection (RFC
// 7662) and the documents that tell of all this. They tell of nothing that is not
// served.
package smart

import (
	"context"
	"crypto/x509"
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
	// AuthenticateAssertion takes each assertion once, for one of the audiences.
	AuthenticateAssertion(ctx context.Context, assertion string, audiences []string, o identity.Origin) (identity.Client, error)
	// AuthenticateCertificate checks the certificates of the origin; a public app is
	// let in as PublicClient lets it.
	AuthenticateCertificate(ctx context.Context, id string, o identity.Origin) (identity.Client, error)
	PublicClient(ctx context.Context, id string, o identity.Origin) (identity.Client, error)
	// PublicClientOf is the public app that a refresh token was given to.
	PublicClientOf(ctx context.Context, refresh string, o identity.Origin) (identity.Client, error)
	IssueToken(ctx context.Context, c identity.Client, asked identity.Scopes, o identity.Origin) (identity.Token, error)
	RefuseToken(ctx context.Context, c identity.Client, why string, o identity.Origin) error
	RevokeToken(ctx context.Context, c identity.Client, token string, o identity.Origin) error
	Introspect(ctx context.Context, c identity.Client, token string) (identity.TokenInfo, bool, error)

	App(ctx context.Context, id string) (identity.Client, error)
	CheckScopes(ctx context.Context, scopes identity.Scopes) error
	KeepRequest(ctx context.Context, r identity.AuthRequest) (id string, err error)
	PushRequest(ctx context.Context, r identity.AuthRequest) (id string, life time.Duration, err error)
	TakePushed(ctx context.Context, id string) (identity.AuthRequest, error)
	TakeLaunch(ctx context.Context, clientID, token string) (*identity.Launch, error)
	NewLaunch(ctx context.Context, actor identity.Actor, clientID, patient string) (string, identity.Client, error)
	Request(ctx context.Context, actor identity.Actor, id string) (identity.AuthRequest, identity.Client, identity.Asked, error)
	Decide(ctx context.Context, actor identity.Actor, id string, d identity.Decision) (code string, r identity.AuthRequest, err error)
	Redeem(ctx context.Context, c identity.Client, code, redirectURI, verifier string, o identity.Origin) (identity.Delegation, error)
	Refresh(ctx context.Context, c identity.Client, token string, asked identity.Asked, o identity.Origin) (identity.Delegation, error)
	SignClaims(ctx context.Context, claims any) (string, error)
	PublicKeys(ctx context.Context) ([]byte, error)
	AllowsOrigin(ctx context.Context, origin string) (bool, error)
}

// Config is what a Server needs. Issuer and FHIRBase are https URLs as clients
// see them, without a slash at the end; they are never taken from a request.
type Config struct {
	Clients  Clients
	Issuer   string
	FHIRBase string
	Clock    clock.Clock
	// Mutual is the issuer's other address, at which clients show certificates; ""
	// if there is none, and Authorities whether the certificates of any are believed.
	Mutual      string
	Authorities bool
	// Certificates are those of the connection of a request; nil: there are none.
	Certificates func(*http.Request) []*x509.Certificate
	// Source is the address a request came from; nil takes the peer's.
	Source func(*http.Request) string
	// RequestID names the request in the audit log; nil leaves it out.
	RequestID func(*http.Request) string
	// MaySee refuses patients whom a person may not see, as the chart does; nil
	// refuses all.
	MaySee func(ctx context.Context, actor identity.Actor, patient string) error
	// Admit holds up who comes often; nil: nobody is.
	Admit func(*http.Request) error
	// Stop shows a person why he cannot be sent back to an app; nil writes plain
	// text.
	Stop func(w http.ResponseWriter, r *http.Request, words string)
}

// Check reports whether a server can be built of c.
func (c Config) Check() error {
	if c.Clients == nil || c.Clock == nil {
		return errors.New("smart.Config: Clients and Clock are required")
	}
	bases := []string{c.Issuer, c.FHIRBase}
	if c.Mutual != "" {
		bases = append(bases, c.Mutual)
	}
	for _, base := range bases {
		u, err := url.Parse(base)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
			strings.HasSuffix(base, "/") || strings.ContainsAny(base, "{}") {
			return errors.New("smart.Config: Issuer, FHIRBase and Mutual must be https URLs without a slash at the end")
		}
	}
	return nil
}

// Server serves programs. Its methods serve the pages on which people decide.
type Server struct {
	cfg       Config
	mux       *http.ServeMux
	discovery []byte
	openID    []byte
	broken    error // of a Config that does not pass Check
}

// Paths below the issuer, and below the FHIR base.
const (
	authorizePath  = "/oauth2/authorize"
	pushPath       = "/oauth2/par"
	tokenPath      = "/oauth2/token"
	revokePath     = "/oauth2/revoke"
	introspectPath = "/oauth2/introspect"
	keysPath       = "/oauth2/jwks"
	discoveryPath  = "/.well-known/smart-configuration"
	openIDPath     = "/.well-known/openid-configuration"
	metadataPath   = "/.well-known/oauth-authorization-server"

	// connectPath is where people decide, and appsPath where they see and end what
	// they decided; both are pages of the portal.
	connectPath = "/connect/"
	appsPath    = "/apps"
)

// New returns the server. Of a Config that does not pass Check it makes one that
// serves nobody.
func New(cfg Config) *Server {
	if cfg.Source == nil {
		cfg.Source = peer
	}
	if cfg.MaySee == nil {
		cfg.MaySee = func(context.Context, identity.Actor, string) error { return fault.New(fault.NotFound, "smart", "") }
	}
	if cfg.Stop == nil {
		cfg.Stop = func(w http.ResponseWriter, _ *http.Request, words string) {
			http.Error(w, words, http.StatusBadRequest)
		}
	}
	s := &Server{cfg: cfg, mux: http.NewServeMux()}
	base, err := url.Parse(cfg.FHIRBase)
	if s.broken = errors.Join(err, cfg.Check()); s.broken != nil {
		return s
	}
	var wrong [2]error
	s.discovery, wrong[0] = json.Marshal(discoveryOf(cfg))
	s.openID, wrong[1] = json.Marshal(openIDOf(cfg))
	s.broken = errors.Join(wrong[:]...)
	s.mux.HandleFunc("GET "+authorizePath, s.handleAuthorize)
	s.mux.HandleFunc("POST "+authorizePath, s.handleAuthorize)
	s.shared("POST", pushPath, s.handlePush)
	s.shared("POST", tokenPath, s.handleToken)
	s.shared("POST", revokePath, s.handleRevoke)
	s.shared("POST", introspectPath, s.handleIntrospect)
	s.shared("GET", keysPath, s.handleKeys)
	s.shared("GET", base.Path+discoveryPath, document(s.discovery))
	s.shared("GET", discoveryPath, document(s.discovery))
	s.shared("GET", openIDPath, document(s.openID))
	s.shared("GET", metadataPath, document(s.openID))
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.broken != nil {
		refuseFault(w, s.broken)
		return
	}
	if s.cfg.Admit != nil {
		if err := s.cfg.Admit(r); err != nil {
			refuseFault(w, err)
			return
		}
	}
	s.mux.ServeHTTP(w, r)
}

func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func (s *Server) origin(r *http.Request) identity.Origin {
	o := identity.Origin{Source: s.cfg.Source(r)}
	if s.cfg.RequestID != nil {
		o.RequestID = s.cfg.RequestID(r)
	}
	if s.cfg.Certificates != nil {
		o.Certificates = s.cfg.Certificates(r)
	}
	return o
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
	invalidGrant   = "invalid_grant"
	wrongClient    = "unauthorized_client"
	accessDenied   = "access_denied"
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
	if errors.Is(err, identity.ErrGrant) {
		refuse(w, invalidGrant, fault.Public(err))
		return
	}
	switch fault.KindOf(err) {
	case fault.Unauthenticated:
		w.Header().Set("WWW-Authenticate", `Basic realm="wardkeep", charset="UTF-8"`)
		answer(w, http.StatusUnauthorized, refusal{invalidClient, fault.Public(err)})
	case fault.Denied:
		refuse(w, invalidScope, fault.Public(err))
	case fault.Throttled:
		after, ok := identity.RetryAfter(err)
		if !ok {
			after = 5 * time.Second
		}
		w.Header().Set("Retry-After", strconv.Itoa(int((after+time.Second-1)/time.Second)))
		answer(w, http.StatusTooManyRequests, refusal{notNow, fault.Public(err)})
	case fault.Unavailable:
		answer(w, http.StatusServiceUnavailable, refusal{notNow, fault.Public(err)})
	default:
		answer(w, http.StatusInternalServerError, refusal{serverError, fault.Internal.Sentence()})
	}
}
