package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// ClientAuth is how a program proves who it is.
type ClientAuth string

const (
	AuthSecret ClientAuth = ""       // a secret of ours
	AuthKey    ClientAuth = "key"    // a signature (private_key_jwt)
	AuthNone   ClientAuth = "public" // not at all: it runs where nothing can be kept secret

	AuthPKI        ClientAuth = "tls_client_auth"             // a certificate of an authority in the settings (RFC 8705 §2.1)
	AuthSelfSigned ClientAuth = "self_signed_tls_client_auth" // a certificate of its key set (RFC 8705 §2.2)
)

func (a ClientAuth) byCertificate() bool { return a == AuthPKI || a == AuthSelfSigned }

// Method is the way's name in OAuth.
func (a ClientAuth) Method() string {
	switch a {
	case AuthSecret:
		return "client_secret"
	case AuthKey:
		return "private_key_jwt"
	case AuthNone:
		return "none"
	}
	return string(a)
}

// NewClient describes a program to be registered. One with RedirectURIs is an
// app: it acts for people who let it, and has no scopes of level system. Every
// other one acts in its own name, and has no others.
type NewClient struct {
	Name         string
	Scopes       Scopes
	Words        []string // of scopes that are about no resources
	Auth         ClientAuth
	JWKS         []byte   // AuthKey, AuthSelfSigned: its keys, or
	JWKSURL      string   // where they are
	RedirectURIs []string // where it may be answered, exactly as it will name them
	LaunchURL    string   // where it is started from a chart, "" if it is not
	Origins      []string // of its pages, if it runs in browsers
	Inspects     bool     // it may be told about the tokens of all programs: a resource server
	NamesInURLs  bool     // it may search with names and numbers of people in addresses

	Certificate *CertificateName // AuthPKI: what its certificate bears
	Bound       bool             // its tokens are bound to its certificate, however it authenticates
}

// App reports whether the program acts for people.
func (c Client) App() bool { return len(c.RedirectURIs) > 0 }

const maxURIs = 20

// RegisterClient adds a program and returns its secret, which is shown once; one
// that has none gets "".
func (s *Service) RegisterClient(ctx context.Context, actor Actor, n NewClient) (Client, string, error) {
	const op = "identity.RegisterClient"
	if err := s.permit(ctx, actor, "create", TypeClient); err != nil {
		return Client{}, "", fmt.Errorf("%s: %w", op, err)
	}
	if err := s.checkClient(ctx, n); err != nil {
		return Client{}, "", fmt.Errorf("%s: %w", op, err)
	}
	id, err := s.newID()
	if err != nil {
		return Client{}, "", err
	}
	c := &clientRecord{Epoch: firstEpoch, Client: Client{
		ID: id, Name: n.Name, Scopes: normalise(n.Scopes), Words: n.Words, Status: StatusActive, Created: s.cfg.Clock.Now(),
		Auth: n.Auth, JWKS: json.RawMessage(n.JWKS), JWKSURL: n.JWKSURL,
		RedirectURIs: n.RedirectURIs, LaunchURL: n.LaunchURL, Origins: n.Origins, Inspects: n.Inspects,
		Certificate: n.Certificate, Bound: n.Bound, NamesInURLs: n.NamesInURLs,
	}}
	var secret string
	if n.Auth == AuthSecret {
		if secret, c.SecretDigest, err = s.newSecret(secretPrefix); err != nil {
			return Client{}, "", err
		}
	}
	e := s.about(actor, "create", Success, "")
	if c.NamesInURLs {
		e.Detail = "may search with names in addresses"
	}
	if err := s.putClient(ctx, e, c); err != nil {
		return Client{}, "", fmt.Errorf("%s: %w", op, err)
	}
	return c.Client, secret, nil
}

func (s *Service) checkClient(ctx context.Context, n NewClient) error {
	bad := func(text string) error { return fault.New(fault.Invalid, "identity.checkClient", text) }
	app := len(n.RedirectURIs) > 0
	switch {
	case n.Name == "" || len(n.Name) > maxName || len(n.Scopes)+len(n.Words) == 0:
		return bad("A program needs a name of at most 128 bytes, and scopes.")
	case app && len(n.Scopes.At(LevelSystem)) > 0:
		return bad("A program that acts for people has no scopes of level system. Register another one for what it does in its own name.")
	case !app && (len(n.Scopes.At(LevelUser, LevelPatient)) > 0 || len(n.Words) > 0):
		return bad("Scopes of level patient or user, and launch, openid and their like, are for programs with a redirect URI.")
	case n.Inspects && n.Auth == AuthNone:
		return bad("Who looks at the tokens of others has to prove who it is.")
	case !app && (n.Auth == AuthNone || n.LaunchURL != "" || len(n.Origins) > 0):
		return bad("A program without a redirect URI needs a secret, keys or a certificate, and has neither a launch URL nor origins.")
	case len(n.RedirectURIs) > maxURIs || len(n.Origins) > maxURIs:
		return bad("A program has at most 20 redirect URIs, and as many origins.")
	}
	for _, word := range n.Words {
		if !slices.Contains(Words(), word) {
			return bad("Beside scopes for resources there are " + strings.Join(Words(), ", ") + ".")
		}
	}
	if err := s.CheckScopes(ctx, n.Scopes); err != nil {
		return err
	}
	if err := s.checkCredentials(n); err != nil {
		return err
	}
	return n.checkAddresses()
}

