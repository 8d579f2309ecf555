package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"
)

// factors are what people prove themselves by: of the namesake next door. Accounts take
// few wrong guesses, so that each person tries some of them.
func (x *crossing) factors(ctx context.Context) error {
	for i, pair := range x.pairs() {
		theirs, ours := pair[0].person, pair[1].person
		from := fmt.Sprintf("127.%d.0.%d", 97+boolInt(x.to.name == ""), i+1)
		who := &caller{Name: ours.User, Role: pair[1].Role}
		sign := func(path string, v url.Values, headers ...string) request {
			q := formTo(path, v).with(headers...)
			q.From = from
			return q
		}
		step := func(s *server, p *person) (string, error) {
			b := &browser{&line{dialler: s.dialler, from: from}, map[string]string{}}
			defer b.close()
			_, err := b.want(ctx, 303, "POST", "/sign-in", url.Values{"user": {p.User}, "password": {p.Password}})
			return b.cookies["__Host-wk-step"], err
		}
		try := func(route, relation, thing string, make func(string) request) error {
			return x.now(ctx, x.foreign(attempt{Route: route, Trick: "cross-tenant factor", As: who, Relation: x.relation(relation), Want: refused, Own: true}, thing, make))
		}
		codes := func(step, code string) request {
			return sign("/sign-in/code", url.Values{"code": {code}}, "Cookie: __Host-wk-step="+step)
		}
		var err error
		kind, own, foreign := (i+boolInt(x.to.name == ""))%4, "", "" // one each, and none that makes them wait
		switch kind {
		case 1, 2:
			own, err = step(x.to.s, ours)
		case 3:
			foreign, err = step(x.from.s, theirs)
		}
		if err != nil {
			return err
		}
		code, err := totp.GenerateCode(theirs.Secret, time.Now())
		if err != nil {
			return err
		}
		switch kind {
		case 0:
			one := x.foreign(attempt{Route: "POST /sign-in and the right code", Trick: "cross-tenant factor", As: who, Relation: x.relation("password"), Want: refused, Own: true, Via: x.thenTheCode(ours)}, theirs.Password, func(v string) request {
				return sign("/sign-in", url.Values{"user": {ours.User}, "password": {v}})
			})
			err = x.now(ctx, one)
		case 1:
			err = try("POST /sign-in/code", "code of the authenticator", code, func(v string) request { return codes(own, v) })
		case 2:
			err = try("POST /sign-in/code", "recovery code", theirs.Spare[0], func(v string) request { return codes(own, v) })
		case 3:
			for path, v := range map[string]url.Values{"/sign-in/code": {"code": {ours.Spare[0]}}, "/enrol/authenticator": {"code": {code}}, "/account/recovery": {"x": {"y"}}} {
				err = cmp.Or(err, try("POST "+path, "first step", foreign, func(thing string) request {
					return sign(path, v, "Cookie: __Host-wk-step="+thing+"; __Host-wk-enrol="+thing+"; "+sessionCookie+"="+thing)
				}))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// thenTheCode sends a password, and the right second factor after it.
func (x *crossing) thenTheCode(p *person) func(context.Context, request) (answer, error) {
	return func(ctx context.Context, q request) (answer, error) {
		l := &line{dialler: x.to.s.dialler}
		defer l.close()
		first, err := l.do(ctx, q)
		if err != nil {
			return first, err
		}
		next := formTo("/sign-in/code", url.Values{"code": {p.Spare[0]}})
		next.From = q.From
		for _, c := range (&http.Response{Header: first.Header}).Cookies() {
			next = next.with("Cookie: " + c.Name + "=" + c.Value)
		}
		return l.do(ctx, next)
	}
}

// spillover guesses at an account of this house until it has to wait: its namesake next
// door, from the same address, has not.
func (x *crossing) spillover(ctx context.Context) error {
	pair := x.pairs()[len(x.pairs())-1-boolInt(x.to.name == "")] // not the same for both: one has to wait for long
	theirs, ours := pair[0], pair[1]
	const from = "127.99.0.9"
	l := &line{dialler: x.to.s.dialler, from: from}
	defer l.close()
	waits := false
	for range 15 {
		got, err := l.do(ctx, formTo("/sign-in", url.Values{"user": {ours.person.User}, "password": {"guess"}}))
		if err != nil {
			return err
		}
		waits = waits || got.Status == 429
	}
	if !waits {
		return fmt.Errorf("nobody who guesses at %s has to wait", ours.Name)
	}
	b := &browser{&line{dialler: x.from.s.dialler, from: from}, map[string]string{}}
	defer b.close()
	p := theirs.person
	first, err := b.send(ctx, "POST", "/sign-in", url.Values{"user": {p.User}, "password": {p.Password}})
	if err != nil {
		return err
	}
	p.Recovery, p.Spare = p.Spare[0], p.Spare[1:]
	second, err := b.send(ctx, "POST", "/sign-in/code", url.Values{"code": {p.Recovery}})
	if err != nil {
		return err
	}
	add := func(route string, q request, got answer, ok bool) {
		one := attempt{Route: route, Trick: "cross-tenant throttle", As: &caller{Name: theirs.Name, Role: theirs.Role}, Relation: "namesake who was guessed at beside the " + x.from.house() + " house", Req: q, Want: shown, Got: &got, Own: true}
		if !ok {
			one.Got = &answer{Status: 403, Line: "made to wait: " + got.Line, Header: got.Header}
		} else {
			one.Got = &answer{Status: 200, Line: got.Line}
		}
		x.all = append(x.all, one)
	}
	add("sign-in", formTo("/sign-in", url.Values{"user": {p.User}, "x": {x.from.house()}}), first, first.Status == 303)
	add("second factor", formTo("/sign-in/code", url.Values{"user": {p.User}, "x": {x.from.house()}}), second, second.Status == 200 && b.cookies[sessionCookie] != "")
	return nil
}

// drafts are what somebody typed next door into the same form, and did not send.
func (x *crossing) drafts(ctx context.Context) error {
	for _, pair := range x.pairs() {
		theirs, ours := pair[0], pair[1]
		if theirs.Role != "admin" {
			continue
		}
		r := x.from.patients[0].Records[0]
		word := x.from.word("draft", theirs.Name)
		x.from.words[word] = canary{word, r, "draft"}
		form, err := x.from.ask(ctx, theirs, request{Method: "GET", Target: "/people/new"})
		if err != nil {
			return err
		}
		_, rest, _ := strings.Cut(string(form.Body), `data-mark="`)
		mark, _, _ := strings.Cut(rest, `"`)
		kept, err := x.from.ask(ctx, theirs, formTo("/drafts", url.Values{"mark": {mark}, "form": {"/people/new"}, "page": {"/people/new"}, "f.family": {word}}))
		if err != nil {
			return err
		}
		if kept.Status != 204 {
			return fmt.Errorf("a draft is answered with %d", kept.Status)
		}
		own, err := x.from.fine(ctx, "draft", "own draft", theirs, request{Method: "GET", Target: "/people/new", Header: []string{"Cookie: " + sessionCookie + "=" + theirs.person.Cookie}}, word)
		if err != nil {
			return err
		}
		own.Show = []string{word}
		x.all = append(x.all, own)
		for _, path := range []string{"/people/new", "/", "/account"} {
			q := request{Method: "GET", Target: path, Header: []string{"X-Draft: " + x.from.house()}}
			x.all = append(x.all, attempt{Route: path, Trick: "cross-tenant draft", As: ours, Relation: x.relation("draft of the namesake"), Req: q, Want: silent})
		}
		for _, path := range []string{"/drafts", "/drafts/discard"} {
			q := formTo(path, url.Values{"mark": {mark}, "form": {"/people/new"}, "page": {"/people/new"}, "f.family": {"x"}})
			w := map[bool]want{true: refused, false: silent}[path == "/drafts"]
			x.all = append(x.all, attempt{Route: "POST " + path, Trick: "cross-tenant draft", As: ours, Relation: x.relation("mark of the namesake"), Req: q, Want: w})
		}
	}
	return nil
}

// password is that of everybody in a house, and of nobody in another.
func (s *server) password() string {
	if s.tenant == neighbour {
		return "meadow copper harbor lantern"
	}
	return password
}

// signInAnew is signIn by the next recovery code.
func (p *person) signInAnew(ctx context.Context) error {
	if len(p.Spare) == 0 {
		return fmt.Errorf("%s has no recovery code left", p.User)
	}
	p.Recovery, p.Spare = p.Spare[0], p.Spare[1:]
	return p.signIn(ctx)
}
