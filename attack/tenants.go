package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// crossing is what one house gives, tried at the other. Nothing of the one may be had
// there, and what it gave is answered there as what nobody ever made.
type crossing struct {
	from, to *attack
	rng      *rand.Rand
	all      []attempt
	// strangers is how many addresses attempts came from that are nobody's.
	strangers int
	turn      int
}

// tenants are the stages in which each house is tried with everything that the other gives.
func (a *attack) tenants() []stage {
	return []stage{
		{"tenants: people", a.across((*crossing).factors, (*crossing).passkeys, (*crossing).drafts, (*crossing).desks, (*crossing).providers)},
		{"tenants: programs", a.across((*crossing).spendings, (*crossing).programs, (*crossing).certificates)},
		{"tenants: sessions", a.across((*crossing).sessions)},
		{"tenants: tokens", a.across((*crossing).tokens)},
		{"tenants: records", a.across((*crossing).handles, (*crossing).sockets, (*crossing).references, (*crossing).records, (*crossing).rooms)},
		{"tenants: names", a.across((*crossing).names)},
		{"tenants: throttles", a.across((*crossing).spillover)}, // last of them: some have to wait after it
		{"tenants: untouched", a.stillTheirs},
	}
}

// across has the parts of a stage made in both directions, with the houses' own work in
// between.
func (a *attack) across(parts ...func(*crossing, context.Context) error) func(context.Context) ([]attempt, error) {
	return func(ctx context.Context) (all []attempt, err error) {
		if err := a.bothAtWork(ctx); err != nil {
			return nil, err
		}
		for _, x := range a.crossings {
			x.all = nil
			for _, part := range append(parts, (*crossing).work) {
				if err := part(x, ctx); err != nil {
					return nil, fmt.Errorf("of the %s house: %w", x.from.house(), err)
				}
			}
			for i := range x.all {
				if x.all[i].At == nil && x.to.name != "" {
					x.all[i].At = x.to.s
				}
			}
			all = append(all, x.all...)
		}
		return a.some(all), nil
	}
}

// some are enough for a sample.
func (a *attack) some(all []attempt) []attempt {
	if !a.sample {
		return all
	}
	return cover(a.second.rng, all, func(one *attempt) [][3]string {
		return [][3]string{{"", one.Trick, one.Route}, {"at", one.Trick, one.Relation}}
	})
}

// stillTheirs reads in each house what was tried to be changed from the other.
func (a *attack) stillTheirs(ctx context.Context) (all []attempt, err error) {
	if err := a.bothAtWork(ctx); err != nil {
		return nil, err
	}
	for _, x := range a.crossings {
		for _, one := range x.to.untouched() {
			if one.Req = one.Req.with("X-Beside: " + x.from.house()); x.to.name != "" {
				one.At = x.to.s
			}
			all = append(all, one)
		}
	}
	return a.some(all), nil
}

// present are the parts of those who are at work in both houses, under the same user
// names, while one is tried with what the other gives.
func (a *attack) present() []int {
	if a.sample {
		return []int{0, 2, 12}
	}
	return []int{0, 2, 4, 6, 8, 10, 11, 12, 13, 14, 16, 18}
}

// bothAtWork hires the people of the second house, and has those of the first sign in anew.
func (a *attack) bothAtWork(ctx context.Context) error {
	if a.crossings != nil {
		return nil
	}
	a.crossings = []*crossing{{from: a, to: a.second, rng: a.second.rng}, {from: a.second, to: a, rng: a.second.rng}}
	for _, c := range a.pages { // who waited for all other stages is locked out
		if a.sample {
			break
		}
		if err := c.person.signInAnew(ctx); err != nil {
			return err
		}
	}
	b := a.second
	b.cast = &cast{nobody: a.nobody}
	var err error
	if b.all, err = b.s.addApp(ctx, "Everything", appRedirect, appScope); err != nil {
		return err
	}
	for _, i := range a.present() {
		part := parts[i]
		var wards []string
		if part.ward != "" {
			wards = []string{part.ward}
		}
		p, err := b.s.hire(ctx, a.apps[i].person.User, practitionerOf(i), strings.Split(part.roles, ","), wards, "")
		if err == nil {
			err = p.signIn(ctx)
		}
		if err == nil && part.roles == "proxy" {
			err = b.s.link(ctx, b.world, p)
		}
		if err == nil {
			err = b.enter(ctx, b.world, p, part.related, part.ward)
		}
		if err != nil {
			return fmt.Errorf("the second house: %w", err)
		}
	}
	if err := b.cast.programs(ctx, b.s); err != nil {
		return err
	}
	for _, c := range slices.Concat(b.apps, b.narrow, b.clients, b.pages) {
		c.Who.House, c.Name = b.name, c.Name+" of the second house"
	}
	return nil
}

// pairs are those of both houses who have the same user name: theirs, and its namesake.
func (x *crossing) pairs() (list [][2]*caller) {
	for _, theirs := range x.from.pages {
		for _, ours := range x.to.pages {
			if theirs.person.User == ours.person.User {
				list = append(list, [2]*caller{theirs, ours})
			}
		}
	}
	return list
}

