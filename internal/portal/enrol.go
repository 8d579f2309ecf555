package portal

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"rsc.io/qr"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Enrolment is what a person's authenticator needs, between the proof of a
// one-time code and the first code of the authenticator.
type Enrolment struct {
	Token   string
	Secret  string // base32, to type in; "" if the second factor stays as it is
	URI     string // the same for a picture
	Expires time.Time
}

const (
	enrolCookie  = "__Host-wk-enrol"
	enrolSeconds = 15 * 60
)

// enrolPage is the three steps by which a person who was given a one-time code
// sets a password and an authenticator.
type enrolPage struct {
	Page
	Step     string // begin, authenticator or done
	UserName string // as typed, where only the password has to be typed anew
	Code     string // the same
	Secret   string // in groups, to type into an authenticator; "" if it stays
	Length   string // of a password, at least
	Recovery []string
	Error    string
}

func (p *Portal) enrolPage(r *http.Request, step string) enrolPage {
	return enrolPage{Page: p.page(r, "Enrol"), Step: step, Length: strconv.Itoa(p.cfg.PasswordLength)}
}

func (p *Portal) handleEnrolPage(w http.ResponseWriter, r *http.Request) {
	p.render(w, r, http.StatusOK, "enrol", p.enrolPage(r, "begin"))
}

// handleEnrol takes the first step. What is wrong with name or code is never
// told apart; what is wrong with a new password is told in words, and only to
// who holds a code that stands.
func (p *Portal) handleEnrol(w http.ResponseWriter, r *http.Request) {
	page := p.enrolPage(r, "begin")
	try := p.attempt(w, r)
	switch {
	case try.User == "" || try.Password == "" || try.Code == "":
		page.Error = "Enter your user name, your enrolment code and a password."
	case try.Password != r.PostFormValue("again"):
		page.Error = "The two passwords are not the same. Type them again."
		page.UserName, page.Code = try.User, try.Code
	}
	if page.Error != "" {
		p.render(w, r, http.StatusUnprocessableEntity, "enrol", page)
		return
	}
	e, err := p.cfg.Accounts.BeginEnrolment(r.Context(), try)
	if fault.Is(err, fault.Unprocessable) {
		web.EventOf(r.Context()).Fail(err)
		page.Error, page.UserName, page.Code = fault.Public(err), try.User, try.Code
		p.render(w, r, http.StatusUnprocessableEntity, "enrol", page)
		return
	}
	if err != nil {
		page.Error = p.refused(r, err, "User name, password or enrolment code is wrong, or the code has expired.")
		p.render(w, r, web.Status(fault.KindOf(err)), "enrol", page)
		return
	}
	p.enrolments.put(e, p.cfg.Clock.Now())
	setCookie(w, enrolCookie, e.Token, enrolSeconds)
	http.Redirect(w, r, "/enrol/authenticator", http.StatusSeeOther)
}

func (p *Portal) handleAuthenticatorPage(w http.ResponseWriter, r *http.Request) {
	e, ok := p.enrolment(r)
	if !ok {
		p.enrolAnew(w, r)
		return
	}
	page := p.enrolPage(r, "authenticator")
	page.Secret = inGroups(e.Secret)
	p.render(w, r, http.StatusOK, "enrol", page)
}

// handleEnrolPicture draws the secret for the camera of an authenticator, for
// the browser that began the enrolment and as long as it lasts.
func (p *Portal) handleEnrolPicture(w http.ResponseWriter, r *http.Request) {
	e, ok := p.enrolment(r)
	if !ok || e.URI == "" {
		http.NotFound(w, r)
		return
	}
	code, err := qr.Encode(e.URI, qr.M)
	if err != nil {
		web.EventOf(r.Context()).Fail(fault.Wrap(fault.Internal, "portal.handleEnrolPicture", err))
		http.Error(w, fault.Internal.Sentence(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(code.PNG())
}

// handleAuthenticator takes the first code. The recovery codes are in this one
// answer and nowhere else.
func (p *Portal) handleAuthenticator(w http.ResponseWriter, r *http.Request) {
	c, err := r.Cookie(enrolCookie)
	if err != nil {
		p.enrolAnew(w, r)
		return
	}
	p.finishEnrolment(w, r, c.Value, p.attempt(w, r), "That code is wrong or has been used. Wait for the next one. If that does not help, start again.")
}

// handleEnrolPasskey takes a passkey in place of a code.
func (p *Portal) handleEnrolPasskey(w http.ResponseWriter, r *http.Request) {
	c, err := r.Cookie(enrolCookie)
	if err != nil {
		p.enrolAnew(w, r)
		return
	}
	p.finishEnrolment(w, r, c.Value, p.attempt(w, r), "That passkey could not be used. Try again, or use an authenticator app.")
}

func (p *Portal) finishEnrolment(w http.ResponseWriter, r *http.Request, token string, try Attempt, wrong string) {
	recovery, err := p.cfg.Accounts.FinishEnrolment(r.Context(), token, try)
	if err != nil {
		e, ok := p.enrolment(r)
		if !ok && fault.Is(err, fault.Unauthenticated) {
			web.EventOf(r.Context()).Fail(err)
			p.enrolAnew(w, r)
			return
		}
		page := p.enrolPage(r, "authenticator")
		page.Secret = inGroups(e.Secret)
		page.Error = p.refused(r, err, wrong)
		p.render(w, r, web.Status(fault.KindOf(err)), "enrol", page)
		return
	}
	p.enrolments.drop(token)
	dropCookie(w, enrolCookie)
	page := p.enrolPage(r, "done")
	page.Recovery = recovery
	p.render(w, r, http.StatusOK, "enrol", page)
}

// enrolAnew is the first step, for somebody whose second one took too long.
func (p *Portal) enrolAnew(w http.ResponseWriter, r *http.Request) {
	if _, err := r.Cookie(enrolCookie); err != nil {
		http.Redirect(w, r, "/enrol", http.StatusSeeOther)
		return
	}
	dropCookie(w, enrolCookie)
	page := p.enrolPage(r, "begin")
	page.Error = "This took too long, or there were too many wrong codes. Nothing was changed. Start again with the same enrolment code."
	p.render(w, r, http.StatusGone, "enrol", page)
}

func (p *Portal) enrolment(r *http.Request) (Enrolment, bool) {
	c, err := r.Cookie(enrolCookie)
	if err != nil {
		return Enrolment{}, false
	}
	return p.enrolments.get(c.Value, p.cfg.Clock.Now())
}

// inGroups writes a secret as people type it.
func inGroups(secret string) string {
	var groups []string
	for len(secret) > 4 {
		groups, secret = append(groups, secret[:4]), secret[4:]
	}
	return strings.Join(append(groups, secret), " ")
}
