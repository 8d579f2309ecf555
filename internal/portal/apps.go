package portal

import (
	"net/http"

	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// appsPage is what a person lets apps do, to see and to end.
type appsPage struct {
	Page
	Apps  []appRow
	Error string
}

type appRow struct {
	Name    string
	Since   string
	Patient string // whom it was opened for, "" if nobody in particular
	Names   bool   // it may write names into addresses
	Grants  []grantRow
	End     string // address of the form that ends it
	Narrow  string // address of the form that takes single grants away
}

func (p *Portal) handleApps(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	p.renderApps(w, r, actor, http.StatusOK, "")
}

func (p *Portal) renderApps(w http.ResponseWriter, r *http.Request, actor identity.Actor, status int, words string) {
	pg := appsPage{Page: p.workPage(r, actor, "Apps"), Error: words}
	pg.At, pg.Here = "apps", "/apps"
	list, err := p.cfg.Apps.Connections(r.Context(), actor)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	for _, c := range list {
		row := appRow{Name: c.Name, Since: p.format.Date(clinical.Instant(c.Created)), Grants: grantRows(c.Granted), Names: c.NamesInURLs, End: "/apps/" + c.ID + "/end", Narrow: "/apps/" + c.ID + "/narrow"}
		if c.Patient != "" {
			row.Patient = p.nameOf(r, actor, c.Patient)
		}
		pg.Apps = append(pg.Apps, row)
	}
	p.render(w, r, status, "apps", pg)
}

// nameOf is a patient's name, if the person may see him now.
func (p *Portal) nameOf(r *http.Request, actor identity.Actor, patient string) string {
	view, err := p.cfg.Chart.View(r.Context(), actor, ViewRequest{Name: "apps", Patient: patient})
	if err != nil || view.Patient == nil {
		return "a patient whom you may not see now"
	}
	return p.format.Row(view.Patient, "", p.cfg.Clock.Now()).Name.Full
}

func (p *Portal) handleEndApp(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	if err := p.cfg.Apps.EndConnection(r.Context(), actor, r.PathValue("id"), "ended by the person"); err != nil && !fault.Is(err, fault.NotFound) {
		p.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/apps", http.StatusSeeOther)
}

// handleNarrowApp leaves an app what is ticked.
func (p *Portal) handleNarrowApp(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	err := p.cfg.Apps.NarrowConnection(r.Context(), actor, r.PathValue("id"), r.PostForm["grant"])
	switch {
	case err == nil:
		http.Redirect(w, r, "/apps", http.StatusSeeOther)
	case fault.Is(err, fault.Unprocessable):
		web.EventOf(r.Context()).Fail(err)
		p.renderApps(w, r, actor, http.StatusUnprocessableEntity, fault.Public(err))
	default:
		p.fail(w, r, err)
	}
}

// chartAppsPage are the apps that can be started with a patient.
type chartAppsPage struct {
	Page
	Apps []launchRow
}

type launchRow struct {
	Name   string
	Launch string // address of the form that starts it
}

func (p *Portal) handleChartApps(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	c, err := p.openChart(r, actor, "chart: apps", nil)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	list, err := p.cfg.Apps.Launchable(r.Context())
	if err != nil {
		p.fail(w, r, err)
		return
	}
	pg := chartAppsPage{Page: c.page}
	pg.Nav = p.navOf(actor, c.patient.ID(), "apps")
	for _, app := range list {
		pg.Apps = append(pg.Apps, launchRow{app.Name, "/chart/" + c.patient.ID() + "/apps/" + app.ID})
	}
	p.render(w, r, http.StatusOK, "chartapps", pg)
}

// handleLaunch starts an app with the patient of the chart.
func (p *Portal) handleLaunch(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	patient, app := r.PathValue("patient"), r.PathValue("app")
	if !validID(patient) || !validID(app) {
		p.handleUnknown(w, r)
		return
	}
	address, err := p.cfg.Apps.Launch(r.Context(), actor, app, patient)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.bridge(w, r, "The app is being started", address)
}

// navOf is the navigation of a chart.
func (p *Portal) navOf(actor identity.Actor, patient, here string) []NavItem {
	nav := p.sectionsOf(actor, patient, here)
	if p.cfg.Apps != nil {
		nav = append(nav, NavItem{"Apps", "/chart/" + patient + "/apps", here == "apps"})
	}
	if p.cfg.Consents != nil {
		nav = append(nav, consentNav(actor, patient, here)...)
	}
	if p.asksForRecord(actor) {
		nav = append(nav, NavItem{"Who looked", "/chart/" + patient + "/access", here == "access"})
	}
	return nav
}
