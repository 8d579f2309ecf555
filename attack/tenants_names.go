package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// names are those of hosts: of the connection, of the request, and what else names one. By
// none of them does a request for this house come to the other, or over its connection.
func (x *crossing) names(ctx context.Context) error {
	for _, c := range append(append([]*caller{x.to.nobody}, x.to.apps...), x.from.apps...) {
		lines, err := c.credential(ctx)
		if err != nil {
			return err
		}
		n := naming{x, c, lines, x.to.patients[0], c == x.to.nobody || c.Who.House != x.to.name}
		if n.stranger {
			n.patient = x.from.patients[0]
		}
		n.hosts()
		n.addresses()
		n.raws()
		if n.stranger {
			n.connections()
		}
	}
	return x.sites()
}

// naming is one caller who reads a patient's record: his house's, or the other's if he is
// a stranger in this one.
type naming struct {
	*crossing
	c        *caller
	lines    []string // his credential
	patient  *patient
	stranger bool
}

func (n naming) add(route, relation string, status int, q request) *attempt {
	relation = strings.ReplaceAll(relation, n.to.s.port(), "PORT") // which no two runs have in common
	n.all = append(n.all, attempt{Route: route, Trick: "cross-tenant name", As: &caller{Name: n.c.Name, Role: n.c.Role}, Sees: n.c, Relation: n.relation(relation), Req: q.with(n.lines...), Want: refused, Status: status, Own: true})
	return &n.all[len(n.all)-1]
}

func (n naming) read(host string) request {
	return get("Patient/%s", n.patient.ID).with("Host: " + host)
}

// hosts are named by requests over a connection for this house.
func (n naming) hosts() {
	ours, theirs, name, foreign, port := n.to.s.host, n.from.s.host, n.to.s.tls.ServerName, n.from.s.tls.ServerName, n.to.s.port()
	for _, host := range []string{theirs, foreign, strings.ToUpper(foreign) + ":" + port, foreign + ":443", foreign + ".", "www." + name, "west.localhost", "127.0.0.1:" + port, "[::1]:" + port, name + ".", name + ".:" + port, "x." + name, name + ":" + port + ":1", name + "@" + foreign, foreign + "#" + name, "*.localhost", "localhost.localdomain", name + "." + foreign + ".example.org"} {
		status := http.StatusMisdirectedRequest
		if strings.ContainsAny(host, "@#*") || strings.Count(host, ":") == 2 {
			status = 0 // no name at all
		}
		n.add("read, Host", "Host "+host, status, n.read(host))
		n.add("read, Host and X-Forwarded-Host", "Host "+host, status, n.read(host).with("X-Forwarded-Host: "+ours, "Forwarded: host="+ours))
		n.add("read, HTTP/2", "authority "+host, status, request{Method: "GET", Target: "/fhir/Patient/" + n.patient.ID, Header: []string{"X-Authority: " + host}}).Via = n.coalesced
	}
}

// addresses are absolute ones in the place of a path.
func (n naming) addresses() {
	theirs := n.from.s.host
	for _, target := range []string{"https://" + theirs, "https://" + n.from.s.tls.ServerName, "http://" + theirs, "//" + theirs, "HTTPS://" + strings.ToUpper(theirs)} {
		status := http.StatusMisdirectedRequest
		if strings.HasPrefix(target, "//") {
			status = 0 // a path
		}
		q := get("Patient/%s", n.patient.ID)
		q.Target = target + q.Target
		n.add("read, absolute", target, status, q)
		n.add("read, absolute, and their Host", target, status, q.with("Host: "+theirs))
	}
}

