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
	lockCookie      = "__Host-wk-lock"
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
			p.stranger(func(w http.ResponseWriter, r *http.Request) {
				dropCookie(w, sessionCookie)
				p.goTo(w, r, "/sign-in")
			})(w, r)
			return
		case err != nil:
			p.fail(w, r, err)
			return
		}
		leave, err := p.cfg.Callers.Admit(session.Actor)
		if err != nil {
			p.fail(w, r, err)
			return
		}
		defer leave()
		if session.Locked {
			p.goTo(w, r, lockedAddress(r, session.Actor))
			return
		}
		next(w, withNews(r, session.News), session.Actor)
	}
}

// stranger serves a page to whoever comes, and holds up who comes often.
func (p *Portal) stranger(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := p.cfg.Callers.AdmitStranger(r); err != nil {
			p.fail(w, r, err)
			return
		}
		next(w, r)
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
func lockedAddress(r *http.Request, actor identity.Actor) string {
	if r.Method == http.MethodGet && r.Header.Get("HX-Request") == "" {
		return lockAddress(actor, r.URL.Path)
	}
	return lockAddress(actor, "")
}

// lockAddress leads back to a page of the actor's, and locks nobody else's session:
// the next person at this browser may come by it in its history.
func lockAddress(actor identity.Actor, back string) string {
	return "/lock?mark=" + personMark(actor) + "&back=" + backFrom(back)
}

// enter gives the browser a session that has just begun, under an id nobody has seen.
// Whoever was at work in it stays locked out of sight: her session is locked, not
// ended, and what she typed is kept. An earlier session of the same person ends.
func (p *Portal) enter(w http.ResponseWriter, r *http.Request, token string) error {
	entered, err := p.cfg.Accounts.Session(r.Context(), token, true)
	if err != nil {
		return err
	}
	left, err := p.leaveBehind(r)
	if err == nil && left.Actor.ID == entered.Actor.ID {
		err = p.cfg.Accounts.SignOut(r.Context(), left.token)
	}
	if err != nil && !fault.Is(err, fault.Unauthenticated) {
		return err
	}
	if left.token != "" {
		w.Header().Set("Clear-Site-Data", `"cache"`)
	}
	dropCookie(w, challengeCookie)
	setCookie(w, sessionCookie, token, 0)
	return nil
}

// leftSession is one that somebody else signs in over.
type leftSession struct {
	Session
	token string
}

// leaveBehind locks the session that the browser has.
func (p *Portal) leaveBehind(r *http.Request) (leftSession, error) {
	c, err := r.Cookie(sessionCookie)
	if err != nil || c.Value == "" {
		return leftSession{}, nil
	}
	s, err := p.cfg.Accounts.Session(r.Context(), c.Value, false)
	if err == nil && !s.Locked {
		err = p.cfg.Accounts.Lock(r.Context(), c.Value)
	}
	return leftSession{s, c.Value}, err
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
	case "/lock", "/unlock", "/sign-out", "/drafts", "/drafts/discard", "/enrol", "/enrol/authenticator", "/enrol/picture", "/step-up", "/passkey/ask", "/enrol/passkey":
		return "/"
	}
	return path
}
