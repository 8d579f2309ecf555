package web_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/web"
)

const north, south, nobody = "north.example.org", "south.example.org", "west.example.org"

// twoSites each say their own name, also at TLS, by certificates of their own.
func twoSites(t *testing.T) web.Hosts {
	t.Helper()
	sites := web.Hosts{}
	for _, name := range []string{north, south} {
		cert, err := web.LocalCertificate(t.TempDir(), []string{name}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		sites[name] = web.Site{
			Handler:     http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "this is "+name) }),
			Certificate: func() *tls.Certificate { return &cert },
		}
	}
	return sites
}

func quietly() web.Config {
	return web.Config{Log: slog.New(slog.DiscardHandler), Clock: clock.System{}}
}

// asked is a request as it arrives: for a host, over a connection for a name.
type asked struct{ connection, host, beside, target string }

// strayed returns the requests that were answered by a site though connection and
// request do not both name it, or that one was not though they do.
func strayed(h http.Handler) (wrong []string) {
	for _, a := range []asked{
		{connection: north, host: north},
		{connection: north, host: "NORTH.example.org:8443"},
		{connection: "North.Example.org", host: north},
		{connection: north, host: south},
		{connection: south, host: north + ":443"},
		{connection: north, host: nobody},
		{connection: nobody, host: north},
		{connection: nobody, host: nobody},
		{connection: "", host: north},
		{connection: north, host: ""},
		{connection: "", host: ""},
		{connection: north, host: north + "."},
		{connection: north + ".", host: north},
		{connection: north, host: north + ":443:443"},
		{connection: north, host: "[" + north + "]"},
		{connection: north, host: north + "@" + south},
		{connection: north, host: south + "#" + north},
		{connection: north, host: "evil." + north},
		{connection: north, host: "127.0.0.1:443"},
		{connection: "par\u212A.example.org", host: "park.example.org"},
		{connection: north, host: north, beside: south},
		{connection: north, host: north, beside: north},
		{connection: north, host: south, beside: north},
		{connection: north, target: "https://" + south + "/x", host: north},
		{connection: north, target: "https://" + north + "/x", host: south},
	} {
		target := "/x"
		if a.target != "" {
			target = a.target
		}
		r := httptest.NewRequest("GET", target, nil)
		if a.target == "" { // an absolute target is the host, whatever the header says (RFC 9112 §3.2.2)
			r.Host = a.host
		}
		r.TLS = &tls.ConnectionState{ServerName: a.connection}
		if a.beside != "" {
			r.Header["Host"] = []string{a.beside}
		}
		for _, name := range []string{"X-Forwarded-Host", "X-Host", "Forwarded", "X-Forwarded-Server", "X-Original-Host"} {
			r.Header.Set(name, "host="+south)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		meant := strings.EqualFold(a.connection, north) && strings.EqualFold(strings.TrimSuffix(strings.TrimSuffix(r.Host, ":8443"), ":443"), north) && a.beside != south
		answered := w.Code == http.StatusOK && w.Body.String() == "this is "+north
		if meant != answered || !meant && (w.Code != http.StatusMisdirectedRequest || strings.Contains(w.Body.String(), "example.org")) {
			wrong = append(wrong, fmt.Sprintf("%+v: %d %s", a, w.Code, w.Body))
		}
	}
	return wrong
}

// TestHosts: a request is answered by the site of its name over a connection for that
// name, and by no other.
func TestHosts(t *testing.T) {
	for _, wrong := range strayed(twoSites(t).Encrypted(quietly())) {
		t.Error(wrong)
	}
}

// TestStrayedIsSeen: routers that look at one of the names alone, or at what a proxy
// says, are found out.
func TestStrayedIsSeen(t *testing.T) {
	sites := twoSites(t)
	for name, of := range map[string]func(*http.Request) string{
		"host alone":        func(r *http.Request) string { return strings.ToLower(strings.Split(r.Host, ":")[0]) },
		"connection alone":  func(r *http.Request) string { return strings.ToLower(r.TLS.ServerName) },
		"forwarding header": func(r *http.Request) string { return strings.TrimPrefix(r.Header.Get("X-Forwarded-Host"), "host=") },
	} {
		wrong := strayed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if site, ok := sites[of(r)]; ok {
				site.ServeHTTP(w, r)
				return
			}
			http.Error(w, "", http.StatusMisdirectedRequest)
		}))
		if len(wrong) == 0 {
			t.Errorf("%s: nothing was seen", name)
		}
	}
}

