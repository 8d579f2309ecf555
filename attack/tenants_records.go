package main

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// records are those of the other house, on every road of this one.
func (x *crossing) records(context.Context) error {
	kinds := map[string][]*record{}
	for _, r := range x.from.records() {
		p := x.from.byID[r.Patient]
		switch name := strings.TrimSuffix(p.Why+"/"+p.Mark.Mark, "/"); name {
		case "ward", "team", "none", "proxy", "ward and team", "discharged", "ward/hiv", "none/vip":
			kinds[name] = append(kinds[name], r)
		}
	}
	for _, c := range x.to.everybody() {
		for _, rd := range slices.Concat(looks, changeRoads) {
			for _, why := range sorted(kinds) {
				x.record(c, rd, why, kinds[why])
			}
		}
	}
	return nil
}

// record tries one road to one of the records.
func (x *crossing) record(c *caller, rd road, why string, list []*record) {
	for _, i := range x.rng.Perm(len(list)) {
		r := list[i]
		if rd.types != nil && !slices.Contains(rd.types, r.Type) || x.mayMake(c, rd, r) {
			continue
		}
		q := rd.make(x.from.world, x.from.byID[r.Patient], r)
		if q.Target == "" {
			continue
		}
		one := attempt{Route: rd.name, Trick: "cross-tenant record", As: c, Relation: x.relation(why), Type: r.Type, Target: r, Req: q, Want: rd.want}
		if rd.twin || rd.want != silent {
			one.Twin = x.unknown(q)
		}
		x.all = append(x.all, one)
		return
	}
}

// mayMake reports whether somebody may file records of strangers in his own house: what he
// writes there is of that house, under whatever id.
func (x *crossing) mayMake(c *caller, rd road, r *record) bool {
	if rd.letter != "c" && rd.letter != "u" || c.Who.Kind == "" {
		return false
	}
	own := expect.Target{House: c.Who.House, Type: r.Type, Category: r.Category}
	return expect.MayChange(c.Who, own, rd.letter) != expect.Forbidden
}

// room is a page or form of a house, by the id it is asked for.
type room struct {
	route string
	make  func(p *patient) request
}

func page(format string) room {
	return room{format, func(p *patient) request {
		return request{Method: "GET", Target: strings.ReplaceAll(format, "ID", p.ID)}
	}}
}

func sends(path string, v func(p *patient) url.Values) room {
	return room{"POST " + path, func(p *patient) request { return formTo(strings.ReplaceAll(path, "ID", p.ID), v(p)) }}
}

func fixed(v url.Values) func(*patient) url.Values { return func(*patient) url.Values { return v } }

// roomsOfPatients are those that name a patient.
func roomsOfPatients() []room {
	list := []room{
		page("/chart/ID/access"), page("/chart/ID/access.csv"), page("/chart/ID/privacy"), page("/chart/ID/paid"), page("/emergency/ID"),
		{"/chart/ID/documents/…/file", func(p *patient) request {
			return request{Method: "GET", Target: "/chart/" + p.ID + "/documents/" + p.record("DocumentReference").ID + "/file"}
		}},
		{"/chart/ID/keep/…", func(p *patient) request {
			return request{Method: "GET", Target: "/chart/" + p.ID + "/keep/Condition/" + p.record("Condition").ID}
		}},
		sends("/emergency/ID", fixed(url.Values{"reason": {"treatment"}})), sends("/emergency/ID/end", fixed(url.Values{"x": {"y"}})),
		sends("/find", func(p *patient) url.Values { return url.Values{"q": {p.MRN}} }), sends("/find?", func(p *patient) url.Values { return url.Values{"q": {p.Family}} }),
		sends("/find?id", func(p *patient) url.Values { return url.Values{"q": {p.ID}} }),
		sends("/locate", func(p *patient) url.Values { return url.Values{"mrn": {p.MRN}} }),
		sends("/chart/ID/details", func(p *patient) url.Values {
			return url.Values{"record": {"Patient/" + p.ID}, "purpose": {"HPAYMT"}}
		}),
		sends("/chart/ID/privacy", fixed(url.Values{"reason": {"x"}})), sends("/chart/ID/paid", fixed(url.Values{"visit": {"x"}})),
	}
	for _, s := range chartPages {
		list = append(list, page("/chart/ID"+s))
	}
	return list
}

// rooms are pages of this house about patients of the other, for those who are at work
// here.
func (x *crossing) rooms(context.Context) error {
	located := map[*caller]int{}
	for _, c := range x.to.pages {
		for _, rm := range roomsOfPatients() {
			for _, p := range x.from.patients {
				if p.Why != "ward" && p.Why != "none" && p.Why != "proxy" || p.Mark.Mark != "" {
					continue
				}
				if strings.Contains(rm.route, "/locate") { // ten numbers in as many minutes
					if located[c]++; located[c] > 2 {
						continue
					}
				}
				q := rm.make(p)
				w := refused
				if strings.Contains(rm.route, "/find") || strings.Contains(rm.route, "/locate") || rm.route == "/emergency/ID" {
					w = silent
				}
				x.all = append(x.all, attempt{Route: rm.route, Trick: "cross-tenant page", As: c, Relation: x.relation(p.Why), Type: "page", Target: p.Records[0], Req: q, Twin: x.unknown(q), Want: w})
			}
		}
	}
	return nil
}
