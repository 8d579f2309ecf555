package identity

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Whoever is refused over and over gets so many entries in so long; the rest is one
// entry that counts them.
const (
	refusalsTold = 10
	refusalsFor  = time.Minute
)

// refusals counts, by who was refused, what the log is not told one by one.
type refusals struct {
	mu  sync.Mutex
	who map[string]*refused
}

type refused struct {
	since time.Time
	told  int
	event Event // the last that was not told
	more  int
}

// NoteRefusal records that somebody was refused what is no record's: tried names it,
// and holds nothing that was sent.
func (s *Service) NoteRefusal(ctx context.Context, actor Actor, tried string) error {
	e := s.about(actor, "refused", Failure, "")
	e.Detail = tried
	return s.noteRefused(ctx, actor.ID, e)
}

func (s *Service) noteRefused(ctx context.Context, who string, e Event) error {
	tell := func() (list []Event) {
		s.refusals.mu.Lock()
		defer s.refusals.mu.Unlock()
		r := s.refusals.who[who]
		if r == nil || e.Time.Sub(r.since).Abs() >= refusalsFor {
			if r != nil && r.more > 0 {
				list = append(list, r.rest())
			}
			r = &refused{since: e.Time}
			s.refusals.who[who] = r
		}
		if r.told++; r.told > refusalsTold {
			r.event = e
			r.more++
			return list
		}
		return append(list, e)
	}
	if list := tell(); len(list) > 0 {
		return s.noteAll(ctx, list)
	}
	return nil
}

// rest is one entry for those that were counted.
func (r *refused) rest() Event {
	e := r.event
	e.Detail = fmt.Sprintf("%d more refusals since %s, the last of %s", r.more, r.since.UTC().Format(time.TimeOnly), e.Detail)
	return e
}

// SettleRefusals tells the log what was counted and is over. It is called now and then,
// and with all before the process ends.
func (s *Service) SettleRefusals(ctx context.Context, all bool) error {
	now := s.cfg.Clock.Now()
	s.refusals.mu.Lock()
	over := map[string]*refused{}
	for who, r := range s.refusals.who {
		if all || now.Sub(r.since).Abs() >= refusalsFor {
			over[who] = r
			delete(s.refusals.who, who)
		}
	}
	s.refusals.mu.Unlock()
	var failed error
	for who, r := range over {
		if r.more == 0 {
			continue
		}
		if err := s.note(ctx, r.rest()); err != nil {
			s.refusals.mu.Lock()
			if s.refusals.who[who] == nil {
				s.refusals.who[who] = r // to be told next time
			}
			s.refusals.mu.Unlock()
			failed = errors.Join(failed, err)
		}
	}
	return failed
}
