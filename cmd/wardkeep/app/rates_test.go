package app

import (
	"context"
	"log/slog"
	"testing"

	"github.com/wardkeep/wardkeep/internal/config"
)

// TestEverySurfaceHoldsStrangersUp: what answers without a session or token is bounded
// for each address, and for all of it together.
func TestEverySurfaceHoldsStrangersUp(t *testing.T) {
	cfg := config.Default()
	cfg.Dir, cfg.CacheMB, cfg.AddressRate = t.TempDir(), 8, 1
	house, err := OpenHouse(context.Background(), cfg, slog.New(slog.DiscardHandler), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = house.Close(context.Background()) })
	h, _, err := (&Server{House: house, Version: "test"}).handler()
	if err != nil {
		t.Fatal(err)
	}
	if w := ask(h, "GET", "/sign-in"); w.Code != 200 {
		t.Fatal(w.Code)
	}
	for range 8 {
		ask(h, "GET", "/fhir/metadata")
	}
	for _, line := range [][2]string{
		{"GET", "/"}, {"GET", "/sign-in"}, {"GET", "/fhir/metadata"}, {"GET", "/fhir/Patient/x"}, {"GET", "/.well-known/smart-configuration"},
		{"GET", "/fhir/.well-known/smart-configuration"}, {"POST", "/oauth2/token"}, {"GET", "/oauth2/jwks"}, {"GET", "/oauth2/authorize"},
	} {
		if w := ask(h, line[0], line[1]); w.Code != 429 || w.Header().Get("Retry-After") == "" {
			t.Errorf("%v: %d %v", line, w.Code, w.Header())
		}
	}
	if w := ask(h, "GET", "/healthz"); w.Code != 200 {
		t.Errorf("/healthz: %d", w.Code)
	}
}
