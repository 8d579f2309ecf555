package portal

import (
	"context"
	"html/template"
	"net/http"
	"strings"

	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/smart"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Apps is what the pages about apps stand on (packages smart and identity).
type Apps interface {
	// Question returns what an app asks a person, and Answer ends it: it returns
	// where to lead him. Answer refuses patients whom he may not see.
	Question(ctx context.Context, actor identity.Actor, id string) (smart.Question, error)
	Answer(ctx context.Context, actor identity.Actor, id string, d identity.Decision) (address string, err error)
	// Launchable are the apps that can be started from a chart, and Launch starts
	// one.
	Launchable(ctx context.Context) ([]identity.Client, error)
	Launch(ctx context.Context, actor identity.Actor, clientID, patient string) (address string, err error)
	Connections(ctx context.Context, actor identity.Actor) ([]identity.Connection, error)
	EndConnection(ctx context.Context, actor identity.Actor, id, why string) error
	// NarrowConnection leaves an app what is named of what it may do.
	NarrowConnection(ctx context.Context, actor identity.Actor, id string, keep []string) error
}

// appCookie remembers over a sign-in which app had sent somebody here.
const (
	appCookie  = "__Host-wk-app"
	appSeconds = 600
)

func (p *Portal) appRoutes(mux *http.ServeMux) {
	if p.cfg.Apps == nil {
		return
	}
	mux.HandleFunc("GET /connect/{id}", p.stranger(p.handleArrival))
	mux.HandleFunc("GET /connect/{id}/ask", p.stranger(p.handleAppAsks))
	mux.HandleFunc("POST /connect/{id}/find", p.signedIn(p.handleChoose))
	mux.HandleFunc("POST /connect/{id}/patient", p.signedIn(p.handleChosen))
	mux.HandleFunc("POST /connect/{id}/answer", p.signedIn(p.handleAnswer))
	mux.HandleFunc("GET /apps", p.signedIn(p.handleApps))
	mux.HandleFunc("POST /apps/{id}/end", p.signedIn(p.handleEndApp))
	mux.HandleFunc("POST /apps/{id}/narrow", p.signedIn(p.handleNarrowApp))
	mux.HandleFunc("GET /chart/{patient}/apps", p.signedIn(p.handleChartApps))
	mux.HandleFunc("POST /chart/{patient}/apps/{app}", p.signedIn(p.handleLaunch))
}

// bridgePage leads on by itself, or by its link.
type bridgePage struct {
	Page
	Heading string
	Link    template.URL
}

// bridge leads a browser on by a page of ours. Browsers keep our cookies from
// requests that another site begins, however they are redirected, and our policy
// keeps forms from leading to other sites: a page in between is neither. The
// address MUST be one of ours, or one that an app is registered with.
func (p *Portal) bridge(w http.ResponseWriter, r *http.Request, heading, address string) {
	pg := bridgePage{Page: p.page(r, "One moment"), Heading: heading, Link: template.URL(address)}
	w.Header().Set("Refresh", "0; url="+address)
	p.render(w, r, http.StatusOK, "bridge", pg)
}

// Stop tells a person why he cannot be sent back to the app that sent him.
func (p *Portal) Stop(w http.ResponseWriter, r *http.Request, words string) {
	pg := errorPage{Page: p.page(r, "Not possible"), Heading: "The app cannot be let in", Words: words, Request: web.EventOf(r.Context()).RequestID}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	p.render(w, r, http.StatusBadRequest, "error", pg)
}

func askAddress(r *http.Request) string { return "/connect/" + r.PathValue("id") + "/ask" }

// handleArrival is where an app sends a browser: the cookies come with the next
// request.
func (p *Portal) handleArrival(w http.ResponseWriter, r *http.Request) {
	if !validID(r.PathValue("id")) {
		p.handleUnknown(w, r)
		return
	}
	p.bridge(w, r, "One moment: an app asks for your leave", askAddress(r))
}

// handleAppAsks asks the person, once he is signed in.
func (p *Portal) handleAppAsks(w http.ResponseWriter, r *http.Request) {
	if !validID(r.PathValue("id")) {
		p.handleUnknown(w, r)
		return
	}
	if _, err := p.session(r); fault.Is(err, fault.Unauthenticated) {
		setCookie(w, appCookie, r.PathValue("id"), appSeconds)
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		return
	}
	p.signedIn(func(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
		dropCookie(w, appCookie)
		q, err := p.cfg.Apps.Question(r.Context(), actor, r.PathValue("id"))
		switch {
		case err != nil:
			p.fail(w, r, err)
		case q.Choose:
			p.choose(w, r, actor, q, nil)
		default:
			p.consent(w, r, actor, q, q.Patient)
		}
	})(w, r)
}

// asked leads whoever has just signed in on to the app that had sent him.
func (p *Portal) asked(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
		if c, err := r.Cookie(appCookie); err == nil && validID(c.Value) && p.cfg.Apps != nil {
			dropCookie(w, appCookie)
			http.Redirect(w, r, "/connect/"+c.Value+"/ask", http.StatusSeeOther)
			return
		}
		next(w, r, actor)
	}
}

