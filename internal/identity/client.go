package identity

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Client is a program with credentials of its own.
type Client struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Scopes  Scopes    `json:"scopes"`
	Status  Status    `json:"status"` // active | disabled
	Created time.Time `json:"created"`

	Words        []string        `json:"words,omitempty"`
	Auth         ClientAuth      `json:"auth,omitempty"`
	JWKS         json.RawMessage `json:"jwks,omitempty"`
	JWKSURL      string          `json:"jwksUrl,omitempty"`
	RedirectURIs []string        `json:"redirectUris,omitempty"`
	LaunchURL    string          `json:"launchUrl,omitempty"`
	Origins      []string        `json:"origins,omitempty"`
	Inspects     bool            `json:"inspects,omitempty"`    // may be told about the tokens of all programs
	NamesInURLs  bool            `json:"namesInUrls,omitempty"` // may search with names and numbers of people in addresses

	Certificate *CertificateName `json:"certificate,omitempty"` // AuthPKI: what its certificate bears
	Bound       bool             `json:"bound,omitempty"`       // tls_client_certificate_bound_access_tokens
	Revoked     []string         `json:"revoked,omitempty"`     // thumbprints of certificates that were taken back
}

// BindsTokens reports whether the program's tokens are bound to the certificate
// they were asked for with: of those that come by one, always.
func (c Client) BindsTokens() bool { return c.Bound || c.Auth.byCertificate() }

// clientRecord is a client as stored. The secret has 256 random bits: its plain
// digest can be neither guessed nor looked up, and checking it costs an attacker
// as much as us.
type clientRecord struct {
	Client
	SecretDigest string `json:"secretDigest"`
	Epoch        uint64 `json:"epoch"` // raised to end every token

	version uint64
}

// Prefixes let secret scanners recognise what has leaked.
const (
	secretPrefix = "wks_"
	tokenPrefix  = "wkt_"
)

// AddClient adds a program with a secret, which is shown once.
func (s *Service) AddClient(ctx context.Context, actor Actor, name string, scopes Scopes) (Client, string, error) {
	return s.RegisterClient(ctx, actor, NewClient{Name: name, Scopes: scopes})
}

// DisableClient shuts a program out; its tokens die within a second.
func (s *Service) DisableClient(ctx context.Context, actor Actor, id, reason string) error {
	_, err := s.changeClient(ctx, actor, id, "status-disabled", reason, func(c *clientRecord) error {
		c.Status = StatusDisabled
		return nil
	})
	return err
}

// LetNamesInURLs says whether a program may search with names and numbers of people in
// addresses; its tokens die within a second.
func (s *Service) LetNamesInURLs(ctx context.Context, actor Actor, id, reason string, let bool) (Client, error) {
	action := "names-in-urls-refused"
	if let {
		action = "names-in-urls-let"
	}
	return s.changeClient(ctx, actor, id, action, reason, func(c *clientRecord) error {
		c.NamesInURLs = let
		return nil
	})
}

