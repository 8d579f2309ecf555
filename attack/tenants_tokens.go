package main

import (
	"context"
	"net/url"
	"slices"
	"strings"
)

// pleas are headers by which a request says that it is for the house that it comes from.
func (x *crossing) pleas() [][]string {
	host := x.from.s.host
	return [][]string{
		nil, {"X-Forwarded-Host: " + host}, {"Forwarded: host=" + host + ";proto=https"}, {"X-Host: " + host, "X-Original-Host: " + host, "X-Forwarded-Server: " + host},
		{"X-Tenant: " + x.from.s.tenant, "X-Tenant-Id: " + x.from.s.tenant}, {"X-Original-URL: " + x.from.s.base + "/", "X-Rewrite-URL: " + x.from.s.base + "/"}, {"Referer: " + x.from.s.base + "/ward"},
	}
}

func pleaName(plea []string) string {
	if plea == nil {
		return ""
	}
	name, _, _ := strings.Cut(plea[0], ":")
	return ", with " + name
}

// ownRooms are pages and forms of a house about itself.
func (x *crossing) ownRooms() []room {
	list := []room{
		page("/"), page("/ward"), page("/account"), page("/apps"), page("/people"), page("/people/new"), page("/emergencies"), page("/restrictions"), page("/decisions"), page("/locate"), page("/account/passkey"), page("/fhir/Patient/ID"), page("/fhir/Patient"),
		sends("/account/sessions/end", fixed(url.Values{})), sends("/account/password", fixed(url.Values{"password": {password}, "new": {"copper meadow harbor lamp"}, "again": {"copper meadow harbor lamp"}})), sends("/people/new", fixed(url.Values{"user": {"mallory"}})),
		sends("/awake", fixed(url.Values{})), sends("/drafts", fixed(url.Values{"form": {"/people/new"}, "page": {"/people/new"}, "f.user": {"mallory"}})), sends("/unlock", fixed(url.Values{"password": {password}})), sends("/step-up", fixed(url.Values{"password": {password}})), sends("/passkey/ask", fixed(url.Values{"for": {"session"}})),
	}
	return append(list, roomsOfPatients()...)
}

// sessions are cookies of everybody's session, as browsers send them and as they do not.
func (x *crossing) sessions(context.Context) error {
	shapes := []struct {
		name string
		make func(v string) []string
	}{
		{"as it is", func(v string) []string { return []string{"Cookie: " + sessionCookie + "=" + v} }},
		{"as a cookie of the parent's", func(v string) []string { return []string{"Cookie: wk=" + v + "; __Secure-wk=" + v} }},
		{"with a Domain", func(v string) []string {
			return []string{"Cookie: $Version=1; " + sessionCookie + "=" + v + "; $Path=/; $Domain=localhost"}
		}},
		{"as that of a first step", func(v string) []string { return []string{"Cookie: __Host-wk-step=" + v} }},
		{"as all other cookies", func(v string) []string {
			return []string{"Cookie: __Host-wk-app=" + v + "; __Host-wk-lock=" + v + "; __Host-wk-away=" + v + "; __Host-wk-enrol=" + v + "; __Host-wk-ask=" + v}
		}},
		{"twice", func(v string) []string {
			return []string{"Cookie: " + sessionCookie + "=none; " + sessionCookie + "=" + v}
		}},
		{"as a token", func(v string) []string { return []string{"Authorization: Bearer " + v} }},
	}
	for _, c := range x.from.pages {
		who := &caller{Name: c.Name, Role: c.Role}
		for _, rm := range x.ownRooms() {
			for _, p := range []*patient{x.to.patients[0], x.from.patients[0]} {
				if p == x.from.patients[0] && !strings.Contains(rm.route, "ID") {
					continue
				}
				whose := map[bool]string{true: ", about theirs", false: ""}[p == x.from.patients[0]]
				add := func(shape string, show func(v string) []string) *attempt {
					return x.foreign(attempt{Route: rm.route + whose, Trick: "cross-tenant session", As: who, Relation: x.relation(shape), Type: "page", Want: refused, Own: true}, c.person.Cookie, func(v string) request { return rm.make(p).with(show(v)...) })
				}
				for _, s := range shapes {
					add(s.name, s.make)
				}
				for _, plea := range x.pleas()[1:] {
					add("as it is"+pleaName(plea), func(v string) []string { return append(plea, "Cookie: "+sessionCookie+"="+v) })
				}
				if !strings.HasPrefix(rm.route, "POST") {
					warm := add("the moment after", func(v string) []string { return []string{"Cookie: " + sessionCookie + "=" + v, "X-Moment: 1"} })
					warm.Via = x.warmed(request{Method: "GET", Target: "/account", Header: []string{"Cookie: " + sessionCookie + "=" + c.person.Cookie}})
				}
			}
		}
	}
	return x.both()
}

