package main

import (
	"context"
	"crypto/rand"
	"strings"
)

// programs sign for one house and show it to the other, are asked after at the other, and
// use the same jti at both, which they may.
func (x *crossing) programs(ctx context.Context) error {
	ours, theirs := x.to.clients[0].client, x.from.clients[0].client
	thief := &caller{Name: "thief", Role: "client " + ours.Scope}
	token := func(assertion string) request {
		q := formTo("/oauth2/token", assertionForm(assertion))
		q.From = x.address()
		return q
	}
	at := func(s *server, path string) func(object) { return func(o object) { o["aud"] = s.base + path } }
	for _, one := range []struct {
		name   string
		c      *client
		change func(object)
	}{
		{"of their program, for them", theirs, nil}, {"of their program, for us", theirs, at(x.to.s, "/oauth2/token")},
		{"of our program, for them", ours, at(x.from.s, "/oauth2/token")}, {"of our program, for their name", ours, at(x.from.s, "")},
		{"of our program, for them and us", ours, func(o object) { o["aud"] = []string{x.from.s.base + "/oauth2/token", x.to.s.base + "/oauth2/token"} }},
		{"by their key, in our program's name", theirs, func(o object) {
			o["iss"], o["sub"], o["aud"] = ours.ID, ours.ID, x.to.s.base+"/oauth2/token"
		}},
		{"for our name at their listener", ours, func(o object) { o["aud"] = "https://" + x.from.s.mutual.host + "/oauth2/token" }},
	} {
		claims := object(one.c.claims())
		if one.change != nil {
			one.change(claims)
		}
		text, err := one.c.sign(claims, nil)
		if err != nil {
			return err
		}
		twin := token(garbledSignature(text))
		a := attempt{Route: "token endpoint", Trick: "cross-tenant assertion", As: thief, Relation: x.relation(one.name), Req: token(text), Twin: &twin, Want: refused, Status: 401, Own: true}
		if err := x.now(ctx, &a); err != nil {
			return err
		}
		x.all = append(x.all, a)
	}
	jti := rand.Text()
	for _, house := range []*attack{x.from, x.to} {
		c := house.clients[0].client
		text, err := c.sign(with(c.claims(), "jti", jti), nil)
		if err != nil {
			return err
		}
		good, err := house.fine(ctx, "token endpoint", "the same jti at both", house.clients[0], formTo("/oauth2/token", assertionForm(text)), "access_token")
		if err != nil {
			return err
		}
		x.all = append(x.all, good)
	}
	return x.inspections(ctx)
}

func garbledSignature(jwt string) string {
	i := strings.LastIndexByte(jwt, '.')
	return jwt[:i] + garbled(jwt[i:])
}

// inspections have a program of this house ask after tokens of the other, and revoke them.
func (x *crossing) inspections(ctx context.Context) error {
	list, err := x.from.bearers(ctx)
	if err != nil {
		return err
	}
	inspector, err := x.to.s.addClient(ctx, "inspector beside "+x.from.house(), "system/*.rs", "--inspect")
	if err != nil {
		return err
	}
	ask := func(path, token string) request {
		form := assertionForm(must(inspector.sign(inspector.claims(), nil)))
		form.Set("token", token)
		return formTo(path, form)
	}
	own, err := x.to.fine(ctx, "/oauth2/introspect", "token of the own house", x.to.clients[0], ask("/oauth2/introspect", x.to.apps[0].grant.Access), `"active":true`)
	if err != nil {
		return err
	}
	x.all = append(x.all, own)
	for _, t := range list {
		for _, path := range []string{"/oauth2/introspect", "/oauth2/revoke"} {
			one := x.foreign(attempt{Route: path, Trick: "cross-tenant token", As: &caller{Name: t.who.Name, Role: t.who.Role}, Relation: x.relation(t.kind + ", asked after by a program"), Want: silent, Own: true}, t.value, func(v string) request { return ask(path, v) })
			if err := x.now(ctx, one); err != nil {
				return err
			}
			if strings.Contains(string(one.Got.Body), "true") {
				one.Want = refused
			}
		}
	}
	return nil
}
