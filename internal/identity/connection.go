package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// TypeConnection is the type of the records of what people let apps do.
const TypeConnection = "connection"

const fieldConnectionPerson = "connection.person"

// Connection is what a person lets an app do for him, until it is ended.
type Connection struct {
	ID       string    `json:"id"`
	PersonID string    `json:"person"`
	ClientID string    `json:"client"`
	Name     string    `json:"name"` // of the app, when it was let
	Granted  Asked     `json:"granted"`
	Patient  string    `json:"patient,omitempty"` // FHIR id of the one in context
	Created  time.Time `json:"created"`
	AuthTime time.Time `json:"auth"`
	Ended    time.Time `json:"ended,omitzero"`
	Why      string    `json:"why,omitempty"`

	NamesInURLs bool `json:"-"` // the app may write names into addresses now
}

// connectionRecord is a connection as stored, once and when it ends.
type connectionRecord struct {
	Connection
	PersonEpoch uint64 `json:"personEpoch"`
	ClientEpoch uint64 `json:"clientEpoch"`
	// Line names the session that online access lasts as long as. Upstream is what
	// the session rested on in which the connection was made.
	Line     string           `json:"line,omitempty"`
	Upstream *upstreamSession `json:"upstream,omitempty"`

	version uint64
}

const (
	// maxConnection is how long a connection lasts without being asked for again.
	maxConnection = 365 * 24 * time.Hour
	// refreshLife is how long a refresh token is good if it is not used: more than
	// the three months that patients' apps are promised.
	refreshLife = 100 * 24 * time.Hour
	// appTokenLife is the life of an app's access token, which is looked up anew
	// every second.
	appTokenLife = time.Hour
)

func (s *Service) putConnection(ctx context.Context, e Event, c *connectionRecord) error {
	body, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("identity.putConnection: %w", err)
	}
	e.Type, e.Target, e.Client = TypeConnection, c.ID, c.ClientID
	err = s.cfg.Records.Put(ctx, e, []Write{{
		Type: TypeConnection, ID: c.ID, Expect: c.version, Body: body,
		Words: []Word{{Field: fieldConnectionPerson, Value: []byte(c.PersonID)}},
	}})
	if err != nil {
		return fmt.Errorf("identity.putConnection: %w", err)
	}
	c.version++
	return nil
}

func decodeConnection(doc Doc) (*connectionRecord, error) {
	c := &connectionRecord{version: doc.Version}
	if err := json.Unmarshal(doc.Body, c); err != nil {
		return nil, fmt.Errorf("identity.decodeConnection: %w", err)
	}
	if c.ID != doc.ID {
		return nil, fault.New(fault.Internal, "identity.decodeConnection", "")
	}
	return c, nil
}

func (s *Service) connectionByID(ctx context.Context, id string) (*connectionRecord, error) {
	doc, err := s.cfg.Records.Get(ctx, TypeConnection, id)
	if err != nil {
		return nil, fmt.Errorf("identity.connectionByID: %w", err)
	}
	return decodeConnection(doc)
}

// connected is a connection that stands, with who is at its ends.
type connected struct {
	*connectionRecord
	person Person
	client *clientRecord
}

// standing returns a connection that stands now: neither ended nor outlived, the
// app and the person as active as when it was made, the person's own proof of
// identity upheld, and for online access, the person still signed in. Any other
// is a fault.NotFound.
func (s *Service) standing(ctx context.Context, id string) (connected, error) {
	gone := fault.New(fault.NotFound, "identity.standing", "")
	c, err := s.connectionByID(ctx, id)
	if err != nil {
		return connected{}, err
	}
	if !c.Ended.IsZero() || !s.cfg.Clock.Now().Before(c.Created.Add(maxConnection)) {
		return connected{}, gone
	}
	client, err := s.clientByID(ctx, c.ClientID)
	if err != nil {
		return connected{}, err
	}
	if client.Status != StatusActive || client.Epoch != c.ClientEpoch {
		return connected{}, gone
	}
	person, err := s.accountByID(ctx, c.PersonID)
	if err != nil {
		return connected{}, err
	}
	if !s.upholds(person, c.Upstream) || person.Epoch != c.PersonEpoch {
		return connected{}, gone
	}
	if c.Line != "" {
		online, err := s.online(ctx, c)
		if err != nil {
			return connected{}, err
		}
		if !online {
			return connected{}, gone
		}
	}
	return connected{c, person.Person, client}, nil
}

