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
		p.withPurpose(w, withNews(r, session.News), session, next)
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
// Whoever was at work in it, by its cookie or when this browser departed for a
// provider, stays locked out of sight: the token that was here opens nothing any more.
func (p *Portal) enter(w http.ResponseWriter, r *http.Request, token, departed string) error {
	entered, err := p.cfg.Accounts.Session(r.Context(), token, true)
	if err != nil {
		return err
	}
	here, err := p.lineHere(r)
	if err != nil {
		return err
	}
	for _, line := range []string{departed, here} {
		if line == "" || line == entered.Line {
			continue
		}
		if err := p.cfg.Accounts.Leave(r.Context(), line, entered.Actor.ID, p.attempt(w, r)); err != nil {
			return err
		}
	}
	if departed+here != "" {
		w.Header().Set("Clear-Site-Data", `"cache"`)
	}
	dropCookie(w, challengeCookie)
	setCookie(w, sessionCookie, token, 0)
	return nil
}

// lineHere names the session that the browser has, "" if it has none.
func (p *Portal) lineHere(r *http.Request) (string, error) {
	c, err := r.Cookie(sessionCookie)
	if err != nil || c.Value == "" {
		return "", nil
	}
	s, err := p.cfg.Accounts.Session(r.Context(), c.Value, false)
	if fault.Is(err, fault.Unauthenticated) {
		return "", nil
	}
	return s.Line, err
}

// leaveBehind locks the session that the browser has, and names it.
func (p *Portal) leaveBehind(r *http.Request) (string, error) {
	line, err := p.lineHere(r)
	if line != "" {
		err = p.lock(r)
	}
	return line, err
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
	case "/purpose", "/lock", "/unlock", "/sign-out", "/drafts", "/drafts/discard", "/enrol", "/enrol/authenticator", "/enrol/picture", "/step-up", "/passkey/ask", "/enrol/passkey":
		return "/"
	}
	return path
}