// warmed sends a request here right after one at home, by which everything that is
// remembered of a credential is remembered.
func (x *crossing) warmed(home request) func(context.Context, request) (answer, error) {
	return func(ctx context.Context, q request) (answer, error) {
		first := &line{dialler: x.from.s.dialler}
		defer first.close()
		if _, err := first.do(ctx, home); err != nil {
			return answer{}, err
		}
		l := &line{dialler: x.to.s.dialler}
		defer l.close()
		return l.do(ctx, q)
	}
}

// both are the cookies of two sessions in one request: what is shown is at most what the
// one of this house shows.
func (x *crossing) both() error {
	for _, pair := range x.pairs() {
		theirs, ours := pair[0].person.Cookie, pair[1].person.Cookie
		for _, rm := range x.ownRooms() {
			if strings.HasPrefix(rm.route, "POST") || strings.HasPrefix(rm.route, "/fhir") {
				continue
			}
			for name, line := range map[string]string{
				"theirs first": sessionCookie + "=" + theirs + "; " + sessionCookie + "=" + ours, "theirs last": sessionCookie + "=" + ours + "; " + sessionCookie + "=" + theirs,
				"theirs as the first step's": sessionCookie + "=" + ours + "; __Host-wk-step=" + theirs, "theirs as the lock's": "__Host-wk-lock=" + theirs + "; " + sessionCookie + "=" + ours,
			} {
				q := rm.make(x.from.patients[0]).with("Cookie: " + line)
				x.all = append(x.all, attempt{Route: rm.route, Trick: "cross-tenant session", As: pair[1], Sees: pair[1], Relation: x.relation("both, " + name), Type: "page", Req: q, Want: silent, Own: true})
			}
		}
	}
	return nil
}

// bearers are what callers of a house show of themselves.
func (a *attack) bearers(ctx context.Context) (list []struct {
	who   *caller
	kind  string
	value string
}, err error) {
	add := func(c *caller, kind, value string) {
		if value != "" {
			list = append(list, struct {
				who   *caller
				kind  string
				value string
			}{&caller{Name: c.Name, Role: c.Role}, kind, value})
		}
	}
	for _, c := range slices.Concat(a.apps, a.narrow) {
		add(c, "access token", c.grant.Access)
		add(c, "id token", c.grant.Identity)
	}
	for _, c := range a.clients {
		token, err := c.client.bearer(ctx)
		if err != nil {
			return nil, err
		}
		add(c, "access token", token)
	}
	for _, c := range a.pages {
		g, err := a.all.let(ctx, c.person, "openid fhirUser offline_access user/*.cruds", "")
		if err != nil {
			return nil, err
		}
		add(c, "refresh token", g.Refresh)
		add(c, "code that was used", g.Code)
	}
	return list, nil
}

// tokens are shown to the API of this house.
func (x *crossing) tokens(ctx context.Context) error {
	list, err := x.from.bearers(ctx)
	if err != nil {
		return err
	}
	ours, theirs := x.to.patients[0], x.from.patients[0]
	asked := []room{
		{"metadata of oneself", func(p *patient) request { return get("Patient/%s?_elements=id", p.ID) }},
	}
	for _, rd := range []string{"read", "vread", "history of a record", "search _id", "search patient by POST", "Patient/$everything", "batch read", "transaction read", "update", "JSON patch", "delete", "create for somebody else's patient", "unmask", "count", "_has"} {
		for _, one := range slices.Concat(looks, changeRoads) {
			if one.name == rd {
				asked = append(asked, room{rd, func(p *patient) request {
					for _, slot := range []string{"Observation vital", "Patient"} {
						if r := p.record(slot); one.types == nil || slices.Contains(one.types, r.Type) {
							return one.make(x.to.world, p, r)
						}
					}
					return request{}
				}})
			}
		}
	}
	asked = append(asked, room{"$export", func(p *patient) request {
		return get("$export?_type=Patient&x=%s", p.ID).with("Prefer: respond-async")
	}})
	for _, t := range list {
		for _, rm := range asked {
			for whose, p := range map[string]*patient{"": ours, ", of theirs": theirs} {
				for _, plea := range x.pleas() {
					x.foreign(attempt{Route: rm.route + whose, Trick: "cross-tenant token", As: t.who, Relation: x.relation(t.kind + pleaName(plea)), Type: "Patient", Target: p.Records[0], Want: refused, Own: true}, t.value, func(v string) request {
						return rm.make(p).with(append(plea[:len(plea):len(plea)], "Authorization: Bearer "+v)...)
					})
				}
			}
		}
		if t.kind == "access token" {
			warm := x.foreign(attempt{Route: "read", Trick: "cross-tenant token", As: t.who, Relation: x.relation("the moment after"), Type: "Patient", Target: ours.Records[0], Want: refused, Own: true}, t.value, func(v string) request {
				return get("Patient/%s", ours.ID).with("Authorization: Bearer "+v, "X-Moment: 1")
			})
			warm.Via = x.warmed(get("Location/ward-a").with("Authorization: Bearer " + t.value))
		}
	}
	return nil
}
