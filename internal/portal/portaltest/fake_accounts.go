package portaltest

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/portal"
)

// What the people of FakeAccounts sign in with: a nurse, and a colleague of hers who
// has the same words.
const (
	User     = "nurse"
	Other    = "colleague"
	Password = "correct horse battery"
	Code     = "123456"

	// Recovery signs in once the authenticator is lost.
	Recovery = "abcd-efgh-jkmn"
)

// What a person who is new enrols with.
const (
	NewUser   = "newcomer"
	NewCode   = "7k2m-9xq4-tr8v"
	NewSecret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
)

// FakeAccounts knows two nurses and keeps their sessions in memory.
type FakeAccounts struct {
	Clock clock.Clock
	Idle  time.Duration

	mu         sync.Mutex
	challenges map[string]string // whose
	sessions   map[string]*fakeSession
	enrolments map[string]bool
}

type fakeSession struct {
	user     string
	line     string
	locked   bool
	provider string
	seen     time.Time
	proven   time.Time
	work     string
	opened   map[string]string
}

// NewFakeAccounts returns accounts whose sessions lock after idle.
func NewFakeAccounts(c clock.Clock, idle time.Duration) *FakeAccounts {
	return &FakeAccounts{Clock: c, Idle: idle, challenges: map[string]string{}, sessions: map[string]*fakeSession{}, enrolments: map[string]bool{}}
}

func refused() error { return fault.New(fault.Unauthenticated, "portaltest", "") }

// Password implements portal.Accounts.
func (a *FakeAccounts) Password(_ context.Context, try portal.Attempt) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if try.User == "throttled" {
		return "", fault.New(fault.Throttled, "portaltest", "")
	}
	if try.User != User && try.User != Other || try.Password != Password {
		return "", refused()
	}
	c := rand.Text()
	a.challenges[c] = try.User
	return c, nil
}

// Code implements portal.Accounts.
func (a *FakeAccounts) Code(_ context.Context, challenge string, try portal.Attempt) (portal.Entry, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	user := a.challenges[challenge]
	if user == "" || try.Code != Code && try.Code != Recovery {
		return portal.Entry{}, refused()
	}
	delete(a.challenges, challenge)
	token := rand.Text()
	a.sessions[token] = &fakeSession{user: user, line: rand.Text(), seen: a.Clock.Now(), proven: a.Clock.Now()}
	return portal.Entry{Token: token, Recovered: try.Code == Recovery, RecoveryLeft: 4}, nil
}

// Session implements portal.Accounts.
func (a *FakeAccounts) Session(_ context.Context, token string, active bool) (portal.Session, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.sessions[token]
	if s == nil {
		return portal.Session{}, refused()
	}
	now := a.Clock.Now()
	if now.Sub(s.seen) >= a.Idle {
		s.locked = true
	}
	if active && !s.locked {
		s.seen = now
	}
	name := "Joy Miller"
	if s.user == Other {
		name = "Sam Reyes"
	}
	return portal.Session{Line: s.line, Locked: s.locked, Provider: s.provider, Actor: identity.Actor{
		Kind: identity.KindPerson, ID: s.id(), Name: name, Roles: []string{"nurse"}, WardIDs: []string{"ward-4w"}, MFA: identity.AssuranceMulti, AuthTime: s.proven, SessionID: "digest", Purpose: s.work,
	}, OpenedFor: func(patient string) string { return s.opened[patient] }}, nil
}

// Lock implements portal.Accounts.
func (a *FakeAccounts) Lock(_ context.Context, token string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.sessions[token]
	if s == nil {
		return refused()
	}
	s.locked = true
	return nil
}

// Leave implements portal.Accounts. What goes on is kept under a token nobody has.
func (a *FakeAccounts) Leave(_ context.Context, line, entered string, _ portal.Attempt) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for token, s := range a.sessions {
		if s.line != line {
			continue
		}
		delete(a.sessions, token)
		if s.id() != entered {
			s.locked = true
			a.sessions[rand.Text()] = s
		}
	}
	return nil
}

// Locked returns how many sessions of a person wait behind a lock.
func (a *FakeAccounts) Locked(person string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, s := range a.sessions {
		if s.id() == person && s.locked {
			n++
		}
	}
	return n
}

func (s *fakeSession) id() string {
	if s.user == Other {
		return "u2"
	}
	return "u1"
}

