package main

import (
	"context"
	"net/url"
	"strings"
	"time"
)

// spendings are what can be used once: it must do nothing here, and its work at home
// afterwards.
func (x *crossing) spendings(ctx context.Context) error {
	for i, pair := range x.pairs() {
		theirs, ours := pair[0], pair[1]
		who := &caller{Name: theirs.Name, Role: theirs.Role}
		verifier := garbled("verifier of the crossing") + strings.Repeat(string(rune('a'+i)), 40)
		verifier = strings.ReplaceAll(verifier, " ", "-")
		code, err := x.from.all.code(ctx, theirs.person, "openid offline_access user/Patient.rs", "", verifier)
		if err != nil {
			return err
		}
		redeemed := func(client *app, code string) url.Values {
			return url.Values{"grant_type": {"authorization_code"}, "client_id": {client.ID}, "code": {code}, "redirect_uri": {client.Redirect}, "code_verifier": {verifier}}
		}
		token := func(v url.Values) request { return formTo("/oauth2/token", v) }
		try := func(route, relation, thing string, make func(string) request, w want) error {
			one := x.foreign(attempt{Route: route, Trick: "cross-tenant code", As: who, Relation: x.relation(relation), Want: w, Own: true}, thing, make)
			return x.now(ctx, one)
		}
		asking, err := x.from.ask(ctx, theirs, request{Method: "GET", Target: "/oauth2/authorize?" + x.from.all.authorization("launch/patient patient/*.rs", verifier).Encode()})
		if err != nil {
			return err
		}
		connect := strings.TrimPrefix(asking.Header.Get("Location"), x.from.s.base)
		b := x.from.s.browser()
		pushed, err := b.want(ctx, 201, "POST", "/oauth2/par", x.from.all.authorization("openid user/Patient.rs", verifier))
		b.close()
		if err != nil {
			return err
		}
		ahead := member(pushed.Body, "request_uri")
		cookie := "Cookie: " + sessionCookie + "=" + ours.person.Cookie
		for _, one := range []struct {
			route, relation, thing string
			make                   func(string) request
			want                   want
		}{
			{"token endpoint", "code, by our app", code, func(v string) request { return token(redeemed(x.to.all, v)) }, refused},
			{"token endpoint", "code, by their app", code, func(v string) request { return token(redeemed(x.from.all, v)) }, refused},
			{"token endpoint", "app", x.from.all.ID, func(v string) request { return token(redeemed(&app{ID: v, Redirect: appRedirect}, code)) }, refused},
			{"authorize", "app", x.from.all.ID, func(v string) request {
				other := *x.to.all
				other.ID = v
				return request{Method: "GET", Target: "/oauth2/authorize?" + other.authorization("openid user/Patient.rs", verifier).Encode(), Header: []string{cookie}}
			}, refused},
			{"authorize", "request sent ahead, by our app", ahead, func(v string) request {
				return request{Method: "GET", Target: "/oauth2/authorize?" + url.Values{"client_id": {x.to.all.ID}, "request_uri": {v}}.Encode(), Header: []string{cookie}}
			}, refused},
			{"authorize", "request sent ahead, by their app", ahead, func(v string) request {
				return request{Method: "GET", Target: "/oauth2/authorize?" + url.Values{"client_id": {x.from.all.ID}, "request_uri": {v}}.Encode(), Header: []string{cookie}}
			}, refused},
			{"connect", "what an app asks", connect, func(v string) request { return request{Method: "GET", Target: v + "/ask", Header: []string{cookie}} }, refused},
			{"connect, arrival", "what an app asks", connect, func(v string) request { return request{Method: "GET", Target: v, Header: []string{cookie}} }, silent},
			{"POST connect, answer", "what an app asks", connect, func(v string) request {
				return formTo(v+"/answer", url.Values{"answer": {"allow"}, "grant": {"launch/patient patient/*.rs"}, "patient": {x.to.patients[0].ID}}).with(cookie)
			}, refused},
		} {
			if err := try(one.route, one.relation, one.thing, one.make, one.want); err != nil {
				return err
			}
		}
		if err := x.atHome(ctx, theirs, token(redeemed(x.from.all, code)), who, try); err != nil {
			return err
		}
	}
	return nil
}

// atHome has the code do its work, and the tokens for it tried here before they do theirs.
func (x *crossing) atHome(ctx context.Context, c *caller, q request, who *caller, try func(route, relation, thing string, make func(string) request, w want) error) error {
	good, err := x.from.fine(ctx, "token endpoint", "code, after it was tried beside", c, q, "refresh_token")
	if err != nil {
		return err
	}
	x.all = append(x.all, good)
	refresh := member(good.Got.Body, "refresh_token")
	again := func(client *app) func(string) request {
		return func(v string) request {
			return formTo("/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {v}, "client_id": {client.ID}})
		}
	}
	revoke := func(v string) request {
		return formTo("/oauth2/revoke", url.Values{"token": {v}, "client_id": {x.to.all.ID}})
	}
	if err := try("token endpoint", "refresh token, by our app", refresh, again(x.to.all), refused); err != nil {
		return err
	}
	if err := try("token endpoint", "refresh token, by their app", refresh, again(x.from.all), refused); err != nil {
		return err
	}
	if err := try("revocation", "refresh token", refresh, revoke, silent); err != nil {
		return err
	}
	time.Sleep(aMoment)
	good, err = x.from.fine(ctx, "token endpoint", "refresh token, after it was revoked beside", c, again(x.from.all)(refresh), "access_token")
	x.all = append(x.all, good)
	return err
}