// choosePage asks for which patient an app is opened.
type choosePage struct {
	Page
	App    string
	Action string
	Found  *foundList
	Ward   wardList
}

func (p *Portal) choose(w http.ResponseWriter, r *http.Request, actor identity.Actor, q smart.Question, found *foundList) {
	pg := choosePage{Page: p.workPage(r, actor, "Choose a patient"), App: q.App, Action: "/connect/" + r.PathValue("id"), Found: found}
	pg.Here = backFrom(askAddress(r))
	if found == nil {
		pg.Ward = p.wardOrWhy(r, actor)
	}
	p.render(w, r, http.StatusOK, "choose", pg)
}

func (p *Portal) handleChoose(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	q, err := p.cfg.Apps.Question(r.Context(), actor, r.PathValue("id"))
	var found *foundList
	if typed := r.PostFormValue("q"); err == nil && strings.TrimSpace(typed) != "" {
		found, err = p.find(r, actor, typed)
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.choose(w, r, actor, q, found)
}

func (p *Portal) handleChosen(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	q, err := p.cfg.Apps.Question(r.Context(), actor, r.PathValue("id"))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if patient := r.PostFormValue("patient"); q.Choose && validID(patient) {
		p.consent(w, r, actor, q, patient)
		return
	}
	p.choose(w, r, actor, q, nil)
}

// consentPage asks whether an app may do what it asks.
type consentPage struct {
	Page
	App, Host string
	Action    string
	Patient   string // id
	Who       *clinical.PatientRow
	Grants    []grantRow
	More      bool
	Names     bool
	Error     string
}

// consent asks. The patient is read as on any page: whom the person may not see is
// not there.
func (p *Portal) consent(w http.ResponseWriter, r *http.Request, actor identity.Actor, q smart.Question, patient string) {
	pg := consentPage{
		Page: p.workPage(r, actor, "Connect an app"), App: q.App, Host: q.Host, Action: "/connect/" + r.PathValue("id") + "/answer",
		Grants: grantRows(q.Granted), More: q.More, Names: q.Names,
	}
	pg.Here = backFrom(askAddress(r))
	if patient != "" {
		view, err := p.cfg.Chart.View(r.Context(), actor, ViewRequest{Name: "connect an app", Patient: patient})
		if err != nil {
			p.fail(w, r, err)
			return
		}
		row := p.format.Row(view.Patient, "", p.cfg.Clock.Now())
		pg.Patient, pg.Who = patient, &row
	}
	if len(pg.Grants) == 0 {
		pg.Error = "This app may have nothing of what it asks for. Ask whoever gave you the app."
	}
	p.render(w, r, http.StatusOK, "connect", pg)
}

func (p *Portal) handleAnswer(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	d := identity.Decision{Allow: r.PostFormValue("answer") == "allow"}
	if d.Allow {
		d.Patient = r.PostFormValue("patient")
		granted, err := identity.ParseAsked(strings.Join(r.PostForm["grant"], " "))
		if err != nil || d.Patient != "" && !validID(d.Patient) {
			p.fail(w, r, fault.New(fault.Unprocessable, "portal.handleAnswer", "Nothing was chosen that the app may do. Go back, and choose, or decline."))
			return
		}
		d.Granted = granted
	}
	address, err := p.cfg.Apps.Answer(r.Context(), actor, r.PathValue("id"), d)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.bridge(w, r, "You are led back to the app", address)
}
