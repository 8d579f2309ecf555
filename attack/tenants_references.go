package main

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// references are records of this house that name records of the other by its absolute
// address: what is there is never fetched, followed or found by it.
func (x *crossing) references(ctx context.Context) error {
	root := x.to.clients[len(x.to.clients)-1]
	theirs, ours := x.from.patients[0], x.to.patients[0]
	address := x.from.s.base + "/fhir/"
	for _, to := range []string{address + "Patient/" + theirs.ID, address + "Patient/" + x.from.word("nothing", theirs.ID)} {
		whose := map[bool]string{true: "theirs", false: "nobody's"}[strings.HasSuffix(to, theirs.ID)]
		for name, body := range map[string]object{
			"subject":  {"resourceType": "Observation", "status": "final", "code": object{"text": "x"}, "subject": object{"reference": to}},
			"focus":    {"resourceType": "Observation", "status": "final", "code": object{"text": "x"}, "subject": ours.ref(), "focus": []any{object{"reference": to}}},
			"list":     {"resourceType": "List", "status": "current", "mode": "working", "subject": ours.ref(), "entry": []any{object{"item": object{"reference": to}}}},
			"document": {"resourceType": "DocumentReference", "status": "current", "subject": ours.ref(), "content": []any{object{"attachment": object{"url": address + "Binary/" + theirs.record("Binary").ID}}}},
		} {
			got, err := x.to.ask(ctx, root, post(body["resourceType"].(string), fhirJSON, text(body)))
			if err != nil {
				return err
			}
			at := got.Header.Get("Location")
			if i := strings.Index(at, "/_history"); got.Status == 201 && i > 0 {
				at = at[strings.LastIndexByte(at[:i], '/')+1 : i]
			} else {
				at = "refused"
			}
			typ := body["resourceType"].(string)
			for _, c := range append(slices.Clone(x.to.apps), root, x.to.clients[0]) {
				for route, target := range map[string]string{
					"include": typ + "?_id=" + at + "&_include=*", "include:iterate": typ + "?_id=" + at + "&_include:iterate=*&_include=" + typ + ":subject",
					"chain": typ + "?subject:Patient.family=" + theirs.Family + "&_id=" + at, "chain by identifier": typ + "?subject:Patient.identifier=" + theirs.MRN + "&_id=" + at, "_has": "Patient?_has:" + typ + ":subject:_id=" + at + "&_id=" + theirs.ID,
					"patient": typ + "?patient=" + theirs.ID + "&_id=" + at, "$document": typ + "/" + at + "/$document", "compartment": "Patient/" + theirs.ID + "/" + typ, "absolute": typ + "?subject=" + url.QueryEscape(to) + "&_include=*",
				} {
					sees := c
					one := attempt{Route: "reference, " + route, Trick: "cross-tenant reference", As: c, Sees: sees, Relation: x.relation(name + ", " + whose), Type: typ, Req: get("%s", target), Want: silent}
					x.all = append(x.all, one)
				}
			}
			x.all = append(x.all, attempt{Route: "reference, written", Trick: "cross-tenant reference", As: root, Relation: x.relation(name + ", " + whose), Type: typ, Req: post(typ, fhirJSON, text(with(body, "language", "en"))), Want: silent})
		}
	}
	return x.namesakes(ctx, root)
}

// namesakes files a record under the id of one of the other house: each keeps its own.
func (x *crossing) namesakes(ctx context.Context, root *caller) error {
	their := x.from.clients[len(x.from.clients)-1]
	for _, slot := range []string{"Condition", "Observation vital", "Immunization"} {
		i := slices.IndexFunc(x.from.patients, func(p *patient) bool { return p.Why == "former team" }) // whom no other part tries
		r := x.from.patients[i].record(slot)
		if x.from.may(their, r, "") != expect.Allowed {
			continue
		}
		mine := changed(x.to.patients[0].record(slot), r.ID)
		delete(mine, "identifier")
		if _, err := x.to.does(ctx, root, put(r.Type+"/"+r.ID, mine)); err != nil {
			return err
		}
		q := get("%s/%s", r.Type, r.ID).with("Accept: "+fhirJSON, "X-Namesake: 1")
		x.all = append(x.all, attempt{Route: "read", Trick: "legitimate", As: their, Relation: "a namesake was filed beside", Type: r.Type, Target: r, Req: q, Want: shown, Show: x.from.shows(their, r), Holds: `"versionId":"1"`, At: x.from.s})
	}
	return nil
}
