package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Session is an open session as its owner may see it.
type Session struct {
	ID       string // digest; may be logged
	Line     string // stays when the id changes; may be logged
	Actor    Actor
	Locked   bool
	Provider string // by which the person signed in; "": by password here
	Created  time.Time
	Expires  time.Time // nothing prolongs it
	LocksAt  time.Time // unless somebody is there before
	News     bool      // a device signed in that the person had not used: tell her
	opened   []opened
}

// ErrLocked says that the session is there but locked: ask for the password.
var ErrLocked = errors.New("the session is locked")

// sessionRecord is what is stored of a session, once, under the digest of its
// id. What changes lies in other short records, so that a late write can never
// bring an ended session back.
type sessionRecord struct {
	PersonID string    `json:"person"`
	Epoch    uint64    `json:"epoch"`
	Created  time.Time `json:"created"`
	Opened   time.Time `json:"opened"` // under this id
	AuthTime time.Time `json:"auth"`   // of the last proof by two factors
	Proven   time.Time `json:"proven"` // of the last proof by one at least
	Device   string    `json:"device,omitempty"`
	Source   string    `json:"source,omitempty"`
	// Upstream is what a session by a provider rests on.
	Upstream *upstreamSession `json:"upstream,omitempty"`
}

// live is a session in this process's memory.
type live struct {
	id      string
	rec     sessionRecord
	person  Person
	checked time.Time // when storage was last asked
	locked  bool      // by hand
	news    bool      // of a device the person had not used
	works   purposes

	mu      sync.Mutex
	seen    time.Time // somebody was there
	written time.Time // the seen that is stored
}

// openSession starts a session for a, with a new id. from carries over what a
// session keeps when its id changes. Its AuthTime is the caller's to set: only a
// proof by two factors may move it.
func (s *Service) openSession(ctx context.Context, a *account, from sessionRecord, o Origin) (Grant, error) {
	token, id, err := s.newSecret("")
	if err != nil {
		return Grant{}, err
	}
	now := s.cfg.Clock.Now()
	rec := from
	rec.PersonID, rec.Epoch, rec.Opened = a.ID, a.Epoch, now
	if o.Source != "" {
		rec.Device, rec.Source = deviceWords(o.Device), o.Source
	}
	if err := s.putShort(ctx, shortSession, id, rec, s.expiry(rec)); err != nil {
		return Grant{}, err
	}
	if err := s.enlist(ctx, a.ID, id); err != nil {
		return Grant{}, err
	}
	if err := s.follow(ctx, rec, id); err != nil {
		return Grant{}, err
	}
	l := &live{id: id, rec: rec, person: a.Person, seen: now}
	return Grant{Token: token, Session: s.view(l, now, o)}, nil
}

// newSession is a session that begins with a proof by two factors.
func (s *Service) newSession() sessionRecord {
	now := s.cfg.Clock.Now()
	return sessionRecord{Created: now, AuthTime: now, Proven: now}
}

func (s *Service) expiry(rec sessionRecord) time.Time { return rec.Created.Add(s.cfg.SessionLife) }

// view MUST be called with l.mu held, or with an l nobody else knows.
func (s *Service) view(l *live, now time.Time, o Origin) Session {
	locksAt := l.seen.Add(s.cfg.IdleLock)
	actor := personActor(l.person, now)
	actor.MFA, actor.SessionID, actor.AuthTime, actor.proven = AssuranceMulti, l.id, l.rec.AuthTime, l.rec.Proven
	actor.RequestID, actor.Source, actor.freshFor = o.RequestID, o.Source, s.cfg.StepUpLife
	if l.works.Work != "" {
		actor.Purpose = l.works.Work
	}
	provider := ""
	if l.rec.Upstream != nil {
		provider = l.rec.Upstream.Provider
	}
	return Session{
		ID: l.id, Line: lineOf(l.rec), Provider: provider, Created: l.rec.Created, Expires: s.expiry(l.rec), LocksAt: locksAt, News: l.news,
		Locked: l.locked || !now.Before(locksAt), Actor: actor, opened: l.works.Charts,
	}
}

// personActor is the person with the wards that are hers now.
func personActor(p Person, now time.Time) Actor {
	return Actor{
		Kind: KindPerson, ID: p.ID, Name: displayName(p), Roles: p.Roles, WardIDs: p.wards(now),
		PractitionerID: p.PractitionerID, PatientID: p.PatientID, Purpose: PurposeOf(p.Roles),
	}
}

