package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
)

// authorizations are requests to authorize that lead somewhere else, ask for more, or are
// less safe than they must be.
func (a *attack) authorizations() (all []attempt) {
	good := a.all.authorization("openid user/Patient.rs", rand.Text()+rand.Text())
	add := func(trickName, name string, change func(url.Values), more string) {
		v := url.Values{}
		for k, list := range good {
			v[k] = append([]string(nil), list...)
		}
		change(v)
		// By way of the address, of a form, and sent ahead.
		for _, q := range []request{
			{Method: "GET", Target: "/oauth2/authorize?" + v.Encode() + more},
			{Method: "POST", Target: "/oauth2/authorize", Header: []string{form}, Body: v.Encode() + more},
			{Method: "POST", Target: "/oauth2/par", Header: []string{form}, Body: v.Encode() + more},
		} {
			all = append(all, attempt{Route: q.Method + " " + strings.SplitN(q.Target, "?", 2)[0], Trick: trickName, As: a.nobody, Relation: name, Req: q, Want: refused, Own: true})
		}
	}
	for _, to := range []string{
		"https://evil.example.org/back", "https://app.example.org", "https://app.example.org/", "https://app.example.org/back/", "https://app.example.org/back?x=1", "https://app.example.org/back#x", "https://app.example.org/back/../evil",
		"https://app.example.org/BACK", "https://APP.example.org/back", "http://app.example.org/back", "https://app.example.org:443/back", "https://app.example.org@evil.example.org/back", "https://app.example.org.evil.example.org/back",
		"https://evil.example.org/https://app.example.org/back", "//app.example.org/back", "/back", "javascript:alert(1)", "data:text/html,x", "https://app.example.org/back%00", "https://app.example.org/back%0d%0aLocation:https://evil.example.org",
		"https://app.example.org\\@evil.example.org/back", " https://app.example.org/back", "https://app.example.org/back ", "https://app.example.org/%62ack", "https://xn--pp-fka.example.org/back", "",
	} {
		add("redirect tricks", to, func(v url.Values) { v.Set("redirect_uri", to) }, "")
	}
	add("redirect tricks", "twice, the second elsewhere", func(url.Values) {}, "&redirect_uri=https://evil.example.org/back")
	for _, m := range []string{"plain", "", "s256", "S512", "none", "S256 "} {
		add("PKCE downgrade", "method "+m, func(v url.Values) { v.Set("code_challenge_method", m) }, "")
	}
	for _, c := range []string{"", "short", strings.Repeat("A", 44), strings.Repeat("=", 43), strings.Repeat("a", 200)} {
		add("PKCE downgrade", "challenge "+c[:min(len(c), 5)], func(v url.Values) { v.Set("code_challenge", c) }, "")
	}
	for k, list := range map[string][]string{
		"response_type": {"token", "id_token", "code token", "", "none"}, "response_mode": {"fragment", "form_post", "web_message"}, "aud": {"", "https://other.example.org/fhir", a.s.base, a.s.base + "/fhir/Patient"},
		"state": {""}, "client_id": {"", "none", a.root.ID, "../" + a.all.ID}, "scope": {"", "system/*.cruds", "admin", "patient/*.x", "user/*.cruds?", "launch"}, "launch": {"guess"}, "prompt": {"none"},
		"request": {"eyJhbGciOiJub25lIn0.e30."}, "request_uri": {"https://evil.example.org/r", "urn:ietf:params:oauth:request_uri:guess"}, "max_age": {"-1", "x"},
	} {
		for _, value := range list {
			if k == "scope" && value == "system/*.cruds" {
				continue // has nothing to give, and says so at the app's own address
			}
			add("authorization request", k+"="+value, func(v url.Values) { v.Set(k, value) }, "")
		}
	}
	for k := range good {
		add("parameter pollution", k+" twice", func(url.Values) {}, "&"+k+"="+url.QueryEscape(good.Get(k)))
	}
	return all
}

