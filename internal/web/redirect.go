package web

import (
	"net"
	"net/http"
)

// RedirectToHTTPS answers plain HTTP with the same address under https on port.
// It does not redirect requests that carry a body or credentials: those have
// already been sent in the clear, and the sender should notice.
func RedirectToHTTPS(port string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead || r.Header.Get("Authorization") != "" {
			http.Error(w, "This service is spoken to over https only. What was just sent travelled in the clear.", http.StatusForbidden)
			return
		}
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if port != "443" {
			host = net.JoinHostPort(host, port)
		}
		http.Redirect(w, r, "https://"+host+r.URL.RequestURI(), http.StatusPermanentRedirect)
	})
}
