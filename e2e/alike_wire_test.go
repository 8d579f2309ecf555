package e2e_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// wire is one connection that asks one thing at a time, by as little as TLS 1.3 and
// HTTP/1.1 can be spoken with, so that the times it takes are the server's.
type wire struct {
	conn *tls.Conn
	in   *bufio.Reader
	host string
}

func (s *server) wire(t testing.TB) *wire {
	t.Helper()
	host := strings.TrimPrefix(s.base, "https://")
	config := s.http.Transport.(*http.Transport).TLSClientConfig.Clone()
	config.ServerName, config.NextProtos = "localhost", []string{"http/1.1"}
	_, port, _ := net.SplitHostPort(host)
	conn, err := tls.Dial("tcp", "127.0.0.1:"+port, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &wire{conn: conn, in: bufio.NewReaderSize(conn, 32<<10), host: host}
}

// ask sends a request and returns the answer, without what differs by itself, and the
// time from the last byte sent, which may be held back, to the last byte read.
func (w *wire) ask(p probe, token, id string, held time.Duration) (status int, said string, took time.Duration, err error) {
	var req bytes.Buffer
	body := strings.ReplaceAll(p.body, "{id}", id)
	fmt.Fprintf(&req, "%s /fhir%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n", p.method, strings.ReplaceAll(p.path, "{id}", id), w.host, token, len(body))
	if p.header != "" {
		req.WriteString(p.header + "\r\n")
	}
	if body != "" && !strings.HasPrefix(p.header, "Content-Type") {
		req.WriteString("Content-Type: application/fhir+json\r\n")
	}
	req.WriteString("\r\n" + body)
	began := time.Now()
	if held > 0 {
		if _, err = w.conn.Write(req.Next(req.Len() - 1)); err != nil {
			return 0, "", 0, err
		}
		for time.Sleep(held / 2); time.Since(began) < held; { // a timer is late by a millisecond
		}
		began = time.Now()
	}
	if _, err = w.conn.Write(req.Bytes()); err != nil {
		return 0, "", 0, err
	}
	resp, err := http.ReadResponse(w.in, &http.Request{Method: p.method})
	if err != nil {
		return 0, "", 0, err
	}
	text, err := io.ReadAll(resp.Body)
	took = time.Since(began)
	return resp.StatusCode, plainly(resp.Header, string(text), id), took, err
}

var (
	someID  = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	instant = regexp.MustCompile(`"20[0-9-]{8}T[0-9:.]+(Z|[+-][0-9:]+)"`)
)

// plainly is an answer without what a request brings itself: its id, and the time.
// What has an id or a time in it has as many of them, of the same length.
func plainly(h http.Header, text, id string) string {
	h.Del("Date")
	h.Del("X-Request-Id")
	if instant.MatchString(text) {
		h.Del("Content-Length") // ends of seconds are written without zeros
	}
	var out bytes.Buffer
	_ = h.Write(&out) // to memory
	text = strings.ReplaceAll(out.String()+text, id, "{id}")
	return instant.ReplaceAllString(someID.ReplaceAllString(text, "{uuid}"), "{time}")
}
