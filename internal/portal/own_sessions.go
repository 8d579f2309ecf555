package portal

import (
	"errors"
	"net/http"
	"strings"

	"github.com/wardkeep/wardkeep/internal/identity"
)

// Addresses of what ends one's own sessions elsewhere. Whoever has to prove herself
// before is done with it once she has.
const (
	endOthers = "/account/sessions/end"
	endOne    = "/account/session/end/" // and its digest
)

// endWords is what happens at such an address, "" if it is another.
func endWords(path string) string {
	switch {
	case path == endOthers:
		return "End all my other sessions"
	case strings.HasPrefix(path, endOne):
		return "End that session"
	}
	return ""
}

// handleEndPage asks once more: a provider leads back to an address, not to a form.
func (p *Portal) handleEndPage(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	if err := identity.DemandProof(actor, p.cfg.Clock.Now()); err != nil {
		p.fail(w, r, err)
		return
	}
	pg := p.stepUpPage(r, actor, r.URL.Path)
	pg.Proven = true
	p.render(w, r, http.StatusOK, "stepup", pg)
}

func (p *Portal) handleEnd(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	token := ""
	if c, err := r.Cookie(sessionCookie); err == nil {
		token = c.Value
	}
	p.endElsewhere(w, r, actor, token, r.URL.Path)
}

// endElsewhere does what an address of endWords stands for, in the session of token.
func (p *Portal) endElsewhere(w http.ResponseWriter, r *http.Request, actor identity.Actor, token, path string) {
	var err error
	if one, ok := strings.CutPrefix(path, endOne); ok {
		err = p.cfg.Own.EndSession(r.Context(), actor, one)
	} else {
		var renewed string
		if renewed, err = p.cfg.Accounts.EndOthers(r.Context(), token, p.attempt(w, r)); err == nil {
			setCookie(w, sessionCookie, renewed, 0)
		}
	}
	if errors.Is(err, identity.ErrStepUp) {
		p.goTo(w, r, "/step-up?to="+backFrom(path))
		return
	}
	p.accountChanged(w, r, actor, err)
}
