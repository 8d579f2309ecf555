package app

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"
)

// TestRequestLogTellsRoutes: the log says what was asked for by the route's pattern, which
// holds no id. Whoever hands on a copy of a request takes it away.
func TestRequestLogTellsRoutes(t *testing.T) {
	house, _ := surface(t)
	var told bytes.Buffer
	house.Slog = slog.New(slog.NewJSONHandler(&told, nil))
	all, mutual, err := (&Server{House: house, Version: "test"}).handler()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/healthz": "GET /healthz", "/fhir/metadata": "GET /fhir/metadata", "/oauth2/jwks": "GET /oauth2/jwks", "/sign-in": "GET /sign-in",
	} {
		for name, h := range map[string]http.Handler{"people": all, "certificates": mutual} {
			told.Reset()
			ask(h, "GET", path)
			var line struct{ Msg, Route string }
			if err := json.Unmarshal(told.Bytes(), &line); err != nil || line.Msg != "request" {
				t.Fatalf("%s %s: %s, %v", name, path, &told, err)
			}
			if name == "people" && line.Route != want || name != "people" && path == "/fhir/metadata" && line.Route != want {
				t.Errorf("%s %s: route %q", name, path, line.Route)
			}
		}
	}
}
