package web_test

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// TestWhereMessagesEnd: of a message that says its length in two ways, no second
// message is made that its sender hid in it.
func TestWhereMessagesEnd(t *testing.T) {
	var hidden atomic.Bool
	address, pool := serveWith(t, t.TempDir(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		hidden.Store(hidden.Load() || r.URL.Path == "/hidden")
		fmt.Fprintf(w, "%s", body)
	}))
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
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: pool, ServerName: "localhost"})
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

// frame is one of HTTP/2 (RFC 9113, 4.1).
func frame(kind, flags byte, stream uint32, payload string) string {
	n := len(payload)
	head := []byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}
	return string(binary.BigEndian.AppendUint32(head, stream)) + payload
}

// TestLengthsOfHTTP2: a length that is said has to be that of the DATA frames (RFC 9113,
// 8.1.1), or nobody takes the message as whole.
func TestLengthsOfHTTP2(t *testing.T) {
	address, pool := serveWith(t, t.TempDir(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusNoContent
		if _, err := io.ReadAll(r.Body); err != nil {
			status = http.StatusBadRequest
		}
		w.WriteHeader(status)
	}))
	const data, headers, reset = 0, 1, 3
	for said, whole := range map[string]bool{"4": true, "3": false, "5": false} {
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: pool, NextProtos: []string{"h2"}})
		if err != nil || conn.ConnectionState().NegotiatedProtocol != "h2" {
			t.Fatalf("HTTP/2 is not spoken: %v", err)
		}
		// Of HPACK's static table: POST, https, /; then the authority and the length as they are.
		fields := "\x83\x87\x84" + "\x01\x01x" + "\x0f\x0d\x01" + said
		fmt.Fprint(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+frame(4, 0, 0, "")+frame(headers, 4, 1, fields)+frame(data, 1, 1, "body"))
		taken := false
		for in := bufio.NewReader(conn); ; {
			head := make([]byte, 9)
			if _, err := io.ReadFull(in, head); err != nil {
				t.Fatalf("length %s: %v", said, err)
			}
			payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
			if _, err := io.ReadFull(in, payload); err != nil {
				t.Fatal(err)
			}
			if of := binary.BigEndian.Uint32(head[5:]); of == 1 && (head[3] == headers || head[3] == reset) {
				taken = head[3] == headers && payload[0] == 0x89 // 204 in HPACK
				break
			}
		}
		if taken != whole {
			t.Errorf("4 bytes after a length of %s: taken is %v", said, taken)
		}
		_ = conn.Close()
	}
}
