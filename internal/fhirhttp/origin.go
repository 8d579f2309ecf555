package fhirhttp

import (
	"net/http"
	"slices"
)

// What pages of other origins may send and see, if theirs is among Origins.
const (
	corsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
	corsSends   = "Authorization, Content-Type, Accept, Prefer, If-Match, If-None-Match, If-None-Exist, If-Modified-Since, X-Request-Id, X-Security-Context, " + purposeHeader
	corsSees    = "ETag, Last-Modified, Location, Content-Location, Retry-After, X-Request-Id, X-Correlation-Id"
)

// welcome reports whether pages of an origin may call: it was named in the
// settings, or an app is registered with it. If that cannot be found out, not.
func (s *server) welcome(r *http.Request, origin string) bool {
	if slices.Contains(s.Origins, origin) {
		return true
	}
	if s.AllowOrigin == nil {
		return false
	}
	ok, err := s.AllowOrigin(r.Context(), origin)
	return err == nil && ok
}

// crossOrigin lets pages of the origins that were named read the answer, and
// answers their browsers' preflights. Credentials are never among what a browser
// adds by itself: the API takes bearer tokens only.
func (s *server) crossOrigin(w http.ResponseWriter, r *http.Request) (answered bool) {
	origin := r.Header.Get("Origin")
	if origin == "" || len(s.Origins) == 0 && s.AllowOrigin == nil {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	if !s.welcome(r, origin) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", corsSees)
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Allow-Headers", corsSends)
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}
