package main

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// desks are ids of people, of charts opened in an emergency, and of apps that were let in,
// in the hands of those who look after the same things here.
func (x *crossing) desks(ctx context.Context) error {
	var people []struct{ ID, UserName string }
	if err := x.from.s.json(ctx, &people, "user", "list"); err != nil {
		return err
	}
	for i, one := range people {
		if i%4 > 0 && one.UserName != "root" {
			continue
		}
		for _, c := range x.to.pages {
			show := func(route string, w want, make func(id string) request) {
				x.foreign(attempt{Route: route, Trick: "cross-tenant id", As: c, Relation: x.relation("person"), Type: "page", Want: w}, one.ID, make)
			}
			show("/people/ID", refused, func(id string) request { return request{Method: "GET", Target: "/people/" + id} })
			for _, action := range []string{"change", "attest", "disable", "enable", "end", "reset-mfa", "reset-password"} {
				show("POST /people/ID/"+action, refused, func(id string) request {
					return formTo("/people/"+id+"/"+action, url.Values{"reason": {"x"}, "role": {"admin"}, "kind": {"training"}, "on": {"2026-01-01"}, "by": {"me"}})
				})
			}
			show("POST /ward/…/staff/ID", refused, func(id string) request { return formTo("/ward/ward-a/staff/"+id, url.Values{"x": {"y"}}) })
			show("POST /ward/…/staff/ID/end", silent, func(id string) request { return formTo("/ward/ward-a/staff/"+id+"/end", url.Values{"x": {"y"}}) })
		}
	}
	if err := x.glass(ctx); err != nil {
		return err
	}
	if err := x.grants(ctx); err != nil {
		return err
	}
	if err := x.invitations(ctx); err != nil {
		return err
	}
	return x.launches(ctx)
}

// invitations are of somebody who was invited to both houses under one user name.
func (x *crossing) invitations(ctx context.Context) error {
	codes := map[*attack]string{}
	user := "invited." + x.from.house()
	for _, house := range []*attack{x.from, x.to} {
		var invited struct {
			Code string `json:"enrolment_code"`
		}
		if err := house.s.json(ctx, &invited, "user", "add", user, "--role", "nurse", "--given", "Attack", "--family", "Er"); err != nil {
			return err
		}
		codes[house] = invited.Code
	}
	one := x.foreign(attempt{Route: "POST /enrol", Trick: "cross-tenant factor", As: &caller{Name: user, Role: "nurse"}, Relation: x.relation("invitation"), Want: refused, Own: true}, codes[x.from], func(v string) request {
		return formTo("/enrol", url.Values{"user": {user}, "code": {v}, "password": {password}, "again": {password}})
	})
	if err := x.now(ctx, one); err != nil {
		return err
	}
	if one.Got.Status == 303 {
		one.Got.Status, one.Got.Line = 200, "let in"
	}
	b := x.to.s.browser()
	defer b.close()
	_, err := b.want(ctx, 303, "POST", "/enrol", url.Values{"user": {user}, "code": {codes[x.to]}, "password": {password}, "again": {password}})
	return err
}

var (
	grantsOf = regexp.MustCompile(`href="/emergencies/([A-Za-z0-9_-]+)"`)
	letInOf  = regexp.MustCompile(`action="/apps/([A-Za-z0-9_-]+)/end"`)
)

// grants are reviews that wait in the other house, and apps that its people let in.
func (x *crossing) grants(ctx context.Context) error {
	for _, theirs := range x.from.pages {
		for _, kind := range []struct {
			page string
			ids  *regexp.Regexp
			at   []string
		}{{"/emergencies", grantsOf, []string{"GET /emergencies/ID", "POST /emergencies/ID", "POST /emergencies/ID/end"}}, {"/apps", letInOf, []string{"POST /apps/ID/end", "POST /apps/ID/narrow"}}} {
			got, err := x.from.ask(ctx, theirs, request{Method: "GET", Target: kind.page})
			if err != nil {
				return err
			}
			found := kind.ids.FindSubmatch(got.Body)
			if found == nil {
				if got.Status == 200 && theirs.Role == "privacy" && x.from.name == "" {
					return fmt.Errorf("%s lists nothing", kind.page)
				}
				continue
			}
			for _, ours := range x.to.pages {
				for _, at := range kind.at {
					method, path, _ := strings.Cut(at, " ")
					x.foreign(attempt{Route: at, Trick: "cross-tenant id", As: ours, Relation: x.relation(kind.page + " of " + theirs.Role), Type: "page", Want: refused}, string(found[1]), func(id string) request {
						q := formTo(strings.Replace(path, "ID", id, 1), url.Values{"verdict": {"justified"}, "finding": {"justified"}, "x": {"y"}})
						if method == "GET" {
							q = request{Method: "GET", Target: q.Target}
						}
						return q
					})
				}
			}
		}
	}
	return nil
}

