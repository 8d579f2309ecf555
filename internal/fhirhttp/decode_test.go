package fhirhttp_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/wardkeep/wardkeep/internal/fhirhttp"
)

// TestDecodedOnce: what is escaped twice is not what is escaped once.
func TestDecodedOnce(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/ann", patient("ann", "Adams"))
	for path, want := range map[string]int{"/Patient?family=%41dams": 1, "/Patient?family=%2541dams": 0} {
		if b := r.bundle(r.do(200, "GET", path+"&_total=accurate", "")); *b.Total != want {
			t.Errorf("%s: %d found", path, *b.Total)
		}
	}
	r.do(200, "GET", "/Patient/%61nn", "")
	r.do(400, "GET", "/Patient/%2561nn", "") // no id has a percent sign
	r.do(201, "PUT", "/Patient/bob", strings.Replace(patient("bob", "X"), "X", `\\u0041dams %41 &lt;`, 1))
	if w := r.do(200, "GET", "/Patient/bob", ""); !strings.Contains(w.Body.String(), `\\u0041dams %41 `) {
		t.Errorf("stored as something else: %s", w.Body)
	}
}

// TestWebSocketOrigins: pages of other sites open no web socket.
func TestWebSocketOrigins(t *testing.T) {
	r := newRig(t)
	r.config.Origins = []string{"https://app.example.org", "https://*.lab.example.org"}
	server := httptest.NewTLSServer(fhirhttp.Socket(r.config))
	t.Cleanup(server.Close)
	for origin, want := range map[string]bool{
		"": true, "https://app.example.org": true, server.URL: true, "https://evil.example.org": false, "https://app.example.org.evil.example": false, "null": false,
		"http://app.example.org": false, strings.Replace(server.URL, "https", "http", 1): false, "https://a.lab.example.org": false,
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		opt := &websocket.DialOptions{HTTPClient: server.Client(), HTTPHeader: map[string][]string{"Authorization": {"Bearer program"}}}
		if origin != "" {
			opt.HTTPHeader.Set("Origin", origin)
		}
		conn, answer, err := websocket.Dial(ctx, server.URL, opt)
		if (err == nil) != want {
			t.Errorf("%q: %v, %v", origin, answer.Status, err)
		}
		if err == nil {
			_ = conn.CloseNow()
		}
		cancel()
	}
}
