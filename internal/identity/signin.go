package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Challenge is the first half of a sign-in. It is handed out whether or not the
// password was right, and for names nobody has: only both factors together get
// an answer.
type Challenge struct {
	Token   string
	Expires time.Time
}

// challenge is what is kept of it.
type challenge struct {
	PersonID string    `json:"person"` // a random id if nobody has the name
	Name     string    `json:"name"`   // folded
	Right    bool      `json:"right"`  // the password was
	Epoch    uint64    `json:"epoch"`
	Known    bool      `json:"known"` // from an address the person has used before
	Network  string    `json:"network"`
	Tries    int       `json:"tries"`
	Expires  time.Time `json:"expires"`
}

// triesPerChallenge lets people mistype a code.
const triesPerChallenge = 3

const notAttested = "clearance or training is not attested"

// nobody is a name that foldUserName never returns.
const nobody = "-"

const knownSourceLife = 30 * 24 * time.Hour

// errSignIn is the one answer to everything that can be wrong.
func errSignIn(op string) error {
	return fault.New(fault.Unauthenticated, op, "User name, password or code is wrong, or the code has been used before.")
}

// Begin takes user name and password and returns a challenge. Its answer, its
// work and what it writes are the same for a right password, a wrong one and
// nobody's name; the code decides at Finish.
func (s *Service) Begin(ctx context.Context, userName, password string, o Origin) (Challenge, error) {
	const op = "identity.Begin"
	wait := s.pace(ctx)
	name, ok := foldUserName(userName)
	if !ok {
		name = nobody
	}
	net := Network(o.Source)
	known, err := s.knownSource(ctx, name, net)
	if err != nil {
		return Challenge{}, err
	}
	counts, err := s.throttle.admit(ctx, signInClaims(name, net, known)...)
	if err != nil {
		return Challenge{}, fmt.Errorf("%s: %w", op, err)
	}
	a, err := s.accountByName(ctx, name)
	if err != nil {
		return Challenge{}, fmt.Errorf("%s: %w", op, err)
	}
	ch := challenge{Name: name, Known: known, Network: net}
	stored := ""
	e := s.arrival(o, "login-password", Failure, "nobody has this name")
	if a != nil {
		ch.PersonID, ch.Epoch, stored = a.ID, a.Epoch, a.PasswordHash
		e.Target, e.Type, e.Detail = a.ID, TypeUser, "password wrong"
	} else if ch.PersonID, err = s.newID(); err != nil {
		return Challenge{}, err
	}
	match, err := s.hash.verify(ctx, stored, password)
	if err != nil {
		return Challenge{}, fmt.Errorf("%s: %w", op, err)
	}
	switch {
	case a == nil || !match:
	case !a.usable() && !a.waits():
		e.Detail = "password right, account not usable"
	case counts[0] > mostGuesses:
		e.Detail = "password right, account closed after too many attempts"
	default:
		ch.Right, e.Outcome, e.Detail = true, Success, "password right"
	}
	if err := s.note(ctx, e); err != nil {
		return Challenge{}, err
	}
	given, err := s.keepChallenge(ctx, ch)
	wait()
	return given, err
}

func (s *Service) keepChallenge(ctx context.Context, ch challenge) (Challenge, error) {
	text, digest, err := s.newSecret("")
	if err != nil {
		return Challenge{}, err
	}
	ch.Expires = s.cfg.Clock.Now().Add(challengeLife)
	if err := s.putShort(ctx, shortChallenge, digest, ch, ch.Expires); err != nil {
		return Challenge{}, err
	}
	return Challenge{Token: text, Expires: ch.Expires}, nil
}

// Grant is a session just opened. Token is the cookie's value; it is kept
// nowhere and cannot be shown again.
type Grant struct {
	Token        string
	Session      Session
	RecoveryLeft int  // recovery codes not yet used
	RecoveryUsed bool // signed in with one: suggest a new second factor
}

// Finish takes the code for a challenge, a TOTP or a recovery code, and opens a
// session. A code, a step of time and a challenge each work once.
func (s *Service) Finish(ctx context.Context, token, code string, o Origin) (Grant, error) {
	const op = "identity.Finish"
	digest, ok := readSecret("", token)
	if !ok {
		return Grant{}, errSignIn(op)
	}
	wait := s.pace(ctx)
	defer s.stripes.lock(digest)()
	ch, err := s.takeTry(ctx, digest)
	if err != nil {
		return Grant{}, err
	}
	a, recovered, err := s.finishAccount(ctx, ch, code, o)
	if err != nil {
		if !fault.Is(err, fault.Unauthenticated) {
			return Grant{}, fmt.Errorf("%s: %w", op, err)
		}
		e := s.arrival(o, "login", Failure, "code or password wrong")
		e.Type, e.Target = TypeUser, ch.PersonID
		err = errors.Join(err, s.throttle.add(ctx, 1, signInClaims(ch.Name, ch.Network, ch.Known)...), s.note(ctx, e))
		wait()
		return Grant{}, err
	}
	if err := s.settleSignIn(ctx, digest, ch); err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	g, err := s.beginSession(ctx, a, s.newSession(), o)
	g.RecoveryLeft, g.RecoveryUsed = len(a.Recovery), recovered
	return g, err
}

