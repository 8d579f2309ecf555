package identity

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Outage is where somebody who is signed in proves who she is while the audit log
// cannot be written.
type Outage interface {
	// Down reports whether an error says that the log could not be written, and that
	// nothing was tried.
	Down(err error) bool
	// Keep makes an event durable in a log of its own, with what is written with it,
	// until the audit log takes both. kept is false if they went where they belong.
	Keep(ctx context.Context, event Event, writes []Write) (kept bool, err error)
}

// shelter stands before storage and log. In an outage it keeps what a session needs to
// stay open, and to be proven fresh, in this process's memory: no check is left out, and
// each is told in the log of the outage. All else is refused, as it is without it.
type shelter struct {
	Records
	audit  Audit
	outage Outage

	mu     sync.Mutex
	shorts map[shortName]sheltered
	docs   map[string]Doc // of people, by id
}

type shortName struct{ kind, id string }

type sheltered struct {
	value   []byte // nil: it was dropped
	expires time.Time
}

// shelteredKinds are the short records without which no session stays open.
var shelteredKinds = []string{shortSession, shortSeen, shortUnlock, shortCeremony, shortSessions, shortLine, shortLock, shortDrafts, shortPurposes}

// mostSheltered bounds what is kept in memory.
const mostSheltered = 1 << 16

// shelteredActions are the events that may happen in an outage.
var shelteredActions = []string{"step-up", "unlock", "logout", "passkey-copied"}

func newShelter(cfg Config) *shelter {
	return &shelter{Records: cfg.Records, audit: cfg.Audit, outage: cfg.Outage, shorts: map[shortName]sheltered{}, docs: map[string]Doc{}}
}

// GetShort implements Records.
func (s *shelter) GetShort(ctx context.Context, kind, id string) ([]byte, error) {
	s.mu.Lock()
	kept, ok := s.shorts[shortName{kind, id}]
	s.mu.Unlock()
	switch {
	case !ok:
		return s.Records.GetShort(ctx, kind, id)
	case kept.value == nil:
		return nil, fault.New(fault.NotFound, "identity.shelter", "")
	}
	return kept.value, nil // who reads it looks at its own time
}

// PutShort implements Records.
func (s *shelter) PutShort(ctx context.Context, kind, id string, value []byte, expires time.Time) error {
	return s.short(shortName{kind, id}, sheltered{slices.Clone(value), expires}, s.Records.PutShort(ctx, kind, id, value, expires))
}

// DropShort implements Records.
func (s *shelter) DropShort(ctx context.Context, kind, id string) error {
	return s.short(shortName{kind, id}, sheltered{}, s.Records.DropShort(ctx, kind, id))
}

// short keeps what could not be stored because of the outage.
func (s *shelter) short(name shortName, kept sheltered, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		delete(s.shorts, name)
		return nil
	}
	drafted := name.kind == shortDrafts && kept.value != nil // nothing new is written
	if !s.outage.Down(err) || !slices.Contains(shelteredKinds, name.kind) || drafted || len(s.shorts) == mostSheltered {
		return err
	}
	s.shorts[name] = kept
	return nil
}

// Get implements Records.
func (s *shelter) Get(ctx context.Context, typ, id string) (Doc, error) {
	s.mu.Lock()
	doc, ok := s.docs[id]
	s.mu.Unlock()
	if ok && typ == TypeUser {
		return doc, nil
	}
	return s.Records.Get(ctx, typ, id)
}

// Put implements Records.
func (s *shelter) Put(ctx context.Context, event Event, writes []Write) error {
	err := s.Records.Put(ctx, event, writes)
	if err == nil {
		s.forget(writes)
		return nil
	}
	if !s.outage.Down(err) || !slices.Contains(shelteredActions, event.Action) || len(writes) != 1 || writes[0].Type != TypeUser {
		return err
	}
	w := writes[0]
	now, err := s.Get(ctx, w.Type, w.ID)
	if err != nil {
		return err
	}
	if now.Version != w.Expect {
		return fault.New(fault.Conflict, "identity.shelter", "")
	}
	kept, err := s.outage.Keep(ctx, event, writes)
	if err != nil || !kept {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.docs[w.ID] = Doc{Type: w.Type, ID: w.ID, Body: w.Body, Version: w.Expect + 1}
	return nil
}

func (s *shelter) forget(writes []Write) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range writes {
		delete(s.docs, w.ID)
	}
}

// Append implements Audit.
func (s *shelter) Append(ctx context.Context, events ...Event) error {
	err := s.audit.Append(ctx, events...)
	if err == nil || !s.outage.Down(err) {
		return err
	}
	for _, e := range events {
		if !slices.Contains(shelteredActions, e.Action) {
			return err
		}
		if _, err := s.outage.Keep(ctx, e, nil); err != nil {
			return err
		}
	}
	return nil
}

// Settle stores what was kept in memory, once the outage is over and the events that go
// with it are in the log.
func (s *Service) Settle(ctx context.Context) error {
	sh := s.shelter
	if sh == nil {
		return nil
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for name, kept := range sh.shorts {
		var err error
		if kept.value == nil {
			err = sh.Records.DropShort(ctx, name.kind, name.id)
		} else {
			err = sh.Records.PutShort(ctx, name.kind, name.id, kept.value, kept.expires)
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		delete(sh.shorts, name)
	}
	clear(sh.docs)
	return nil
}

// EndKept ends a session that was opened under another id in an outage, of which a
// process that started since knows nothing.
func (s *Service) EndKept(ctx context.Context, e Event) error {
	if e.Session == "" || !slices.Contains(shelteredActions, e.Action) {
		return nil
	}
	return s.drop(ctx, e.Session)
}
