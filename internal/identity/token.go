package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Token is an access token just issued. Text is kept nowhere.
type Token struct {
	Text    string
	Scopes  Scopes
	Expires time.Time
}

// TokenInfo is what may be told about a good token.
type TokenInfo struct {
	ClientID string
	Scopes   Scopes
	Issued   time.Time
	Expires  time.Time
	// Of a program that acts for a person:
	Subject  string // the person
	Words    []string
	FHIRUser string // "Practitioner/x", if the app was granted to know
	Patient  string // in context
	Refresh  bool   // it is a refresh token

	Certificate string // thumbprint that it is bound to, "" if none
}

// tokenRecord is stored once under the token's digest.
type tokenRecord struct {
	ClientID string    `json:"client"`
	Scopes   Scopes    `json:"scopes"`
	Epoch    uint64    `json:"epoch"`
	Issued   time.Time `json:"issued"`
	Expires  time.Time `json:"expires"`

	Certificate string `json:"certificate,omitempty"` // thumbprint that it is bound to
}

// liveToken is a token in this process's memory.
type liveToken struct {
	app     bool // one that acts for a person: remembered beside the others, and told apart by its prefix
	actor   Actor
	issued  time.Time
	expires time.Time
	checked time.Time
	words   []string
}

// IssueToken gives an authenticated client a token for what it asked and was
// registered for, whichever is less; no scopes asked means all it has.
// fault.Denied means that nothing is left.
func (s *Service) IssueToken(ctx context.Context, c Client, asked Scopes, o Origin) (Token, error) {
	const op = "identity.IssueToken"
	now := s.cfg.Clock.Now()
	rec, err := s.clientByID(ctx, c.ID)
	if err != nil {
		return Token{}, fmt.Errorf("%s: %w", op, err)
	}
	if rec.Status != StatusActive {
		return Token{}, fault.New(fault.Unauthenticated, op, "")
	}
	granted := rec.Scopes.At(LevelSystem)
	if len(asked) > 0 {
		granted = asked.Meet(granted)
	}
	if err := s.CheckScopes(ctx, granted); err != nil {
		return Token{}, &fault.Error{Kind: fault.Denied, Op: op, Public: fault.Public(err), Err: err}
	}
	certificate, err := s.bind(ctx, rec, o)
	if err != nil {
		return Token{}, fmt.Errorf("%s: %w", op, err)
	}
	actor := clientActor(rec, granted, "", now, o)
	if len(granted) == 0 {
		e := s.about(actor, "token", Failure, "")
		e.Detail = "scope"
		return Token{}, errors.Join(fault.New(fault.Denied, op, "None of these scopes is granted to this client."), s.note(ctx, e))
	}
	text, digest, err := s.newSecret(tokenPrefix)
	if err != nil {
		return Token{}, err
	}
	actor.SessionID = digest
	e := s.about(actor, "token", Success, "")
	e.Detail = granted.String() + rec.cameBy(certificate)
	if err := s.note(ctx, e); err != nil {
		return Token{}, err
	}
	t := tokenRecord{ClientID: rec.ID, Scopes: granted, Epoch: rec.Epoch, Issued: now, Expires: now.Add(s.cfg.TokenLife), Certificate: certificate}
	if err := s.putShort(ctx, shortToken, digest, t, t.Expires); err != nil {
		return Token{}, fmt.Errorf("%s: %w", op, err)
	}
	return Token{Text: text, Scopes: granted, Expires: t.Expires}, nil
}

// RefuseToken records that an authenticated client got no token. why is the
// error code it was told.
func (s *Service) RefuseToken(ctx context.Context, c Client, why string, o Origin) error {
	actor := clientActor(&clientRecord{Client: c}, nil, "", time.Time{}, o)
	e := s.about(actor, "token", Failure, "")
	e.Detail = why
	return s.note(ctx, e)
}

func clientActor(c *clientRecord, granted Scopes, digest string, issued time.Time, o Origin) Actor {
	return Actor{
		Kind: KindClient, ID: c.ID, Name: c.Name, Scopes: granted, MFA: AssuranceSingle, SessionID: digest,
		AuthTime: issued, RequestID: o.RequestID, Source: o.Source, epoch: c.Epoch, NamesInURLs: c.NamesInURLs,
	}
}

// Authenticate returns the program behind a bearer token. A token that was
// revoked, or whose client was disabled, is refused within a second everywhere,
// and at once in the process that did it.
func (s *Service) Authenticate(ctx context.Context, bearer string, o Origin) (Actor, error) {
	l, err := s.liveToken(ctx, bearer)
	if err != nil {
		return Actor{}, fmt.Errorf("identity.Authenticate: %w", err)
	}
	a := l.actor
	if err := s.boundTo(a.Certificate, o); err != nil {
		return Actor{}, fmt.Errorf("identity.Authenticate: %w", errors.Join(err, s.elsewhere(ctx, a, o)))
	}
	a.RequestID, a.Source = o.RequestID, o.Source
	return a, nil
}

