package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// request is what goes over the wire, to the letter: no library mends it.
type request struct {
	Method, Target string
	Header         []string // "Name: value"
	Body           string
	// Raw is sent as it is, on a connection of its own, and everything that comes
	// back is the answer.
	Raw string
	// From is the address of this machine that it comes from, "" for any: who guesses
	// from one address too often waits there, and nothing is learnt.
	From string
	// Secret is what is shown by it, which answers may repeat.
	Secret string
}

func (q request) with(header ...string) request {
	q.Header = append(q.Header[:len(q.Header):len(q.Header)], header...)
	return q
}

func (q request) has(name string) bool {
	for _, h := range q.Header {
		if n, _, _ := strings.Cut(h, ":"); strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

func (q request) text(host string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", q.Method, q.Target)
	if !q.has("Host") {
		fmt.Fprintf(&b, "Host: %s\r\n", host)
	}
	for _, h := range q.Header {
		fmt.Fprintf(&b, "%s\r\n", h)
	}
	if !q.has("Content-Length") && !q.has("Transfer-Encoding") && (q.Body != "" || q.Method == "POST" || q.Method == "PUT") {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(q.Body))
	}
	b.WriteString("\r\n")
	b.WriteString(q.Body)
	return b.Bytes()
}

// answer is what came back.
type answer struct {
	Status int
	Line   string
	Header http.Header
	Body   []byte
}

// all is everything in which something could leak.
func (a answer) all() []byte {
	var b bytes.Buffer
	b.WriteString(a.Line + "\n")
	_ = a.Header.Write(&b)
	b.WriteByte('\n')
	b.Write(a.Body)
	return b.Bytes()
}

// dialler opens connections to the server under attack.
type dialler struct {
	address, host string
	tls           *tls.Config
}

// newDialler connects to an address for the name in base, and believes one authority.
func newDialler(address, base string, ca []byte) (*dialler, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, errors.New("ca.pem holds no certificate")
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(base, "https://"), ":")
	_, port, _ := net.SplitHostPort(address)
	return &dialler{address, name + ":" + port, &tls.Config{RootCAs: pool, ServerName: name, MinVersion: tls.VersionTLS13, ClientSessionCache: tls.NewLRUClientSessionCache(64)}}, nil
}

// port is that of the server, in all its addresses.
func (d *dialler) port() string {
	_, port, _ := net.SplitHostPort(d.address)
	return port
}

// line is one connection that is kept alive. It is of one worker.
type line struct {
	*dialler
	from string
	conn net.Conn
	in   *bufio.Reader
}

const patience = 60 * time.Second

// do sends a request and reads the answer, once more if a connection that was kept
// has ended meanwhile.
func (l *line) do(ctx context.Context, q request) (answer, error) {
	if q.Raw != "" {
		return l.raw(ctx, q)
	}
	if q.From != "" {
		own := &line{dialler: l.dialler, from: q.From}
		defer own.close()
		return own.once(ctx, q)
	}
	kept := l.conn != nil
	a, err := l.once(ctx, q)
	if err != nil && kept && ctx.Err() == nil {
		a, err = l.once(ctx, q)
	}
	return a, err
}

func (l *line) open(ctx context.Context) error {
	if l.conn != nil {
		return nil
	}
	d := tls.Dialer{Config: l.tls, NetDialer: &net.Dialer{}}
	if l.from != "" {
		d.NetDialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(l.from)}
	}
	conn, err := d.DialContext(ctx, "tcp", l.address)
	if err != nil {
		return err
	}
	l.conn, l.in = conn, bufio.NewReader(conn)
	return nil
}

func (l *line) close() {
	if l.conn != nil {
		_ = l.conn.Close()
		l.conn = nil
	}
}

func (l *line) once(ctx context.Context, q request) (answer, error) {
	if err := l.open(ctx); err != nil {
		return answer{}, err
	}
	_ = l.conn.SetDeadline(time.Now().Add(patience))
	_, wrote := l.conn.Write(q.text(l.host))
	resp, err := http.ReadResponse(l.in, &http.Request{Method: q.Method})
	for err == nil && resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
		resp, err = http.ReadResponse(l.in, &http.Request{Method: q.Method})
	}
	if err != nil {
		l.close()
		return answer{}, errors.Join(err, wrote)
	}
	body, err := io.ReadAll(resp.Body)
	if resp.Close || wrote != nil || err != nil {
		l.close()
	}
	if err != nil {
		return answer{}, err
	}
	return unpack(answer{resp.StatusCode, resp.Proto + " " + resp.Status, resp.Header, body}), nil
}

func unpack(a answer) answer {
	if a.Header.Get("Content-Encoding") == "gzip" || len(a.Body) > 2 && a.Body[0] == 0x1f && a.Body[1] == 0x8b {
		if z, err := gzip.NewReader(bytes.NewReader(a.Body)); err == nil {
			if plain, err := io.ReadAll(z); err == nil {
				a.Body = plain
			}
		}
	}
	return a
}

// raw sends bytes as they are and reads all that comes within a moment. The status
// is that of the last answer: a request that was smuggled has one of its own.
func (l *line) raw(ctx context.Context, q request) (answer, error) {
	own := &line{dialler: l.dialler}
	if err := own.open(ctx); err != nil {
		return answer{}, err
	}
	defer own.close()
	_ = own.conn.SetDeadline(time.Now().Add(1500 * time.Millisecond))
	if _, err := own.conn.Write([]byte(q.Raw)); err != nil {
		return answer{Status: http.StatusBadRequest, Line: "connection closed"}, nil
	}
	var all answer
	for {
		resp, err := http.ReadResponse(own.in, &http.Request{Method: q.Method})
		if err != nil {
			break
		}
		body, _ := io.ReadAll(resp.Body)
		one := unpack(answer{resp.StatusCode, resp.Proto + " " + resp.Status, resp.Header, body})
		all.Body = append(append(all.Body, one.all()...), '\n')
		if all.Status == 0 || one.Status < 300 {
			all.Status, all.Line, all.Header = one.Status, one.Line, one.Header
		}
	}
	if all.Status == 0 {
		all.Status, all.Line = http.StatusBadRequest, "connection closed"
	}
	return all, nil
}