// takeTry counts a try on a challenge before it is looked at.
func (s *Service) takeTry(ctx context.Context, digest string) (challenge, error) {
	const op = "identity.takeTry"
	var ch challenge
	found, err := s.getShort(ctx, shortChallenge, digest, &ch)
	if err != nil {
		return ch, err
	}
	if !found || !s.cfg.Clock.Now().Before(ch.Expires) {
		return ch, fault.New(fault.Unauthenticated, op, "This sign-in has expired. Start again.")
	}
	ch.Tries++
	if ch.Tries >= triesPerChallenge {
		err = s.dropShort(ctx, shortChallenge, digest)
	} else {
		err = s.putShort(ctx, shortChallenge, digest, ch, ch.Expires)
	}
	return ch, err
}

// finishAccount checks the code for a challenge.
func (s *Service) finishAccount(ctx context.Context, ch challenge, code string, o Origin) (*account, bool, error) {
	e := s.arrival(o, "login", Success, "password and code")
	return s.spendCode(ctx, ch.PersonID, code, e, func(a *account) bool { return ch.Right && a.Epoch == ch.Epoch })
}

// spendCode checks a code and uses it up in the same commit that says whose it
// was. A writer that came first means another look at the account. The work is
// the same whether or not right says that the rest of the proof holds.
func (s *Service) spendCode(ctx context.Context, personID, code string, e Event, right func(*account) bool) (*account, bool, error) {
	for try := 0; ; try++ {
		a, err := s.accountByID(ctx, personID)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, false, err
		}
		if a == nil {
			a = &account{}
		}
		matched, err := s.takeTOTP(ctx, a, personID, a.TOTPSecret, code, a.LastTOTPStep)
		if err != nil {
			return nil, false, err
		}
		rest, recovered := useRecovery(a.Recovery, code)
		waits := a.waits()
		if !right(a) || !a.usable() && !waits || !matched && !recovered {
			return nil, false, errSignIn("identity.spendCode")
		}
		e.Actor, e.Roles = a.ID, a.Roles
		if !matched {
			a.Recovery, e.Detail = rest, "password and recovery code"
		}
		if waits {
			e.Outcome, e.Detail = Failure, notAttested
		}
		err = s.putAccount(ctx, e, a)
		if err == nil && waits {
			return nil, false, errWaits("identity.spendCode")
		}
		if err == nil {
			return a, !matched, nil
		}
		if !fault.Is(err, fault.Conflict) || try == retries {
			return nil, false, err
		}
	}
}

// settleSignIn forgives what this sign-in cost: everything held against the
// account, and its own part of what is held against the address. Somebody with
// one good account cannot wash away his guesses at others.
func (s *Service) settleSignIn(ctx context.Context, digest string, ch challenge) error {
	mine, anywhere := accountClaim(ch.Name, ch.Network, true), accountClaim(ch.Name, ch.Network, false)
	if err := s.throttle.clear(ctx, mine, anywhere); err != nil {
		return err
	}
	if !ch.Known {
		if err := s.throttle.add(ctx, -ch.Tries, claim{perSource, ch.Network}); err != nil {
			return err
		}
	}
	if err := s.dropShort(ctx, shortChallenge, digest); err != nil {
		return err
	}
	return s.rememberSource(ctx, ch.Name, ch.Network)
}

func (s *Service) rememberSource(ctx context.Context, name, net string) error {
	return s.putShort(ctx, shortKnown, knownKey(name, net), true, s.cfg.Clock.Now().Add(knownSourceLife))
}

// accountClaim is the key under which attempts at an account are counted. An
// address from which the person has signed in lately has a count of its own, so
// that nobody elsewhere can keep a nurse out of her ward by guessing.
func accountClaim(name, net string, known bool) claim {
	if known {
		return claim{perAccount, name + "\x00" + net}
	}
	return claim{perAccount, name}
}

// signInClaims are the keys under which an attempt to sign in is counted. Where the
// person has signed in from lately, what others there do does not count against
// her: a hospital has one address, and anybody in it can use that up.
func signInClaims(name, net string, known bool) []claim {
	claims := []claim{accountClaim(name, net, known)}
	if !known {
		claims = append(claims, claim{perSource, net})
	}
	return claims
}

func knownKey(name, net string) string { return digestOf([]byte(name + "\x00" + net)) }

func (s *Service) knownSource(ctx context.Context, name, net string) (bool, error) {
	var known bool
	_, err := s.getShort(ctx, shortKnown, knownKey(name, net), &known)
	return known, err
}

// getShort reads a short record into v; found is false if there is none.
func (s *Service) getShort(ctx context.Context, kind, id string, v any) (found bool, err error) {
	b, err := s.cfg.Records.GetShort(ctx, kind, id)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return false, fmt.Errorf("identity.getShort %s: %w", kind, err)
	}
	return true, nil
}

func (s *Service) putShort(ctx context.Context, kind, id string, v any, until time.Time) error {
	b, err := json.Marshal(v)
	if err == nil {
		err = s.cfg.Records.PutShort(ctx, kind, id, b, until)
	}
	if err != nil {
		return fmt.Errorf("identity.putShort %s: %w", kind, err)
	}
	return nil
}

func (s *Service) dropShort(ctx context.Context, kind, id string) error {
	if err := s.cfg.Records.DropShort(ctx, kind, id); err != nil && !fault.Is(err, fault.NotFound) {
		return fmt.Errorf("identity.dropShort %s: %w", kind, err)
	}
	return nil
}