// actor is who asks by a connection: the person, by the program, and no further
// than both may go. What the app was registered for may have shrunk since.
func (c connected) actor(granted Scopes, now time.Time) Actor {
	a := personActor(c.person, now)
	a.MFA, a.AuthTime = AssuranceMulti, c.AuthTime
	a.ClientID, a.ConnectionID, a.PatientContext = c.ClientID, c.ID, c.Patient
	a.NamesInURLs = c.client.NamesInURLs
	a.Scopes = granted.Meet(c.Granted.Scopes).Meet(c.client.Scopes.At(LevelUser, LevelPatient))
	return a
}

// Connections returns what a person lets apps do now, newest first.
func (s *Service) Connections(ctx context.Context, actor Actor) ([]Connection, error) {
	const op = "identity.Connections"
	if actor.Kind != KindPerson || actor.ClientID != "" {
		return nil, fault.New(fault.Denied, op, "")
	}
	docs, err := s.cfg.Records.Find(ctx, TypeConnection, fieldConnectionPerson, []byte(actor.ID))
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	var out []Connection
	for _, doc := range docs {
		c, err := decodeConnection(doc)
		if err != nil {
			return nil, err
		}
		if c.PersonID != actor.ID { // an index may answer with more than was asked for
			continue
		}
		switch now, err := s.standing(ctx, c.ID); {
		case err == nil:
			c.NamesInURLs = now.client.NamesInURLs
			out = append(out, c.Connection)
		case !fault.Is(err, fault.NotFound):
			return nil, fmt.Errorf("%s: %w", op, err)
		}
	}
	slices.SortFunc(out, func(a, b Connection) int { return b.Created.Compare(a.Created) })
	return out, nil
}

// EndConnection ends what an app may do for the person himself, or for anybody
// for those who may change people. Its tokens are dead when it returns, in other
// processes a second later.
func (s *Service) EndConnection(ctx context.Context, actor Actor, id, why string) error {
	const op = "identity.EndConnection"
	c, err := s.connectionByID(ctx, id)
	if err == nil && (actor.Kind != KindPerson || actor.ClientID != "" || c.PersonID != actor.ID) {
		if s.permit(ctx, actor, "update", TypeUser) != nil {
			err = fault.New(fault.NotFound, op, "") // whose it is is nobody's business
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return s.endConnection(ctx, s.about(actor, "disconnect", Success, why), id, why)
}

func (s *Service) endConnection(ctx context.Context, e Event, id, why string) error {
	for try := 0; ; try++ {
		c, err := s.connectionByID(ctx, id)
		if err != nil {
			return err
		}
		if !c.Ended.IsZero() {
			break
		}
		c.Ended, c.Why = s.cfg.Clock.Now(), why
		err = s.putConnection(ctx, e, c)
		if err == nil {
			break
		}
		if !fault.Is(err, fault.Conflict) || try == retries {
			return err
		}
	}
	s.tokens.forgetConnection(id)
	return s.dropShort(ctx, shortHead, id)
}

// shortLine names the session that a person's work goes on in: its id changes
// when it is unlocked or raised, its line does not.
const shortLine = "session-line"

func lineOf(rec sessionRecord) string {
	return digestOf([]byte("line\x00" + rec.PersonID + "\x00" + rec.Created.UTC().Format(time.RFC3339Nano)))
}

// follow notes under which id a session goes on.
func (s *Service) follow(ctx context.Context, rec sessionRecord, id string) error {
	return s.putShort(ctx, shortLine, lineOf(rec), id, s.expiry(rec))
}

// online reports whether the session stands that a connection was made in.
func (s *Service) online(ctx context.Context, c *connectionRecord) (bool, error) {
	var id string
	found, err := s.getShort(ctx, shortLine, c.Line, &id)
	if err != nil || !found {
		return false, err
	}
	if _, err := s.liveSession(ctx, id); err != nil {
		if fault.Is(err, fault.Unauthenticated) {
			err = nil
		}
		return false, err
	}
	return true, nil
}

// actBy returns the actor of a mandate that was given by an app.
func (s *Service) actBy(ctx context.Context, m Mandate) (Actor, error) {
	c, err := s.standing(ctx, m.ConnectionID)
	if err == nil && (c.PersonID != m.ID || c.ClientID != m.ClientID || c.Patient != m.PatientContext) {
		err = errors.New("identity.actBy: a mandate of another connection")
	}
	if err != nil {
		return Actor{}, err
	}
	a := c.actor(m.Scopes, s.cfg.Clock.Now())
	a.MFA, a.AuthTime = m.MFA, m.Given
	return a, nil
}
