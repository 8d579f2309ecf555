package identity

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Upstream is what the identity provider of another organisation vouched for.
// Package federation makes it once every proof of it has been checked, the
// provider's second factor among them; it MUST NOT be made by anybody else.
type Upstream struct {
	Provider string // its name in the settings
	Issuer   string
	Account  string // the stable identifier of the person at that issuer
	Subject  string // claim sub, by which the provider names her when it ends sessions
	Session  string // claim sid, "" if the provider has none
	Given    string
	Family   string
	Roles    []string  // what her roles there were mapped to; none: she may not come in
	AuthTime time.Time // when she proved who she is; zero if the provider does not tell
}

// link ties an account to one identifier at one issuer. An e-mail address never
// does: providers let people change it, and give it to others.
type link struct {
	Issuer  string `json:"issuer"`
	Account string `json:"account"`
}

const fieldUpstream = "user.upstream"

func (l link) word() Word {
	sum := sha256.Sum256([]byte(l.Issuer + "\x00" + l.Account))
	return Word{Field: fieldUpstream, Value: sum[:]}
}

func (u Upstream) link() link { return link{Issuer: u.Issuer, Account: u.Account} }

// upstreamSession is what a session knows of the one it rests on.
type upstreamSession struct {
	Provider string    `json:"provider"`
	Issuer   string    `json:"issuer"`
	Account  string    `json:"account"`
	Subject  string    `json:"subject"`
	Session  string    `json:"session,omitempty"`
	Opened   time.Time `json:"opened"` // on this side or that of an upstreamEnd
}

func (s *Service) upstreamSession(u Upstream) *upstreamSession {
	return &upstreamSession{
		Provider: u.Provider, Issuer: u.Issuer, Account: u.Account, Subject: u.Subject, Session: u.Session,
		Opened: s.cfg.Clock.Now(),
	}
}

// bears reports whether an account may hold what rests on u, nil for a password
// here: that proof of identity must still stand.
func (s *Service) bears(a *account, u *upstreamSession) bool {
	if u == nil {
		return a.usable()
	}
	return a.active() && slices.Contains(a.Links, link{Issuer: u.Issuer, Account: u.Account}) && slices.Contains(s.cfg.Providers, u.Provider)
}

// vouchedFor is how long the word of a provider holds for what goes on without the
// person. Nobody tells this server that she has left her organisation: her next
// sign-in there does.
const vouchedFor = 7 * 24 * time.Hour

// upholds reports whether what a person let an app do may go on while she is away.
func (s *Service) upholds(a *account, u *upstreamSession) bool {
	return s.bears(a, u) && (u == nil || s.cfg.Clock.Now().Before(a.Vouched.Add(vouchedFor)))
}

// AdmitUpstream counts one beginning of a sign-in by a provider against the
// address it comes from. fault.Throttled says to wait. Nobody guesses anything by
// it, so that guesses at passwords do not count here.
func (s *Service) AdmitUpstream(ctx context.Context, o Origin) error {
	if _, err := s.throttle.admit(ctx, awayClaim(o)); err != nil {
		return fmt.Errorf("identity.AdmitUpstream: %w", err)
	}
	return nil
}

func awayClaim(o Origin) claim { return claim{perAsk, "upstream\x00" + Network(o.Source)} }

// RefuseUpstream counts and records what a provider sent and was not believed.
// action is login or logout; why is ours and never what was sent. To an address
// that failed too often it returns fault.Throttled: only failures are counted, since
// what a provider signs is not guessed.
func (s *Service) RefuseUpstream(ctx context.Context, action, provider, why string, o Origin) error {
	if _, err := s.throttle.admit(ctx, claim{perSource, Network(o.Source)}); err != nil {
		return fmt.Errorf("identity.RefuseUpstream: %w", err)
	}
	return s.note(ctx, s.arrival(o, action, Failure, by(provider, why)))
}

func by(provider, what string) string { return "provider " + provider + ": " + what }

// SignInUpstream opens a session for whom a provider vouches for. Somebody who
// comes for the first time gets an account that opens nothing until an
// administrator has recorded her clearance and training.
func (s *Service) SignInUpstream(ctx context.Context, u Upstream, o Origin) (Grant, error) {
	const op = "identity.SignInUpstream"
	a, err := s.admitted(ctx, u, "login", "", o)
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	if err := s.throttle.add(ctx, -1, awayClaim(o)); err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	rec := s.newSession()
	rec.AuthTime, rec.Proven, rec.Upstream = u.AuthTime, u.AuthTime, s.upstreamSession(u)
	return s.beginSession(ctx, a, rec, o)
}

