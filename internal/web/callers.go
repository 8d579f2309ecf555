package web

import (
	"net/http"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/rate"
)

// Rates are how many requests a second each caller may send; 0 is no bound.
type Rates struct {
	Person, Address, Program int
	Programs                 map[string]int // of single ones, by client id
	AtOnce                   int            // requests of one caller under way
}

// Callers holds each caller to his rate, over all surfaces of this process. nil holds
// nobody.
type Callers struct {
	rates Rates
	// Addresses, of which strangers have many, must not take the places of callers.
	known, strangers *rate.Limiter
	source           func(*http.Request) string
}

// NewCallers returns a process's callers. source tells the network address of a request.
func NewCallers(rates Rates, c clock.Clock, source func(*http.Request) string) *Callers {
	return &Callers{rates: rates, known: rate.New(c), strangers: rate.New(c), source: source}
}

var (
	errOften  = fault.New(fault.Throttled, "web.Admit", "You send too many requests. Wait some seconds, then go on more slowly.")
	errAtOnce = fault.New(fault.Throttled, "web.Admit", "Too many of your requests are under way at the same time. Wait for some to end.")
)

// RetryAfter is how many seconds who is held up is told to wait.
const RetryAfter = "5"

// Admit lets a caller's request in who is known, or returns fault.Throttled. leave MUST
// be called when it was answered. What an app does in somebody's name is counted apart
// from what she does herself; all her sessions are one.
func (c *Callers) Admit(actor identity.Actor) (leave func(), err error) {
	if c == nil || actor.Kind == identity.KindSystem {
		return func() {}, nil
	}
	perSecond := c.rates.Person
	if actor.Kind == identity.KindClient {
		var own bool
		if perSecond, own = c.rates.Programs[actor.ID]; !own {
			perSecond = c.rates.Program
		}
	}
	key := rate.Key{Kind: string(actor.Kind), ID: actor.ID, Client: actor.ClientID}
	if !c.known.Take(key, perSecond) {
		return nil, errOften
	}
	leave, ok := c.known.Enter(key, c.rates.AtOnce)
	if !ok {
		return nil, errAtOnce
	}
	return leave, nil
}

// AdmitStranger lets a request in that shows no session or token that is good, by the
// network it comes from.
func (c *Callers) AdmitStranger(r *http.Request) error {
	if c == nil || c.strangers.Take(rate.Key{Kind: "address", ID: identity.Network(c.source(r))}, c.rates.Address) {
		return nil
	}
	return errOften
}