// checkCredentials refuses ways of authenticating that could not work.
func (s *Service) checkCredentials(n NewClient) error {
	bad := func(text string) error { return fault.New(fault.Invalid, "identity.checkCredentials", text) }
	keys := n.Auth == AuthKey || n.Auth == AuthSelfSigned
	switch {
	case !slices.Contains([]ClientAuth{AuthSecret, AuthKey, AuthNone, AuthPKI, AuthSelfSigned}, n.Auth):
		return bad("A program authenticates by a secret, by keys, by a certificate, or not at all.")
	case (n.Bound || n.Auth.byCertificate()) && !s.cfg.MutualTLS:
		return bad("Certificates of programs are not asked for here: set mtls_listen, and start the server anew.")
	case n.Auth == AuthPKI && s.cfg.Authorities == nil:
		return bad("There are no authorities whose certificates are believed: name their file by mtls_ca, and start the server anew.")
	case len(n.JWKS) > 0 && n.JWKSURL != "", keys != (len(n.JWKS) > 0 || n.JWKSURL != ""):
		return bad("A program that signs, or comes by a certificate of its own, needs either its key set (JWKS) or the URL of it.")
	case (n.Auth == AuthPKI) != (n.Certificate != nil), n.Certificate != nil && !n.Certificate.valid():
		return bad("A program with a certificate of an authority needs one name that it bears: its whole subject in the form of RFC 4514 (CN=feed,O=Example,C=US: the last part first, no blanks around commas), or one DNS name, URI, IP or e-mail address, without wildcards.")
	}
	var err error
	switch {
	case n.JWKSURL != "":
		if u, wrong := url.Parse(n.JWKSURL); wrong != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
			err = bad("The URL of a key set is an https address.")
		}
	case n.Auth == AuthKey:
		_, err = s.readKeys(n.JWKS)
	case n.Auth == AuthSelfSigned:
		_, err = readCertificates(n.JWKS)
	}
	return err
}

// CheckScopes refuses scopes that nothing can be narrowed by.
func (s *Service) CheckScopes(ctx context.Context, scopes Scopes) error {
	for _, one := range scopes {
		if one.Query == "" {
			continue
		}
		if s.cfg.Narrowing == nil {
			return fault.New(fault.Invalid, "identity.CheckScopes", "Scopes narrowed by search parameters are not served here.")
		}
		if err := s.cfg.Narrowing(ctx, one.Type, one.Query); err != nil {
			return err
		}
	}
	return nil
}

func (n NewClient) checkAddresses() error {
	bad := func(text string) error { return fault.New(fault.Invalid, "identity.checkAddresses", text) }
	for _, uri := range n.RedirectURIs {
		if !validRedirect(uri) {
			return bad("A redirect URI is an https address, one of this machine (http://localhost, 127.0.0.1 or [::1]), or has a scheme of the app's own such as com.example.app:/back; without a fragment.")
		}
	}
	if n.LaunchURL != "" && !validPage(n.LaunchURL) {
		return bad("A launch URL is an https address without a fragment.")
	}
	for _, origin := range n.Origins {
		if u, err := url.Parse(origin); err != nil || !validPage(origin) || u.Scheme+"://"+u.Host != origin {
			return bad("An origin looks like https://app.example.org.")
		}
	}
	return nil
}

// validPage takes addresses of pages: https, or http on this machine.
func validPage(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(text, "#*\\ ") || !uriText(text) {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// validRedirect takes pages, and the schemes that apps register with the systems
// they run on, which have a dot (RFC 8252 §7.1).
func validRedirect(text string) bool {
	u, err := url.Parse(text)
	if err != nil || len(text) > 2000 || strings.ContainsAny(text, "#*\\ ") || !uriText(text) {
		return false
	}
	if strings.Contains(u.Scheme, ".") {
		return u.Opaque == "" && u.User == nil
	}
	return validPage(text)
}

func uriText(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"<>'`, r) })
}
