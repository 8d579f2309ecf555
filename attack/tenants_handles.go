package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// handle is the address of something that is kept for somebody.
type handle struct {
	kind, at string
	owner    *caller
}

// id is what cannot be guessed of it.
func (h handle) id() string {
	if _, token, ok := strings.Cut(h.at, "_page="); ok {
		return token
	}
	longest := ""
	for part := range strings.FieldsFuncSeq(h.at, func(r rune) bool { return strings.ContainsRune("/?&=", r) }) {
		if len(part) > len(longest) && strings.ContainsAny(part, "0123456789") && !strings.Contains(part, "=") {
			longest = part
		}
	}
	return longest
}

// handles are shown by everybody of this house: nothing is kept under them here.
func (x *crossing) handles(ctx context.Context) error {
	var list []handle
	for _, give := range []func(context.Context) ([]handle, error){x.from.jobsGiven, x.from.linksGiven, x.from.subscriptionsGiven} {
		some, err := give(ctx)
		if err != nil {
			return err
		}
		list = append(list, some...)
	}
	for _, h := range list {
		if !strings.Contains(h.kind, "$") {
			q := request{Method: "GET", Target: h.at, Header: []string{"X-Home: 1"}}
			x.all = append(x.all, attempt{Route: h.kind, Trick: "legitimate", As: h.owner, Relation: "at home", Req: q, Want: shown, At: x.from.s})
		}
		for _, c := range x.to.everybody() {
			x.handle(c, h)
		}
	}
	return nil
}

// handle has somebody fetch what is kept under a handle, and end it.
func (x *crossing) handle(c *caller, h handle) {
	methods := []string{"GET", "DELETE"}
	if strings.Contains(h.kind, "$") {
		methods = []string{"GET", "POST"}
	}
	for _, method := range methods {
		w := refused
		if method == "DELETE" && h.kind == "Subscription" {
			w = silent // to delete what is not there is no error
		}
		id := h.id()
		x.foreign(attempt{Route: method + " " + h.kind, Trick: "cross-tenant handle", As: c, Relation: x.relation(h.owner.Role), Want: w}, id, func(v string) request {
			q := request{Method: method, Target: strings.Replace(h.at, id, v, 1)}
			if method == "POST" {
				q = post(strings.TrimPrefix(q.Target, "/fhir/"), fhirJSON, `{"resourceType":"Parameters"}`)
			}
			return q
		})
	}
}

// jobsGiven are jobs of this house and their files.
func (a *attack) jobsGiven(ctx context.Context) (list []handle, err error) {
	root := a.clients[len(a.clients)-1]
	orders := []struct {
		c *caller
		q request
	}{{root, get("$export?_type=Patient,Observation")}, {root, get("Patient/$export?_type=Condition")}, {a.apps[0], get("Observation?_count=5")}, {a.apps[0], get("Patient/%s/$everything", a.patients[0].ID)}}
	if a.sample {
		orders = orders[1:3]
	}
	for _, o := range orders {
		got, err := a.ask(ctx, o.c, o.q.with("Prefer: respond-async"))
		if err != nil {
			return nil, err
		}
		at := strings.TrimPrefix(got.Header.Get("Content-Location"), a.s.base)
		if got.Status != 202 || at == "" {
			return nil, fmt.Errorf("the order of a job is answered with %d", got.Status)
		}
		list = append(list, handle{"job", at, o.c})
	}
	for _, job := range list {
		files, err := a.await(ctx, job.owner, job.at)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			list = append(list, handle{"file of a job", f, job.owner})
		}
	}
	return list, nil
}

// linksGiven are links to the next pages of searches.
func (a *attack) linksGiven(ctx context.Context) (list []handle, err error) {
	for _, owner := range []*caller{a.apps[0], a.apps[1], a.clients[len(a.clients)-1]} {
		for _, q := range []request{get("Observation?_count=2"), get("Condition?_count=1&_sort=-_lastUpdated"), get("Observation/_history?_count=2"), get("Encounter?_count=1&_include=Encounter:patient")} {
			got, err := a.ask(ctx, owner, q)
			if err != nil {
				return nil, err
			}
			if next := nextLink(got.Body); next != "" {
				list = append(list, handle{"page link", strings.TrimPrefix(next, a.s.base), owner})
			}
		}
	}
	if len(list) == 0 {
		return nil, errors.New("no search has a next page")
	}
	return list, nil
}

// subscriptionsGiven is a Subscription, and what it is asked.
func (a *attack) subscriptionsGiven(ctx context.Context) (list []handle, err error) {
	root := a.clients[len(a.clients)-1]
	at, err := a.subscribe(ctx, root, "Condition?patient="+a.patients[0].ID)
	for _, path := range []string{"", "/$events", "/$status", "/$events?eventsSinceNumber=0&content=full-resource", "/$get-ws-binding-token"} {
		list = append(list, handle{"Subscription" + path, at + path, root})
	}
	return list, err
}

// nextLink is where a bundle goes on.
func nextLink(body []byte) string {
	var b struct {
		Link []struct{ Relation, URL string }
	}
	_ = json.Unmarshal(body, &b)
	for _, l := range b.Link {
		if l.Relation == "next" {
			return l.URL
		}
	}
	return ""
}
