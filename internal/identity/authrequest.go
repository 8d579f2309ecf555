package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// AuthRequest is an authorization request (RFC 6749 §4.1.1) that was found in
// order and waits for a person.
type AuthRequest struct {
	ClientID    string
	RedirectURI string
	State       string
	Nonce       string // for the id_token
	Challenge   string // PKCE, S256
	Asked       Asked
	Launch      *Launch // the app was started from a chart
	// Proven is the time after which the person must have proven who he is by two
	// factors; the zero time: whenever he signed in.
	Proven  time.Time
	Created time.Time
}

// Launch is what an app was started with.
type Launch struct {
	ClientID string    `json:"client"`
	PersonID string    `json:"person"`
	Patient  string    `json:"patient"` // FHIR id
	Until    time.Time `json:"until"`
}

// Kinds of short records of the ways of apps.
const (
	shortAsking = "authorization"        // an AuthRequest that a person is looking at
	shortPushed = "authorization-pushed" // one that an app has sent ahead (RFC 9126)
	shortLaunch = "launch"
)

const (
	askingLife = 10 * time.Minute
	pushedLife = 90 * time.Second
	launchLife = 5 * time.Minute
)

// ErrGrant says that a code or a refresh token opens nothing (invalid_grant).
var ErrGrant = errors.New("the grant is not good")

func errGrant(op, public string) error {
	return &fault.Error{Kind: fault.Unprocessable, Op: op, Err: ErrGrant, Public: public}
}

// App returns an active program that acts for people, by the id it gives, unproven.
// fault.NotFound says that there is none.
func (s *Service) App(ctx context.Context, id string) (Client, error) {
	if !validID(id) {
		return Client{}, fault.New(fault.NotFound, "identity.App", "")
	}
	c, err := s.clientByID(ctx, id)
	if err == nil && (c.Status != StatusActive || !c.App()) {
		err = fault.New(fault.NotFound, "identity.App", "")
	}
	if err != nil {
		return Client{}, fmt.Errorf("identity.App: %w", err)
	}
	return c.Client, nil
}

// PublicClient returns an app that cannot prove who it is: its id is all it has.
func (s *Service) PublicClient(ctx context.Context, id string, o Origin) (Client, error) {
	const op = "identity.PublicClient"
	net := Network(o.Source)
	guess, source := claim{perClient, id + "\x00" + net}, claim{perSource, "client\x00" + net}
	if err := s.throttle.check(ctx, guess, source); err != nil {
		return Client{}, fmt.Errorf("%s: %w", op, err)
	}
	c, err := s.App(ctx, id)
	if err == nil && c.Auth == AuthNone {
		return c, nil
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Client{}, err
	}
	if err := s.throttle.add(ctx, 1, guess, source); err != nil {
		return Client{}, fmt.Errorf("%s: %w", op, err)
	}
	if err := s.note(ctx, s.arrival(o, "token", Failure, "client not authenticated")); err != nil {
		return Client{}, err
	}
	return Client{}, fault.New(fault.Unauthenticated, op, "The client is unknown or disabled, or has to prove who it is.")
}

// KeepRequest keeps a request until the person has decided, and returns its id.
func (s *Service) KeepRequest(ctx context.Context, r AuthRequest) (id string, err error) {
	return s.keepRequest(ctx, shortAsking, askingLife, r)
}

// PushRequest keeps a request that an app sends ahead, for a short time.
func (s *Service) PushRequest(ctx context.Context, r AuthRequest) (id string, life time.Duration, err error) {
	id, err = s.keepRequest(ctx, shortPushed, pushedLife, r)
	return id, pushedLife, err
}

func (s *Service) keepRequest(ctx context.Context, kind string, life time.Duration, r AuthRequest) (string, error) {
	id, err := s.newID()
	if err != nil {
		return "", err
	}
	r.Created = s.cfg.Clock.Now()
	return id, s.putShort(ctx, kind, id, r, r.Created.Add(life))
}

// TakePushed returns a request that was sent ahead, once.
func (s *Service) TakePushed(ctx context.Context, id string) (r AuthRequest, err error) {
	if !validID(id) {
		return r, fault.New(fault.NotFound, "identity.TakePushed", "")
	}
	defer s.stripes.lock(id)()
	return r, s.takeShort(ctx, shortPushed, id, &r)
}

// takeShort reads a short record and drops it: fault.NotFound if there is none.
// The caller holds the lock of the id.
func (s *Service) takeShort(ctx context.Context, kind, id string, v any) error {
	found, err := s.getShort(ctx, kind, id, v)
	if err == nil && !found {
		err = fault.New(fault.NotFound, "identity.takeShort", "")
	}
	if err != nil {
		return err
	}
	return s.dropShort(ctx, kind, id)
}

