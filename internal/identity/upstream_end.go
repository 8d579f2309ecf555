package identity

import (
	"context"
	"errors"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// UpstreamEnd is a provider's word that sessions there are over: one session, or
// all of a person.
type UpstreamEnd struct {
	Provider string
	Issuer   string
	Subject  string // "" only if Session is given
	Session  string // "": all sessions of Subject
}

// upstreamEnd is kept for as long as a session that it ends could live. It is a
// line in time, so that a session opened while it is drawn is on one side of it,
// in every process.
type upstreamEnd struct {
	At      time.Time `json:"at"`
	Subject string    `json:"subject,omitempty"`
}

func endOfSession(issuer, session string) string {
	return digestOf([]byte("session\x00" + issuer + "\x00" + session))
}

func endOfSubject(issuer, subject string) string {
	return digestOf([]byte("subject\x00" + issuer + "\x00" + subject))
}

// EndUpstream ends the sessions that rest on what has ended upstream, in every
// process within a second. The token that said so counts once: id is its jti, and
// fault.Conflict says that it was seen before; until is when it expires.
func (s *Service) EndUpstream(ctx context.Context, end UpstreamEnd, id string, until time.Time, o Origin) error {
	const op = "identity.EndUpstream"
	if end.Subject == "" && end.Session == "" || id == "" {
		return fault.New(fault.Invalid, op, "A logout names a session or a person, and itself.")
	}
	seen := digestOf([]byte(end.Issuer + "\x00" + id))
	defer s.stripes.lock(seen)()
	var before bool
	if _, err := s.getShort(ctx, shortLogoutSeen, seen, &before); err != nil {
		return err
	}
	if before {
		return fault.New(fault.Conflict, op, "This logout token was used before.")
	}
	now := s.cfg.Clock.Now()
	if err := s.note(ctx, s.arrival(o, "logout", Success, by(end.Provider, "it ended the session"))); err != nil {
		return err
	}
	key := endOfSession(end.Issuer, end.Session)
	if end.Session == "" {
		key = endOfSubject(end.Issuer, end.Subject)
	}
	err := s.putShort(ctx, shortUpstreamEnd, key, upstreamEnd{At: now, Subject: end.Subject}, now.Add(s.cfg.SessionLife))
	if err != nil {
		return err
	}
	s.sessions.forgetUpstream(end.Issuer)
	return s.putShort(ctx, shortLogoutSeen, seen, true, until)
}

// endedUpstream reports whether what a session rests on has ended since.
func (s *Service) endedUpstream(ctx context.Context, u *upstreamSession) (bool, error) {
	if u == nil {
		return false, nil
	}
	keys := []string{endOfSubject(u.Issuer, u.Subject)}
	if u.Session != "" {
		keys = append(keys, endOfSession(u.Issuer, u.Session))
	}
	for _, key := range keys {
		var end upstreamEnd
		found, err := s.getShort(ctx, shortUpstreamEnd, key, &end)
		if err != nil {
			return false, err
		}
		if found && !u.Opened.After(end.At) && (end.Subject == "" || end.Subject == u.Subject) {
			return true, nil
		}
	}
	return false, nil
}

// stands reports whether a stored session may still be used by its account.
func (s *Service) stands(ctx context.Context, a *account, rec sessionRecord) (bool, error) {
	if a == nil || !s.bears(a, rec.Upstream) || a.Epoch != rec.Epoch {
		return false, nil
	}
	ended, err := s.endedUpstream(ctx, rec.Upstream)
	return !ended, err
}

// forgetGone takes a session out of memory and storage that does not stand.
func (s *Service) forgetGone(ctx context.Context, op, id string) error {
	s.sessions.forget(id)
	return errors.Join(errNoSession(op), s.dropShort(ctx, shortSession, id))
}
