package federation_test

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// memory is identity.Records and identity.Audit.
type memory struct {
	clock clock.Clock

	mu     sync.Mutex
	docs   map[string]identity.Doc
	words  map[string]string // type, field and value → record
	short  map[string]brief
	events []identity.Event
}

type brief struct {
	value   []byte
	expires time.Time
}

func newMemory(c clock.Clock) *memory {
	return &memory{clock: c, docs: map[string]identity.Doc{}, words: map[string]string{}, short: map[string]brief{}}
}

func (m *memory) Get(_ context.Context, typ, id string) (identity.Doc, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	doc, ok := m.docs[typ+"/"+id]
	if !ok {
		return doc, fault.New(fault.NotFound, "memory.Get", "")
	}
	return doc, nil
}

func (m *memory) Put(_ context.Context, e identity.Event, writes []identity.Write) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range writes {
		key := w.Type + "/" + w.ID
		if m.docs[key].Version != w.Expect {
			return fault.New(fault.Conflict, "memory.Put", "")
		}
		for _, u := range w.Unique {
			if owner, taken := m.words[w.Type+u.Field+string(u.Value)]; taken && owner != key {
				return fault.New(fault.Conflict, "memory.Put", "")
			}
		}
		for _, u := range w.Unique {
			m.words[w.Type+u.Field+string(u.Value)] = key
		}
		m.docs[key] = identity.Doc{Type: w.Type, ID: w.ID, Body: w.Body, Version: w.Expect + 1}
	}
	m.events = append(m.events, e)
	return nil
}

func (m *memory) Find(_ context.Context, typ, field string, value []byte) ([]identity.Doc, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if key, ok := m.words[typ+field+string(value)]; ok {
		return []identity.Doc{m.docs[key]}, nil
	}
	return nil, nil
}

func (m *memory) List(_ context.Context, typ string) ([]identity.Doc, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []identity.Doc
	for key, doc := range m.docs {
		if strings.HasPrefix(key, typ+"/") {
			out = append(out, doc)
		}
	}
	return out, nil
}

func (m *memory) GetShort(_ context.Context, kind, id string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.short[kind+"/"+id]
	if !ok || !m.clock.Now().Before(b.expires) {
		return nil, fault.New(fault.NotFound, "memory.GetShort", "")
	}
	return b.value, nil
}

func (m *memory) PutShort(_ context.Context, kind, id string, value []byte, expires time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.short[kind+"/"+id] = brief{value, expires}
	return nil
}

func (m *memory) DropShort(_ context.Context, kind, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.short, kind+"/"+id)
	return nil
}

func (m *memory) Append(_ context.Context, events ...identity.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, events...)
	return nil
}

func (m *memory) last() identity.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.events[len(m.events)-1]
}

// gate lets the operator administer.
type gate struct{}

func (gate) Permit(_ context.Context, a identity.Actor, _, _ string) error {
	if a.Kind == identity.KindSystem {
		return nil
	}
	return fault.New(fault.Denied, "gate.Permit", "")
}
