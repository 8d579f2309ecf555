package portal

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Numbers are shown masked; who may asks for whole ones, for a purpose.
type Numbers interface {
	MayUnmask(actor identity.Actor, typ string) bool
	// Unmask returns one record with whole numbers. The entry that tells of it is
	// durable. fault.Throttled: the person asked too often.
	Unmask(ctx context.Context, actor identity.Actor, typ, id, purpose string) (*fhir.Resource, error)
}

const searchCoverage = "Coverage?beneficiary=%p&_count=50"

// detailsPage is who somebody is to offices: numbers, and insurance.
type detailsPage struct {
	Page
	Born, Gender, MRN string
	Numbers           numberList
	Insurance         bool // it is the reader's business
	Coverages         []coverageRow
	Notice            Notice
	Error             string
}

// numberList are the numbers of one record.
type numberList struct {
	Record  string // Patient/17
	Patient string // id of whose chart it is
	List    []clinical.Identifier
	Ask     []choice // what a whole number may be asked for; none: not by the reader
	Shown   bool     // they are whole, this once
}

type coverageRow struct {
	clinical.CoverageLine
	All numberList
}

// purposeWords are the buttons by which a whole number is asked for, with codes of
// v3-PurposeOfUse.
var purposeWords = []choice{
	{"HPAYMT", "To bill, or to check what is covered"},
	{"HOPERAT", "To correct or compare the record"},
	{"TREAT", "To treat the patient, or to refer her"},
	{"PATRQT", "The patient asks for it"},
	{"FAMRQT", "Somebody of the family asks, who may know"},
}

func buildDetails(c *chartRequest) (any, error) { return c.details(nil, ""), nil }

// details is the page, with one record whole if it was asked for.
func (c *chartRequest) details(whole *fhir.Resource, failed string) detailsPage {
	banner := c.page.Banner
	page := detailsPage{Page: c.page, Born: strings.TrimPrefix(banner.Born, "Born "), Gender: banner.Gender, MRN: banner.MRN, Error: failed,
		Insurance: !fault.Is(c.parts[0].Err, fault.Denied), Notice: noticeOf(c.parts[0], len(c.parts[0].Resources), "No insurance recorded.")}
	patient, shown := replaced(c.patient, whole)
	page.Numbers = c.numbers(patient, clinical.WholeIdentifiers(patient.Root()), shown)
	for _, r := range c.parts[0].Resources {
		r, shown := replaced(r, whole)
		line := c.portal.format.Coverage(r)
		page.Coverages = append(page.Coverages, coverageRow{line, c.numbers(r, line.Numbers, shown)})
	}
	return page
}

// replaced returns the record as it was asked for, if it is that one.
func replaced(r, whole *fhir.Resource) (*fhir.Resource, bool) {
	if whole != nil && whole.Type() == r.Type() && whole.ID() == r.ID() {
		return whole, true
	}
	return r, false
}

func (c *chartRequest) numbers(r *fhir.Resource, list []clinical.Identifier, shown bool) numberList {
	n := numberList{Record: r.Type() + "/" + r.ID(), Patient: c.patient.ID(), List: list, Shown: shown}
	masked := slices.ContainsFunc(list, func(id clinical.Identifier) bool { return id.Masked })
	if masked && c.portal.cfg.Numbers != nil && c.portal.cfg.Numbers.MayUnmask(c.actor, r.Type()) {
		n.Ask = c.portal.unmaskChoices(c.actor)
	}
	return n
}

// handleUnmask answers with the page on which one record's numbers are whole. They are
// in this answer alone: looking once more is asking once more.
func (p *Portal) handleUnmask(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	c, err := p.openChart(r, actor, "chart: details", []string{searchCoverage})
	if err != nil {
		p.fail(w, r, err)
		return
	}
	c.page.Nav = p.navOf(actor, c.patient.ID(), "details")
	asked := r.PostFormValue("record")
	ofPatient := func(res *fhir.Resource) bool { return res.Type()+"/"+res.ID() == asked }
	i := slices.IndexFunc(c.parts[0].Resources, ofPatient)
	if i < 0 && !ofPatient(c.patient) {
		p.fail(w, r, fault.New(fault.NotFound, "portal.handleUnmask", ""))
		return
	}
	of := c.patient
	if i >= 0 {
		of = c.parts[0].Resources[i]
	}
	whole, err := p.cfg.Numbers.Unmask(r.Context(), actor, of.Type(), of.ID(), r.PostFormValue("purpose"))
	switch kind := fault.KindOf(err); {
	case err == nil:
		p.render(w, r, http.StatusOK, "details", c.details(whole, ""))
	case kind == fault.Throttled, kind == fault.Invalid, kind == fault.Denied:
		web.EventOf(r.Context()).Fail(err)
		words := fault.Public(err)
		if kind == fault.Invalid {
			words = "Choose what the whole number is for."
		}
		p.render(w, r, web.Status(kind), "details", c.details(nil, words))
	default:
		p.fail(w, r, err)
	}
}
