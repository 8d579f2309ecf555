package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// ask sends one request of a stage's own, as somebody.
func (a *attack) ask(ctx context.Context, c *caller, q request) (answer, error) {
	l := &line{dialler: a.s.dialler}
	defer l.close()
	return a.send(ctx, l, &attempt{As: c}, q)
}

// jobs are ordered by those who may, and looked for by everybody else: the job, its
// files, its end.
func (a *attack) jobs(ctx context.Context) (all []attempt, err error) {
	var orders []struct {
		c *caller
		q request
	}
	order := func(c *caller, q request) {
		orders = append(orders, struct {
			c *caller
			q request
		}{c, q.with("Prefer: respond-async")})
	}
	root := a.clients[len(a.clients)-1]
	order(root, get("$export"))
	order(a.clients[0], get("Patient/$export"))
	order(a.clients[1], get("$export?_type=Patient"))
	order(root, get("Group/guarded/$export"))
	for _, c := range a.purposed {
		if c.client != nil {
			order(c, get("Patient/$export?_type=Condition,Claim,Consent,Encounter,Observation"))
		}
	}
	order(a.apps[0], get("Observation?_count=50"))
	order(a.apps[0], get("Patient/%s/$everything", a.patients[0].ID))
	order(a.apps[2], get("Condition?_count=50"))
	for _, o := range orders {
		got, err := a.ask(ctx, o.c, o.q)
		if err != nil {
			return nil, err
		}
		at := strings.TrimPrefix(got.Header.Get("Content-Location"), a.s.base)
		if got.Status != 202 || at == "" {
			return nil, fmt.Errorf("%s: the order of a job is answered with %d", o.c.Name, got.Status)
		}
		files, err := a.await(ctx, o.c, at)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			all = append(all, attempt{Route: "file of a job", Trick: "legitimate", As: o.c, Relation: "own job", Req: request{Method: "GET", Target: f}, Want: shown})
		}
		for _, c := range a.everybody() {
			if c == o.c || c.person != nil && c.person == o.c.person || c.client != nil && c.client == o.c.client {
				continue
			}
			for _, q := range []request{{Method: "GET", Target: at}, {Method: "DELETE", Target: at}, {Method: "GET", Target: at + "/0"}, {Method: "GET", Target: at + "/../" + at[strings.LastIndexByte(at, '/')+1:]}} {
				all = append(all, attempt{Route: q.Method + " job", Trick: "job of somebody else", As: c, Relation: o.c.Role, Req: q, Want: refused})
			}
			for _, f := range files {
				all = append(all, attempt{Route: "file of a job", Trick: "job of somebody else", As: c, Relation: o.c.Role, Req: request{Method: "GET", Target: f}, Want: refused})
			}
		}
	}
	return all, nil
}

