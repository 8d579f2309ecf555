package portal

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// askCookie holds the token under which a passkey's answer is expected.
const (
	askCookie  = "__Host-wk-ask"
	askSeconds = 180
)

// attempt reads what was typed, or what the browser answered for a passkey. The
// token of that answer is used up here, whatever comes of it.
func (p *Portal) attempt(w http.ResponseWriter, r *http.Request) Attempt {
	try := Attempt{
		User: strings.TrimSpace(r.PostFormValue("user")), Password: r.PostFormValue("password"),
		Code: digits(r.PostFormValue("code")), Name: strings.TrimSpace(r.PostFormValue("name")),
		Source: p.cfg.Source(r), Device: r.UserAgent(),
	}
	if answer := r.PostFormValue("passkey"); answer != "" {
		try.Passkey = identity.PasskeyAnswer{Ask: "none", JSON: []byte(answer)}
		if c, err := r.Cookie(askCookie); err == nil && c.Value != "" {
			try.Passkey.Ask = c.Value
		}
		dropCookie(w, askCookie)
	}
	return try
}

// handleAsk gives a page's script what navigator.credentials wants.
func (p *Portal) handleAsk(w http.ResponseWriter, r *http.Request) {
	ask, err := p.ask(r)
	if err != nil {
		p.askFailed(w, r, err)
		return
	}
	setCookie(w, askCookie, ask.Token, askSeconds)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(ask.Options)
}

func (p *Portal) ask(r *http.Request) (identity.PasskeyAsk, error) {
	const op = "portal.ask"
	ctx, try := r.Context(), Attempt{Source: p.cfg.Source(r), Device: r.UserAgent()}
	switch r.PostFormValue("for") {
	case "sign-in":
		return p.cfg.Accounts.AskPasskey(ctx, "", try)
	case "enrol":
		c, err := r.Cookie(enrolCookie)
		if err != nil {
			return identity.PasskeyAsk{}, fault.New(fault.Gone, op, "This took too long. Start again with the same enrolment code.")
		}
		return p.cfg.Accounts.AskEnrolment(ctx, c.Value)
	case "session":
		if _, err := p.session(r); err != nil {
			return identity.PasskeyAsk{}, err
		}
		c, err := r.Cookie(sessionCookie)
		if err != nil {
			return identity.PasskeyAsk{}, fault.New(fault.Unauthenticated, op, "")
		}
		return p.cfg.Accounts.AskPasskey(ctx, c.Value, try)
	case "add":
		s, err := p.session(r)
		switch {
		case err != nil:
			return identity.PasskeyAsk{}, err
		case s.Locked || p.cfg.Own == nil:
			return identity.PasskeyAsk{}, fault.New(fault.Denied, op, "")
		}
		return p.cfg.Own.AskNewPasskey(ctx, s.Actor)
	}
	return identity.PasskeyAsk{}, fault.New(fault.Invalid, op, "")
}

// askFailed tells the script in words it can show.
func (p *Portal) askFailed(w http.ResponseWriter, r *http.Request, err error) {
	web.EventOf(r.Context()).Fail(err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(web.Status(fault.KindOf(err)))
	_ = json.NewEncoder(w).Encode(map[string]string{"error": fault.Public(err)})
}

// handlePasskey signs in by a passkey alone.
func (p *Portal) handlePasskey(w http.ResponseWriter, r *http.Request) {
	entry, err := p.cfg.Accounts.Passkey(r.Context(), p.attempt(w, r))
	if err != nil {
		page := p.signInPage(r)
		page.Error = p.refused(r, err, "That passkey did not sign you in. Try again, or use your password.")
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
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