// Request returns a request for the person who is to decide, with the app and
// what it would be granted. ErrStepUp: he has to prove anew who he is.
func (s *Service) Request(ctx context.Context, actor Actor, id string) (AuthRequest, Client, Asked, error) {
	const op = "identity.Request"
	r, c, err := s.request(ctx, actor, id)
	if err != nil {
		return AuthRequest{}, Client{}, Asked{}, fmt.Errorf("%s: %w", op, err)
	}
	return r, c, grantable(r.Asked, c, actor), nil
}

func (s *Service) request(ctx context.Context, actor Actor, id string) (r AuthRequest, c Client, err error) {
	const op = "identity.request"
	gone := fault.New(fault.NotFound, op, "This request has expired. Go back to the app, and begin again.")
	if actor.Kind != KindPerson || actor.ClientID != "" || actor.MFA != AssuranceMulti || !validID(id) {
		return r, c, gone
	}
	found, err := s.getShort(ctx, shortAsking, id, &r)
	if err != nil {
		return r, c, err
	}
	if !found || r.Launch != nil && r.Launch.PersonID != actor.ID {
		return r, c, gone
	}
	if actor.AuthTime.Before(r.Proven) {
		return r, c, &fault.Error{Kind: fault.Denied, Op: op, Err: ErrStepUp, Public: "The app asks for a fresh proof that it is you."}
	}
	c, err = s.App(ctx, r.ClientID)
	if fault.Is(err, fault.NotFound) {
		err = gone
	}
	return r, c, err
}

// grantable is what of a request its app is registered for, and the person has.
func grantable(asked Asked, c Client, actor Actor) Asked {
	out := Asked{Scopes: asked.Scopes.Meet(c.Scopes.At(LevelUser, LevelPatient)), Version1: asked.Version1}
	for _, word := range asked.Words {
		switch {
		case !(Asked{Words: c.Words}).Has(word):
		case word == WordFHIRUser && (!asked.Has(WordOpenID) || fhirUser(actor) == ""):
		case word == WordProfile && !asked.Has(WordOpenID):
		case word == WordOnline && asked.Has(WordOffline) && (Asked{Words: c.Words}).Has(WordOffline):
		default:
			out.Words = append(out.Words, word)
		}
	}
	return out
}

// fhirUser is the resource that stands for a person, "" if there is none.
func fhirUser(a Actor) string {
	switch {
	case a.PractitionerID != "":
		return "Practitioner/" + a.PractitionerID
	case a.PatientID != "":
		return "Patient/" + a.PatientID
	}
	return ""
}

// NewLaunch starts an app from a patient's chart. The caller MUST have found that
// the person may see the patient.
func (s *Service) NewLaunch(ctx context.Context, actor Actor, clientID, patient string) (token string, c Client, err error) {
	const op = "identity.NewLaunch"
	if actor.Kind != KindPerson || actor.ClientID != "" || !validID(patient) {
		return "", c, fault.New(fault.Denied, op, "")
	}
	if c, err = s.App(ctx, clientID); err != nil {
		return "", c, err
	}
	if c.LaunchURL == "" {
		return "", c, fault.New(fault.NotFound, op, "")
	}
	text, digest, err := s.newSecret(launchPrefix)
	if err != nil {
		return "", c, err
	}
	l := Launch{ClientID: c.ID, PersonID: actor.ID, Patient: patient, Until: s.cfg.Clock.Now().Add(launchLife)}
	e := s.about(actor, "launch", Success, "")
	e.Type, e.Target, e.Client = TypeClient, c.ID, c.ID
	if err := s.note(ctx, e); err != nil {
		return "", c, err
	}
	return text, c, s.putShort(ctx, shortLaunch, digest, l, l.Until)
}

const launchPrefix = "wkl_"

// TakeLaunch returns what an app was started with, to that app and once.
func (s *Service) TakeLaunch(ctx context.Context, clientID, token string) (*Launch, error) {
	const op = "identity.TakeLaunch"
	digest, ok := readSecret(launchPrefix, token)
	if !ok {
		return nil, fault.New(fault.NotFound, op, "")
	}
	defer s.stripes.lock(digest)()
	var l Launch
	if err := s.takeShort(ctx, shortLaunch, digest, &l); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	if l.ClientID != clientID {
		return nil, fault.New(fault.NotFound, op, "")
	}
	return &l, nil
}

// Launchable returns the apps that can be started from a chart, by name.
func (s *Service) Launchable(ctx context.Context) ([]Client, error) {
	all, err := s.allClients(ctx)
	var out []Client
	for _, c := range all {
		if c.Status == StatusActive && c.App() && c.LaunchURL != "" {
			out = append(out, c)
		}
	}
	return out, err
}