// raws are lines of which a careless server reads another part.
func (n naming) raws() {
	ours, theirs := n.to.s.host, n.from.s.host
	for _, host := range []string{"Host: " + ours + "\r\nHost: " + theirs, "Host: " + theirs + "\r\nHost: " + ours, "Host: " + ours + ", " + theirs, "Host: " + ours + "/" + theirs, "Host: ", "Host: " + ours + "\x00." + theirs, "Host: " + ours + "\r\n " + theirs} {
		raw := get("Patient/%s", n.patient.ID)
		raw.Raw = "GET " + raw.Target + " HTTP/1.1\r\n" + host + "\r\n" + strings.Join(append(n.lines, "Connection: close"), "\r\n") + "\r\n\r\n"
		n.add("read, raw", strings.NewReplacer("\r\n", " | ", "\x00", "␀").Replace(host), 0, raw)
	}
}

// connections are for another name than the request, or were good for one.
func (n naming) connections() {
	ours, theirs, name, foreign := n.to.s.host, n.from.s.host, n.to.s.tls.ServerName, n.from.s.tls.ServerName
	for _, one := range [][2]string{{foreign, ours}, {"", ours}, {"west.localhost", ours}, {strings.ToUpper(foreign), ours}, {foreign + ".", ours}, {name + ".", theirs}} {
		n.add("read, connection", "connection for "+firstOf(one[0], "no name"), 0, n.read(one[1])).Via = n.connected(one[0])
	}
	n.add("read, ticket", "their TLS session", 0, n.read(theirs)).Via = n.resumed
	n.add("read, ticket, for us", "their TLS session", 0, n.read(theirs).with("X-Ticket: 1")).Via = n.resumed
}

// refusedThere is a connection that was not let come about.
var refusedThere = answer{Status: http.StatusMisdirectedRequest, Line: "no connection", Header: http.Header{}}

// connected sends a request over a connection for a name.
func (x *crossing) connected(sni string) func(context.Context, request) (answer, error) {
	return func(ctx context.Context, q request) (answer, error) {
		d := *x.to.s.dialler
		d.tls = &tls.Config{ServerName: sni, InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}
		l := &line{dialler: &d}
		defer l.close()
		if l.open(ctx) != nil {
			return refusedThere, nil
		}
		return l.do(ctx, q)
	}
}

// kept offers one TLS session for whatever name.
type kept struct{ session *tls.ClientSessionState }

func (k *kept) Get(string) (*tls.ClientSessionState, bool) { return k.session, k.session != nil }
func (k *kept) Put(_ string, s *tls.ClientSessionState) {
	if s != nil && k.session == nil {
		k.session = s
	}
}

// resumed takes a TLS session up under another name. That it is taken up at all is
// answered with a success.
func (x *crossing) resumed(ctx context.Context, q request) (answer, error) {
	cache := &kept{}
	first, second := *x.from.s.dialler, *x.to.s.dialler
	for _, d := range []*dialler{&first, &second} {
		d.tls = &tls.Config{ServerName: d.tls.ServerName, InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, ClientSessionCache: cache}
	}
	l := &line{dialler: &first}
	if _, err := l.do(ctx, request{Method: "GET", Target: "/healthz"}); err != nil {
		return answer{}, err
	}
	l.close()
	if cache.session == nil {
		return answer{}, errors.New("no ticket was given")
	}
	again := &line{dialler: &second}
	defer again.close()
	if again.open(ctx) != nil {
		return refusedThere, nil
	}
	if again.conn.(*tls.Conn).ConnectionState().DidResume {
		return answer{Status: http.StatusOK, Line: "a session of another name was taken up", Header: http.Header{}}, nil
	}
	return again.do(ctx, q)
}

