package portal

import (
	"context"
	"net/http"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Cookies. The __Host- prefix makes browsers refuse them from anywhere but this
// origin over TLS.
const (
	sessionCookie   = "__Host-wk"
	challengeCookie = "__Host-wk-step"
	awayCookie      = "__Host-wk-away"
	themeCookie     = "__Host-wk-theme"
)

// liveHeader marks a request that a page makes by itself.
const liveHeader = "Wk-Live"

// handler serves a page to somebody who is signed in.
type handler func(w http.ResponseWriter, r *http.Request, actor identity.Actor)

// signedIn lets only sessions through that are neither over nor locked.
func (p *Portal) signedIn(next handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		session, err := p.session(r)
		switch {
		case fault.Is(err, fault.Unauthenticated):
			dropCookie(w, sessionCookie)
			p.goTo(w, r, "/sign-in")
		case err != nil:
			p.fail(w, r, err)
		case session.Locked:
			p.goTo(w, r, lockedAddress(r))
		default:
			next(w, withNews(r, session.News), session.Actor)
		}
	}
}

type newsKey struct{}

// withNews notes that pages have to tell of a device that signed in.
func withNews(r *http.Request, news bool) *http.Request {
	if !news {
		return r
	}
	return r.WithContext(context.WithValue(r.Context(), newsKey{}, true))
}

// session returns the session the request's cookie names.
func (p *Portal) session(r *http.Request) (Session, error) {
	c, err := r.Cookie(sessionCookie)
	if err != nil || c.Value == "" {
		return Session{}, fault.New(fault.Unauthenticated, "portal.session", "")
	}
	s, err := p.cfg.Accounts.Session(r.Context(), c.Value, r.Header.Get(liveHeader) == "")
	if err != nil {
		return Session{}, err
	}
	s.Actor.RequestID = web.EventOf(r.Context()).RequestID
	s.Actor.Source = p.cfg.Source(r)
	s.Actor.Emergencies, err = p.emergencies(r, s.Actor)
	return s, err
}

// lockedAddress is the lock page that leads back to where the request went.
func lockedAddress(r *http.Request) string {
	if r.Method == http.MethodGet && r.Header.Get("HX-Request") == "" {
		return "/lock?back=" + backFrom(r.URL.Path)
	}
	return "/lock"
}

// goTo sends a browser, or the script that asked in its name, somewhere else.
func (p *Portal) goTo(w http.ResponseWriter, r *http.Request, address string) {
	if r.Header.Get("HX-Request") != "" || r.Header.Get(liveHeader) != "" {
		w.Header().Set("HX-Redirect", address)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
}

func setCookie(w http.ResponseWriter, name, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: seconds,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

func dropCookie(w http.ResponseWriter, name string) { setCookie(w, name, "", -1) }

// backFrom returns an address of this site to go back to: one of the pages, and
// nothing that could lead elsewhere.
func backFrom(path string) string {
	if len(path) > 200 || len(path) == 0 || path[0] != '/' {
		return "/"
	}
	for i := 0; i < len(path); i++ {
		c := path[i]
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '/' || c == '-' || c == '.'
		if !ok || i > 0 && c == '/' && path[i-1] == '/' {
			return "/"
		}
	}
	if strings.HasPrefix(path, "/sign-in") {
		return "/"
	}
	switch path {
	case "/lock", "/unlock", "/sign-out", "/enrol", "/enrol/authenticator", "/enrol/picture", "/step-up", "/passkey/ask", "/enrol/passkey":
		return "/"
	}
	return path
}
