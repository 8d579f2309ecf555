package portal

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/identity/federation"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Federation signs people in by the identity providers of their organisations.
type Federation interface {
	Buttons() []federation.Button
	Begin(ctx context.Context, provider string, ask federation.Ask, o identity.Origin) (federation.Away, error)
	Finish(ctx context.Context, provider string, answer url.Values, binding string, o identity.Origin) (federation.Return, error)
	SignOutAddress(ctx context.Context, provider string) (string, error)
	Ended(ctx context.Context, provider, logoutToken string, o identity.Origin) error
}

// provider is one of them, ready to print.
type provider struct{ Name, Label string }

func (p *Portal) providers() []provider {
	var list []provider
	if p.cfg.Federation != nil {
		for _, b := range p.cfg.Federation.Buttons() {
			list = append(list, provider(b))
		}
	}
	return list
}

// providerOf returns the provider by which the person of the request's session
// came, none if she came by password. A locked session has one, too.
func (p *Portal) providerOf(r *http.Request) provider {
	s, err := p.session(r)
	if err != nil {
		return provider{}
	}
	return p.providerNamed(s.Provider)
}

func (p *Portal) providerNamed(name string) provider {
	for _, one := range p.providers() {
		if one.Name == name {
			return one
		}
	}
	return provider{}
}

func (p *Portal) originOf(r *http.Request) identity.Origin {
	return origin(r.Context(), Attempt{Source: p.cfg.Source(r), Device: r.UserAgent()})
}

// passagePage leads on by itself, and by a link. The way to a provider and back
// needs one each: a form that is answered by a redirect may not leave this site
// (form-action), and a cookie of this site alone is not sent along when another
// site leads here (SameSite=Strict).
type passagePage struct {
	Page
	Heading, Words, Address, Link string
}

func (p *Portal) pass(w http.ResponseWriter, r *http.Request, page passagePage) {
	page.Page = p.page(r, page.Heading)
	w.Header().Set("Refresh", "0;url="+page.Address)
	p.render(w, r, http.StatusOK, "passage", page)
}

const awaySeconds = 600

// handleDepart sends a browser to a provider: to sign in, or, where a session is
// there and again is set, to prove anew whose it is.
func (p *Portal) handleDepart(w http.ResponseWriter, r *http.Request) {
	to := p.providerNamed(r.PathValue("provider"))
	if to.Name == "" {
		p.handleUnknown(w, r)
		return
	}
	ask := federation.Ask{Back: backFrom(r.PostFormValue("back"))}
	if r.PostFormValue("again") != "" {
		s, err := p.session(r)
		if err != nil || s.Provider != to.Name || s.Actor.SessionID == "" {
			http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
			return
		}
		ask.Session = s.Actor.SessionID
	} else {
		var err error // on the way back the browser does not show whose session it has
		if ask.Leaves, err = p.leaveBehind(r); err != nil && !fault.Is(err, fault.Unauthenticated) {
			p.fail(w, r, err)
			return
		}
	}
	away, err := p.cfg.Federation.Begin(r.Context(), to.Name, ask, p.originOf(r))
	if err != nil {
		p.notFederated(w, r, err)
		return
	}
	// Lax, because it is another site that leads back here.
	http.SetCookie(w, &http.Cookie{
		Name: awayCookie, Value: away.Binding, Path: "/", MaxAge: awaySeconds,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	p.pass(w, r, passagePage{
		Heading: "On the way to " + to.Label, Words: "You prove there who you are, and come back here.",
		Address: away.Address, Link: "Go on to " + to.Label,
	})
}

// handleReturn takes what a browser brings back from a provider.
func (p *Portal) handleReturn(w http.ResponseWriter, r *http.Request) {
	from := p.providerNamed(r.PathValue("provider"))
	if from.Name == "" {
		p.handleUnknown(w, r)
		return
	}
	binding := ""
	if c, err := r.Cookie(awayCookie); err == nil {
		binding = c.Value
	}
	dropCookie(w, awayCookie)
	back, err := p.cfg.Federation.Finish(r.Context(), from.Name, r.URL.Query(), binding, p.originOf(r))
	if err != nil {
		p.notFederated(w, r, err)
		return
	}
	if err := p.enter(w, r, back.Grant.Token, back.Left); err != nil {
		p.fail(w, r, err)
		return
	}
	p.pass(w, r, passagePage{
		Heading: "You are signed in", Words: "Your page opens.", Address: backFrom(back.Back), Link: "Continue",
	})
}

// notFederated shows the sign-in page with what went wrong. These texts are made
// for the person and tell what to do; she has proven nothing or everything.
func (p *Portal) notFederated(w http.ResponseWriter, r *http.Request, err error) {
	web.EventOf(r.Context()).Fail(err)
	page := p.signInPage(r)
	page.Refused = fault.Public(err)
	if fault.Is(err, fault.Throttled) {
		page.Refused = "Too many attempts. Wait a few minutes before you try again."
	}
	p.render(w, r, web.Status(fault.KindOf(err)), "signin", page)
}

// signOutThere leads somebody who is signed out here to where she signs out at her
// provider: the next person at this computer must not come in by her name.
func (p *Portal) signOutThere(w http.ResponseWriter, r *http.Request, by provider) {
	address, err := p.cfg.Federation.SignOutAddress(r.Context(), by.Name)
	if err != nil {
		web.EventOf(r.Context()).Fail(err)
	}
	if address != "" {
		p.pass(w, r, passagePage{
			Heading: "You are signed out here", Words: by.Label + " signs you out, too.",
			Address: address, Link: "Go on to " + by.Label,
		})
		return
	}
	p.render(w, r, http.StatusOK, "passage", passagePage{
		Page: p.page(r, "Signed out"), Heading: "You are signed out here",
		Words:   "You may still be signed in at " + by.Label + ". If others use this computer, sign out there before you leave.",
		Address: "/sign-in", Link: "Back to sign in",
	})
}

// endedPath leads to where providers post logout tokens.
const endedPath = "/sign-in/ended/"

// handleEnded is where a provider posts logout tokens (OpenID Connect Back-Channel
// Logout 1.0, §2.5); answers are of §2.8.
func (p *Portal) handleEnded(w http.ResponseWriter, r *http.Request) {
	if p.providerNamed(r.PathValue("provider")).Name == "" {
		http.NotFound(w, r)
		return
	}
	err := error(nil)
	if tokens := r.PostForm["logout_token"]; len(tokens) == 1 {
		err = p.cfg.Federation.Ended(r.Context(), r.PathValue("provider"), tokens[0], p.originOf(r))
	} else {
		err = fault.New(fault.Invalid, "portal.handleEnded", "Send one logout_token as a form.")
	}
	if err == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	logoutFailed(w, r, err)
}

func logoutFailed(w http.ResponseWriter, r *http.Request, err error) {
	web.EventOf(r.Context()).Fail(err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(web.Status(fault.KindOf(err)))
	_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_request", "error_description": fault.Public(err)})
}
