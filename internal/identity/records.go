package identity

import (
	"context"
	"crypto/x509"
	"time"
)

// Types of the durable records kept here. They have small letters: no FHIR
// type does, so no FHIR request can name them.
const (
	TypeUser   = "user"
	TypeClient = "client"
)

// Doc is one stored record.
type Doc struct {
	Type, ID string
	Body     []byte
	Version  uint64
}

// Word is a value to find a record by.
type Word struct {
	Field string
	Value []byte
}

// Write is one new version of a record.
type Write struct {
	Type, ID string
	Expect   uint64 // current version; 0: it must not exist
	Body     []byte
	Words    []Word
	// Unique words find the record as Words do, and no other record of the
	// type may bear them. They are not repeated in Words.
	Unique []Word
}

// Event is what the audit log says about an operation of this package. No field
// holds a secret, or anything typed into a form by somebody we do not know yet.
type Event struct {
	Time      time.Time
	Actor     string // person's, client's or system part's id; "" if unknown
	Client    string // client id, if a program
	Session   string // digest of session or token
	Roles     []string
	Action    string // login | logout | unlock | enrol | token | revoke | create | update | reset-mfa | …
	Purpose   string
	Outcome   string // success | failure
	RequestID string
	Source    string
	Type      string // of Target
	Target    string // id of the person or client it was done to
	Reason    string // given by whoever did it
	Detail    string // ours
}

// Outcomes of events.
const (
	Success = "success"
	Failure = "failure"
)

// Records is the sealed storage this package needs (package vault).
//
// Get, Find and GetShort return a fault.NotFound, or nothing found, for what
// does not exist; Put returns fault.Conflict if Expect does not hold or a
// unique word is taken, and has committed event and writes together, durably,
// when it returns nil. Short values are sealed, overwritten in place, and gone
// after expires; PutShort is durable when it returns.
type Records interface {
	Get(ctx context.Context, typ, id string) (Doc, error)
	Put(ctx context.Context, event Event, writes []Write) error
	Find(ctx context.Context, typ, field string, value []byte) ([]Doc, error)
	List(ctx context.Context, typ string) ([]Doc, error)
	GetShort(ctx context.Context, kind, id string) ([]byte, error)
	PutShort(ctx context.Context, kind, id string, value []byte, expires time.Time) error
	DropShort(ctx context.Context, kind, id string) error
}

// Audit takes events that change no record. Append returns once they are
// durable; if it fails, what they tell of MUST NOT happen.
type Audit interface {
	Append(ctx context.Context, events ...Event) error
}

// Gate decides who may administer (package authz). Actions are "read",
// "create", "update" and "reset-mfa"; types are TypeUser and TypeClient.
type Gate interface {
	Permit(ctx context.Context, actor Actor, action, typ string) error
}

// Kinds of short records.
const (
	shortSession   = "session"        // written once; dropped at the end
	shortSeen      = "session-seen"   // when it was last used
	shortLock      = "session-lock"   // present: locked by hand
	shortUnlock    = "session-unlock" // failed unlocks
	shortChallenge = "challenge"
	shortCeremony  = "passkey-asked"
	shortEnrolment = "enrolment"
	shortThrottle  = "throttle"
	shortKnown     = "known-source"
	shortMiss      = "totp-miss"   // a code beside the running step
	shortPurposes  = "session-for" // what is worked for in its line
	shortDevices   = "devices"     // of a person
	shortSessions  = "sessions-of" // a person
	shortDrafts    = "drafts-of"   // a person
	shortToken     = "token"
	// shortUpstreamEnd is a line in time: what was opened before it is over.
	shortUpstreamEnd = "upstream-end"
	shortLogoutSeen  = "logout-seen"
)

// Origin says where a request came from. Source is the address as package web
// trusts it. Background requests (a page that refreshes itself) do not count as
// somebody being there.
type Origin struct {
	Source     string
	Device     string // what the browser calls itself (User-Agent)
	RequestID  string
	Background bool
	// Certificates are those by which the other end of the connection has proven
	// itself, its own first. They MUST come from the handshake, never from a header.
	Certificates []*x509.Certificate
}