func TestHostsWithoutTLS(t *testing.T) {
	h := twoSites(t)
	r := httptest.NewRequest("GET", "/", nil)
	r.Host = north
	w := httptest.NewRecorder()
	h.Encrypted(quietly()).ServeHTTP(w, r)
	if w.Code != http.StatusMisdirectedRequest {
		t.Errorf("without a connection that names it: %d", w.Code)
	}
	for host, want := range map[string]int{north: 200, south + ":80": 200, nobody: 421, "": 421} {
		r.Host = host
		w := httptest.NewRecorder()
		h.Plain(quietly()).ServeHTTP(w, r)
		if w.Code != want || want == 200 && !strings.Contains(w.Body.String(), strings.TrimSuffix(host, ":80")) {
			t.Errorf("%q: %d %s", host, w.Code, w.Body)
		}
	}
}

// listening serves the sites by real connections.
func listening(t *testing.T, h web.Hosts, c *tls.Config) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h.Encrypted(quietly()), ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	t.Cleanup(func() { _ = server.Close() })
	go func() { _ = server.Serve(tls.NewListener(l, c)) }()
	return l.Addr().String()
}

// TestCertificatesByName: who asks for a name is shown its certificate; who asks for
// none, or another, is shown none.
func TestCertificatesByName(t *testing.T) {
	h := twoSites(t)
	h["broken.example.org"] = web.Site{Certificate: func() *tls.Certificate { return nil }}
	shown := tls.Certificate{Certificate: h[north].Certificate().Certificate, PrivateKey: h[north].Certificate().PrivateKey}
	for kind, c := range map[string]*tls.Config{"for all": h.TLS(), "for programs": h.MutualTLS()} {
		address := listening(t, h, c)
		for name, want := range map[string]bool{north: true, south: true, "NORTH.example.org": true, nobody: false, "": false, "broken.example.org": false, "evil." + north: false} {
			conn, err := tls.Dial("tcp", address, &tls.Config{ServerName: name, InsecureSkipVerify: true, Certificates: []tls.Certificate{shown}})
			if (err == nil) != want {
				t.Errorf("%s, %q: %v", kind, name, err)
			}
			if err != nil {
				if !strings.Contains(err.Error(), "unrecognized name") {
					t.Errorf("%s, %q: %v", kind, name, err)
				}
				continue
			}
			if got := conn.ConnectionState().PeerCertificates[0]; got.VerifyHostname(name) != nil || len(got.DNSNames) != 1 {
				t.Errorf("%s, %q: the certificate is for %v", kind, name, got.DNSNames)
			}
			_ = conn.Close()
		}
	}
}

// TestCoalescedConnections: HTTP/2 puts requests for several hosts on one connection if
// its certificate allows it; here it must not, and 421 says so.
func TestCoalescedConnections(t *testing.T) {
	h := twoSites(t)
	address := listening(t, h, h.TLS())
	client := &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{ServerName: north, InsecureSkipVerify: true},
	}}
	defer client.CloseIdleConnections()
	for host, want := range map[string]int{north: 200, south: 421, nobody: 421} {
		r, _ := http.NewRequest("GET", "https://"+address, nil)
		r.Host = host
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.ProtoMajor != 2 || resp.StatusCode != want {
			t.Errorf("%s: %s %d %s", host, resp.Proto, resp.StatusCode, body)
		}
	}
}

