package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// revocations take Consents back, give new ones, and end who acts for patients: by the
// office that registers it, while those who are concerned go on asking.
func (a *attack) revocations(ctx context.Context) (all []attempt, err error) {
	office := a.apps[11]
	for _, p := range a.guarded {
		how := p.Why[strings.LastIndex(p.Why, " ")+1:] // inactive, … ended; link, job, …
		switch p.kind {
		case "consent-revoked":
			_, how, _ = strings.Cut(p.Why, ", ")
			first, err := a.ended(ctx, office, p, how)
			if err != nil {
				return nil, err
			}
			all = append(all, first)
		case "consent-new":
			some, err := a.denied(ctx, office, p, how)
			if err != nil {
				return nil, err
			}
			all = append(all, some...)
		case "proxy-revoked":
			if err := a.retired(ctx, p, how); err != nil {
				return nil, err
			}
		default:
			continue
		}
		for _, c := range a.apps {
			all = append(all, a.onGuarded(c, []*patient{p})...)
		}
		for _, c := range a.pages {
			all = append(all, a.chartOf(c, p)...)
		}
		if p.kind == "proxy-revoked" {
			all = append(all, a.withoutProxy(p)...)
		}
	}
	guesses, err := a.told(ctx)
	if all = append(all, guesses...); a.sample {
		all = thinner(a.rng, all)
	}
	return all, err
}

// told are Subscriptions to a masked number, one right and one wrong, and a change of
// whose it is: neither is told more than the other.
func (a *attack) told(ctx context.Context) ([]attempt, error) {
	program, p := a.clients[len(a.clients)-1], a.guardedAs("consent-idle deny, proposed")
	r := p.Records[0]
	var events []request
	for _, number := range []string{r.Elements["ssn"][0], a.word("guess", p.ID)} {
		at, err := a.subscribe(ctx, program, "Patient?identifier="+number)
		if err != nil {
			return nil, err
		}
		events = append(events, request{Method: "GET", Target: at + "/$status"})
	}
	if _, err := a.does(ctx, program, put("Patient/"+p.ID, changed(r, p.ID))); err != nil {
		return nil, err
	}
	return []attempt{{Route: "Subscription to a number", Trick: "masked numbers", As: program, Relation: p.Why, Type: "Patient", Target: r, Req: events[0], Twin: &events[1], Want: silent}}, nil
}

// subscribe orders a Subscription, and returns its address.
func (a *attack) subscribe(ctx context.Context, c *caller, criteria string) (string, error) {
	got, err := a.does(ctx, c, post("Subscription", fhirJSON, text(object{"resourceType": "Subscription", "status": "requested", "reason": "x", "criteria": criteria, "channel": object{"type": "websocket"}})))
	if err != nil {
		return "", err
	}
	at := strings.SplitN(got.Header.Get("Location"), "/_history", 2)[0]
	return at[strings.Index(at, "/fhir/"):], nil
}

// does sends a request in order, and fails if it is refused.
func (a *attack) does(ctx context.Context, c *caller, q request) (answer, error) {
	got, err := a.ask(ctx, c, q)
	if err == nil && got.Status >= 300 {
		err = fmt.Errorf("%s %s as %s: %d %s", q.Method, q.Target, c.Name, got.Status, got.Body)
	}
	return got, err
}

// next is the very next request, made at once and judged with the others.
func (a *attack) next(ctx context.Context, c *caller, r *record) (attempt, error) {
	q := get("%s/%s", r.Type, r.ID).with("X-Next: 1")
	got, err := a.ask(ctx, c, q)
	p := a.byID[r.Patient]
	one := attempt{Route: "the very next request", Trick: p.kind, As: c, Relation: p.Why, Type: r.Type, Target: r, Req: q, Want: refused, Got: &got}
	if a.may(c, r, "") == expect.Allowed {
		one.Trick, one.Want, one.Show = "legitimate", shown, a.shows(c, r)
	}
	return one, err
}

// ended takes the patient's Consent back.
func (a *attack) ended(ctx context.Context, office *caller, p *patient, how string) (attempt, error) {
	c := p.record("Consent")
	body := maps.Clone(c.body)
	q := request{Method: "DELETE", Target: "/fhir/Consent/" + c.ID}
	switch how {
	case "inactive", "entered-in-error", "rejected":
		body["status"] = how
	case "period ended":
		rule := maps.Clone(body["provision"].(object))
		rule["period"] = object{"end": a.now.Add(-time.Minute).Format(time.RFC3339)}
		body["provision"] = rule
	case "actor out":
		rule := maps.Clone(body["provision"].(object))
		rule["actor"] = []any{object{"role": one("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP"), "reference": object{"reference": "Practitioner/nobody"}}}
		body["provision"] = rule
	}
	if how != "deleted" {
		q = put("Consent/"+c.ID, body)
	} else {
		office = a.clients[len(a.clients)-1]
	}
	if _, err := a.does(ctx, office, q); err != nil {
		return attempt{}, err
	}
	p.consents = nil
	if how == "actor out" {
		p.consents = []expect.Provision{{Deny: strings.Contains(p.Why, "deny"), Actors: []string{"Practitioner/nobody"}}}
	}
	p.Records = slices.DeleteFunc(p.Records, func(r *record) bool { return r.Type == "Consent" }) // it was changed
	return a.next(ctx, a.apps[boolInt(strings.Contains(p.Why, "permit"))], p.record("Condition")) // of who was meant
}

