package seal

import (
	"container/list"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/seal/box"
)

const (
	defaultCacheKeys = 1 << 16
	defaultCacheAge  = 5 * time.Minute
)

// keyCache keeps unwrapped keys of owners. It evicts the least recently used
// when full, and each when it has been held for its age, used or not. Keys go
// in and out by value and are overwritten when they leave.
type keyCache struct {
	size int
	age  time.Duration

	mu      sync.Mutex
	entries map[owner]*cacheEntry
	used    list.List // front: most recently used
	loaded  list.List // front: loaded first
}

type cacheEntry struct {
	owner         owner
	keys          []ownerKey // newest version first
	at            time.Time
	inUsed, inAge *list.Element
}

func newKeyCache(size int, age time.Duration) *keyCache {
	if size == 0 {
		size = defaultCacheKeys
	}
	if age == 0 {
		age = defaultCacheAge
	}
	return &keyCache{size: size, age: age, entries: map[owner]*cacheEntry{}}
}

// current returns the newest key of an owner.
func (c *keyCache) current(o owner, now time.Time) (ownerKey, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.touch(o, now); e != nil {
		return e.keys[0], true
	}
	return ownerKey{}, false
}

// at returns the key of a version.
func (c *keyCache) at(o owner, version uint32, now time.Time) (box.Key, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.touch(o, now); e != nil {
		for i := range e.keys {
			if e.keys[i].version == version {
				return e.keys[i].key, true
			}
		}
	}
	return box.Key{}, false
}

// put keeps a copy of keys.
func (c *keyCache) put(o owner, keys []ownerKey, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(c.entries[o])
	for len(c.entries) >= c.size {
		c.remove(c.used.Back().Value.(*cacheEntry))
	}
	e := &cacheEntry{owner: o, keys: append([]ownerKey(nil), keys...), at: now}
	e.inUsed, e.inAge = c.used.PushFront(e), c.loaded.PushBack(e)
	c.entries[o] = e
}

func (c *keyCache) drop(o owner) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(c.entries[o])
}

func (c *keyCache) wipe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		c.remove(e)
	}
}

// touch drops what is too old, and marks what it returns as used.
func (c *keyCache) touch(o owner, now time.Time) *cacheEntry {
	for first := c.loaded.Front(); first != nil; first = c.loaded.Front() {
		e := first.Value.(*cacheEntry)
		if now.Sub(e.at) < c.age {
			break
		}
		c.remove(e)
	}
	e := c.entries[o]
	if e != nil {
		c.used.MoveToFront(e.inUsed)
	}
	return e
}

func (c *keyCache) remove(e *cacheEntry) {
	if e == nil {
		return
	}
	c.used.Remove(e.inUsed)
	c.loaded.Remove(e.inAge)
	delete(c.entries, e.owner)
	clear(e.keys)
}
