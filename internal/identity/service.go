package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"
	"golang.org/x/sync/semaphore"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// Config is what a Service needs. Records, Audit, Gate and Clock are required;
// everything else has a good zero value.
type Config struct {
	Records Records
	Audit   Audit
	Gate    Gate
	Clock   clock.Clock
	// Outage is where sessions live on while the audit log cannot be written; nil:
	// nowhere.
	Outage Outage

	Issuer        string // shown by authenticator apps; "" means Wardkeep
	RelyingParty  string // domain that passkeys are bound to; "" means no passkeys
	Origin        string // of the pages that may use them: https://ehr.example.org
	LeastPassword int    // characters; at least 8, 0 means 8
	LeastRSA      int    // bits of programs' keys and certificates; at least 2048, 0 means 3072
	Cost          Cost   // of a password check; zero means Argon2id, 2 passes, 19 MB
	Hashing       int    // password checks at once; 0 means 2

	// How long sessions last can only be shortened: what is longer than the
	// default is refused.
	IdleLock    time.Duration // 0 means 5 min
	SessionLife time.Duration // 0 means 12 h
	StepUpLife  time.Duration // how long a proof of identity is fresh; 0 means 5 min
	TokenLife   time.Duration // of access tokens, at most 1 h; 0 means 5 min
	InviteLife  time.Duration // of enrolment codes; 0 means 72 h

	// Providers are the names of the identity providers whose sessions are
	// believed. A session of one that was taken out of the settings is over.
	Providers []string

	// Pace is how long it takes at least to answer a password or refuse a code: less
	// than that is what tells a name somebody has from one nobody has. 0 means 60 ms.
	Pace time.Duration

	// Narrowing refuses queries of scopes that records cannot be narrowed by; nil
	// refuses all.
	Narrowing func(ctx context.Context, typ, query string) error
	// KeySets gets key sets by their URLs; nil: none are got.
	KeySets KeySets
	// MutualTLS says that programs are asked for certificates at some address, and
	// Authorities whose certificates are believed beside registered ones; nil: none.
	MutualTLS   bool
	Authorities *x509.CertPool

	Derive Derive    // nil means Argon2id
	Rand   io.Reader // nil means crypto/rand
}

// Service knows people, clients, sessions and tokens. It is safe for concurrent
// use; several processes may share one storage.
type Service struct {
	cfg      Config
	hash     *hasher
	blocked  blocklist
	throttle *throttle
	stripes  *stripes // for what one attempt holds from its beginning to its end
	asked    *stripes // for questions to browsers, taken inside those
	owners   *stripes // for lists of people, taken inside those
	sessions *sessionCache
	tokens   *tokenCache
	webauthn *webauthn.WebAuthn // nil: no passkeys
	origins  origins
	shelter  *shelter // nil: there is none
	refusals refusals
}

const (
	challengeLife = 5 * time.Minute
	enrolmentLife = 15 * time.Minute
	recheck       = time.Second      // how long a cached session or token is believed
	seenEvery     = 30 * time.Second // how often being there is written down
	maxTokenLife  = time.Hour
)

// Bounds of what Config may ask for.
const (
	MaxIdleLock    = 5 * time.Minute
	MaxSessionLife = 12 * time.Hour
	MaxStepUpLife  = 5 * time.Minute
)