// Unlock implements portal.Accounts.
func (a *FakeAccounts) Unlock(_ context.Context, token string, try portal.Attempt) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.sessions[token]
	if s == nil || try.Password != Password {
		return "", refused()
	}
	s.locked, s.seen = false, a.Clock.Now()
	return token, nil
}

// AskPasskey implements portal.Accounts: nobody here has one.
func (a *FakeAccounts) AskPasskey(context.Context, string, portal.Attempt) (identity.PasskeyAsk, error) {
	return identity.PasskeyAsk{}, fault.New(fault.NotSupported, "portaltest", "")
}

// Passkey implements portal.Accounts.
func (a *FakeAccounts) Passkey(context.Context, portal.Attempt) (portal.Entry, error) {
	return portal.Entry{}, refused()
}

// AskEnrolment implements portal.Accounts.
func (a *FakeAccounts) AskEnrolment(context.Context, string) (identity.PasskeyAsk, error) {
	return identity.PasskeyAsk{}, fault.New(fault.NotSupported, "portaltest", "")
}

// StepUp implements portal.Accounts.
func (a *FakeAccounts) StepUp(_ context.Context, token string, try portal.Attempt) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.sessions[token]
	if s == nil || s.locked || try.Password != Password || try.Code != Code {
		return "", refused()
	}
	delete(a.sessions, token)
	renewed := rand.Text()
	a.sessions[renewed] = &fakeSession{user: s.user, line: s.line, seen: a.Clock.Now(), proven: a.Clock.Now(), work: s.work, opened: s.opened}
	return renewed, nil
}

// EndOthers implements portal.Accounts.
func (a *FakeAccounts) EndOthers(ctx context.Context, token string, _ portal.Attempt) (string, error) {
	if s, err := a.Session(ctx, token, true); err == nil {
		if err := identity.DemandProof(s.Actor, a.Clock.Now()); err != nil {
			return "", err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.sessions[token]
	if s == nil || s.locked {
		return "", refused()
	}
	renewed := rand.Text()
	a.sessions = map[string]*fakeSession{renewed: s}
	return renewed, nil
}

// WorkFor implements portal.Accounts.
func (a *FakeAccounts) WorkFor(_ context.Context, token, purpose, _ string) error {
	return a.change(token, func(s *fakeSession) { s.work = purpose })
}

// OpenFor implements portal.Accounts.
func (a *FakeAccounts) OpenFor(_ context.Context, token, patient, purpose string) error {
	return a.change(token, func(s *fakeSession) {
		if s.opened == nil {
			s.opened = map[string]string{}
		}
		s.opened[patient] = purpose
	})
}

func (a *FakeAccounts) change(token string, change func(*fakeSession)) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.sessions[token]
	if s == nil || s.locked {
		return refused()
	}
	change(s)
	return nil
}

// SignOut implements portal.Accounts.
func (a *FakeAccounts) SignOut(_ context.Context, token string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.sessions, token)
	return nil
}

// BeginEnrolment implements portal.Accounts.
func (a *FakeAccounts) BeginEnrolment(_ context.Context, try portal.Attempt) (portal.Enrolment, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if try.User != NewUser || try.Code != NewCode {
		return portal.Enrolment{}, refused()
	}
	if len(try.Password) < 12 {
		return portal.Enrolment{}, fault.New(fault.Unprocessable, "portaltest", "This password is too short.")
	}
	token := rand.Text()
	a.enrolments[token] = true
	return portal.Enrolment{
		Token: token, Secret: NewSecret, URI: "otpauth://totp/Wardkeep:" + NewUser + "?secret=" + NewSecret + "&issuer=Wardkeep",
		Expires: a.Clock.Now().Add(15 * time.Minute),
	}, nil
}

// FinishEnrolment implements portal.Accounts.
func (a *FakeAccounts) FinishEnrolment(_ context.Context, token string, try portal.Attempt) ([]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.enrolments[token] || try.Code != Code {
		return nil, refused()
	}
	delete(a.enrolments, token)
	return []string{Recovery, "pqrs-tvwx-yz23", "4567-89ab-cdef"}, nil
}

// enter begins a session by a provider.
func (a *FakeAccounts) enter(provider string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	token := rand.Text()
	a.sessions[token] = &fakeSession{line: rand.Text(), seen: a.Clock.Now(), proven: a.Clock.Now(), provider: provider}
	return token
}
