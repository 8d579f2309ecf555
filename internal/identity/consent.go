package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

const (
	shortCode     = "code"
	shortCodeUsed = "code-used" // what came of a code, so that a second use ends it
	codePrefix    = "wkc_"
	codeLife      = time.Minute
	codeMemory    = 24 * time.Hour
)

// codeRecord is an authorization code as stored, under its digest.
type codeRecord struct {
	Connection  connectionRecord
	RedirectURI string
	Challenge   string
	Nonce       string
}

// Decision is what a person says to a request.
type Decision struct {
	Allow   bool
	Patient string // FHIR id of the patient in context; the caller MUST have found that he may see it
	// Granted is what he lets the app do; what it may not have is left out.
	Granted Asked
}

// Decide ends a request. It returns the code that the app is answered with, ""
// if the person declines.
func (s *Service) Decide(ctx context.Context, actor Actor, id string, d Decision) (code string, r AuthRequest, err error) {
	const op = "identity.Decide"
	defer s.stripes.lock(id)()
	r, client, err := s.request(ctx, actor, id)
	if err != nil {
		return "", r, fmt.Errorf("%s: %w", op, err)
	}
	e := s.about(actor, "authorize", Success, "")
	e.Type, e.Target, e.Client = TypeClient, client.ID, client.ID
	if !d.Allow {
		e.Outcome, e.Detail = Failure, "declined"
		return "", r, errors.Join(s.note(ctx, e), s.dropShort(ctx, shortAsking, id))
	}
	rec, err := s.newConnection(ctx, actor, r, client, d)
	if err != nil {
		return "", r, fmt.Errorf("%s: %w", op, err)
	}
	text, digest, err := s.newSecret(codePrefix)
	if err != nil {
		return "", r, err
	}
	e.Detail = rec.Granted.String()
	if err := s.note(ctx, e); err != nil {
		return "", r, err
	}
	if err := s.dropShort(ctx, shortAsking, id); err != nil {
		return "", r, err
	}
	made := codeRecord{Connection: rec, RedirectURI: r.RedirectURI, Challenge: r.Challenge, Nonce: r.Nonce}
	return text, r, s.putShort(ctx, shortCode, digest, made, s.cfg.Clock.Now().Add(codeLife))
}

// newConnection is the connection that a decision makes, before the app has come
// for it.
func (s *Service) newConnection(ctx context.Context, actor Actor, r AuthRequest, client Client, d Decision) (connectionRecord, error) {
	const op = "identity.newConnection"
	may := grantable(r.Asked, client, actor)
	granted := Asked{Scopes: d.Granted.Scopes.Meet(may.Scopes), Version1: may.Version1}
	for _, word := range may.Words {
		if d.Granted.Has(word) {
			granted.Words = append(granted.Words, word)
		}
	}
	if err := s.CheckScopes(ctx, granted.Scopes); err != nil {
		return connectionRecord{}, err
	}
	patient := d.Patient
	if r.Launch != nil {
		patient = r.Launch.Patient
	}
	wanted := len(granted.Scopes.At(LevelPatient)) > 0 || granted.Has(WordLaunchPatient)
	if len(granted.Scopes)+len(granted.Words) == 0 || patient == "" && wanted || patient != "" && !validID(patient) {
		return connectionRecord{}, fault.New(fault.Invalid, op, "Choose what the app may do, and for which patient.")
	}
	live, err := s.liveSession(ctx, actor.SessionID)
	if err != nil {
		return connectionRecord{}, err
	}
	app, err := s.clientByID(ctx, client.ID)
	if err != nil {
		return connectionRecord{}, err
	}
	id, err := s.newID()
	if err != nil {
		return connectionRecord{}, err
	}
	rec := connectionRecord{PersonEpoch: live.rec.Epoch, ClientEpoch: app.Epoch, Connection: Connection{
		ID: id, PersonID: actor.ID, ClientID: client.ID, Name: client.Name, Granted: granted, Patient: patient,
		Created: s.cfg.Clock.Now(), AuthTime: actor.AuthTime,
	}, Upstream: live.rec.Upstream}
	if granted.Has(WordOnline) {
		rec.Line = lineOf(live.rec)
	}
	return rec, nil
}