// spent are codes and refresh tokens used as they must not be. Each is tried once: what a
// trick has spent is no good for the next.
func (a *attack) spent(ctx context.Context) (all []attempt, err error) {
	p := a.apps[0].person
	other, err := a.s.addApp(ctx, "Another", "https://app.example.org/back", appScope)
	if err != nil {
		return nil, err
	}
	n := 0
	add := func(name string, v url.Values) {
		n++
		q := request{Method: "POST", Target: "/oauth2/token", Header: []string{form}, Body: v.Encode(), From: fmt.Sprintf("127.77.%d.%d", n/250, 1+n%250)}
		all = append(all, attempt{Route: "token endpoint", Trick: "replay and theft", As: &caller{Name: "thief", Role: "anonymous"}, Relation: name, Req: q, Want: refused, Own: true})
	}
	redeem := func(code, verifier string) url.Values {
		return url.Values{"grant_type": {"authorization_code"}, "client_id": {a.all.ID}, "code": {code}, "redirect_uri": {a.all.Redirect}, "code_verifier": {verifier}}
	}
	for name, change := range map[string]func(url.Values){
		"no verifier": func(v url.Values) { v.Del("code_verifier") }, "another verifier": func(v url.Values) { v.Set("code_verifier", rand.Text()+rand.Text()) },
		"the challenge as verifier": func(v url.Values) { v.Set("code_verifier", challenge(v.Get("code_verifier"))) }, "by another app": func(v url.Values) { v.Set("client_id", other.ID) },
		"another redirect_uri": func(v url.Values) { v.Set("redirect_uri", "https://app.example.org/back/") }, "no redirect_uri": func(v url.Values) { v.Del("redirect_uri") },
		"no app": func(v url.Values) { v.Del("client_id") }, "a code changed": func(v url.Values) { v.Set("code", v.Get("code")+"A") }, "a code of words": func(v url.Values) { v.Set("code", "guess") },
		"as a refresh token": func(v url.Values) { v.Set("grant_type", "refresh_token"); v.Set("refresh_token", v.Get("code")) },
	} {
		verifier := rand.Text() + rand.Text()
		code, err := a.all.code(ctx, p, "openid user/Patient.rs", "", verifier)
		if err != nil {
			return nil, err
		}
		v := redeem(code, verifier)
		change(v)
		add("code: "+name, v)
	}
	for name, change := range map[string]func(url.Values, *grant){
		"used twice": func(v url.Values, g *grant) { v.Set("refresh_token", g.Code); _ = g }, "more scope": func(v url.Values, _ *grant) { v.Set("scope", "user/*.cruds") },
		"a scope of programs": func(v url.Values, _ *grant) { v.Set("scope", "system/*.rs") }, "by another app": func(v url.Values, _ *grant) { v.Set("client_id", other.ID) },
		"an access token": func(v url.Values, g *grant) { v.Set("refresh_token", g.Access) }, "changed": func(v url.Values, g *grant) { v.Set("refresh_token", g.Refresh+"A") },
		"as a code": func(v url.Values, g *grant) {
			v.Set("grant_type", "authorization_code")
			v.Set("code", g.Refresh)
			v.Set("redirect_uri", a.all.Redirect)
			v.Set("code_verifier", g.Verify)
		},
	} {
		g, err := a.all.let(ctx, p, "openid offline_access user/Patient.rs", "")
		if err != nil {
			return nil, err
		}
		v := url.Values{"grant_type": {"refresh_token"}, "client_id": {a.all.ID}, "refresh_token": {g.Refresh}}
		if name == "used twice" {
			v, err = a.usedTwice(ctx, v)
			if err != nil {
				return nil, err
			}
		} else {
			change(v, g)
		}
		add("refresh token: "+name, v)
	}
	assertion, err := a.root.sign(a.root.claims(), nil)
	if err != nil {
		return nil, err
	}
	b := a.s.browser()
	defer b.close()
	if _, err := b.want(ctx, 200, "POST", "/oauth2/token", assertionForm(assertion)); err != nil {
		return nil, err
	}
	add("assertion: used twice", assertionForm(assertion))
	add("assertion: used twice, for less", url.Values{"scope": {"system/Patient.rs"}, "grant_type": {"client_credentials"}, "client_assertion": {assertion}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}})
	return append(all, a.endpoints()...), nil
}