func (a *attack) await(ctx context.Context, c *caller, at string) (files []string, err error) {
	for range 60 {
		select {
		case <-time.After(700 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		got, err := a.ask(ctx, c, request{Method: "GET", Target: at})
		if err != nil {
			return nil, err
		}
		if got.Status == 202 {
			continue
		}
		var m struct{ Output []struct{ URL string } }
		if got.Status != 200 {
			return nil, fmt.Errorf("a job of %s ended with %d", c.Name, got.Status)
		}
		_ = json.Unmarshal(got.Body, &m) // what is no manifest has no files
		for _, o := range m.Output {
			files = append(files, strings.TrimPrefix(o.URL, a.s.base))
		}
		return files, nil
	}
	return nil, fmt.Errorf("a job of %s does not end", c.Name)
}

// orders are exports, imports and Subscriptions by those who may not have what they
// would bring.
func (a *attack) orders() (all []attempt) {
	for _, c := range append(slices.Concat(a.apps, a.narrow, a.clients), a.nobody) {
		add := func(route string, q request, w want) {
			all = append(all, attempt{Route: route, Trick: "bulk and subscriptions", As: c, Relation: "none", Req: q, Want: w})
		}
		reads := func(typ string) bool {
			return slices.ContainsFunc(c.Who.Scopes, func(s string) bool {
				return strings.HasPrefix(s, "system/*.rs") || strings.HasPrefix(s, "system/*.cruds") || strings.HasPrefix(s, "system/"+typ+".rs")
			})
		}
		for _, s := range slots {
			if c.Who.Kind == "client" && !reads(s.typ) || c.Who.Kind == "" {
				for _, path := range []string{"$export?_type=", "Patient/$export?_type=", "Group/none/$export?_type="} {
					add("bulk export", get("%s%s", path, s.typ).with("Prefer: respond-async"), refused)
					add("bulk export without the header", get("%s%s", path, s.typ), refused)
				}
				add("bulk export by POST", post("$export", fhirJSON, text(object{"resourceType": "Parameters", "parameter": []any{object{"name": "_type", "valueString": s.typ}}})).with("Prefer: respond-async"), refused)
				add("bulk export _typeFilter", get("$export?_type=%s&_typeFilter=%s%%3Fpatient%%3D%s", s.typ, s.typ, a.patients[3].ID).with("Prefer: respond-async"), refused)
			}
			if !slices.Contains(c.Who.Scopes, "system/*.cruds") && !slices.Contains(c.Who.Scopes, "system/*.cud") {
				add("Subscription", post("Subscription", fhirJSON, text(object{"resourceType": "Subscription", "status": "requested", "reason": "x", "criteria": s.typ + "?_id=x", "channel": object{"type": "websocket"}})), refused)
			}
		}
		add("Subscription of somebody else, status", get("Subscription/none/$status"), refused)
		add("Subscription of somebody else, events", get("Subscription/none/$events"), refused)
		add("Subscription of somebody else, token", get("Subscription/$get-ws-binding-token?id=none"), refused)
		if !slices.Contains(c.Who.Scopes, "system/*.cruds") {
			add("bulk import", post("$import", "application/json", `{"inputFormat":"application/fhir+ndjson","inputSource":"https://evil.example.org","storageDetail":{"type":"https"},"inputs":[{"type":"Patient","url":"https://evil.example.org/x"}]}`).with("Prefer: respond-async"), refused)
		}
	}
	return all
}

// pagesOfOthers are sealed page links in the hands of somebody else, and changed ones.
func (a *attack) pagesOfOthers(ctx context.Context) (all []attempt, err error) {
	for _, owner := range []*caller{a.apps[0], a.apps[2], a.clients[0], a.clients[len(a.clients)-1]} {
		for _, q := range []request{get("Observation?_count=2"), get("Condition?_count=1&_sort=-_lastUpdated"), post("Observation/_search", formKind, "_count=3&category=laboratory"), get("Observation/_history?_count=2")} {
			got, err := a.ask(ctx, owner, q)
			if err != nil {
				return nil, err
			}
			var b struct {
				Link []struct{ Relation, URL string }
			}
			if json.Unmarshal(got.Body, &b) != nil {
				return nil, fmt.Errorf("%s: a search is answered with %d", owner.Name, got.Status)
			}
			for _, l := range b.Link {
				if l.Relation != "next" {
					continue
				}
				next := strings.TrimPrefix(l.URL, a.s.base)
				all = append(all, attempt{Route: "page link", Trick: "legitimate", As: owner, Relation: "own link", Req: request{Method: "GET", Target: next}, Want: shown})
				for _, c := range a.everybody() {
					if c == owner || c.person != nil && c.person == owner.person {
						continue // his own search, by another app of his: with the rights of that one
					}
					all = append(all, attempt{Route: "page link", Trick: "page token of somebody else", As: c, Relation: owner.Role, Req: request{Method: "GET", Target: next}, Want: refused})
				}
				for _, changed := range []string{next[:len(next)-2], next + "A", strings.Replace(next, "_page=", "_page=A", 1), next + "&_type=Patient", strings.ToUpper(next[len("/fhir"):])} {
					all = append(all, attempt{Route: "page link, changed", Trick: "page token of somebody else", As: owner, Relation: owner.Role, Req: request{Method: "GET", Target: changed}, Want: refused})
				}
			}
		}
	}
	return all, nil
}

// redacted asks by words that stand in what a role is not shown of a record which it
// may see.
func (a *attack) redacted() (all []attempt) {
	for _, c := range append(slices.Clone(a.apps), a.clients...) {
		tried := map[string]int{} // of each type of record a few will do
		for _, r := range a.records() {
			if a.may(c, r, "") != expect.Allowed {
				continue
			}
			if tried[r.Slot]++; tried[r.Slot] > 3 {
				continue
			}
			for _, element := range sorted(r.Elements) {
				if a.may(c, r, element) != expect.Forbidden {
					continue
				}
				for _, word := range r.Elements[element] {
					for _, q := range []request{
						get("%s?_text=%s", r.Type, word), get("%s?_content=%s", r.Type, word), get("%s?_filter=_text%%20co%%20%s", r.Type, word), get("%s?_content=%s&_summary=count", r.Type, word),
						get("Patient?_has:%s:patient:_content=%s", r.Type, word), get("%s?_content=%s%%20OR%%20none", r.Type, word), get("%s?_content=%s&_total=accurate&_count=0", r.Type, word),
					} {
						all = append(all, attempt{Route: strings.SplitN(q.Target[6:], word, 2)[0], Trick: "redacted fields", As: c, Relation: c.relation(a.byID[r.Patient]), Type: r.Type, Target: r, Req: q, Want: blocked})
					}
				}
			}
		}
	}
	return all
}

// emergencies opens charts in an emergency, as those may who treat a patient that is not
// theirs. What it opens is shown in the session, and nowhere else.
func (a *attack) emergencies(ctx context.Context) (all []attempt, err error) {
	for _, c := range a.pages {
		if c.Related || c.Role != "doctor" && c.Role != "nurse" {
			continue
		}
		for _, p := range a.patients {
			if p.Why != "none" || p.Mark.Mark != "" && p.Mark.Mark != "psychotherapy" && p.Mark.Mark != "vip" && p.Mark.Mark != "hiv" || slices.Contains(p.Emergency, c.person.User) {
				continue
			}
			got, err := a.ask(ctx, c, formTo("/emergency/"+p.ID, url.Values{"reason": {"treatment"}}))
			if err != nil {
				return nil, err
			}
			if got.Status != 303 {
				return nil, fmt.Errorf("%s: an emergency is answered with %d", c.Name, got.Status)
			}
			p.Emergency = append(p.Emergency, c.person.User)
			if len(p.Emergency) > 5 {
				break
			}
			for _, s := range chartPages[:9] {
				all = append(all, attempt{Route: "chart" + s, Trick: "legitimate", As: c, Relation: "emergency/" + p.Mark.Mark, Type: "page", Target: p.Records[0], Req: request{Method: "GET", Target: "/chart/" + p.ID + s}, Want: shown, Show: []string{p.Family}})
			}
			for _, r := range p.Records {
				if len(r.Marks) > 0 && a.may(c, r, "") == expect.Forbidden && r.Type == "DocumentReference" {
					all = append(all, attempt{Route: "file", Trick: "break-glass", As: c, Relation: "emergency/" + p.Mark.Mark, Type: "page", Target: r, Req: request{Method: "GET", Target: "/chart/" + p.ID + "/documents/" + r.ID + "/file"}, Want: refused})
				}
			}
			for _, app := range a.apps {
				if app.person != c.person {
					continue
				}
				for _, rd := range looks {
					for _, t := range a.door(app, rd) {
						if t.Target.Patient == p.ID && t.Want != shown {
							t.Trick, t.Relation = "break-glass by an app", "emergency/"+p.Mark.Mark
							all = append(all, t)
						}
					}
				}
			}
		}
	}
	return all, nil
}
