package main

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// opens answers what a chart is opened for, once for each, where pages ask by whom it is:
// what is tried is the chart, not the question before it.
func (w *world) opens(ctx context.Context, l *line, c *caller, q request) error {
	id, _, _ := strings.Cut(strings.TrimPrefix(q.Target, "/chart/"), "/")
	if c == nil || !c.session || id == q.Target || q.has("Origin") || q.has("Sec-Fetch-Site") || !slices.ContainsFunc(c.Who.Roles, func(r string) bool { return r == "registration" || r == "admin" }) {
		return nil
	}
	once, _ := w.asked.LoadOrStore(c.Name+" "+id, new(sync.Once))
	var err error
	once.(*sync.Once).Do(func() {
		var headers []string
		if headers, err = c.credential(ctx); err == nil {
			_, err = l.do(ctx, formTo("/purpose", url.Values{"chart": {"1"}, "purpose": {"HOPERAT"}, "back": {"/chart/" + id}}).with(headers...))
		}
	})
	return err
}

// otherWork has somebody state on pages what is none of her work.
func (a *attack) otherWork(c *caller) (all []attempt) {
	for _, purpose := range []string{"TREAT", "HPAYMT", "HRESCH", "HMARKT", "PUBHLTH", "BTG", "ETREAT", "treat", "", "TREAT HPAYMT"} {
		for _, v := range []url.Values{{"purpose": {purpose}, "back": {"/"}}, {"purpose": {purpose}, "chart": {"1"}, "back": {"/chart/" + a.patients[0].ID}}} {
			if expect.WorksFor(c.Who, purpose) == expect.Forbidden {
				all = append(all, attempt{Route: "POST /purpose", Trick: "purpose", As: c, Relation: "none", Type: "page", Req: formTo("/purpose", v), Want: refused, Status: 403})
			}
		}
	}
	return all
}
