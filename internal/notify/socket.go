package notify

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// sockets are the web sockets that are bound to subscriptions. What happens while
// none is bound is not kept for it: a client that comes back searches for what
// it missed.
type sockets struct {
	mu     sync.Mutex
	bound  map[string]map[chan []byte]bool // by subscription
	tokens map[string]binding
}

type binding struct {
	subscriptions []string
	kind          identity.Kind // of whose they are
	owner         string
	certificate   string // thumbprint that it is bound to, as the access token was
	expires       time.Time
}

// Bounds of what waits for a slow reader, of what may be bound, and of how long
// a token can be used.
const (
	socketBacklog = 64
	maxSockets    = 100 // of one subscription
	maxTokens     = 10_000
	tokenLife     = time.Minute
)

func (s *sockets) send(ctx context.Context, m *Manager, sub *spec, kind kindOf, number uint64, res *chart.Resource) error {
	text := []byte("ping " + sub.id)
	if sub.topic != "" {
		var err error
		if text, err = m.message(sub, kind, number, res, m.clock.Now()); err != nil {
			return err
		}
	} else if kind != event {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil { // what is bound by now may be another owner's
		return err
	}
	for c := range s.bound[sub.id] {
		select {
		case c <- text:
		default: // a reader that does not read is let go
			s.drop(sub.id, c)
		}
	}
	return nil
}

// drop MUST be called with s.mu held.
func (s *sockets) drop(id string, c chan []byte) {
	if s.bound[id][c] {
		delete(s.bound[id], c)
		close(c)
	}
	if len(s.bound[id]) == 0 {
		delete(s.bound, id)
	}
}

// close lets go of all sockets of a subscription.
func (s *sockets) close(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.bound[id] {
		s.drop(id, c)
	}
}

func (s *sockets) bind(id string) (<-chan []byte, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.bound[id]) >= maxSockets {
		return nil, nil, fault.New(fault.Throttled, "notify.bind", "Too many web sockets are bound to this Subscription.")
	}
	if s.bound[id] == nil {
		s.bound[id] = map[chan []byte]bool{}
	}
	c := make(chan []byte, socketBacklog)
	s.bound[id][c] = true
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.drop(id, c)
	}, nil
}

// Bind gives a web socket what the actor's Subscription tells. The channel is
// closed when the socket is let go; unbind MUST be called.
func (m *Manager) Bind(ctx context.Context, actor chart.Actor, id string) (told <-chan []byte, unbind func(), err error) {
	if _, err := m.chart.Read(ctx, actor, "Subscription", id, 0); err != nil {
		return nil, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.own(actor.Kind, actor.ID, id); err != nil {
		return nil, nil, err
	}
	return m.sockets.bind(id) // under m.mu: whoever ends the worker finds the socket
}

// own checks that the subscription is served, for web sockets, with the rights of
// whoever asks. m.mu MUST be held.
func (m *Manager) own(kind identity.Kind, owner, id string) error {
	w := m.workers[id]
	if w == nil || !w.isOf(kind, owner) {
		return fault.New(fault.NotFound, "notify.own", "You have no active Subscription of that id.")
	}
	if !w.spec.socket {
		return fault.New(fault.Unprocessable, "notify.own", "The Subscription's channel is not websocket.")
	}
	return nil
}

// Token returns a token that binds a web socket to Subscriptions of the actor
// within a minute, once ($get-ws-binding-token of the Backport guide).
func (m *Manager) Token(ctx context.Context, actor chart.Actor, ids ...string) (token string, expires time.Time, err error) {
	for _, id := range ids {
		if _, err := m.chart.Read(ctx, actor, "Subscription", id, 0); err != nil {
			return "", time.Time{}, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		if err := m.own(actor.Kind, actor.ID, id); err != nil {
			return "", time.Time{}, err
		}
	}
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	token, expires = base64.RawURLEncoding.EncodeToString(raw), m.clock.Now().Add(tokenLife)
	m.sockets.mu.Lock()
	defer m.sockets.mu.Unlock()
	for t, b := range m.sockets.tokens {
		if !m.clock.Now().Before(b.expires) {
			delete(m.sockets.tokens, t)
		}
	}
	if len(m.sockets.tokens) >= maxTokens {
		return "", time.Time{}, fault.New(fault.Throttled, "notify.Token", "")
	}
	m.sockets.tokens[token] = binding{ids, actor.Kind, actor.ID, actor.Certificate, expires}
	return token, expires, nil
}

// Bound is a Subscription that a web socket is bound to. Told is closed when the
// socket is let go; Unbind MUST be called.
type Bound struct {
	Told   <-chan []byte
	Unbind func()
}

// Redeem binds a web socket by a token, which it uses up: to all of its
// Subscriptions or to none. certificate is the thumbprint of the one that the
// socket's connection came with, "" if with none.
func (m *Manager) Redeem(token, certificate string) ([]Bound, error) {
	m.sockets.mu.Lock()
	b, ok := m.sockets.tokens[token]
	delete(m.sockets.tokens, token)
	m.sockets.mu.Unlock()
	if !ok || !m.clock.Now().Before(b.expires) || b.certificate != "" && b.certificate != certificate {
		return nil, fault.New(fault.Denied, "notify.Redeem", "The token is unknown, used or expired.")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []Bound
	for _, id := range b.subscriptions {
		err := m.own(b.kind, b.owner, id)
		var one Bound
		if err == nil {
			one.Told, one.Unbind, err = m.sockets.bind(id)
		}
		if err != nil {
			for _, bound := range list {
				bound.Unbind()
			}
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}
