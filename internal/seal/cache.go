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

	// maxContents bounds the contents at hand: about 10 MB, and the charts that a
	// hospital of some hundred beds has open.
	maxContents = 1 << 16
)

// keyCache keeps unwrapped keys of owners, and with them the keys of their
// contents opened since. It evicts the least recently used when full, and each
// when it has been held for its age, used or not. Keys go in and out by value
// and are overwritten when they leave.
type keyCache struct {
	size int
	age  time.Duration
	most int // contents

	mu       sync.Mutex
	entries  map[owner]*cacheEntry
	used     list.List // front: most recently used
	loaded   list.List // front: loaded first
	filled   list.List // those with contents, front: most recently used
	contents int       // of all entries
}

type cacheEntry struct {
	owner         owner
	keys          []ownerKey // newest version first
	at            time.Time
	inUsed, inAge *list.Element

	contents map[[box.CommitmentSize]byte]box.Keys // by commitment
	inFilled *list.Element                         // nil without contents
}

func newKeyCache(size int, age time.Duration) *keyCache {
	if size == 0 {
		size = defaultCacheKeys
	}
	if age == 0 {
		age = defaultCacheAge
	}
	return &keyCache{size: size, age: age, most: maxContents, entries: map[owner]*cacheEntry{}}
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

// content returns the keys of a content that was opened by one of its owners,
// whose key is still at hand.
func (c *keyCache) content(wraps []wrap, id [box.CommitmentSize]byte, now time.Time) (box.Keys, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range wraps {
		if e := c.touch(wraps[i].owner, now); e != nil {
			if keys, ok := e.contents[id]; ok {
				c.filled.MoveToFront(e.inFilled)
				return keys, true
			}
		}
	}
	return box.Keys{}, false
}

// keep keeps the keys of a content with the key of the owner that opened it.
func (c *keyCache) keep(o owner, id [box.CommitmentSize]byte, keys box.Keys) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[o]
	if e == nil {
		return // the key has left meanwhile, or is not committed yet
	}
	for c.contents >= c.most {
		c.empty(c.filled.Back().Value.(*cacheEntry))
	}
	if e.inFilled == nil {
		e.inFilled, e.contents = c.filled.PushFront(e), map[[box.CommitmentSize]byte]box.Keys{}
	}
	if _, ok := e.contents[id]; !ok {
		c.contents++
	}
	e.contents[id] = keys
}

// empty overwrites and lets go of an entry's contents.
func (c *keyCache) empty(e *cacheEntry) {
	if e.inFilled == nil {
		return
	}
	for id := range e.contents {
		e.contents[id] = box.Keys{}
	}
	c.contents -= len(e.contents)
	c.filled.Remove(e.inFilled)
	e.inFilled, e.contents = nil, nil
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
	c.empty(e)
	c.used.Remove(e.inUsed)
	c.loaded.Remove(e.inAge)
	delete(c.entries, e.owner)
	clear(e.keys)
}
