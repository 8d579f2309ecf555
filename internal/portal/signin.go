package portal

import (
	"net/http"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/web"
)

// signInPage is both steps of signing in.
type signInPage struct {
	Page
	Code   bool   // the second step
	Locked bool   // somebody's session waits behind it
	Error  string // in plain words

	Providers []provider // to sign in by instead
	Refused   string     // what went wrong there

	Recovered    bool   // signed in by a recovery code
	RecoveryLeft string // "4 recovery codes"
}

const challengeSeconds = 300

// signInPage is the first step.
func (p *Portal) signInPage(r *http.Request) signInPage {
	pg := signInPage{Page: p.page(r, "Sign in"), Providers: p.providers()}
	s, err := p.session(r)
	pg.Locked = err == nil && s.Locked
	return pg
}

func (p *Portal) handleSignInPage(w http.ResponseWriter, r *http.Request) {
	if s, err := p.session(r); err == nil && !s.Locked {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	p.render(w, r, http.StatusOK, "signin", p.signInPage(r))
}

// handleSignIn takes the first step. A wrong name and a wrong password read the
// same, and the name is not written back into the page.
func (p *Portal) handleSignIn(w http.ResponseWriter, r *http.Request) {
	try := p.attempt(w, r)
	page := p.signInPage(r)
	if try.User == "" || try.Password == "" {
		page.Error = "Enter your user name and your password."
		p.render(w, r, http.StatusUnprocessableEntity, "signin", page)
		return
	}
	challenge, err := p.cfg.Accounts.Password(r.Context(), try)
	if err != nil {
		page.Error = p.refused(r, err, "User name or password is wrong.")
		p.render(w, r, web.Status(fault.KindOf(err)), "signin", page)
		return
	}
	setCookie(w, challengeCookie, challenge, challengeSeconds)
	http.Redirect(w, r, "/sign-in/code", http.StatusSeeOther)
}

func (p *Portal) handleCodePage(w http.ResponseWriter, r *http.Request) {
	if _, err := r.Cookie(challengeCookie); err != nil {
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		return
	}
	p.render(w, r, http.StatusOK, "signin", signInPage{Page: p.page(r, "Sign in"), Code: true})
}

func (p *Portal) handleCode(w http.ResponseWriter, r *http.Request) {
	challenge, err := r.Cookie(challengeCookie)
	if err != nil {
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		return
	}
	page := signInPage{Page: p.page(r, "Sign in"), Code: true}
	try := p.attempt(w, r)
	entry, err := p.cfg.Accounts.Code(r.Context(), challenge.Value, try)
	if err != nil {
		page.Error = p.refused(r, err, "The sign-in did not work. Check name and password. If they are right, wait until your authenticator shows the next code, and type that one here.")
		if fault.Is(err, fault.Denied) { // who it is was proven
			page.Error = fault.Public(err)
		}
		p.render(w, r, web.Status(fault.KindOf(err)), "signin", page)
		return
	}
	if err := p.enter(w, r, entry.Token, ""); err != nil {
		p.fail(w, r, err)
		return
	}
	if entry.Recovered {
		page.Code, page.Recovered = false, true
		page.RecoveryLeft = count(entry.RecoveryLeft, "recovery code", "recovery codes")
		p.render(w, r, http.StatusOK, "signin", page)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (p *Portal) handleSignOut(w http.ResponseWriter, r *http.Request) {
	by := p.providerOf(r)
	if c, err := r.Cookie(sessionCookie); err == nil {
		if err := p.cfg.Accounts.SignOut(r.Context(), c.Value); err != nil && !fault.Is(err, fault.Unauthenticated) {
			p.fail(w, r, err)
			return
		}
	}
	dropCookie(w, sessionCookie)
	dropCookie(w, challengeCookie)
	w.Header().Set("Clear-Site-Data", `"cache"`)
	if by.Name != "" {
		p.signOutThere(w, r, by)
		return
	}
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}

// refused chooses the words for a refusal: the same whatever part was wrong.
func (p *Portal) refused(r *http.Request, err error, wrong string) string {
	web.EventOf(r.Context()).Fail(err)
	switch fault.KindOf(err) {
	case fault.Unauthenticated, fault.Denied, fault.NotFound, fault.Invalid:
		return wrong
	case fault.Throttled:
		return "Too many attempts. Wait a few minutes before you try again."
	}
	return "This does not work right now. " + fault.Public(err)
}

// digits keeps what a code is made of; people type spaces into it. Recovery
// codes have letters.
func digits(s string) string {
	var out []byte
	for i := 0; i < len(s) && len(out) < 64; i++ {
		if c := s[i]; c != ' ' && c != '\t' {
			out = append(out, c)
		}
	}
	return string(out)
}
