package web

import (
	"net/http"
	"strings"
)

// OwnForms refuses what changes something and comes from a page of another origin. The
// library compares hosts; a page of this host that came by plain HTTP may be anybody's,
// too, so that schemes are compared as well.
func OwnForms(next http.Handler) http.Handler {
	forms := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(strings.ToLower(r.Header.Get("Origin")), "http:") && r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "cross-origin request detected: the page came by plain HTTP", http.StatusForbidden)
			return
		}
		forms.ServeHTTP(w, r)
	})
}