// coalesced sends a request for another authority over an HTTP/2 connection that is good
// for this house, and was used for it.
func (x *crossing) coalesced(ctx context.Context, q request) (answer, error) {
	config := x.to.s.tls.Clone()
	config.ClientSessionCache = nil
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, x.to.s.address)
	}}
	defer transport.CloseIdleConnections()
	_, authority, _ := strings.Cut(q.Header[0], ": ")
	for i, host := range []string{x.to.s.host, authority} {
		r, err := http.NewRequestWithContext(ctx, q.Method, "https://"+x.to.s.host+q.Target, nil)
		if err != nil {
			return answer{}, err
		}
		for _, h := range q.Header {
			name, value, _ := strings.Cut(h, ": ")
			r.Header.Add(name, value)
		}
		r.Host = host
		resp, err := transport.RoundTrip(r)
		if err != nil && i == 1 {
			return refusedThere, nil // net/http does not send what is no name
		}
		if err != nil {
			return answer{}, err
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.ProtoMajor != 2 {
			return answer{}, fmt.Errorf("over %s: %w", resp.Proto, err)
		}
		if i == 1 {
			return answer{resp.StatusCode, resp.Proto + " " + resp.Status, resp.Header, body}, nil
		}
	}
	return answer{}, errors.New("nothing was asked")
}

// sites are pages of the other house, which browsers call of the same site, that send
// forms here and read what is here.
func (x *crossing) sites() error {
	p := x.to.patients[0]
	foreign := x.from.s.tls.ServerName
	for _, c := range x.to.pages {
		for _, q := range []request{
			formTo("/sign-out", url.Values{}), formTo("/lock", url.Values{}), formTo("/theme", url.Values{"theme": {"dark"}}), formTo("/find", url.Values{"q": {p.Family}}), formTo("/people/new", url.Values{"user": {"mallory"}}), formTo("/emergency/"+p.ID, url.Values{"reason": {"treatment"}}), formTo("/account/sessions/end", url.Values{}),
			formTo("/account/recovery", url.Values{}), formTo("/step-up", url.Values{"password": {"guess"}}), formTo("/chart/"+p.ID+"/apps/"+x.to.all.ID, url.Values{}), formTo("/drafts", url.Values{"form": {"/people/new"}}), formTo("/awake", url.Values{}), formTo("/apps/x/end", url.Values{}),
			{Method: "POST", Target: "/find", Header: []string{"Content-Type: text/plain"}, Body: "q=" + p.Family},
		} {
			for _, origin := range [][]string{
				{"Origin: " + x.from.s.base}, {"Origin: " + x.from.s.base, "Sec-Fetch-Site: same-site"}, {"Sec-Fetch-Site: same-site"}, {"Origin: https://" + foreign}, {"Origin: " + strings.ToUpper(x.from.s.base)}, {"Origin: " + x.from.s.base, "Referer: " + x.to.s.base + "/"}, {"Origin: " + x.from.s.base, "X-Forwarded-Host: " + x.from.s.host},
			} {
				relation := strings.ReplaceAll(strings.Join(origin, ", "), x.from.s.base, "theirs")
				x.all = append(x.all, attempt{Route: "POST " + strings.ReplaceAll(strings.ReplaceAll(q.Target, p.ID, "ID"), x.to.all.ID, "APP"), Trick: "cross-tenant site", As: c, Relation: x.relation(relation), Type: "page", Target: p.Records[0], Req: q.with(origin...), Want: refused, Status: 403})
			}
		}
	}
	for _, c := range append(x.to.apps[:len(x.to.apps):len(x.to.apps)], x.to.nobody) {
		for _, q := range []request{
			{Method: "OPTIONS", Target: "/fhir/Patient", Header: []string{"Access-Control-Request-Method: GET", "Access-Control-Request-Headers: authorization"}}, get("Patient/%s", p.ID), {Method: "OPTIONS", Target: "/oauth2/token"}, {Method: "POST", Target: "/oauth2/token", Header: []string{form}, Body: "grant_type=none"}, {Method: "GET", Target: "/people"}, {Method: "GET", Target: "/.well-known/smart-configuration"},
		} {
			for _, origin := range []string{x.from.s.base, "https://" + foreign} {
				x.all = append(x.all, attempt{Route: "CORS, " + q.Method + " " + strings.SplitN(q.Target, p.ID, 2)[0], Trick: "cross-tenant site", As: c, Relation: x.relation(strings.ReplaceAll(origin, x.from.s.base, "theirs")), Req: q.with("Origin: " + origin), Want: silent})
			}
		}
	}
	return nil
}
