package portal

import (
	"net/http"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// stepUpPage asks somebody who is signed in to prove herself anew.
type stepUpPage struct {
	Page
	To       string   // where she was going
	Then     string   // what is done there at once, "" if nothing
	Proven   bool     // there is nothing to prove any more
	Provider provider // that asks her; none: password and code do
	Error    string
}

// fresh lets those alone through who proved themselves lately, and leads the
// others over the step-up page. Pages with forms that need it are served through
// it, so that nobody fills in a form in vain.
func (p *Portal) fresh(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
		if err := identity.DemandFresh(actor, p.cfg.Clock.Now()); err != nil {
			p.fail(w, r, err)
			return
		}
		next(w, r, actor)
	}
}

// stepUpAddress is the step-up page that leads back to where the request went, or
// to the page its form was on.
func stepUpAddress(r *http.Request) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return "/step-up?to=" + backFrom(r.URL.Path)
	}
	return "/step-up?to=" + backFrom(r.PostFormValue("back"))
}

func (p *Portal) stepUpPage(r *http.Request, actor identity.Actor, to string) stepUpPage {
	pg := stepUpPage{Page: p.workPage(r, actor, "Confirm that it is you"), To: backFrom(to), Provider: p.providerOf(r)}
	if p.cfg.Own != nil {
		pg.Then = endWords(pg.To)
	}
	pg.Here = pg.To // whoever locks here comes back to the page that asked
	return pg
}

func (p *Portal) handleStepUpPage(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	p.render(w, r, http.StatusOK, "stepup", p.stepUpPage(r, actor, r.URL.Query().Get("to")))
}

func (p *Portal) handleStepUp(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	page := p.stepUpPage(r, actor, r.PostFormValue("to"))
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		p.goTo(w, r, "/sign-in")
		return
	}
	try := p.attempt(w, r)
	renewed, err := p.cfg.Accounts.StepUp(r.Context(), c.Value, try)
	if err == nil {
		setCookie(w, sessionCookie, renewed, 0)
		if page.Then != "" {
			p.endProven(w, r, renewed, page.To)
			return
		}
		http.Redirect(w, r, page.To, http.StatusSeeOther)
		return
	}
	if _, gone := p.session(r); fault.Is(gone, fault.Unauthenticated) {
		dropCookie(w, sessionCookie)
		p.goTo(w, r, "/sign-in")
		return
	}
	page.Error = p.refused(r, err, "That did not work. Check your password, and take the next code your authenticator shows; each works once, while it is shown.")
	p.render(w, r, web.Status(fault.KindOf(err)), "stepup", page)
}

// endProven ends what she proved herself for, in the session that came of it.
func (p *Portal) endProven(w http.ResponseWriter, r *http.Request, token, path string) {
	s, err := p.cfg.Accounts.Session(r.Context(), token, true)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	s.Actor.RequestID, s.Actor.Source = web.EventOf(r.Context()).RequestID, p.cfg.Source(r)
	p.endElsewhere(w, r, s.Actor, token, path)
}
