package portal

import (
	"crypto/rand"
	"net/http"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// lockPage covers a session whose owner has left. Nothing of what it covers is
// in it but his own name.
type lockPage struct {
	Page
	Who      string
	Back     string
	Provider provider // that proves who it is; none: the password does
	Others   []provider
	Error    string
}

func (p *Portal) handleLockPage(w http.ResponseWriter, r *http.Request) {
	s, err := p.session(r)
	if err != nil {
		p.lockFailed(w, r, err)
		return
	}
	back := backFrom(r.URL.Query().Get("back"))
	if mark := r.URL.Query().Get("mark"); mark != "" && mark != personMark(s.Actor) {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if !s.Locked {
		if err := p.lock(r); err != nil {
			p.lockFailed(w, r, err)
			return
		}
	}
	p.renderLock(w, r, http.StatusOK, s.Actor, back, "")
}

func (p *Portal) handleLock(w http.ResponseWriter, r *http.Request) {
	s, err := p.session(r)
	if err == nil {
		err = p.lock(r)
	}
	if err != nil {
		p.lockFailed(w, r, err)
		return
	}
	w.Header().Set("Clear-Site-Data", `"cache"`)
	http.Redirect(w, r, lockAddress(s.Actor, r.PostFormValue("back")), http.StatusSeeOther)
}

func (p *Portal) lock(r *http.Request) error {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return fault.New(fault.Unauthenticated, "portal.lock", "")
	}
	return p.cfg.Accounts.Lock(r.Context(), c.Value)
}

func (p *Portal) handleUnlock(w http.ResponseWriter, r *http.Request) {
	s, err := p.session(r)
	if err != nil {
		p.lockFailed(w, r, err)
		return
	}
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		p.lockFailed(w, r, err)
		return
	}
	back := backFrom(r.PostFormValue("back"))
	try := p.attempt(w, r)
	token, err := p.cfg.Accounts.Unlock(r.Context(), c.Value, try)
	if err != nil {
		if _, gone := p.session(r); fault.Is(gone, fault.Unauthenticated) {
			p.lockFailed(w, r, gone)
			return
		}
		words := p.refused(r, err, wrongUnlock(try))
		p.renderLock(w, r, web.Status(fault.KindOf(err)), s.Actor, back, words)
		return
	}
	setCookie(w, sessionCookie, token, 0)
	http.Redirect(w, r, back, http.StatusSeeOther)
}

func wrongUnlock(try Attempt) string {
	if try.Passkey.Ask != "" {
		return "That passkey did not unlock this session. Try again, or use your password."
	}
	return "That password is wrong."
}

func (p *Portal) renderLock(w http.ResponseWriter, r *http.Request, status int, actor identity.Actor, back, words string) {
	pg := lockPage{Page: p.page(r, "Locked"), Who: actor.Name, Back: back, Provider: p.providerOf(r), Others: p.providers(), Error: words}
	pg.Mark = personMark(actor)
	// A browser may show a page from its memory by Back though it is marked no-store,
	// but not once such a cookie has changed. It says nothing else.
	setCookie(w, lockCookie, rand.Text(), 0)
	p.render(w, r, status, "lock", pg)
}

func (p *Portal) lockFailed(w http.ResponseWriter, r *http.Request, err error) {
	if fault.Is(err, fault.Unauthenticated) {
		dropCookie(w, sessionCookie)
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		return
	}
	p.fail(w, r, err)
}

// handleAwake is how a page says that a hand is on it though nothing is asked
// for: reading is work, too.
func (p *Portal) handleAwake(w http.ResponseWriter, _ *http.Request, _ identity.Actor) {
	w.WriteHeader(http.StatusNoContent)
}

// handleTheme remembers light or dark for this browser.
func (p *Portal) handleTheme(w http.ResponseWriter, r *http.Request) {
	switch theme := r.PostFormValue("theme"); theme {
	case "light", "dark":
		setCookie(w, themeCookie, theme, 365*24*3600)
	default:
		dropCookie(w, themeCookie)
	}
	http.Redirect(w, r, backFrom(r.PostFormValue("back")), http.StatusSeeOther)
}
