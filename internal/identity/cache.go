package identity

import (
	"maps"
	"sync"
)

// mark is the state of a cache at the time a value was fetched for it.
type mark uint64

// cached bounds each cache. Only what storage vouched for gets in, so strangers
// cannot fill it.
const cached = 1 << 16

// sessionCache keeps sessions for as long as they are believed. A value fetched
// before something was forgotten is not put in after.
type sessionCache struct {
	mu    sync.Mutex
	byID  map[string]*live
	state mark
}

func (c *sessionCache) get(id string) (*live, mark) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byID[id], c.state
}

func (c *sessionCache) put(l *live, m mark) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != m {
		return
	}
	if len(c.byID) >= cached {
		clear(c.byID)
	}
	c.byID[l.id] = l
}

func (c *sessionCache) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state++
	delete(c.byID, id)
}

func (c *sessionCache) forgetPerson(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state++
	maps.DeleteFunc(c.byID, func(_ string, l *live) bool { return l.rec.PersonID == id })
}

func (c *sessionCache) forgetUpstream(issuer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state++
	maps.DeleteFunc(c.byID, func(_ string, l *live) bool { return l.rec.Upstream != nil && l.rec.Upstream.Issuer == issuer })
}

// tokenCache does the same for access tokens.
type tokenCache struct {
	mu    sync.Mutex
	byID  map[string]liveToken
	state mark
}

func (c *tokenCache) get(id string) (liveToken, bool, mark) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, ok := c.byID[id]
	return l, ok, c.state
}

func (c *tokenCache) put(l liveToken, m mark) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != m {
		return
	}
	if len(c.byID) >= cached {
		clear(c.byID)
	}
	c.byID[l.actor.SessionID] = l
}

func (c *tokenCache) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state++
	delete(c.byID, id)
}

// forgetActor forgets the tokens of a program, or of all apps of a person.
func (c *tokenCache) forgetActor(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state++
	maps.DeleteFunc(c.byID, func(_ string, l liveToken) bool { return l.actor.ID == id || l.actor.ClientID == id })
}
