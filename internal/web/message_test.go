package web_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wardkeep/wardkeep/internal/web"
)

// TestWhereMessagesEnd: of a message that says its length in two ways, no second
// message is made that its sender hid in it.
func TestWhereMessagesEnd(t *testing.T) {
	dir := t.TempDir()
	_, pool := serve(t, dir)
	cert, err := web.LocalCertificate(dir, []string{"localhost", "127.0.0.1"}, now)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var hidden atomic.Bool
	server := &http.Server{ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		hidden.Store(hidden.Load() || r.URL.Path == "/hidden")
		fmt.Fprintf(w, "%s", body)
	})}
	go func() { _ = server.Serve(tls.NewListener(l, web.TLS(func() *tls.Certificate { return &cert }))) }()
	t.Cleanup(func() { _ = server.Close() })
	const tail = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, c := range map[string]struct {
		head, body string
		status     int
		answer     string
	}{
		"two lengths":              {"Content-Length: 0\r\nContent-Length: 35", tail, 400, ""},
		"a coding twice":           {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n" + tail, 501, ""},
		"an unknown coding":        {"Transfer-Encoding: xchunked", tail, 501, ""},
		"a coding after a space":   {"Transfer-Encoding : chunked\r\nContent-Length: 35", tail, 400, ""},
		"a length with a sign":     {"Content-Length: +35", tail, 400, ""},
		"a length and a coding":    {"Content-Length: 4\r\nTransfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(tail), tail), 200, tail},
		"the control, by a length": {fmt.Sprintf("Content-Length: %d", len(tail)), tail, 200, tail},
	} {
		conn, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: pool, ServerName: "localhost"})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n\r\n%s", c.head, c.body)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != c.status || c.status == 200 && strings.TrimSpace(string(text)) != strings.TrimSpace(c.answer) {
			t.Errorf("%s: %d %q", name, answer.StatusCode, text)
		}
		_ = conn.Close()
	}
	if hidden.Load() {
		t.Error("a hidden message was answered")
	}
}