// New returns a Service.
func New(cfg Config) (*Service, error) {
	if cfg.Records == nil || cfg.Audit == nil || cfg.Gate == nil || cfg.Clock == nil {
		return nil, errors.New("identity.New: Records, Audit, Gate and Clock are required")
	}
	orDefault(&cfg.Issuer, "Wardkeep")
	orDefault(&cfg.LeastPassword, leastPassword)
	orDefault(&cfg.LeastRSA, 3072)
	orDefault(&cfg.Cost, defaultCost)
	orDefault(&cfg.Hashing, 2)
	orDefault(&cfg.IdleLock, MaxIdleLock)
	orDefault(&cfg.SessionLife, MaxSessionLife)
	orDefault(&cfg.StepUpLife, MaxStepUpLife)
	orDefault(&cfg.TokenLife, 5*time.Minute)
	orDefault(&cfg.InviteLife, 72*time.Hour)
	orDefault(&cfg.Pace, 60*time.Millisecond)
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Derive == nil {
		cfg.Derive = argon2id
	}
	if cfg.LeastPassword < leastPassword || cfg.TokenLife > maxTokenLife || cfg.Hashing < 1 {
		return nil, errors.New("identity.New: passwords of at least 8 characters and tokens of at most an hour are required")
	}
	if cfg.LeastRSA < 2048 {
		return nil, errors.New("identity.New: RSA keys have at least 2048 bits")
	}
	if tooLong(cfg.IdleLock, MaxIdleLock) || tooLong(cfg.SessionLife, MaxSessionLife) || tooLong(cfg.StepUpLife, MaxStepUpLife) {
		return nil, errors.New("identity.New: sessions lock after at most 5 minutes, end after at most 12 hours, and a proof is fresh for at most 5 minutes")
	}
	var sheltering *shelter
	if cfg.Outage != nil {
		sheltering = newShelter(cfg)
		cfg.Records, cfg.Audit = sheltering, sheltering
	}
	passkeys, err := newWebAuthn(cfg)
	if err != nil {
		return nil, err
	}
	blocked, err := newBlocklist()
	if err != nil {
		return nil, err
	}
	locks := &stripes{}
	return &Service{
		cfg: cfg,
		hash: &hasher{
			cost: cfg.Cost, derive: cfg.Derive, rand: cfg.Rand,
			slots: semaphore.NewWeighted(int64(cfg.Hashing)), queue: int64(64 * cfg.Hashing),
		},
		blocked:  blocked,
		throttle: &throttle{records: cfg.Records, clock: cfg.Clock, stripes: locks},
		stripes:  &stripes{},
		asked:    &stripes{},
		owners:   &stripes{},
		sessions: &sessionCache{byID: map[string]*live{}},
		tokens:   &tokenCache{byID: map[string]liveToken{}},
		webauthn: passkeys,
		shelter:  sheltering,
		refusals: refusals{who: map[string]*refused{}},
	}, nil
}

func tooLong(d, longest time.Duration) bool { return d < 0 || d > longest }

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

const secretSize = 32 // bytes of sessions, challenges, tokens and client secrets

func (s *Service) random(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(s.cfg.Rand, b); err != nil {
		return nil, fmt.Errorf("identity.random: %w", err)
	}
	return b, nil
}

// newSecret returns 256 random bits as text, and the digest it is stored under.
func (s *Service) newSecret(prefix string) (text, digest string, err error) {
	b, err := s.random(secretSize)
	if err != nil {
		return "", "", err
	}
	return prefix + base64.RawURLEncoding.EncodeToString(b), digestOf(b), nil
}

// readSecret returns the digest of a secret of ours, or false for anything that
// cannot be one. Each secret has exactly one spelling.
func readSecret(prefix, text string) (digest string, ok bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok || len(rest) != base64.RawURLEncoding.EncodedLen(secretSize) {
		return "", false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(rest)
	if err != nil || len(b) != secretSize {
		return "", false
	}
	return digestOf(b), true
}

// digestOf is a plain hash: what it hides are 256 random bits, which no
// dictionary holds, so a slow or salted hash would add nothing.
func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newID returns an id for a record: 128 random bits.
func (s *Service) newID() (string, error) {
	b, err := s.random(16)
	if err != nil {
		return "", err
	}
	return idEncoding.EncodeToString(b), nil
}

// about starts the event of something a known actor does.
func (s *Service) about(a Actor, action, outcome, reason string) Event {
	e := Event{
		Time: s.cfg.Clock.Now(), Actor: a.ID, Session: a.SessionID, Roles: a.Roles, Action: action,
		Purpose: a.Purpose, Outcome: outcome, RequestID: a.RequestID, Source: a.Source, Reason: reason,
	}
	if a.Kind == KindClient {
		e.Client = a.ID
	}
	return e
}

// arrival starts the event of something done by whoever is not known yet.
func (s *Service) arrival(o Origin, action, outcome, detail string) Event {
	return Event{
		Time: s.cfg.Clock.Now(), Action: action, Outcome: outcome, Detail: detail,
		RequestID: o.RequestID, Source: o.Source,
	}
}

func (s *Service) note(ctx context.Context, e Event) error { return s.noteAll(ctx, []Event{e}) }

func (s *Service) noteAll(ctx context.Context, list []Event) error {
	if err := s.cfg.Audit.Append(ctx, list...); err != nil {
		return fault.Wrap(fault.Unavailable, "identity.audit", err)
	}
	return nil
}
