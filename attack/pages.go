package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// chartPages are the pages of a chart, below /chart/ID.
var chartPages = []string{"", "/allergies", "/problems", "/medications", "/vitals", "/results", "/visits", "/documents", "/history", "/apps"}

// onPages has everybody open the pages of everybody by the cookie of a session.
func (a *attack) onPages() (all []attempt) {
	for _, c := range a.pages {
		for _, p := range a.patients {
			r := p.Records[0]
			may := a.may(c, r, "")
			add := func(trick, route string, q request, w want) {
				all = append(all, attempt{Route: route, Trick: trick, As: c, Relation: c.relation(p), Type: "page", Target: r, Req: q, Want: w})
			}
			page := func(path string) request { return request{Method: "GET", Target: path} }
			for _, s := range chartPages {
				switch {
				case may == expect.Forbidden:
					add("pages", "chart"+s, page("/chart/"+p.ID+s), refused)
					add("pages", "chart"+s+", live", page("/chart/"+p.ID+s).with("Wk-Live: 1"), refused)
				case may == expect.Allowed && (c.Role == "doctor" || c.Role == "nurse") && s != "/apps":
					all = append(all, attempt{Route: "chart" + s, Trick: "legitimate", As: c, Relation: c.relation(p), Type: "page", Target: r, Req: page("/chart/" + p.ID + s), Want: shown, Show: []string{p.Family}})
				}
			}
			d := p.record("DocumentReference")
			if a.may(c, d, "") == expect.Forbidden {
				add("pages", "document", page("/chart/"+p.ID+"/documents/"+d.ID), refused)
				add("pages", "file", page("/chart/"+p.ID+"/documents/"+d.ID+"/file"), refused)
				add("pages", "file of a chart of one's own", page("/chart/"+a.patients[0].ID+"/documents/"+d.ID+"/file"), refused)
			}
			if may == expect.Forbidden {
				for _, q := range []string{p.MRN, p.Family, p.Birth, p.Family[:12], p.ID, r.Identifier} {
					add("pages", "find", formTo("/find", url.Values{"q": {q}}), silent)
				}
				add("pages", "connect an app", formTo("/chart/"+p.ID+"/apps/"+a.all.ID, url.Values{}), refused)
			}
			if !slices.ContainsFunc(c.Who.Roles, func(r string) bool { return r == "doctor" || r == "nurse" || r == "pharmacist" }) {
				add("break-glass", "emergency", formTo("/emergency/"+p.ID, url.Values{"reason": {"treatment"}}), refused)
				add("break-glass", "emergency, page", page("/emergency/"+p.ID), refused)
				add("break-glass", "emergency, ended", formTo("/emergency/"+p.ID+"/end", url.Values{"x": {"y"}}), silent)
			}
		}
		all = append(append(all, a.desk(c)...), a.otherWork(c)...)
	}
	return all
}

func formTo(path string, v url.Values) request {
	return request{Method: "POST", Target: path, Header: []string{form}, Body: v.Encode()}
}

// desk are the pages of administrators, officers and charge nurses, and the locator.
func (a *attack) desk(c *caller) (all []attempt) {
	is := func(role string) bool { return slices.Contains(c.Who.Roles, role) }
	add := func(route string, q request) {
		all = append(all, attempt{Route: route, Trick: "admin pages", As: c, Relation: "none", Type: "page", Req: q, Want: refused})
	}
	page := func(path string) request { return request{Method: "GET", Target: path} }
	if !is("admin") {
		for _, path := range []string{"/people", "/people/new", "/people/root", "/people/" + c.person.User} {
			if path == "/people" && (is("privacy") || is("auditor")) {
				continue // unsaid
			}
			add(strings.Replace(path, c.person.User, "me", 1), page(path))
		}
		add("POST /people/new", formTo("/people/new", url.Values{"user": {"mallory"}, "given": {"M"}, "family": {"M"}, "role": {"admin"}}))
		for _, action := range []string{"change", "attest", "disable", "enable", "end-sessions", "end", "reset-mfa", "reset-password"} {
			add("POST /people/…/"+action, formTo("/people/"+c.person.User+"/"+action, url.Values{"reason": {"x"}, "role": {"admin"}, "kind": {"training"}, "on": {"2026-01-01"}, "by": {"me"}}))
		}
	}
	if !is("privacy") {
		add("/emergencies", page("/emergencies"))
		add("/emergencies/…", page("/emergencies/guess"))
		add("POST /emergencies/…", formTo("/emergencies/guess", url.Values{"verdict": {"justified"}}))
	}
	for _, ward := range []string{"ward-a", "ward-b", "ward-c", "none"} {
		if is("charge") && c.Ward == ward {
			continue
		}
		add("/ward/…/staff", page("/ward/"+ward+"/staff"))
		add("POST /ward/…/staff/me", formTo("/ward/"+ward+"/staff/"+c.person.User, url.Values{"x": {"y"}}))
	}
	if !is("doctor") && !is("nurse") && !is("pharmacist") && !is("registration") {
		p := a.patients[len(a.patients)-1]
		for _, v := range []url.Values{{"mrn": {p.MRN}}, {"family": {p.Family}, "given": {p.Records[0].Elements["name"][1]}, "born": {p.Birth}}} {
			all = append(all, attempt{Route: "locator", Trick: "locator", As: c, Relation: c.relation(p), Type: "page", Target: p.Records[0], Req: formTo("/locate", v), Want: refused})
		}
	}
	return all
}