// appOf is the app that acts for somebody.
func (a *attack) appOf(c *caller) *caller {
	return a.apps[slices.IndexFunc(a.apps, func(app *caller) bool { return app.person == c.person })]
}

func (a *attack) house() string { return firstOf(a.name, "first") }

func (x *crossing) relation(more string) string {
	return "of the " + x.from.house() + " house: " + more
}

// garbled is a secret of the same form that nobody made.
func garbled(secret string) string {
	turn := func(r rune) rune {
		switch {
		case r == 'z' || r == 'Z' || r == '9' || r == '7' || r == 'f':
			return r - 3
		case 'a' <= r && r < 'z' || 'A' <= r && r < 'Z' || '0' <= r && r < '9':
			return r + 1
		}
		return r
	}
	at := len(secret) / 2
	return secret[:at] + strings.Map(turn, secret[at:])
}

// foreign adds an attempt with something of the other house, and the same with what nobody
// made.
func (x *crossing) foreign(one attempt, thing string, make func(thing string) request) *attempt {
	none := garbled(thing)
	twin := make(none)
	one.Req, one.Twin = make(thing), &twin
	one.Req.Secret, one.Twin.Secret = thing, none
	if strings.HasPrefix(one.Req.Target, "/oauth2/") && one.Req.From == "" { // who guesses too often from one address waits there
		one.Req.From, one.Twin.From = x.address(), x.address()
	}
	x.all = append(x.all, one)
	return &x.all[len(x.all)-1]
}

// address is one of this machine that nothing came from yet.
func (x *crossing) address() string {
	x.strangers++
	return fmt.Sprintf("127.%d.%d.%d", 95+boolInt(x.to.name == ""), x.strangers/250, 1+x.strangers%250)
}

// now makes an attempt at once, and leaves it to be judged with the others: what can be
// spent is tried before it is.
func (x *crossing) now(ctx context.Context, one *attempt) error {
	l := &line{dialler: x.to.s.dialler}
	defer l.close()
	got, err := x.to.send(ctx, l, one, one.Req)
	if err != nil {
		return err
	}
	one.Got = &got
	if one.Twin != nil {
		other, err := x.to.send(ctx, l, one, *one.Twin)
		if err != nil {
			return err
		}
		one.GotTwin = &other
	}
	return nil
}

// fine adds an attempt that must be allowed, made at once at the house that it is of.
func (a *attack) fine(ctx context.Context, route, relation string, c *caller, q request, holds string) (attempt, error) {
	one := attempt{Route: route, Trick: "legitimate", As: c, Relation: relation, Req: q, Want: shown, Holds: holds, Own: true, Sees: c}
	if a.name != "" {
		one.At = a.s
	}
	l := &line{dialler: a.s.dialler}
	defer l.close()
	got, err := a.send(ctx, l, &one, q)
	one.Got = &got
	return one, err
}

// unknown is a request with every word of the other house exchanged for one that nobody
// ever used, nil if it has none.
func (x *crossing) unknown(q request) *request {
	exchange := func(text string) string {
		return anyCanary.ReplaceAllStringFunc(text, garbled)
	}
	none := q
	none.Target, none.Body, none.Header = exchange(q.Target), exchange(q.Body), slices.Clone(q.Header)
	for i := range none.Header {
		none.Header[i] = exchange(none.Header[i])
	}
	if none.Target == q.Target && none.Body == q.Body && slices.Equal(none.Header, q.Header) {
		return nil
	}
	return &none
}

// work is what people of the house that is tried do meanwhile, in order.
func (x *crossing) work(context.Context) error {
	x.turn++
	for _, c := range slices.Concat(x.to.apps, x.to.clients) {
		for _, r := range x.to.records() {
			if x.to.byID[r.Patient].Mark.Mark != "" || x.to.may(c, r, "") != expect.Allowed || x.rng.IntN(12) > 0 {
				continue
			}
			q := get("%s/%s", r.Type, r.ID).with("Accept: "+fhirJSON, fmt.Sprintf("X-Beside: %d", x.turn))
			x.all = append(x.all, attempt{Route: "read", Trick: "legitimate", As: c, Relation: "beside the " + x.from.house() + " house", Type: r.Type, Target: r, Req: q, Want: shown, Show: x.to.shows(c, r)})
		}
	}
	for _, c := range x.to.pages {
		q := request{Method: "GET", Target: "/account", Header: []string{fmt.Sprintf("X-Beside: %d", x.turn)}}
		x.all = append(x.all, attempt{Route: "page", Trick: "legitimate", As: c, Relation: "beside the " + x.from.house() + " house", Req: q, Want: shown})
	}
	x.rng.Shuffle(len(x.all), func(i, j int) { x.all[i], x.all[j] = x.all[j], x.all[i] }) // in between
	return nil
}

const aMoment = 50 * time.Millisecond

// member is one of a JSON object.
func member(body []byte, name string) string {
	var all map[string]any
	_ = json.Unmarshal(body, &all)
	value, _ := all[name].(string)
	return value
}