// PurposeOf is what a person uses records for by default (v3-PurposeOfUse): what her
// roles are there for, care first, her own record after any work.
func PurposeOf(roles []string) string {
	has := func(of ...string) bool {
		return slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(of, r) })
	}
	switch {
	case has("doctor", "nurse", "pharmacist", "lab"):
		return "TREAT"
	case has("billing"):
		return "HPAYMT"
	case has("registration", "admin", "privacy", "auditor", "charge"):
		return "HOPERAT"
	case has("patient"):
		return "PATRQT"
	case has("proxy"):
		return "FAMRQT"
	}
	return "HOPERAT"
}

func displayName(p Person) string {
	if p.Given == "" {
		return p.Family
	}
	return p.Given + " " + p.Family
}

func errNoSession(op string) error { return fault.New(fault.Unauthenticated, op, "") }

// Resume returns the session a cookie stands for. With ErrLocked the Session is
// filled too, for the page that asks for the password; its Actor MUST NOT be
// used for anything else.
func (s *Service) Resume(ctx context.Context, token string, o Origin) (Session, error) {
	const op = "identity.Resume"
	id, ok := readSecret("", token)
	if !ok {
		return Session{}, errNoSession(op)
	}
	l, err := s.liveSession(ctx, id)
	if err != nil {
		return Session{}, fmt.Errorf("%s: %w", op, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := s.cfg.Clock.Now()
	view := s.view(l, now, o)
	if view.Locked {
		return view, &fault.Error{Kind: fault.Unauthenticated, Op: op, Public: "The session is locked. Enter your password.", Err: ErrLocked}
	}
	if o.Background {
		return view, nil
	}
	l.seen = now
	if now.Sub(l.written) >= seenEvery {
		if err := s.putShort(ctx, shortSeen, id, now, s.expiry(l.rec)); err != nil {
			return Session{}, fmt.Errorf("%s: %w", op, err)
		}
		l.written = now
	}
	return s.view(l, now, o), nil
}

// liveSession returns a session that was good a second ago at most: not ended,
// not expired, its person still active and of the same epoch.
func (s *Service) liveSession(ctx context.Context, id string) (*live, error) {
	const op = "identity.liveSession"
	now := s.cfg.Clock.Now()
	old, mark := s.sessions.get(id)
	if old != nil && now.Sub(old.checked).Abs() < recheck && now.Before(s.expiry(old.rec)) {
		return old, nil
	}
	var rec sessionRecord
	found, err := s.getShort(ctx, shortSession, id, &rec)
	if err != nil {
		return nil, err
	}
	if !found || !now.Before(s.expiry(rec)) {
		s.sessions.forget(id)
		return nil, errNoSession(op)
	}
	a, err := s.accountByID(ctx, rec.PersonID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	good, err := s.stands(ctx, a, rec)
	if err != nil {
		return nil, err
	}
	if !good {
		return nil, s.forgetGone(ctx, op, id)
	}
	l := &live{id: id, rec: rec, person: a.Person, checked: now, seen: rec.Opened}
	if err := s.recall(ctx, l); err != nil {
		return nil, err
	}
	if old != nil {
		old.mu.Lock()
		if old.seen.After(l.seen) {
			l.seen = old.seen
		}
		if old.written.After(l.written) {
			l.written = old.written
		}
		old.mu.Unlock()
	}
	s.sessions.put(l, mark)
	return l, nil
}

// recall reads when the session was last used, and whether it was locked.
func (s *Service) recall(ctx context.Context, l *live) error {
	var seen time.Time
	if _, err := s.getShort(ctx, shortSeen, l.id, &seen); err != nil {
		return err
	}
	if seen.After(l.seen) {
		l.seen = seen
	}
	l.written = seen
	var d devices
	if _, err := s.getShort(ctx, shortDevices, l.rec.PersonID, &d); err != nil {
		return err
	}
	l.news = len(d.News) > 0
	if _, err := s.getShort(ctx, shortPurposes, lineOf(l.rec), &l.works); err != nil {
		return err
	}
	_, err := s.getShort(ctx, shortLock, l.id, &l.locked)
	return err
}
