package identity

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

const (
	appTokenPrefix = "wka_"
	refreshPrefix  = "wkr_"

	shortAppToken = "app-token"
	shortRefresh  = "refresh"
	shortHead     = "refresh-head"
)

// appTokenRecord is an app's access token as stored, under its digest.
type appTokenRecord struct {
	ConnectionID string    `json:"connection"`
	Scopes       Scopes    `json:"scopes"`
	Issued       time.Time `json:"issued"`
	Expires      time.Time `json:"expires"`
	Certificate  string    `json:"certificate,omitempty"` // thumbprint that it is bound to
}

// refreshRecord is a refresh token as stored, under its digest. It stays until it
// expires, so that one used twice is known.
type refreshRecord struct {
	ConnectionID string    `json:"connection"`
	Turn         uint64    `json:"turn"`
	Issued       time.Time `json:"issued"`
	Expires      time.Time `json:"expires"`
	Certificate  string    `json:"certificate,omitempty"` // of a public app: thumbprint that it is bound to
}

// refreshHead says which turn of a connection's refresh tokens is good.
type refreshHead struct {
	Turn uint64 `json:"turn"`
}

// delegate issues an access token for a connection, and the refresh token of the
// turn after head if it has such. asked may narrow the access token.
func (s *Service) delegate(ctx context.Context, id string, asked Asked, head refreshHead, o Origin) (Delegation, error) {
	const op = "identity.delegate"
	c, err := s.standing(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return Delegation{}, errGrant(op, "What this was granted for is over.")
	}
	if err != nil {
		return Delegation{}, fmt.Errorf("%s: %w", op, err)
	}
	granted := c.Granted.Scopes
	if len(asked.Scopes) > 0 {
		granted = asked.Scopes
	}
	certificate, err := s.bind(ctx, c.client, o)
	if err != nil {
		return Delegation{}, fmt.Errorf("%s: %w", op, err)
	}
	now := s.cfg.Clock.Now()
	text, digest, err := s.newSecret(appTokenPrefix)
	if err != nil {
		return Delegation{}, err
	}
	actor := c.actor(granted, s.cfg.Clock.Now())
	actor.SessionID, actor.RequestID, actor.Source = digest, o.RequestID, o.Source
	e := s.about(actor, "token", Success, "")
	e.Client, e.Detail = c.ClientID, actor.Scopes.String()+c.client.cameBy(certificate)
	if err := s.note(ctx, e); err != nil {
		return Delegation{}, err
	}
	t := appTokenRecord{ConnectionID: c.ID, Scopes: actor.Scopes, Issued: now, Expires: now.Add(appTokenLife), Certificate: certificate}
	if err := s.putShort(ctx, shortAppToken, digest, t, t.Expires); err != nil {
		return Delegation{}, fmt.Errorf("%s: %w", op, err)
	}
	d := Delegation{
		Access:     Token{Text: text, Scopes: t.Scopes, Expires: t.Expires},
		Connection: c.Connection, Person: c.person,
	}
	if c.client.Auth != AuthNone { // who proves himself each time is bound by that
		certificate = ""
	}
	if c.Granted.Has(WordOffline) || c.Granted.Has(WordOnline) {
		d.Refresh, err = s.newRefresh(ctx, c.connectionRecord, head.Turn+1, certificate)
	}
	return d, err
}

// newRefresh makes the refresh token of a turn, and then the turn.
func (s *Service) newRefresh(ctx context.Context, c *connectionRecord, turn uint64, certificate string) (string, error) {
	text, digest, err := s.newSecret(refreshPrefix)
	if err != nil {
		return "", err
	}
	now := s.cfg.Clock.Now()
	until := now.Add(refreshLife)
	if end := c.Created.Add(maxConnection); end.Before(until) {
		until = end
	}
	r := refreshRecord{ConnectionID: c.ID, Turn: turn, Issued: now, Expires: until, Certificate: certificate}
	if err := s.putShort(ctx, shortRefresh, digest, r, until); err != nil {
		return "", err
	}
	return text, s.putShort(ctx, shortHead, c.ID, refreshHead{turn}, until)
}

// Refresh takes a refresh token from the app that has it, and gives the next one
// (RFC 6749 §6). One that was used before ends the connection: somebody has stolen
// it, and it is not known who of the two it is.
func (s *Service) Refresh(ctx context.Context, client Client, text string, asked Asked, o Origin) (Delegation, error) {
	const op = "identity.Refresh"
	bad := errGrant(op, "The refresh token is unknown, expired, revoked or was used before.")
	r, found, err := s.refreshRecord(ctx, text)
	if err != nil {
		return Delegation{}, fmt.Errorf("%s: %w", op, err)
	}
	if !found {
		return Delegation{}, bad
	}
	if s.boundTo(r.Certificate, o) != nil {
		e := s.arrival(o, "token", Failure, "refresh token with another certificate")
		e.Client = client.ID
		return Delegation{}, errors.Join(bad, s.note(ctx, e))
	}
	defer s.stripes.lock("refresh\x00" + r.ConnectionID)()
	c, err := s.standing(ctx, r.ConnectionID)
	if fault.Is(err, fault.NotFound) || err == nil && c.ClientID != client.ID {
		return Delegation{}, bad
	}
	if err != nil {
		return Delegation{}, fmt.Errorf("%s: %w", op, err)
	}
	var head refreshHead
	if found, err = s.getShort(ctx, shortHead, c.ID, &head); err != nil || !found || r.Turn > head.Turn {
		return Delegation{}, errors.Join(bad, err)
	}
	if r.Turn < head.Turn {
		e := s.arrival(o, "disconnect", Failure, "refresh token used twice")
		e.Actor, e.Client = c.PersonID, c.ClientID
		return Delegation{}, errors.Join(bad, s.endConnection(ctx, e, c.ID, e.Detail))
	}
	if !c.Granted.Scopes.Cover(asked.Scopes) || slices.ContainsFunc(asked.Words, func(w string) bool { return !c.Granted.Has(w) }) {
		return Delegation{}, fault.New(fault.Denied, op, "More scopes were asked for than were granted.")
	}
	return s.delegate(ctx, c.ID, asked, head, o)
}