// crossSite are forms that another site sends with the cookie of somebody's session: as
// browsers would send them, if they sent the cookie.
func (a *attack) crossSite() (all []attempt) {
	plain := "Origin: " + strings.Replace(a.s.base, "https", "http", 1)
	origins := [][]string{
		{"Origin: https://evil.example.org"}, {"Origin: null"}, {plain}, {"Origin: https://localhost"}, {"Origin: https://localhost:1"},
		{"Sec-Fetch-Site: cross-site"}, {"Sec-Fetch-Site: same-site"}, {"Sec-Fetch-Site: cross-site", "Origin: https://app.example.org"}, {"Origin: https://localhost.evil.example.org"}, {"Origin: " + a.s.base + ".evil.example.org"},
	}
	p := a.patients[0]
	for _, c := range a.pages {
		for _, q := range []request{
			formTo("/sign-out", url.Values{}), formTo("/lock", url.Values{}), formTo("/theme", url.Values{"theme": {"dark"}}), formTo("/awake", url.Values{}), formTo("/account/sessions/end", url.Values{}), formTo("/account/recovery", url.Values{}),
			formTo("/account/password", url.Values{"password": {"guess"}, "new": {"another long password"}, "again": {"another long password"}}), formTo("/people/new", url.Values{"user": {"mallory"}}), formTo("/emergency/"+p.ID, url.Values{"reason": {"treatment"}}),
			formTo("/purpose", url.Values{"purpose": {"HOPERAT"}}), formTo("/find", url.Values{"q": {p.Family}}), formTo("/locate", url.Values{"mrn": {p.MRN}}), formTo("/step-up", url.Values{"password": {"guess"}}), formTo("/chart/"+p.ID+"/apps/"+a.all.ID, url.Values{}), formTo("/ward/ward-a/staff/x", url.Values{}),
			formTo("/chart/"+p.ID+"/details", url.Values{"record": {"Patient/" + p.ID}, "purpose": {"HPAYMT"}}), formTo("/emergency/"+p.ID+"/end", url.Values{}), formTo("/people/root/change", url.Values{"role": {"admin"}}), formTo("/account/passkey/remove", url.Values{"id": {"x"}}),
			{Method: "POST", Target: "/find", Header: []string{"Content-Type: text/plain"}, Body: "q=" + p.Family}, {Method: "POST", Target: "/find", Header: []string{"Content-Type: application/json"}, Body: `{"q":"` + p.Family + `"}`},
			{Method: "POST", Target: "/find", Header: []string{"Content-Type: multipart/form-data; boundary=x"}, Body: "--x\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\n" + p.Family + "\r\n--x--\r\n"}, {Method: "POST", Target: "/find?_method=GET&q=" + p.Family, Header: []string{"X-HTTP-Method-Override: GET"}},
		} {
			for _, o := range origins {
				if o[0] == plain && q.Target != "/find" {
					continue // while it is open, what it does is not to be done to those who are needed
				}
				all = append(all, attempt{Route: q.Target[:strings.IndexByte(q.Target[1:]+"/", '/')+1], Trick: "CSRF", As: c, Relation: strings.Replace(o[0], a.s.base, "our", 1), Type: "page", Target: p.Records[0], Req: q.with(o...), Want: refused, Status: 403})
			}
		}
	}
	return all
}

// origins are pages of other origins that read what a browser would send a token with.
func (a *attack) origins() (all []attempt) {
	for _, c := range append(slices.Clone(a.apps), a.nobody) {
		for _, origin := range []string{"https://evil.example.org", "null", "http://app.example.org", "https://app.example.org.evil.example.org", "https://evil-app.example.org", "https://APP.example.org:8443", "https://sub.app.example.org", "file://"} {
			for _, q := range []request{
				{Method: "OPTIONS", Target: "/fhir/Patient", Header: []string{"Access-Control-Request-Method: GET", "Access-Control-Request-Headers: authorization"}},
				get("Patient?_id=%s", a.patients[9].ID), {Method: "POST", Target: "/oauth2/token", Header: []string{form}, Body: "grant_type=none"}, {Method: "OPTIONS", Target: "/oauth2/token"}, {Method: "GET", Target: "/people"},
			} {
				all = append(all, attempt{Route: q.Method + " " + q.Target[:min(len(q.Target), 13)], Trick: "CORS", As: c, Relation: origin, Req: q.with("Origin: " + origin), Want: silent})
			}
		}
	}
	return all
}

