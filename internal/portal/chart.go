package portal

import (
	"net/http"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// Banner is the patient's banner with what only this tab knows.
type Banner struct {
	clinical.Banner
	Place string
	Mark  tabMark
}

// section is one page of a chart.
type section struct {
	slug     string // "" for the overview
	name     string
	template string
	tail     string // more of the address pattern, "" if none
	live     bool   // keeps itself up to date
	searches []string
	own      bool // shows the patient's own record, which whoever opens a chart may see
	build    func(c *chartRequest) (any, error)
}

// sections in the order of the navigation. Entries without a name are pages
// that the navigation does not list.
var sections = []section{
	{name: "Overview", template: "overview", live: true, searches: []string{searchProblems, searchMedications, searchVitals, searchResults}, build: buildOverview},
	{slug: "results", name: "Results", template: "results", live: true, searches: []string{searchResults}, build: buildResults},
	{slug: "results", template: "results", tail: "/{test}", live: true, searches: []string{searchResults}, build: buildResults},
	{slug: "vitals", name: "Vital signs", template: "vitals", live: true, searches: []string{searchVitals}, build: buildVitals},
	{slug: "medications", name: "Medications", template: "medications", live: true, searches: []string{searchMedications, searchGiven}, build: buildMedications},
	{slug: "problems", name: "Problems", template: "problems", searches: []string{searchProblems}, build: buildProblems},
	{slug: "allergies", name: "Allergies", template: "allergies", build: buildAllergies},
	{slug: "visits", name: "Visits", template: "visits", searches: []string{searchVisits}, build: buildVisits},
	{slug: "documents", name: "Documents", template: "documents", searches: []string{searchDocuments}, build: buildDocuments},
	{slug: "details", name: "Details", template: "details", searches: []string{searchCoverage}, own: true, build: buildDetails},
	{slug: "history", name: "History", template: "history", searches: historySearches, build: buildHistory},
}

// Searches of chart pages; %p stands for the patient's id.
const (
	searchAllergies   = "AllergyIntolerance?patient=%p&_count=200"
	searchPlace       = "Encounter?patient=%p&status=arrived,triaged,in-progress,onleave&_count=20"
	searchPregnancy   = "Observation?patient=%p&code=http://loinc.org|82810-3,http://loinc.org|11778-8&_sort=-date&_count=20"
	searchProblems    = "Condition?patient=%p&_sort=-recorded-date&_count=300"
	searchMedications = "MedicationRequest?patient=%p&_sort=-authoredon&_include=MedicationRequest:medication&_count=300"
	searchGiven       = "MedicationAdministration?patient=%p&_sort=-effective-time&_include=MedicationAdministration:medication&_count=60"
	searchResults     = "Observation?patient=%p&category=laboratory&_sort=-date&_count=600"
	searchVitals      = "Observation?patient=%p&category=vital-signs&_sort=-date&_count=400"
	searchVisits      = "Encounter?patient=%p&_sort=-date&_count=200"
	searchDocuments   = "DocumentReference?patient=%p&_sort=-date&_count=200"
)

func (s section) pattern() string {
	if s.slug == "" {
		return "/chart/{patient}"
	}
	return "/chart/{patient}/" + s.slug + s.tail
}

func (s section) address(patient string) string {
	if s.slug == "" {
		return "/chart/" + patient
	}
	return "/chart/" + patient + "/" + s.slug
}

// chartRequest is one page of a chart in the making.
type chartRequest struct {
	portal    *Portal
	request   *http.Request
	actor     identity.Actor
	page      Page
	patient   *fhir.Resource
	allergies clinical.AllergyState
	parts     []Part // of the section's own searches
}

// handle returns the section's handler.
func (s section) handle(p *Portal) handler {
	return func(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
		if s.slug == "" && !s.inReach(p.cfg.Chart, actor) {
			p.firstInReach(w, r, actor)
			return
		}
		c, err := p.openChart(r, actor, "chart: "+s.template, s.searches)
		if err != nil {
			p.fail(w, r, err)
			return
		}
		c.page.Live = s.live
		c.page.Nav = p.navOf(actor, c.patient.ID(), s.slug)
		content, err := s.build(c)
		if err != nil {
			p.fail(w, r, err)
			return
		}
		p.render(w, r, http.StatusOK, s.template, content)
	}
}

// openChart asks for everything a page about one patient shows, in one view:
// what the banner needs, and the page's own searches.
func (p *Portal) openChart(r *http.Request, actor identity.Actor, name string, searches []string) (*chartRequest, error) {
	id := r.PathValue("patient")
	if !validID(id) {
		return nil, fault.New(fault.NotFound, "portal.openChart", "")
	}
	all := append([]string{searchAllergies, searchPlace, searchPregnancy}, searches...)
	view, err := p.cfg.Chart.View(r.Context(), actor, ViewRequest{Name: name, Patient: id, Searches: fill(all, id)})
	if err != nil {
		return nil, err
	}
	if view.Patient == nil || len(view.Parts) != len(all) || view.Patient.ID() != id {
		return nil, fault.New(fault.Internal, "portal.openChart", "")
	}
	c := &chartRequest{portal: p, request: r, actor: actor, patient: view.Patient, parts: view.Parts[3:]}
	c.page = p.workPage(r, actor, "Chart")
	c.page.At = "chart"
	c.allergies = p.format.Allergies(view.Parts[0].Resources, loadError(view.Parts[0]))
	mark := markOf(id)
	c.page.Title = "Chart · " + mark.Word + " · Wardkeep"
	c.page.Icon = "/icon/" + mark.Slug
	c.page.Banner = &Banner{
		Banner: p.format.PatientBanner(view.Patient, c.allergies, p.cfg.Clock.Now()),
		Place:  placeOf(view.Parts[1]), Mark: mark,
	}
	c.page.Banner.Pregnancy = p.pregnancy(view.Parts[2])
	p.alertOn(&c.page.Banner.Banner)
	if !view.Kept.IsZero() {
		c.page.Kept = p.format.LongDate(clinical.Instant(view.Kept))
	}
	c.page.Emergency, err = p.emergencyOn(r, actor, id)
	return c, err
}

// pregnancy says what is known, and that it is not known if it could not be
// loaded. Whom the role keeps from it reads so on every part of the page.
func (p *Portal) pregnancy(part Part) string {
	switch {
	case part.Err == nil:
		return p.format.Pregnancy(part.Resources, p.cfg.Clock.Now())
	case fault.Is(part.Err, fault.Denied):
		return ""
	}
	return "Pregnancy unavailable: it could not be loaded"
}

// loadError is the failure of a part; a list that is known to be cut short is a
// failure, too, where the absence of an entry would be read as a fact.
func loadError(part Part) error {
	if part.Err == nil && part.More {
		return fault.New(fault.TooCostly, "portal.loadError", "")
	}
	return part.Err
}

// noWard does not say that there is none: a stay may be kept from the reader.
const noWard = "No ward known"

func placeOf(part Part) string {
	switch {
	case fault.Is(part.Err, fault.Denied):
		return "Not shown to your role"
	case part.Err != nil:
		return "Ward unavailable"
	}
	for _, r := range part.Resources {
		if bed := clinical.Bed(r); bed != "" {
			return bed
		}
	}
	return noWard
}

func (p *Portal) sectionsOf(actor identity.Actor, patient, here string) []NavItem {
	var nav []NavItem
	for _, s := range sections {
		if s.name != "" && s.inReach(p.cfg.Chart, actor) {
			nav = append(nav, NavItem{s.name, s.address(patient), s.slug == here})
		}
	}
	return nav
}

// inReach reports whether the actor's roles reach any of what the section shows.
func (s section) inReach(chart Chart, actor identity.Actor) bool {
	searches := s.searches
	if len(searches) == 0 {
		searches = []string{searchAllergies}
	}
	return s.own || slices.ContainsFunc(searches, func(search string) bool {
		typ, _, _ := strings.Cut(search, "?")
		return chart.Reaches(actor, typ)
	})
}

// firstInReach leads those for whose roles the overview has nothing to where it has.
func (p *Portal) firstInReach(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	patient := r.PathValue("patient")
	if !validID(patient) {
		p.fail(w, r, fault.New(fault.NotFound, "portal.firstInReach", ""))
		return
	}
	http.Redirect(w, r, p.sectionsOf(actor, patient, "")[0].Address, http.StatusSeeOther)
}

// fill puts the patient's id into searches. The id was checked: it holds no
// character that means anything in a query.
func fill(searches []string, id string) []string {
	out := slices.Clone(searches)
	for i, s := range out {
		for j := 0; j+1 < len(s); j++ {
			if s[j] == '%' && s[j+1] == 'p' {
				out[i] = s[:j] + id + s[j+2:]
				break
			}
		}
	}
	return out
}

// validID reports whether s has the form of a FHIR id.
func validID(s string) bool {
	if len(s) == 0 || len(s) > 64 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.') {
			return false
		}
	}
	return true
}

// Notice is what is said of a part beside its entries.
type Notice struct {
	Failed string // why it could not be loaded; then there are no entries
	Empty  string // that there is nothing
	More   string // that there is more than is shown
}

// noticeOf says of a part what its entries do not. n is how many are shown.
func noticeOf(part Part, n int, empty string) Notice {
	switch {
	case fault.Is(part.Err, fault.Denied):
		return Notice{Failed: "Not shown to your role: your role does not reach this part of the record."}
	case part.Err != nil:
		return Notice{Failed: "Unavailable: this part could not be loaded. It is not known whether there are entries."}
	case part.More:
		return Notice{More: "Only the newest entries are shown. There are more."}
	case n == 0:
		return Notice{Empty: empty}
	}
	return Notice{}
}