// NewClientSecret replaces a program's secret; its tokens die within a second.
func (s *Service) NewClientSecret(ctx context.Context, actor Actor, id, reason string) (secret string, err error) {
	secret, digest, err := s.newSecret(secretPrefix)
	if err != nil {
		return "", err
	}
	_, err = s.changeClient(ctx, actor, id, "new-secret", reason, func(c *clientRecord) error {
		if c.Auth != AuthSecret {
			return fault.New(fault.Unprocessable, "identity.NewClientSecret", "This program has no secret.")
		}
		c.SecretDigest = digest
		return nil
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// Clients returns every program, by name.
func (s *Service) Clients(ctx context.Context, actor Actor) ([]Client, error) {
	if err := s.permit(ctx, actor, "read", TypeClient); err != nil {
		return nil, err
	}
	return s.allClients(ctx)
}

func (s *Service) allClients(ctx context.Context) ([]Client, error) {
	docs, err := s.cfg.Records.List(ctx, TypeClient)
	if err != nil {
		return nil, fmt.Errorf("identity.Clients: %w", err)
	}
	var out []Client
	for _, doc := range docs {
		c, err := decodeClient(doc)
		if err != nil {
			return nil, err
		}
		out = append(out, c.Client)
	}
	slices.SortFunc(out, func(a, b Client) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) })
	return out, nil
}

// AuthenticateClient checks a program's secret. What is wrong is not said, and
// a program nobody knows costs the same.
func (s *Service) AuthenticateClient(ctx context.Context, id, secret string, o Origin) (Client, error) {
	const op = "identity.AuthenticateClient"
	net := Network(o.Source)
	guess, source := claim{perClient, id + "\x00" + net}, claim{perSource, "client\x00" + net}
	if err := s.throttle.check(ctx, guess, source); err != nil {
		return Client{}, fmt.Errorf("%s: %w", op, err)
	}
	c := &clientRecord{SecretDigest: strings.Repeat("0", 64)}
	if validID(id) {
		got, err := s.clientByID(ctx, id)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return Client{}, fmt.Errorf("%s: %w", op, err)
		}
		if err == nil {
			c = got
		}
	}
	digest, wellFormed := readSecret(secretPrefix, secret)
	same := subtle.ConstantTimeCompare([]byte(digest), []byte(c.SecretDigest)) == 1
	if same && wellFormed && c.Auth == AuthSecret && c.Status == StatusActive {
		return c.Client, nil
	}
	if err := s.throttle.add(ctx, 1, guess, source); err != nil {
		return Client{}, fmt.Errorf("%s: %w", op, err)
	}
	e := s.arrival(o, "token", Failure, "client not authenticated")
	if c.ID != "" {
		e.Type, e.Target = TypeClient, c.ID
	}
	if err := s.note(ctx, e); err != nil {
		return Client{}, err
	}
	return Client{}, fault.New(fault.Unauthenticated, op, "The client is unknown, disabled, or its secret is wrong.")
}

func decodeClient(doc Doc) (*clientRecord, error) {
	c := &clientRecord{version: doc.Version}
	if err := json.Unmarshal(doc.Body, c); err != nil {
		return nil, fmt.Errorf("identity.decodeClient: %w", err)
	}
	if c.ID != doc.ID {
		return nil, fault.New(fault.Internal, "identity.decodeClient", "")
	}
	return c, nil
}

func (s *Service) clientByID(ctx context.Context, id string) (*clientRecord, error) {
	doc, err := s.cfg.Records.Get(ctx, TypeClient, id)
	if err != nil {
		return nil, fmt.Errorf("identity.clientByID: %w", err)
	}
	return decodeClient(doc)
}

func (s *Service) putClient(ctx context.Context, e Event, c *clientRecord) error {
	body, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("identity.putClient: %w", err)
	}
	e.Type, e.Target = TypeClient, c.ID
	err = s.cfg.Records.Put(ctx, e, []Write{{Type: TypeClient, ID: c.ID, Expect: c.version, Body: body}})
	if err != nil {
		return fmt.Errorf("identity.putClient: %w", err)
	}
	c.version++
	return nil
}

// changeClient changes a program and ends its tokens.
func (s *Service) changeClient(ctx context.Context, actor Actor, id, action, reason string, change func(*clientRecord) error) (Client, error) {
	const op = "identity.changeClient"
	if err := s.permit(ctx, actor, "update", TypeClient); err != nil {
		return Client{}, fmt.Errorf("%s: %w", op, err)
	}
	for try := 0; ; try++ {
		c, err := s.clientByID(ctx, id)
		if err != nil {
			return Client{}, fmt.Errorf("%s: %w", op, err)
		}
		if err := change(c); err != nil {
			return Client{}, err
		}
		c.Epoch++
		err = s.putClient(ctx, s.about(actor, action, Success, reason), c)
		if err == nil {
			s.tokens.forgetActor(id)
			return c.Client, nil
		}
		if !fault.Is(err, fault.Conflict) || try == retries {
			return Client{}, fmt.Errorf("%s: %w", op, err)
		}
	}
}