// RenewUpstream takes a fresh proof of identity from the provider a session came
// by: it unlocks the session and makes its AuthTime new, under a new id. The
// provider MUST have been made to ask anew; whoever answered there must be the
// person of the session.
func (s *Service) RenewUpstream(ctx context.Context, sessionID string, u Upstream, o Origin) (Grant, error) {
	const op = "identity.RenewUpstream"
	l, err := s.liveSession(ctx, sessionID)
	if fault.Is(err, fault.Unauthenticated) { // ended meanwhile, perhaps by that very provider
		e := s.arrival(o, "unlock", Failure, by(u.Provider, "the session has ended"))
		return Grant{}, errors.Join(errEnded(op), s.note(ctx, e))
	}
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	if l.rec.Upstream == nil || l.rec.Upstream.Provider != u.Provider || u.AuthTime.IsZero() {
		return Grant{}, fault.New(fault.Denied, op, "This session did not begin there. Sign out, and sign in again.")
	}
	a, err := s.admitted(ctx, u, "unlock", l.rec.PersonID, o)
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %w", op, err)
	}
	if a.Epoch != l.rec.Epoch {
		return Grant{}, errNoSession(op)
	}
	rec := l.rec
	rec.AuthTime, rec.Proven, rec.Upstream = u.AuthTime, u.AuthTime, s.upstreamSession(u)
	g, err := s.openSession(ctx, a, rec, o)
	if err != nil {
		return Grant{}, err
	}
	return g, s.drop(ctx, sessionID)
}

// Verdicts on whom a provider vouched for.
var (
	errNoRole  = fault.New(fault.Denied, "identity.upstream", "Your organisation gives you no role that opens anything here. Ask its help desk for one; then sign in again.")
	errWaiting = fault.New(fault.Denied, "identity.upstream", "We know who you are. Your account here still waits for your clearance and your training to be recorded: ask an administrator of this server, then sign in again.")
	errShut    = fault.New(fault.Denied, "identity.upstream", "Your account here is not active. Ask an administrator of this server.")
	errAnother = fault.New(fault.Denied, "identity.upstream", "Somebody else signed in there. This session stays locked for the person who began it.")
)

// admitted returns the account u may use, with the roles of this moment, and
// has recorded the verdict together with them. only is the person it must be,
// "" for anybody.
func (s *Service) admitted(ctx context.Context, u Upstream, action, only string, o Origin) (*account, error) {
	roles, err := checkRoles(u.Roles)
	if err != nil {
		return nil, err
	}
	u.Roles = roles
	for try := 0; ; try++ {
		a, err := s.accountByLink(ctx, u.link())
		if err != nil {
			return nil, err
		}
		verdict := error(nil)
		e := s.arrival(o, action, Success, by(u.Provider, "second factor was proven there"))
		switch {
		case only != "" && (a == nil || a.ID != only):
			e.Outcome, e.Detail = Failure, by(u.Provider, "another person than the session's")
			return nil, errors.Join(errAnother, s.note(ctx, e))
		case a == nil && len(u.Roles) == 0:
			e.Outcome, e.Detail = Failure, by(u.Provider, "no role is mapped")
			return nil, errors.Join(errNoRole, s.note(ctx, e))
		case a == nil:
			verdict = errWaiting
			e.Action, e.Detail = "create", by(u.Provider, "first sign-in, waits for clearance")
			if a, err = s.newcomer(u); err != nil {
				return nil, err
			}
		default:
			verdict = s.judge(a, u, &e)
		}
		err = s.putAccount(ctx, e, a)
		if err == nil {
			s.sessions.forgetPerson(a.ID)
			return a, verdict
		}
		if !fault.Is(err, fault.Conflict) || try == retries {
			return nil, err
		}
	}
}

// judge gives a the roles of u and says whether it may sign in, of which it keeps
// the time.
func (s *Service) judge(a *account, u Upstream, e *Event) error {
	a.Roles = u.Roles
	e.Actor, e.Roles = a.ID, a.Roles
	why, verdict := "", error(nil)
	switch {
	case a.Status == StatusInvited, a.Status == StatusPending, a.Status == StatusActive && !a.attested():
		why, verdict = "waits for clearance", errWaiting
	case a.Status != StatusActive:
		why, verdict = "account not active", errShut
	case len(u.Roles) == 0:
		why, verdict = "no role is mapped", errNoRole
	default:
		a.Vouched = s.cfg.Clock.Now()
		return nil
	}
	e.Actor, e.Outcome, e.Detail = "", Failure, by(u.Provider, why)
	return verdict
}

// newcomer makes an account for who came first by a provider. The user name is
// derived, so that two first sign-ins at once make one account.
func (s *Service) newcomer(u Upstream) (*account, error) {
	id, err := s.newID()
	if err != nil {
		return nil, err
	}
	name := u.Provider + "-" + idEncoding.EncodeToString(u.link().word().Value[:10])
	n := NewPerson{UserName: name, Given: printable(u.Given), Family: printable(u.Family), Roles: u.Roles}
	if n.Family == "" {
		n.Family = name
	}
	p, err := n.person(id, s.cfg.Clock.Now())
	if err != nil {
		return nil, err
	}
	p.Status = StatusPending // attestations are all that is missing
	return &account{Person: p, Epoch: 1, Links: []link{u.link()}}, nil
}

// printable takes out of a name from elsewhere what no name has, and shortens it to
// what one may hold.
func printable(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, name)
	for i := range name {
		if i > maxName-4 {
			return name[:i]
		}
	}
	return name
}

// accountByLink returns nil without error if nobody has the link.
func (s *Service) accountByLink(ctx context.Context, l link) (*account, error) {
	w := l.word()
	docs, err := s.cfg.Records.Find(ctx, TypeUser, w.Field, w.Value)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, fmt.Errorf("identity.accountByLink: %w", err)
	}
	for _, doc := range docs {
		a, err := decodeAccount(doc)
		if err != nil {
			return nil, err
		}
		if slices.Contains(a.Links, l) {
			return a, nil
		}
	}
	return nil, nil
}