// Delegation is what an app gets for a code or a refresh token.
type Delegation struct {
	Access     Token
	Refresh    string // "" if none was granted
	Connection Connection
	Person     Person
	Nonce      string // of the request, for the id_token
}

// FHIRUser is the resource that stands for the person, "Practitioner/x".
func (d Delegation) FHIRUser() string { return fhirUser(personActor(d.Person, d.Person.Created)) }

// Redeem takes a code from the app that it was made for (RFC 6749 §4.1.3, RFC
// 7636 §4.6). A code is good for one try. The second use of one, by whomever, ends
// what came of the first.
func (s *Service) Redeem(ctx context.Context, client Client, code, redirectURI, verifier string, o Origin) (Delegation, error) {
	const op = "identity.Redeem"
	public := "The code is unknown, expired or was used before, or redirect_uri or code_verifier are not those of the request."
	digest, ok := readSecret(codePrefix, code)
	if !ok {
		return Delegation{}, errGrant(op, public)
	}
	app, err := s.clientByID(ctx, client.ID)
	if err == nil { // before the code is spent on what cannot be bound
		_, err = s.bind(ctx, app, o)
	}
	if err != nil {
		return Delegation{}, fmt.Errorf("%s: %w", op, err)
	}
	defer s.stripes.lock(digest)()
	var rec codeRecord
	found, err := s.getShort(ctx, shortCode, digest, &rec)
	if err != nil {
		return Delegation{}, fmt.Errorf("%s: %w", op, err)
	}
	if !found {
		return Delegation{}, errors.Join(errGrant(op, public), s.replayed(ctx, digest, client, o))
	}
	c := rec.Connection
	until := s.cfg.Clock.Now().Add(codeMemory)
	if err := errors.Join(s.putShort(ctx, shortCodeUsed, digest, c.ID, until), s.dropShort(ctx, shortCode, digest)); err != nil {
		return Delegation{}, fmt.Errorf("%s: %w", op, err)
	}
	e := s.arrival(o, "connect", Success, c.Granted.String())
	e.Actor, e.Client = c.PersonID, client.ID
	wrong := ""
	switch {
	case c.ClientID != client.ID:
		wrong = "code of another client"
	case redirectURI != rec.RedirectURI:
		wrong = "redirect_uri"
	case !proves(verifier, rec.Challenge):
		wrong = "code_verifier"
	}
	if wrong != "" {
		e.Outcome, e.Detail = Failure, wrong
		return Delegation{}, errors.Join(errGrant(op, public), s.note(ctx, e))
	}
	if err := s.putConnection(ctx, e, &c); err != nil {
		return Delegation{}, fmt.Errorf("%s: %w", op, err)
	}
	d, err := s.delegate(ctx, c.ID, Asked{}, refreshHead{}, o)
	d.Nonce = rec.Nonce
	return d, err
}

// replayed ends what came of a code that is used again: somebody has stolen it,
// and it is not known who was first.
func (s *Service) replayed(ctx context.Context, digest string, client Client, o Origin) error {
	var id string
	found, err := s.getShort(ctx, shortCodeUsed, digest, &id)
	e := s.arrival(o, "connect", Failure, "code unknown or expired")
	e.Client = client.ID
	if err != nil || !found {
		return errors.Join(err, s.note(ctx, e))
	}
	e.Action, e.Detail = "disconnect", "code used twice"
	if err := s.endConnection(ctx, e, id, e.Detail); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return nil
}

// proves checks a PKCE verifier (RFC 7636 §4.1, §4.6).
func proves(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// Name is the person's, as it is shown.
func (d Delegation) Name() string { return displayName(d.Person) }
