package federation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/outbound"
)

const (
	// callTime bounds a call of a provider: somebody waits for it.
	callTime = 10 * time.Second
	// believed is how long a discovery document and the keys it leads to are
	// believed. A key that a provider takes back is refused after that.
	believed = 10 * time.Minute
	// patience is how long nobody asks again who could not be reached: a whole shift
	// that waits for its turn to fail would wait for hours.
	patience = 5 * time.Second
	// keyCalls in keyTime is how often keys are fetched: anybody can send a token
	// that names an unknown one.
	keyCalls = 6
	keyTime  = time.Minute
)

// algorithms are all signatures taken. The provider's own list does not count: it
// could name none, or HS256, whose key is a secret that is not its alone.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512,
	oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// provider is one provider and what it last said of itself.
type provider struct {
	config.Provider
	secret string
	base   string
	clock  clock.Clock
	line   *line

	mu     sync.Mutex
	found  *found
	failed time.Time // when it could not be reached
}

// found is a discovery document (OpenID Connect Discovery 1.0, §3) put to use.
type found struct {
	at         time.Time
	oauth      oauth2.Config
	verifier   *oidc.IDTokenVerifier
	endSession string
	tellsIss   bool // its answers carry iss (RFC 9207, §3)
}

// metadata are the parts of a discovery document that go-oidc leaves to us.
type metadata struct {
	AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	EndSession  string   `json:"end_session_endpoint"`
	TellsIss    bool     `json:"authorization_response_iss_parameter_supported"`
	Keys        string   `json:"jwks_uri"`
}

// discover returns what the provider says of itself, at most ten minutes old.
func (p *provider) discover(ctx context.Context) (*found, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	if p.found != nil && now.Sub(p.found.at).Abs() < believed {
		return p.found, nil
	}
	if now.Sub(p.failed).Abs() < patience {
		return nil, p.unreachable("discover", errAgain)
	}
	found, err := p.ask(ctx, now)
	if err != nil {
		p.failed = now
		return nil, err
	}
	p.found = found
	return found, nil
}

// ask reads the discovery document.
func (p *provider) ask(ctx context.Context, now time.Time) (*found, error) {
	// The client outlives the request: keys are fetched by it later.
	op, err := oidc.NewProvider(p.line.on(ctx), p.Issuer)
	if err != nil {
		return nil, p.unreachable("discover", err)
	}
	var m metadata
	if err := op.Claims(&m); err != nil {
		return nil, p.unreachable("discover", err)
	}
	style, err := authStyle(m.AuthMethods)
	if err != nil {
		return nil, p.unreachable("discover", err)
	}
	endpoint := op.Endpoint()
	endpoint.AuthStyle = style
	for _, address := range []string{endpoint.AuthURL, endpoint.TokenURL, m.Keys} {
		if !secure(address) {
			return nil, p.unreachable("discover", errEndpoint)
		}
	}
	if !secure(m.EndSession) {
		m.EndSession = ""
	}
	p.line.watch(m.Keys)
	return &found{
		at: now, endSession: m.EndSession, tellsIss: m.TellsIss,
		oauth: oauth2.Config{
			ClientID: p.ClientID, ClientSecret: p.secret, Endpoint: endpoint,
			RedirectURL: p.base + "/sign-in/return/" + p.Name, Scopes: append([]string{oidc.ScopeOpenID}, p.Scopes...),
		},
		verifier: op.Verifier(&oidc.Config{
			ClientID: p.ClientID, SupportedSigningAlgs: algorithms, SkipExpiryCheck: true, // checked with our own bounds
		}),
	}, nil
}

// authStyle chooses how the client authenticates; absent means basic (OpenID
// Connect Discovery 1.0, §3).
func authStyle(methods []string) (oauth2.AuthStyle, error) {
	switch {
	case methods == nil || slices.Contains(methods, "client_secret_basic"):
		return oauth2.AuthStyleInHeader, nil
	case slices.Contains(methods, "client_secret_post"):
		return oauth2.AuthStyleInParams, nil
	}
	return 0, errNoSecret
}

func secure(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && u.Fragment == ""
}

// unreachable is the fault of a provider that does not answer as it should. What
// it answered stays out: errors are logged.
func (p *provider) unreachable(op string, err error) error {
	public := p.Label + " cannot be reached right now, or answers what it should not. Try again in a minute; if it lasts, tell an administrator of this server."
	return &fault.Error{Kind: fault.Unavailable, Op: "federation." + op, Public: public, Err: plain(err)}
}

// plain keeps of an error only what holds nothing that was received.
func plain(err error) error {
	var mismatch *oidc.IssuerMismatchError
	var answered *oauth2.RetrieveError
	var called *url.Error
	switch {
	case errors.As(err, &mismatch):
		return errors.New("its discovery document names another issuer than the setting")
	case errors.As(err, &answered):
		status := 0
		if answered.Response != nil {
			status = answered.Response.StatusCode
		}
		return fmt.Errorf("its token endpoint answered %d", status)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return context.DeadlineExceeded
	case errors.Is(err, errKeyCalls):
		return errKeyCalls
	case errors.Is(err, errAgain), errors.Is(err, errEndpoint), errors.Is(err, errNoSecret):
		return err
	case errors.As(err, &called) && fault.Is(called.Err, fault.Unprocessable):
		return errors.New("it leads to a host that neither issuer nor hosts name")
	case errors.As(err, &called) && strings.HasPrefix(called.Err.Error(), "outbound."):
		return called.Err // package outbound tells no addresses
	}
	return errors.New("the answer was not understood")
}

// line is the only way to a provider: its own hosts, by package outbound.
type line struct {
	out   *outbound.Client
	clock clock.Clock

	mu     sync.Mutex
	keys   string // address of the keys
	calls  int
	window time.Time
	failed int             // fetches of keys that did not work, or were too many
	least  int             // bits of RSA keys
	short  map[string]bool // kid of each that has fewer
}

// What can be wrong with a provider, told to the log.
var (
	errAgain    = errors.New("it could not be reached a moment ago")
	errKeyCalls = errors.New("keys were fetched too often")
	errEndpoint = errors.New("its discovery document lacks an endpoint, or has one that is not https")
	errNoSecret = errors.New("its token endpoint takes no client secret")
)

func newLine(out *outbound.Client, c clock.Clock, leastRSA int) *line {
	return &line{out: out, clock: c, least: leastRSA}
}

// on returns a context by which go-oidc and oauth2 use the line.
func (l *line) on(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, &http.Client{
		Transport: l, Timeout: callTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})
}

func (l *line) watch(keys string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys = keys
}

// RoundTrip implements http.RoundTripper.
func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	address := r.URL.String()
	if !l.may(address) {
		return nil, errKeyCalls
	}
	answer, err := l.out.Do(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	if address != l.keys {
		return answer, err
	}
	if err == nil && answer.StatusCode == http.StatusOK {
		answer.Body, err = l.strong(answer.Body)
	}
	switch {
	case err != nil:
		l.failed++
		return nil, err
	case answer.StatusCode != http.StatusOK:
		l.failed++
	}
	return answer, nil
}

// keyFailures counts the fetches of keys that did not work. go-oidc does not tell
// them from a signature that is wrong.
func (l *line) keyFailures() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

func (l *line) may(address string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if address != l.keys {
		return true
	}
	if now := l.clock.Now(); now.Sub(l.window).Abs() >= keyTime {
		l.window, l.calls = now, 0
	}
	l.calls++
	if l.calls > keyCalls {
		l.failed++
	}
	return l.calls <= keyCalls
}