// elsewhere records that a token came without the certificate it is bound to: somebody
// else may have it.
func (s *Service) elsewhere(ctx context.Context, a Actor, o Origin) error {
	e := s.arrival(o, "token", Failure, "bound to a certificate that did not come with it")
	e.Client, e.Session, e.Type, e.Target = a.ClientID, a.SessionID, TypeUser, a.ID
	if a.Kind == KindClient {
		e.Client, e.Type = a.ID, TypeClient
	}
	return s.noteRefused(ctx, a.SessionID, e)
}

func errToken() error {
	return fault.New(fault.Unauthenticated, "identity.liveToken", "The access token is unknown, expired or revoked.")
}

func (s *Service) liveToken(ctx context.Context, bearer string) (liveToken, error) {
	if strings.HasPrefix(bearer, appTokenPrefix) {
		return s.liveAppToken(ctx, bearer)
	}
	digest, ok := readSecret(tokenPrefix, bearer)
	if !ok {
		return liveToken{}, errToken()
	}
	now := s.cfg.Clock.Now()
	l, ok, mark := s.tokens.get(digest)
	if ok && !l.app && now.Before(l.expires) && now.Sub(l.checked).Abs() < recheck {
		return l, nil
	}
	var t tokenRecord
	found, err := s.getShort(ctx, shortToken, digest, &t)
	if err != nil {
		return liveToken{}, err
	}
	if !found || !now.Before(t.Expires) {
		s.tokens.forget(digest)
		return liveToken{}, errToken()
	}
	c, err := s.clientByID(ctx, t.ClientID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return liveToken{}, err
	}
	if err != nil || c.Status != StatusActive || c.Epoch != t.Epoch {
		s.tokens.forget(digest)
		return liveToken{}, errToken()
	}
	// What the client was registered for may have shrunk since.
	granted := t.Scopes.Meet(c.Scopes.At(LevelSystem))
	actor := clientActor(c, granted, digest, t.Issued, Origin{})
	actor.Certificate = t.Certificate
	l = liveToken{actor: actor, issued: t.Issued, expires: t.Expires, checked: now}
	s.tokens.put(l, mark)
	return l, nil
}

// RevokeToken ends a token of the client's own. It says nothing about tokens
// that do not exist or are another's (RFC 7009 §2.2).
func (s *Service) RevokeToken(ctx context.Context, c Client, text string, o Origin) error {
	const op = "identity.RevokeToken"
	if strings.HasPrefix(text, appTokenPrefix) || strings.HasPrefix(text, refreshPrefix) {
		return s.revokeDelegated(ctx, c, text, o)
	}
	digest, ok := readSecret(tokenPrefix, text)
	if !ok {
		return nil
	}
	var t tokenRecord
	found, err := s.getShort(ctx, shortToken, digest, &t)
	if err != nil || !found || t.ClientID != c.ID {
		return err
	}
	if err := s.dropShort(ctx, shortToken, digest); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	s.tokens.forget(digest)
	e := s.arrival(o, "revoke", Success, "")
	e.Actor, e.Client, e.Session = c.ID, c.ID, digest
	return s.note(ctx, e)
}

// Introspect tells a client about a token of its own, or of anybody if it is
// registered to; found is false for every other one, good or not (RFC 7662 §2.2,
// §4).
func (s *Service) Introspect(ctx context.Context, c Client, text string) (info TokenInfo, found bool, err error) {
	if strings.HasPrefix(text, refreshPrefix) {
		return s.introspectRefresh(ctx, c, text)
	}
	l, err := s.liveToken(ctx, text)
	if fault.Is(err, fault.Unauthenticated) {
		return TokenInfo{}, false, nil
	}
	if err != nil {
		return TokenInfo{}, false, fmt.Errorf("identity.Introspect: %w", err)
	}
	a := l.actor
	info = TokenInfo{ClientID: a.ID, Subject: a.ID, Scopes: a.Scopes, Issued: l.issued, Expires: l.expires, Certificate: a.Certificate}
	if a.ClientID != "" {
		info.ClientID, info.Words, info.Patient = a.ClientID, l.words, a.PatientContext
	}
	if (Asked{Words: l.words}).Has(WordFHIRUser) {
		info.FHIRUser = fhirUser(a)
	}
	if info.ClientID != c.ID && !c.Inspects {
		return TokenInfo{}, false, nil
	}
	return info, true, nil
}