// PublicClientOf returns the app without a secret that a refresh token was given to:
// such an app need not say its id again (RFC 6749 §6).
func (s *Service) PublicClientOf(ctx context.Context, text string, o Origin) (Client, error) {
	id := ""
	r, found, err := s.refreshRecord(ctx, text)
	if err != nil {
		return Client{}, err
	}
	if found {
		c, err := s.connectionByID(ctx, r.ConnectionID)
		if err != nil {
			return Client{}, err
		}
		id = c.ClientID
	}
	return s.PublicClient(ctx, id, o)
}

func (s *Service) refreshRecord(ctx context.Context, text string) (r refreshRecord, found bool, err error) {
	digest, ok := readSecret(refreshPrefix, text)
	if !ok {
		return r, false, nil
	}
	found, err = s.getShort(ctx, shortRefresh, digest, &r)
	return r, found && s.cfg.Clock.Now().Before(r.Expires), err
}

// liveAppToken is liveToken for a token of a program that acts for a person.
func (s *Service) liveAppToken(ctx context.Context, bearer string) (liveToken, error) {
	digest, ok := readSecret(appTokenPrefix, bearer)
	if !ok {
		return liveToken{}, errToken()
	}
	now := s.cfg.Clock.Now()
	l, ok, mark := s.tokens.get(digest)
	if ok && l.app && now.Before(l.expires) && now.Sub(l.checked).Abs() < recheck {
		return l, nil
	}
	var t appTokenRecord
	found, err := s.getShort(ctx, shortAppToken, digest, &t)
	if err != nil {
		return liveToken{}, err
	}
	if !found || !now.Before(t.Expires) {
		s.tokens.forget(digest)
		return liveToken{}, errToken()
	}
	c, err := s.standing(ctx, t.ConnectionID)
	if fault.Is(err, fault.NotFound) {
		s.tokens.forget(digest)
		return liveToken{}, errToken()
	}
	if err != nil {
		return liveToken{}, err
	}
	actor := c.actor(t.Scopes, s.cfg.Clock.Now())
	actor.SessionID, actor.Certificate = digest, t.Certificate
	l = liveToken{app: true, actor: actor, issued: t.Issued, expires: t.Expires, checked: now, words: c.Granted.Words}
	s.tokens.put(l, mark)
	return l, nil
}

// forgetConnection takes the tokens of a connection out of memory.
func (c *tokenCache) forgetConnection(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state++
	maps.DeleteFunc(c.byID, func(_ string, l liveToken) bool { return l.actor.ConnectionID == id })
}

// revokeDelegated ends a token of an app that acts for a person: its refresh token
// with all that came of it, an access token alone (RFC 7009 §2.1).
func (s *Service) revokeDelegated(ctx context.Context, c Client, text string, o Origin) error {
	e := s.arrival(o, "revoke", Success, "")
	e.Client = c.ID
	if strings.HasPrefix(text, refreshPrefix) {
		r, found, err := s.refreshRecord(ctx, text)
		if err != nil || !found {
			return err
		}
		rec, err := s.connectionByID(ctx, r.ConnectionID)
		if err != nil || rec.ClientID != c.ID {
			return err
		}
		e.Actor, e.Action = rec.PersonID, "disconnect"
		return s.endConnection(ctx, e, rec.ID, "by the app")
	}
	digest, ok := readSecret(appTokenPrefix, text)
	if !ok {
		return nil
	}
	var t appTokenRecord
	found, err := s.getShort(ctx, shortAppToken, digest, &t)
	if err != nil || !found {
		return err
	}
	rec, err := s.connectionByID(ctx, t.ConnectionID)
	if err != nil || rec.ClientID != c.ID {
		return err
	}
	if err := s.dropShort(ctx, shortAppToken, digest); err != nil {
		return err
	}
	s.tokens.forget(digest)
	e.Actor, e.Session = rec.PersonID, digest
	return s.note(ctx, e)
}

// introspectRefresh tells an app about a refresh token of its own that is good.
func (s *Service) introspectRefresh(ctx context.Context, c Client, text string) (TokenInfo, bool, error) {
	r, found, err := s.refreshRecord(ctx, text)
	if err != nil || !found {
		return TokenInfo{}, false, err
	}
	con, err := s.standing(ctx, r.ConnectionID)
	if fault.Is(err, fault.NotFound) || err == nil && con.ClientID != c.ID && !c.Inspects {
		return TokenInfo{}, false, nil
	}
	if err != nil {
		return TokenInfo{}, false, err
	}
	var head refreshHead
	if found, err = s.getShort(ctx, shortHead, con.ID, &head); err != nil || !found || head.Turn != r.Turn {
		return TokenInfo{}, false, err
	}
	actor := con.actor(con.Granted.Scopes, s.cfg.Clock.Now())
	info := TokenInfo{
		ClientID: con.ClientID, Scopes: actor.Scopes, Words: con.Granted.Words, Issued: r.Issued, Expires: r.Expires,
		Subject: con.PersonID, Patient: con.Patient, Refresh: true, Certificate: r.Certificate,
	}
	if con.Granted.Has(WordFHIRUser) {
		info.FHIRUser = fhirUser(actor)
	}
	return info, true, nil
}