func (a *attack) usedTwice(ctx context.Context, v url.Values) (url.Values, error) {
	b := a.s.browser()
	defer b.close()
	_, err := b.want(ctx, 200, "POST", "/oauth2/token", v)
	return v, err
}

// endpoints are introspection and revocation by who may not.
func (a *attack) endpoints() (all []attempt) {
	for i, c := range append(append([]*caller{}, a.apps...), a.narrow...) {
		for j, path := range []string{"/oauth2/introspect", "/oauth2/revoke", "/oauth2/token", "/oauth2/par"} {
			for k, v := range []url.Values{{"token": {c.grant.Access}}, {"token": {c.grant.Access}, "client_id": {"none"}}, {"token": {c.grant.Access}, "client_id": {a.root.ID}}, {"token": {c.grant.Access}, "client_id": {a.root.ID}, "client_secret": {"guess"}}} {
				q := request{Method: "POST", Target: path, Header: []string{form}, Body: v.Encode(), From: fmt.Sprintf("127.78.%d.%d", i, 1+j*10+k)}
				all = append(all, attempt{Route: path, Trick: "scope escalation", As: a.nobody, Relation: fmt.Sprintf("credential %d", k), Req: q, Want: refused, Own: true})
			}
		}
	}
	return all
}

// ends ends access in every way it ends, and has each of those who are out try again.
func (a *attack) ends(ctx context.Context) (all []attempt, err error) {
	type out struct {
		how    string
		person *person
		grant  *grant
	}
	var outs []out
	for i, how := range []string{"disabled", "ended", "placed elsewhere", "app revoked", "signed out", "password changed"} {
		// Sessions lock after five idle minutes: these people come now.
		p, err := a.s.hire(ctx, fmt.Sprintf("spare%d", i), "", []string{"nurse"}, []string{"ward-a"}, "")
		if err == nil {
			err = p.signIn(ctx)
		}
		if err != nil {
			return nil, err
		}
		g, err := a.all.let(ctx, p, "openid offline_access user/*.cruds", "")
		if err != nil {
			return nil, err
		}
		b := p.browser()
		for _, page := range []string{"/chart/" + a.patients[0].ID} {
			if _, err := b.want(ctx, 200, "GET", page, nil); err != nil {
				return nil, fmt.Errorf("before it ends: %w", err)
			}
		}
		b.close()
		outs = append(outs, out{how, p, g})
	}
	for _, o := range outs {
		var err error
		switch o.how {
		case "disabled":
			_, err = a.s.run(ctx, "user", "disable", o.person.User, "--dir", a.s.dir, "--reason", "attack")
		case "ended":
			_, err = a.s.run(ctx, "user", "end", o.person.User, "--dir", a.s.dir, "--reason", "attack")
		case "placed elsewhere":
			_, err = a.s.run(ctx, "user", "place", o.person.User, "--dir", a.s.dir, "--reason", "attack", "--ward", "ward-c")
		case "app revoked":
			b := a.s.browser()
			_, err = b.want(ctx, 200, "POST", "/oauth2/revoke", url.Values{"client_id": {a.all.ID}, "token": {o.grant.Refresh}})
			b.close()
		case "password changed":
			b := o.person.browser()
			_, err = b.want(ctx, 303, "POST", "/account/password", url.Values{"password": {password}, "new": {"copper meadow harbor lamp"}, "again": {"copper meadow harbor lamp"}})
			b.close()
		case "signed out":
			b := o.person.browser()
			_, err = b.want(ctx, 303, "POST", "/sign-out", url.Values{})
			b.close()
		}
		if err != nil {
			return nil, err
		}
	}
	client, err := a.s.addClient(ctx, "to be disabled", "system/*.rs")
	if err != nil {
		return nil, err
	}
	token, err := client.bearer(ctx)
	if err == nil {
		_, err = a.s.run(ctx, "client", "disable", "--dir", a.s.dir, client.ID, "--reason", "attack")
	}
	if err != nil {
		return nil, err
	}
	for _, o := range outs {
		if o.how != "signed out" { // an app lasts beyond a session
			all = append(all, a.afterwards(o.how, []string{"Authorization: Bearer " + o.grant.Access}, "/fhir/")...)
		}
		if o.how != "app revoked" {
			all = append(all, a.afterwards(o.how, []string{"Cookie: " + sessionCookie + "=" + o.person.Cookie}, "/chart/")...)
		}
	}
	all = append(all, a.afterwards("client disabled", []string{"Authorization: Bearer " + token}, "/fhir/")...)
	moved, err := a.moves(ctx)
	return append(all, moved...), err
}

