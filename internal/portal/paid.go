package portal

import (
	"net/http"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Who has paid for something in full may ask that her insurer hears nothing of it, and
// must be heard (45 CFR 164.522(a)(1)(vi)).

func (p *Portal) paidRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /chart/{patient}/paid", p.signedIn(p.handlePaidPage))
	p.form(mux, "/chart/{patient}/paid", "Paid in full, not for the insurer", p.handlePaid)
	mux.HandleFunc("POST /chart/{patient}/paid/end", p.signedIn(p.handlePaidEnd))
}

// takesMoney says whether somebody has the page at all: the chart decides which.
func takesMoney(actor identity.Actor) bool {
	return actor.HasRole("billing") || actor.HasRole("registration")
}

// paidPage is what a patient has paid in full, and what could be.
type paidPage struct {
	Page
	Patient string
	Base    string
	Paid    []consentLine
	Notice  Notice
	Items   []optionGroup
	Typed   string // what was chosen
	Agreed  bool
	Error   string
}

var paidSearches = []string{"Consent?patient=%p&category=" + chart.RequestSystem + "|" + chart.RequestPaid + "&status=active&_sort=-_lastUpdated&_count=200", "Encounter?patient=%p&_sort=-date&_count=50", "Claim?patient=%p&_sort=-created&_count=50"}

func (p *Portal) handlePaidPage(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	pg, err := p.paidPage(r, actor)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.render(w, r, http.StatusOK, "paid", pg)
}

func (p *Portal) paidPage(r *http.Request, actor identity.Actor) (*paidPage, error) {
	if !takesMoney(actor) {
		return nil, fault.New(fault.Denied, "portal.paid", "")
	}
	c, err := p.openChart(r, actor, "chart: paid in full", paidSearches)
	if err != nil {
		return nil, err
	}
	pg := &paidPage{Page: c.page, Patient: c.patient.ID(), Base: "/chart/" + c.patient.ID() + "/paid"}
	pg.Here, pg.Nav = pg.Base, p.navOf(actor, c.patient.ID(), "paid")
	pg.Notice = noticeOf(c.parts[0], len(c.parts[0].Resources), "Nothing was recorded as paid in full.")
	taken := map[string]bool{}
	for _, res := range c.parts[0].Resources {
		line := p.consentLine(res, nil)
		line.May = actor.HasRole("registration")
		pg.Paid = append(pg.Paid, line)
		taken[res.Root().Get("provision").Get("data").Get("reference").Get("reference").Text()] = true
	}
	visits, bills := optionGroup{Name: "Visits, with all that belongs to them"}, optionGroup{Name: "Single bills"}
	for _, res := range c.parts[1].Resources {
		if ref := "Encounter/" + res.ID(); !taken[ref] {
			visits.List = append(visits.List, choice{ref, p.visitWords(res)})
		}
	}
	for _, res := range c.parts[2].Resources {
		if ref := "Claim/" + res.ID(); !taken[ref] {
			bills.List = append(bills.List, choice{ref, p.billWords(res)})
		}
	}
	for _, group := range []optionGroup{visits, bills} {
		if len(group.List) > 0 {
			pg.Items = append(pg.Items, group)
		}
	}
	return pg, nil
}

// billWords tells bills apart by day and sum.
func (p *Portal) billWords(res *fhir.Resource) string {
	root := res.Root()
	words := "Bill of " + p.format.DateOf(root.Get("created"))
	if value := root.Get("total").Get("value").Text(); value != "" {
		words += ", " + value + " " + root.Get("total").Get("currency").Text()
	}
	if service := clinical.Concept(root.Get("item").Get("productOrService")); root.Get("item").Exists() {
		words += ", " + service
	}
	return words
}

func (p *Portal) handlePaid(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	pg, err := p.paidPage(r, actor)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	pg.Typed, pg.Agreed = field(r, "item"), field(r, "paid") == "yes"
	p.recorded(w, r, p.recordPaid(r, actor, pg), pg.Base, func(words string) {
		pg.Error = words
		p.render(w, r, http.StatusUnprocessableEntity, "paid", pg)
	})
}

func (p *Portal) recordPaid(r *http.Request, actor identity.Actor, pg *paidPage) error {
	var item choice
	for _, group := range pg.Items {
		if c, ok := offered(group.List, pg.Typed); ok {
			item = c
		}
	}
	if item.Value == "" || !pg.Agreed {
		return choose("Choose the visit or the bill, and confirm that it is paid in full and that the patient asked for this.")
	}
	meaning := "instance"
	if item.Value[0] == 'E' {
		meaning = "related"
	}
	patient := r.PathValue("patient")
	res, err := p.newConsent(patient, chart.RequestSystem, chart.RequestPaid, "Patient/"+patient, object{"provision": object{
		"type": "deny", "purpose": []object{coding("http://terminology.hl7.org/CodeSystem/v3-ActReason", "HPAYMT")},
		"data": []object{{"meaning": meaning, "reference": reference(item.Value, item.Words)}},
	}})
	if err != nil {
		return err
	}
	return p.cfg.Consents.Record(r.Context(), actor, res)
}

func (p *Portal) handlePaidEnd(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	err := p.end(r, actor, "active")
	p.recorded(w, r, err, "/chart/"+r.PathValue("patient")+"/paid", func(words string) {
		pg, failed := p.paidPage(r, actor)
		if failed != nil {
			p.fail(w, r, failed)
			return
		}
		pg.Error = words
		p.render(w, r, web.Status(fault.KindOf(err)), "paid", pg)
	})
}