// leads are addresses that would have our pages send a browser elsewhere.
func (a *attack) leads() (all []attempt) {
	for _, c := range append(slices.Clone(a.pages), a.nobody) {
		for _, to := range []string{"https://evil.example.org", "//evil.example.org", "/\\evil.example.org", "\\\\evil.example.org", "javascript:alert(1)", "/%2f/evil.example.org", "https:evil.example.org", "///evil.example.org", "/@evil.example.org", "%0d%0aLocation:%20https://evil.example.org", "/sign-in/../../evil"} {
			for _, q := range []request{
				{Method: "GET", Target: "/step-up?to=" + url.QueryEscape(to)}, {Method: "GET", Target: "/lock?back=" + url.QueryEscape(to)}, {Method: "GET", Target: "/sign-in?to=" + url.QueryEscape(to)},
				{Method: "GET", Target: "//evil.example.org/" + url.QueryEscape(to)}, formTo("/theme", url.Values{"back": {to}}), {Method: "GET", Target: "/connect/" + url.PathEscape(to)},
			} {
				if c != a.nobody && strings.HasPrefix(q.Target, "/lock") {
					continue // it locks the session of who goes there
				}
				all = append(all, attempt{Route: q.Method + " " + q.Target[:min(len(q.Target), 8)], Trick: "open redirect", As: c, Relation: to, Req: q, Want: silent})
			}
		}
	}
	return all
}

// fixations are sessions that somebody else has chosen before she signs in: her signing
// in must not make them good.
func (a *attack) fixations(ctx context.Context) (all []attempt, err error) {
	for i, chosen := range []string{"chosen", strings.Repeat("A", 43), a.word("session")} {
		p, err := a.s.hire(ctx, fmt.Sprintf("fixed%d", i), "", []string{"nurse"}, []string{"ward-a"}, "")
		if err == nil {
			err = p.signInWith(ctx, chosen)
		}
		if err != nil {
			return nil, err
		}
		for _, path := range []string{"/", "/ward", "/chart/" + a.patients[0].ID, "/account", "/apps"} {
			who := &caller{Name: "fixer", Role: "anonymous"}
			for _, h := range []string{
				"Cookie: " + sessionCookie + "=" + chosen, "Cookie: wk=" + p.Cookie, "Cookie: __Secure-wk=" + p.Cookie, "Cookie: __host-wk=" + p.Cookie, "Cookie: $" + sessionCookie + "=" + p.Cookie, "Cookie: " + sessionCookie + "=" + chosen + "; " + sessionCookie + "=" + p.Cookie,
				"X-Session: " + p.Cookie, "Cookie: " + sessionCookie + "=" + strings.ToUpper(p.Cookie), "Cookie: " + sessionCookie + "=" + p.Cookie[:len(p.Cookie)-1], "Cookie: " + sessionCookie + "=" + p.Cookie + "A", "Cookie: " + sessionCookie + "%3D" + p.Cookie, "Set-Cookie: " + sessionCookie + "=" + p.Cookie,
			} {
				name, _, _ := strings.Cut(strings.NewReplacer(p.Cookie, "…", chosen, "chosen", strings.ToUpper(p.Cookie), "UPPER").Replace(h), "\x00")
				all = append(all, attempt{Route: "page, " + name, Trick: "session fixation", As: who, Relation: path, Req: request{Method: "GET", Target: path, Header: []string{h}}, Want: refused, Own: true})
			}
			all = append(all, attempt{Route: "page, session in the address", Trick: "session fixation", As: who, Relation: path, Req: request{Method: "GET", Target: path + "?" + sessionCookie + "=" + p.Cookie + "&session=" + p.Cookie}, Want: refused, Own: true})
		}
	}
	return all, nil
}

// connecting chooses, for an app that asks for a patient, one whom the person may not
// see: on the page that asks, and in the answer.
func (a *attack) connecting(ctx context.Context) (all []attempt, err error) {
	for _, c := range a.pages {
		got, err := a.ask(ctx, c, request{Method: "GET", Target: "/oauth2/authorize?" + a.all.authorization("launch/patient patient/*.rs", "verifier-of-nobody-"+strings.Repeat("x", 40)).Encode()})
		if err != nil {
			return nil, err
		}
		at := strings.TrimPrefix(got.Header.Get("Location"), a.s.base)
		if !strings.HasPrefix(at, "/connect/") {
			return nil, fmt.Errorf("an authorization is answered with %d", got.Status)
		}
		for _, p := range a.patients {
			if a.may(c, p.Records[0], "") != expect.Forbidden {
				continue
			}
			for route, q := range map[string]request{
				"connect, patient":           formTo(at+"/patient", url.Values{"patient": {p.ID}}),
				"connect, answer":            formTo(at+"/answer", url.Values{"patient": {p.ID}, "answer": {"allow"}, "grant": {"launch/patient patient/*.rs"}}),
				"connect, answer, two":       formTo(at+"/answer", url.Values{"patient": {p.ID, a.patients[0].ID}, "answer": {"allow"}, "grant": {"patient/*.rs"}}),
				"connect, answer, with more": formTo(at+"/answer", url.Values{"patient": {p.ID}, "answer": {"allow"}, "grant": {"user/*.cruds system/*.cruds"}}),
			} {
				all = append(all, attempt{Route: route, Trick: "apps of others' patients", As: c, Relation: c.relation(p), Type: "page", Target: p.Records[0], Req: q, Want: refused})
			}
		}
	}
	return all, nil
}