// glass opens a chart next door in an emergency. Somebody of the same user name, and a
// patient of the same id here, are not meant.
func (x *crossing) glass(ctx context.Context) error {
	i := slices.IndexFunc(x.from.patients, func(p *patient) bool { return p.Why == "former team" && p.Mark.Mark == "" })
	j := slices.IndexFunc(x.to.patients, func(p *patient) bool { return p.Why == "none" && p.Mark.Mark == "" })
	theirs, ours := x.from.patients[i], x.to.patients[j]
	r := &record{house: x.to.name, Type: "Patient", ID: theirs.ID, Patient: ours.ID, Elements: map[string][]string{}}
	word := x.to.word("namesake", theirs.ID)
	x.to.words[word] = canary{word, r, "name"}
	body := object{"resourceType": "Patient", "id": theirs.ID, "active": true, "name": []any{object{"family": word}}}
	if _, err := x.to.does(ctx, x.to.clients[len(x.to.clients)-1], put("Patient/"+theirs.ID, body)); err != nil {
		return err
	}
	for _, pair := range x.pairs() {
		if pair[0].Role != "doctor" && pair[0].Role != "nurse" {
			continue
		}
		if _, err := x.from.follows(ctx, pair[0], "/emergency/"+theirs.ID, url.Values{"reason": {"treatment"}}); err != nil {
			return err
		}
		theirs.Emergency = append(theirs.Emergency, pair[0].person.User+" next door") // of whom no other stage speaks
		for _, s := range chartPages {
			q := request{Method: "GET", Target: "/chart/" + theirs.ID + s, Header: []string{"X-Glass: 1"}}
			x.all = append(x.all, attempt{Route: "chart" + s, Trick: "cross-tenant emergency", As: pair[1], Relation: x.relation("the same id"), Type: "page", Target: r, Req: q, Want: refused})
		}
		app := x.to.appOf(pair[1])
		for _, q := range []request{get("Patient/%s", theirs.ID), get("Patient/%s/$everything", theirs.ID), get("Patient?_id=%s", theirs.ID), get("Patient/%s/_history", theirs.ID)} {
			x.all = append(x.all, attempt{Route: strings.ReplaceAll(q.Target, theirs.ID, "ID"), Trick: "cross-tenant emergency", As: app, Relation: x.relation("the same id"), Type: "Patient", Target: r, Req: q.with("X-Glass: 1"), Want: silent})
		}
	}
	return nil
}

var launchOf = regexp.MustCompile(`[?&]launch=([^&"]+)`)

// launches are apps started from a chart next door: what they are to show is not known
// here.
func (x *crossing) launches(ctx context.Context) error {
	ids := map[*attack]string{}
	for _, house := range []*attack{x.from, x.to} {
		var c struct {
			ID string `json:"client_id"`
		}
		if err := house.s.json(ctx, &c, "client", "add", "--name", "launched beside "+x.from.house(), "--public", "--redirect", appRedirect, "--launch-url", "https://app.example.org/launch", "--scope", "launch openid fhirUser patient/*.rs"); err != nil {
			return err
		}
		ids[house] = c.ID
	}
	pair := x.pairs()[0] // a doctor
	got, err := x.from.ask(ctx, pair[0], formTo("/chart/"+x.from.patients[0].ID+"/apps/"+ids[x.from], url.Values{}))
	if err != nil {
		return err
	}
	found := launchOf.FindStringSubmatch(got.Header.Get("Refresh"))
	if found == nil {
		return fmt.Errorf("no app is started: %d", got.Status)
	}
	for _, of := range []*attack{x.from, x.to} {
		for _, ours := range x.to.pages {
			one := x.foreign(attempt{Route: "authorize", Trick: "cross-tenant code", As: ours, Relation: x.relation("launch, by an app of the " + of.house()), Want: refused}, found[1], func(id string) request {
				v := (&app{s: x.to.s, ID: ids[of], Redirect: appRedirect}).authorization("launch openid patient/*.rs", strings.Repeat("v", 43))
				v.Set("launch", id)
				v.Set("state", "s")
				return request{Method: "GET", Target: "/oauth2/authorize?" + v.Encode()}
			})
			if of == x.to {
				one.Want = silent // said where the app itself is answered
			}
			one.Req.From, one.Twin.From = "", ""
		}
	}
	return nil
}
