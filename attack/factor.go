package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/pquerna/otp/totp"
)

// halfway are sign-ins with a password that is right and nothing more: codes that are
// wrong, old, used or somebody else's, and pages with what the first step left.
func (a *attack) halfway(ctx context.Context) (all []attempt, err error) {
	for i, c := range a.pages {
		p, from := c.person, fmt.Sprintf("127.90.0.%d", i+1)
		b := &browser{&line{dialler: a.s.dialler, from: from}, map[string]string{}}
		if _, err := b.want(ctx, 303, "POST", "/sign-in", url.Values{"user": {p.User}, "password": {p.Password}}); err != nil {
			return nil, err
		}
		b.close()
		step := b.cookies["__Host-wk-step"]
		old, err := totp.GenerateCode(p.Secret, time.Now().Add(-10*time.Minute))
		if err != nil {
			return nil, err
		}
		other, err := totp.GenerateCode(a.pages[(i+1)%len(a.pages)].person.Secret, time.Now())
		if err != nil {
			return nil, err
		}
		codes := [][2]string{{"of ten minutes ago", old}, {"used", p.Recovery}, {"somebody else's", other}, {"zeros", "000000"}, {"the password", p.Password}, {"nothing", ""}}
		for j := range 2 {
			code := codes[(i*2+j)%len(codes)]
			q := formTo("/sign-in/code", url.Values{"code": {code[1]}}).with("Cookie: __Host-wk-step=" + step)
			q.From = from
			all = append(all, attempt{Route: "POST /sign-in/code", Trick: "second factor", As: &caller{Name: p.User, Role: c.Role}, Relation: "code: " + code[0], Req: q, Want: refused, Status: 401, Own: true})
		}
		for _, path := range []string{"/", "/ward", "/chart/" + a.patients[0].ID, "/people", "/account"} {
			for _, cookie := range []string{"__Host-wk-step=" + step, sessionCookie + "=" + step} {
				q := request{Method: "GET", Target: path, Header: []string{"Cookie: " + cookie}}
				all = append(all, attempt{Route: "page", Trick: "second factor", As: &caller{Name: p.User, Role: c.Role}, Relation: "after the password alone", Req: q, Want: refused, Own: true})
			}
		}
	}
	return all, nil
}