// TestRequestLines are ways of HTTP/1.1 to name a host, on a connection for north.
func TestRequestLines(t *testing.T) {
	h := twoSites(t)
	address := listening(t, h, h.TLS())
	for request, want := range map[string]int{
		"GET / HTTP/1.1\r\nHost: " + north + "\r\n":                        200,
		"GET / HTTP/1.1\r\nHost: " + south + "\r\n":                        421,
		"GET https://" + south + "/ HTTP/1.1\r\nHost: " + north + "\r\n":   421,
		"GET https://" + north + "/ HTTP/1.1\r\nHost: " + south + "\r\n":   200, // the target counts
		"GET http://" + south + ":80/ HTTP/1.1\r\nHost: " + north + "\r\n": 421,
		"GET https://" + south + "@" + north + "/ HTTP/1.1\r\nHost: x\r\n": 200, // who asks is south, the host is north
		"GET https://" + north + "@" + south + "/ HTTP/1.1\r\nHost: x\r\n": 421,
		"GET / HTTP/1.1\r\nHost: " + north + "\r\nHost: " + south + "\r\n": 400,
		"GET / HTTP/1.1\r\nHost: " + north + ", " + south + "\r\n":         400,
		"GET / HTTP/1.1\r\nHost: " + north + " " + south + "\r\n":          400,
		"GET / HTTP/1.1\r\n":                                                           400,
		"GET / HTTP/1.0\r\n":                                                           421,
		"GET / HTTP/1.0\r\nHost: " + south + "\r\n":                                    421,
		"GET //" + south + "/ HTTP/1.1\r\nHost: " + north + "\r\n":                     200, // a path
		"CONNECT " + south + ":443 HTTP/1.1\r\nHost: " + north + "\r\n":                421,
		"OPTIONS * HTTP/1.1\r\nHost: " + south + "\r\n":                                200, // net/http answers for the server itself
		"GET / HTTP/1.1\r\nHost: " + south + "\r\nX-Forwarded-Host: " + north + "\r\n": 421,
	} {
		conn, err := tls.Dial("tcp", address, &tls.Config{ServerName: north, InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, request, "Connection: close\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%q: %v", request, err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = conn.Close()
		if resp.StatusCode != want || strings.Contains(string(body), "this is "+south) {
			t.Errorf("%q: %d %s", request, resp.StatusCode, body)
		}
	}
}

// anySession offers the ticket it was given last, whatever it is for.
type anySession struct{ last *tls.ClientSessionState }

func (s *anySession) Get(string) (*tls.ClientSessionState, bool) { return s.last, s.last != nil }
func (s *anySession) Put(_ string, c *tls.ClientSessionState) {
	if c != nil {
		s.last = c
	}
}

// TestTicketsAreOfOneName: a connection that is resumed was made for the same name.
func TestTicketsAreOfOneName(t *testing.T) {
	h := twoSites(t)
	for name, c := range map[string]struct {
		config *tls.Config
		across bool
	}{"ours": {h.TLS(), false}, "without the check": {&tls.Config{GetCertificate: h.TLS().GetCertificate}, true}} {
		address := listening(t, h, c.config)
		resumed := func(cache tls.ClientSessionCache, host string) bool {
			conn, err := tls.Dial("tcp", address, &tls.Config{ServerName: host, InsecureSkipVerify: true, ClientSessionCache: cache, NextProtos: []string{"http/1.1"}})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host)
			if text, _ := io.ReadAll(conn); !strings.Contains(string(text), "this is "+host) { // reads the ticket, too
				t.Errorf("%s: %s", host, text)
			}
			return conn.ConnectionState().DidResume
		}
		cache := &anySession{}
		if resumed(cache, north) || cache.last == nil || !resumed(cache, north) {
			t.Fatalf("%s: a ticket opens nothing", name)
		}
		if got := resumed(cache, south); got != c.across {
			t.Errorf("%s: across names: %t", name, got)
		}
	}
}
