package web

import (
	"net/http"
	"slices"
	"strings"
)

// RedirectToHTTPS answers plain HTTP with the same path under base, the address
// that this server has for its clients: the Host header is whatever the sender
// makes it. It does not redirect requests that carry a body or credentials:
// those have already been sent in the clear, and the sender should notice. Nor
// what is below the paths given, which programs call: nobody would ever notice.
func RedirectToHTTPS(base string, programs ...string) http.Handler {
	return headers(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Del("Strict-Transport-Security") // is not for what came without TLS (RFC 6797, 7.2)
		program := slices.ContainsFunc(programs, func(p string) bool { return r.URL.Path == p || strings.HasPrefix(r.URL.Path, p+"/") })
		if program || r.Method != http.MethodGet && r.Method != http.MethodHead || r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			http.Error(w, "This service is spoken to over https only. What was just sent travelled in the clear.", http.StatusForbidden)
			return
		}
		path := r.URL.EscapedPath()
		if !strings.HasPrefix(path, "/") { // "GET *", "GET http:@elsewhere"
			path = "/"
		}
		to := base + path
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		http.Redirect(w, r, to, http.StatusPermanentRedirect)
	}))
}