// afterwards are what is tried with something that was good a second ago.
func (a *attack) afterwards(how string, header []string, surface string) (all []attempt) {
	who := &caller{Name: "gone: " + how, Role: "gone"}
	for _, p := range a.patients {
		if surface == "/chart/" {
			for _, s := range chartPages {
				all = append(all, attempt{Route: "page " + s, Trick: "access that ended", As: who, Relation: how, Req: request{Method: "GET", Target: "/chart/" + p.ID + s, Header: header}, Want: refused, Own: true})
			}
			continue
		}
		for i, r := range p.Records {
			if (i+len(how))%4 != 0 && r.Type != "Patient" {
				continue
			}
			for _, rd := range []struct {
				name string
				req  request
			}{{"read", get("%s/%s", r.Type, r.ID)}, {"history of a record", get("%s/%s/_history", r.Type, r.ID)}, {"search _id", get("%s?_id=%s", r.Type, r.ID)}, {"delete", request{Method: "DELETE", Target: "/fhir/" + r.Type + "/" + r.ID}}} {
				all = append(all, attempt{Route: rd.name, Trick: "access that ended", As: who, Relation: how, Type: r.Type, Target: r, Req: rd.req.with(header...), Want: blocked, Own: true})
			}
		}
	}
	return all
}

// moves discharges a patient and takes everybody out of a care team, as the record says
// it: by changes of the record. Who was related is not any more.
func (a *attack) moves(ctx context.Context) (all []attempt, err error) {
	for _, m := range []struct{ why, slot, status string }{{"ward", "Encounter", "finished"}, {"team", "CareTeam", "inactive"}} {
		p := a.patients[0]
		for _, other := range a.patients {
			if other.Why == m.why && other.Mark.Mark == "" && other != a.patients[0] {
				p = other
			}
		}
		r := p.record(m.slot)
		body := changed(r, r.ID)
		body["status"] = m.status
		if m.slot == "Encounter" {
			period := body["period"].(object)
			body["period"] = object{"start": period["start"], "end": a.now.UTC().Format("2006-01-02T15:04:05Z")}
		}
		token, err := a.root.bearer(ctx)
		if err != nil {
			return nil, err
		}
		l := &line{dialler: a.s.dialler}
		got, err := l.do(ctx, put(r.Type+"/"+r.ID, body).with("Authorization: Bearer "+token))
		l.close()
		if err != nil || got.Status != 200 {
			return nil, fmt.Errorf("the %s could not be ended: %d %w", m.slot, got.Status, err)
		}
		p.Why, p.Relation = m.why+" that ended", nil
		for _, c := range append(append([]*caller{}, a.apps...), a.narrow...) {
			for _, rd := range looks {
				for _, t := range a.door(c, rd) {
					if t.Target.Patient == p.ID && t.Want != shown {
						t.Trick = "access that ended"
						all = append(all, t)
					}
				}
			}
		}
	}
	return all, nil
}
