package ucum

import "sync"

// Cache keeps units already read, at most as many as it was made for. It is
// safe for concurrent use.
type Cache struct {
	limit int
	mu    sync.RWMutex
	units map[string]Unit
}

// NewCache returns a cache for limit units, at least one.
func NewCache(limit int) *Cache {
	return &Cache{limit: max(limit, 1), units: map[string]Unit{}}
}

// Parse is ucum.Parse, remembering. When the cache is full it starts anew: what
// a hospital uses is some hundred codes, so a full cache holds mostly noise.
func (c *Cache) Parse(code string) (Unit, error) {
	c.mu.RLock()
	u, ok := c.units[code]
	c.mu.RUnlock()
	if ok {
		return u, nil
	}
	u, err := Parse(code)
	if err != nil {
		return u, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.units) >= c.limit {
		clear(c.units)
	}
	c.units[code] = u
	return u, nil
}
