package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Keeps reports whether a word of a grant stays as long as the grant does: without it
// the app could not have begun.
func Keeps(word string) bool {
	return word == WordOpenID || word == WordLaunch || word == WordLaunchPatient
}

// NarrowConnection leaves an app what the person names of what she lets it do, each
// scope and word as it was granted, and takes the rest away. Nothing is ever added. It
// holds for tokens that are out when it returns, in other processes a second later.
func (s *Service) NarrowConnection(ctx context.Context, actor Actor, id string, keep []string) error {
	const op = "identity.NarrowConnection"
	for try := 0; ; try++ {
		c, err := s.connectionByID(ctx, id)
		if err == nil && (actor.Kind != KindPerson || actor.ClientID != "" || c.PersonID != actor.ID || !c.Ended.IsZero()) {
			err = fault.New(fault.NotFound, op, "") // whose it is is nobody's business
		}
		if err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
		left, taken, err := c.Granted.without(keep)
		if err != nil || len(taken) == 0 {
			return err
		}
		e := s.about(actor, "narrow-connection", Success, "")
		e.Detail = "taken away: " + strings.Join(taken, " ")
		c.Granted = left
		err = s.putConnection(ctx, e, c)
		if fault.Is(err, fault.Conflict) && try < retries {
			continue
		}
		s.tokens.forgetConnection(id)
		if err == nil && !left.Has(WordOffline) && !left.Has(WordOnline) {
			err = s.dropShort(ctx, shortHead, id) // it is let in for no longer than its token lives
		}
		if err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
		return nil
	}
}

// without returns what is kept of a grant, and what is not.
func (a Asked) without(keep []string) (left Asked, taken []string, err error) {
	const op = "identity.without"
	given := slices.Clone(a.Words)
	for _, scope := range a.Scopes {
		given = append(given, scope.String())
		if slices.Contains(keep, scope.String()) {
			left.Scopes = append(left.Scopes, scope)
		} else {
			taken = append(taken, scope.String())
		}
	}
	more := false
	for _, word := range a.Words {
		if !Keeps(word) && !slices.Contains(keep, word) {
			taken = append(taken, word)
			continue
		}
		left.Words = append(left.Words, word)
		more = more || !Keeps(word)
	}
	if slices.ContainsFunc(keep, func(k string) bool { return !slices.Contains(given, k) }) {
		return left, nil, fault.New(fault.Unprocessable, op, "What the app may do has changed meanwhile. Look at it again.")
	}
	if len(taken) > 0 && len(left.Scopes) == 0 && !more {
		return left, nil, fault.New(fault.Unprocessable, op, "Nothing would be left. To take everything away, end the app’s access.")
	}
	return left, taken, nil
}