// denied has a patient keep problems from the doctor, who has begun to look: a page link,
// a job, a Subscription of hers are there already.
func (a *attack) denied(ctx context.Context, office *caller, p *patient, how string) (all []attempt, err error) {
	doctor := a.apps[0]
	r := p.record("Condition private")
	add := func(route string, q request, w want) {
		all = append(all, attempt{Route: route, Trick: p.kind, As: doctor, Relation: p.Why, Type: r.Type, Target: r, Req: q, Want: w})
	}
	switch how {
	case "link": // of pages
		got, err := a.does(ctx, doctor, get("Condition?patient=%s&_count=1", p.ID))
		if err != nil {
			return nil, err
		}
		var b struct {
			Link []struct{ Relation, URL string }
		}
		_ = json.Unmarshal(got.Body, &b)
		for _, l := range b.Link {
			if l.Relation == "next" {
				add("page link of before", request{Method: "GET", Target: strings.TrimPrefix(l.URL, a.s.base)}, silent)
			}
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("a search of %d problems has no next page", 3)
		}
	case "job":
		got, err := a.does(ctx, doctor, get("Condition?patient=%s", p.ID).with("Prefer: respond-async"))
		if err != nil {
			return nil, err
		}
		at := strings.TrimPrefix(got.Header.Get("Content-Location"), a.s.base)
		if _, err := a.await(ctx, doctor, at); err != nil {
			return nil, err
		}
		add("job of before", request{Method: "GET", Target: at}, silent)
	case "search":
		for _, q := range []request{get("Condition?patient=%s", p.ID), get("Condition?patient=%s&_summary=count", p.ID), get("Patient/%s/$everything", p.ID), get("Condition/%s", r.ID)} {
			if _, err := a.does(ctx, doctor, q); err != nil { // so that all that is kept ready is there
				return nil, err
			}
		}
		add("count", get("Condition?patient=%s&_summary=count", p.ID), silent)
	}
	rule, meant := expect.Provision{Deny: true, Actors: []string{relatedDoctor}, Classes: []string{"Condition"}}, doctor
	if how == "Subscription" {
		program := a.clients[len(a.clients)-1]
		at, err := a.subscribe(ctx, program, "Condition?patient="+p.ID)
		if err != nil {
			return nil, err
		}
		for _, path := range []string{"/$events", "/$status", "/$events?eventsSinceNumber=1", "/$events?content=full-resource"} {
			all = append(all, attempt{Route: "Subscription " + path, Trick: p.kind, As: program, Relation: p.Why, Type: r.Type, Target: r, Req: request{Method: "GET", Target: at + path}, Want: silent})
		}
		rule.Actors, meant = program.Who.Names, program
	}
	c := a.form(p, "Consent")
	c.body["provision"] = a.provision(rule)
	p.Records = p.Records[:len(p.Records)-1]
	body := maps.Clone(c.body)
	delete(body, "id")
	if _, err := a.does(ctx, office, post("Consent", fhirJSON, text(body))); err != nil {
		return nil, err
	}
	p.consents = []expect.Provision{rule}
	first, err := a.next(ctx, meant, r)
	if how == "Subscription" && err == nil {
		_, err = a.does(ctx, doctor, post("Condition", fhirJSON, text(changed(r, ""))))
	}
	return append(all, first), err
}

// retired ends that somebody acts for a patient.
func (a *attack) retired(ctx context.Context, p *patient, how string) error {
	body := maps.Clone(p.relative)
	q := request{Method: "DELETE", Target: "/fhir/RelatedPerson/" + proxyOf(p)}
	switch how {
	case "inactive":
		body["active"] = false
	case "ended": // its period
		body["period"] = object{"end": a.now.Add(-time.Minute).Format(time.RFC3339)}
	case "entered-in-error": // R4 has no such status of relatives: the account is taken out
		delete(body, "identifier")
	}
	if how != "deleted" {
		q = put("RelatedPerson/"+proxyOf(p), body)
	}
	_, err := a.does(ctx, a.clients[len(a.clients)-1], q)
	p.Relation = nil
	return err
}

// withoutProxy are all roads of who acted for a patient.
func (a *attack) withoutProxy(p *patient) (all []attempt) {
	proxy := a.apps[18]
	for _, rd := range looks {
		for _, r := range p.Records {
			if rd.types != nil && !slices.Contains(rd.types, r.Type) || rd.letter != "" || a.rng.IntN(6) > 0 && r.Type != "Patient" {
				continue
			}
			if t, ok := a.forbidden(proxy, rd, r, p.Why); ok {
				t.Trick = p.kind
				all = append(all, t)
			}
		}
	}
	for _, s := range chartPages {
		all = append(all, attempt{Route: "chart" + s, Trick: p.kind, As: a.pages[18], Relation: p.Why, Type: "page", Target: p.Records[0], Req: request{Method: "GET", Target: "/chart/" + p.ID + s}, Want: refused})
	}
	return all
}
