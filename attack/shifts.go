package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// shifts are covers and emergencies that have ended, or are somebody else's: what they
// opened is shut again.
func (a *attack) shifts(ctx context.Context) (all []attempt, err error) {
	charge := a.pages[8]
	var people []struct{ ID, UserName string }
	if err := a.s.json(ctx, &people, "user", "list"); err != nil {
		return nil, err
	}
	ward := a.patients[0]
	for _, i := range []int{3, 5} { // a nurse and a pharmacist of another ward
		c := a.pages[i]
		id := people[slices.IndexFunc(people, func(p struct{ ID, UserName string }) bool { return p.UserName == c.person.User })].ID
		if _, err := a.follows(ctx, charge, "/ward/ward-a/staff/"+id, url.Values{"until": {time.Now().Add(2 * time.Hour).UTC().Format(time.RFC3339)}}); err != nil {
			return nil, err
		}
		got, err := a.ask(ctx, a.apps[i], get("MedicationRequest/%s", ward.record("MedicationRequest").ID).with("X-Next: covering"))
		if err != nil || got.Status != 200 {
			return nil, fmt.Errorf("%s covers ward A, and is answered with %d: %w", c.Name, got.Status, err)
		}
		if _, err := a.follows(ctx, charge, "/ward/ward-a/staff/"+id+"/end", url.Values{"x": {"y"}}); err != nil {
			return nil, err
		}
		next, err := a.next(ctx, a.apps[i], ward.record("MedicationRequest"))
		if err != nil {
			return nil, err
		}
		next.Trick, next.Relation = "access that ended", "cover of a ward"
		all = append(all, next)
		for _, rd := range slices.Concat(looks, changeRoads) {
			for _, p := range a.patients[:4] {
				for _, t := range a.door(a.apps[i], rd) {
					if t.Target.Patient == p.ID && t.Want != shown {
						t.Trick, t.Relation = "access that ended", "cover of a ward"
						all = append(all, t)
					}
				}
			}
		}
		for _, s := range chartPages {
			all = append(all, attempt{Route: "chart" + s, Trick: "access that ended", As: c, Relation: "cover of a ward", Type: "page", Target: ward.Records[0], Req: request{Method: "GET", Target: "/chart/" + ward.ID + s}, Want: refused})
		}
	}
	more, err := a.glass(ctx)
	return append(all, more...), err
}

// follows sends a form of somebody's session, and fails unless it is taken.
func (a *attack) follows(ctx context.Context, c *caller, path string, v url.Values) (answer, error) {
	got, err := a.ask(ctx, c, formTo(path, v))
	if err == nil && got.Status != 303 {
		err = fmt.Errorf("%s: %s is answered with %d", c.Name, path, got.Status)
	}
	return got, err
}

// glass are charts that a doctor opens in an emergency: what a Consent withholds is shown
// to him, and not to others, nor by it the chart of anybody else, nor when it is closed.
func (a *attack) glass(ctx context.Context) (all []attempt, err error) {
	doctor := a.pages[1]
	open, shut := a.guardedAs("consent-deny all"), a.guardedAs("consent-deny class")
	pagesOf := func(c *caller, p *patient, relation string, w want, show ...string) {
		trick := map[want]string{shown: "legitimate", refused: "break-glass"}[w]
		for _, s := range chartPages[:9] {
			all = append(all, attempt{Route: "chart" + s, Trick: trick, As: c, Relation: relation, Type: "page", Target: p.Records[0], Req: request{Method: "GET", Target: "/chart/" + p.ID + s}, Want: w, Show: show})
		}
	}
	for _, p := range []*patient{open, shut} {
		if _, err := a.follows(ctx, doctor, "/emergency/"+p.ID, url.Values{"reason": {"treatment"}}); err != nil {
			return nil, err
		}
		p.Emergency = append(p.Emergency, doctor.person.User)
	}
	if _, err := a.follows(ctx, doctor, "/emergency/"+shut.ID+"/end", url.Values{"x": {"y"}}); err != nil {
		return nil, err
	}
	shut.Emergency = nil
	pagesOf(doctor, open, "emergency of one withheld", shown, open.Family)
	pagesOf(doctor, shut, "emergency that ended", refused)
	pagesOf(doctor, a.guardedAs("consent-deny group"), "emergency of another patient", refused)
	for _, c := range a.pages {
		if c != doctor && a.may(c, open.Records[0], "") == expect.Forbidden {
			pagesOf(c, open, "emergency of another person", refused)
			all = append(all, attempt{Route: "emergency, ended", Trick: "break-glass", As: c, Relation: "emergency of another person", Type: "page", Target: open.Records[0], Req: formTo("/emergency/"+open.ID+"/end", url.Values{"x": {"y"}}), Want: silent})
		}
	}
	for _, c := range a.selfPages {
		if !slices.Contains(c.Who.Roles, "patient") {
			own := a.byID[c.own]
			q := formTo("/emergency/"+own.ID, url.Values{"reason": {"treatment"}})
			all = append(all, attempt{Route: "emergency", Trick: "break-glass", As: c, Relation: own.Why, Type: "page", Target: own.Records[0], Req: q, Want: refused})
		}
	}
	for _, app := range a.apps {
		if app.person == doctor.person {
			for _, t := range a.onGuarded(app, []*patient{open, shut}) {
				if t.Want != shown {
					t.Trick, t.Relation = "break-glass by an app", strings.TrimPrefix(t.Relation, "consent-")
					all = append(all, t)
				}
			}
		}
	}
	pagesOf(doctor, open, "emergency of one withheld, again", shown, open.Family)
	return all, nil
}
