package fhirhttp_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhirhttp"
)

// TestOrigins: pages of other origins are let in only where they were named.
func TestOrigins(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/ann", patient("ann", "Adams"))
	preflight := func(origin string) *httptest.ResponseRecorder {
		return r.call("OPTIONS", "/Patient/ann", "", "Origin: "+origin, "Access-Control-Request-Method: PUT", as("nobody"))
	}
	app := "https://app.example.org"
	if w := preflight(app); w.Code != 401 || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("closed by default: %d %v", w.Code, w.Header())
	}
	r.config.Origins = []string{app}
	api, err := fhirhttp.New(r.config)
	check(t, err)
	r.api = api
	if w := preflight(app); w.Code != 204 || w.Header().Get("Access-Control-Allow-Origin") != app || !strings.Contains(w.Header().Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("a preflight: %d %v", w.Code, w.Header())
	}
	if !slices.Contains(strings.Split(preflight(app).Header().Get("Access-Control-Allow-Headers"), ", "), "X-Purpose-Of-Use") {
		t.Error("an app in a browser cannot say what for")
	}
	if w := preflight("https://evil.example.org"); w.Code != 401 || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another origin: %d %v", w.Code, w.Header())
	}
	w := r.do(200, "GET", "/Patient/ann", "", "Origin: "+app)
	if w.Header().Get("Access-Control-Allow-Origin") != app || !strings.Contains(w.Header().Get("Access-Control-Expose-Headers"), "ETag") || w.Header().Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("a read: %v", w.Header())
	}
	r.do(401, "GET", "/Patient/ann", "", "Origin: "+app, as("nobody"))

	growth := "https://growth.example.org" // registered by an app
	r.config.AllowOrigin = func(_ context.Context, origin string) (bool, error) {
		if origin == "https://broken.example.org" {
			return true, errors.New("the store does not answer")
		}
		return origin == growth, nil
	}
	r.api, err = fhirhttp.New(r.config)
	check(t, err)
	for origin, want := range map[string]int{growth: 204, app: 204, "https://evil.example.org": 401, "https://broken.example.org": 401, "null": 401} {
		if w := preflight(origin); w.Code != want || (want == 204) != (w.Header().Get("Access-Control-Allow-Origin") == origin) {
			t.Errorf("%s: %d %v", origin, w.Code, w.Header())
		}
	}
}

func TestPretty(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/ann", patient("ann", "Adams"))
	for _, path := range []string{"/Patient/ann?_pretty=true", "/Patient?_pretty=true", "/Patient/ann/_history?_pretty=true", "/metadata?_pretty=true", "/Patient/nobody?_pretty=true"} {
		if w := r.call("GET", path, ""); !strings.Contains(w.Body.String(), "\n  \"resourceType\": ") {
			t.Errorf("%s: %.80s", path, w.Body)
		}
	}
}

func TestMetadataIsCached(t *testing.T) {
	r := newRig(t)
	tag := r.do(200, "GET", "/metadata", "").Header().Get("ETag")
	r.do(304, "GET", "/metadata", "", "If-None-Match: "+tag)
	r.do(400, "GET", "/metadata?bogus=1", "")
	if w := r.do(200, "GET", "/metadata?_elements=software", ""); strings.Contains(w.Body.String(), `"rest"`) && w.Body.Len() > 2000 {
		t.Errorf("_elements: %.200s", w.Body)
	}
}
