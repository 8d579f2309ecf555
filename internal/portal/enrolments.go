package portal

import (
	"crypto/sha256"
	"sync"
	"time"
)

// enrolments keeps the secrets of enrolments under way, in memory only: a
// server that ends forgets them, and the person starts again with the code.
// Each stands for an invitation that was proven, so strangers cannot fill it.
type enrolments struct {
	mu  sync.Mutex
	all map[[sha256.Size]byte]Enrolment
}

func (s *enrolments) put(e Enrolment, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, old := range s.all {
		if !now.Before(old.Expires) {
			delete(s.all, k)
		}
	}
	if s.all == nil {
		s.all = map[[sha256.Size]byte]Enrolment{}
	}
	s.all[sha256.Sum256([]byte(e.Token))] = e
}

func (s *enrolments) get(token string, now time.Time) (Enrolment, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.all[sha256.Sum256([]byte(token))]
	return e, ok && now.Before(e.Expires)
}

func (s *enrolments) drop(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, sha256.Sum256([]byte(token)))
}
