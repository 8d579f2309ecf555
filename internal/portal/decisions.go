package portal

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// A doctor decides that a patient, or who acts for her, would come to harm by reading
// something, for a while and about one record (45 CFR 164.524(a)(3), 171.201).

func (p *Portal) decisionRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /chart/{patient}/keep/{type}/{id}", p.signedIn(p.handleDecisionPage))
	p.form(mux, "/chart/{patient}/keep/{type}/{id}", "Keeping something from a patient", p.handleDecision)
	mux.HandleFunc("GET /decisions", p.signedIn(p.handleDecisions))
	mux.HandleFunc("POST /decisions/end", p.signedIn(p.handleEndDecision))
}

// decides says whether somebody has the pages at all: the chart decides of whom.
func decides(actor identity.Actor) bool {
	return actor.HasRole("doctor") && actor.PractitionerID != ""
}

// Grounds of harm, as codes in the policyRule of a decision, and the extension that
// names whom a second look is asked of.
const (
	harmSystem = "urn:wardkeep:harm"
	secondLook = "urn:wardkeep:second-look"
)

var harmWords = map[string]string{
	"life":           "It would endanger somebody’s life or physical safety",
	"another":        "It tells of somebody else, who would come to substantial harm",
	"representative": "Read by who acts for the patient, it would do substantial harm",
}

func harmChoices() []choice {
	return []choice{{"life", harmWords["life"]}, {"another", harmWords["another"]}, {"representative", harmWords["representative"]}}
}

// decisionDays are for how long; the longest is what the chart takes.
var decisionDays = []int{3, 7, 14, 30}

// keepable are records about which a doctor decides, with the words for one.
var keepable = map[string]string{"Observation": "Result", "DiagnosticReport": "Report", "DocumentReference": "Document"}

// keepAt is where a doctor keeps a record of a type from the patient; its id follows.
func (c *chartRequest) keepAt(typ string) string {
	if c.portal.cfg.Consents == nil || !decides(c.actor) {
		return ""
	}
	return "/chart/" + c.patient.ID() + "/keep/" + typ + "/"
}

// decisionPage is where one is made.
type decisionPage struct {
	Page
	Base    string
	Patient string
	Type    string
	Record  string
	What    string
	Whose   string // name, for the button
	Harms   []choice
	Days    []choice
	From    []choice
	Seconds []choice
	Typed   typedDecision
	Error   string
}

type typedDecision struct{ Harm, Words, Days, From, Second string }

func (p *Portal) decisionPage(r *http.Request, actor identity.Actor) (*decisionPage, error) {
	typ, id := r.PathValue("type"), r.PathValue("id")
	if !decides(actor) {
		return nil, fault.New(fault.Denied, "portal.decision", "")
	}
	if keepable[typ] == "" || !validID(id) {
		return nil, fault.New(fault.NotFound, "portal.decision", "")
	}
	c, err := p.openChart(r, actor, "chart: keep from the patient", []string{typ + "?patient=%p&_id=" + id, searchTeams, "RelatedPerson?patient=%p&_count=20", "Encounter?patient=%p&_sort=-date&_count=10"})
	if err != nil {
		return nil, err
	}
	if len(c.parts[0].Resources) != 1 {
		return nil, fault.New(fault.NotFound, "portal.decision", "")
	}
	patient := c.patient.ID()
	pg := &decisionPage{
		Page: c.page, Patient: patient, Type: typ, Record: id, Base: "/chart/" + patient + "/keep/" + typ + "/" + id, What: p.recordLine(c.parts[0].Resources[0]), Whose: c.page.Banner.Name.Full, Harms: harmChoices(),
		From:  []choice{{"", "The patient, and all who act for the patient"}, {"Patient/" + patient, "The patient alone"}},
		Typed: typedDecision{Days: "7"},
	}
	pg.Here, pg.Nav = pg.Base, p.navOf(actor, patient, "keep")
	for _, n := range decisionDays {
		end := p.cfg.Clock.Now().AddDate(0, 0, n)
		pg.Days = append(pg.Days, choice{strconv.Itoa(n), count(n, "day", "days") + ", until " + p.when(end)})
	}
	for _, res := range c.parts[2].Resources {
		pg.From = append(pg.From, choice{"RelatedPerson/" + res.ID(), nameOf(res) + ", who acts for the patient, alone"})
	}
	pg.Seconds = append([]choice{{"", "Any other doctor of the patient’s"}}, colleagues(actor, c.parts[1], c.parts[3])...)
	return pg, nil
}

// recordLine says which record it is.
func (p *Portal) recordLine(res *fhir.Resource) string {
	if res.Type() == "Observation" {
		cell := p.format.Result(res, nil)
		return cell.Test + ", collected " + cell.Collected
	}
	d := p.format.Document(res)
	return d.Title + ", " + d.Date
}

// colleagues are others of the patient's teams and visits, of whom a second look can
// be asked.
func colleagues(actor identity.Actor, teams, visits Part) (list []choice) {
	take := func(ref fhir.Node) {
		id, ok := strings.CutPrefix(ref.Get("reference").Text(), "Practitioner/")
		name := ref.Get("display").Text()
		_, known := offered(list, "Practitioner/"+id)
		if ok && validID(id) && id != actor.PractitionerID && name != "" && !known {
			list = append(list, choice{"Practitioner/" + id, name})
		}
	}
	for _, res := range teams.Resources {
		for member := range res.Root().All("participant") {
			take(member.Get("member"))
		}
	}
	for _, res := range visits.Resources {
		for member := range res.Root().All("participant") {
			take(member.Get("individual"))
		}
	}
	return list
}

func (p *Portal) handleDecisionPage(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	pg, err := p.decisionPage(r, actor)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.render(w, r, http.StatusOK, "decision", pg)
}

func (p *Portal) handleDecision(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	pg, err := p.decisionPage(r, actor)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	pg.Typed = typedDecision{field(r, "harm"), field(r, "words"), field(r, "days"), field(r, "from"), field(r, "second")}
	res, err := p.decision(r, actor, pg)
	if err == nil {
		err = p.cfg.Consents.Record(r.Context(), actor, res)
	}
	p.recorded(w, r, err, "/decisions", func(words string) {
		pg.Error = words
		p.render(w, r, web.Status(fault.KindOf(err)), "decision", pg)
	})
}

// decision is the Consent that says what was decided.
func (p *Portal) decision(r *http.Request, actor identity.Actor, pg *decisionPage) (*fhir.Resource, error) {
	_, ground := offered(pg.Harms, pg.Typed.Harm)
	_, lasts := offered(pg.Days, pg.Typed.Days)
	from, whom := offered(pg.From, pg.Typed.From)
	second, asked := offered(pg.Seconds, pg.Typed.Second)
	if !ground || pg.Typed.Words == "" || !lasts || !whom || !asked {
		return nil, choose("Say what harm it is, why, in words, from whom, and for how long.")
	}
	days, err := strconv.Atoi(pg.Typed.Days)
	if err != nil {
		return nil, choose("Say for how long.")
	}
	provision := object{
		"type": "deny", "period": object{"end": p.cfg.Clock.Now().AddDate(0, 0, days).UTC().Format(time.RFC3339)},
		"data": []object{{"meaning": "instance", "reference": reference(r.PathValue("type")+"/"+r.PathValue("id"), pg.What)}},
	}
	if from.Value != "" {
		provision["actor"] = []object{{"role": concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP"), "reference": reference(from.Value, "")}}
	}
	more := object{
		"policyRule": object{"coding": []object{coding(harmSystem, pg.Typed.Harm)}, "text": pg.Typed.Words}, "provision": provision,
		"performer": []object{reference("Practitioner/"+actor.PractitionerID, actor.Name)},
	}
	if second.Value != "" {
		more["extension"] = []object{{"url": secondLook, "valueReference": reference(second.Value, second.Words)}}
	}
	return p.newConsent(r.PathValue("patient"), chart.HoldSystem, chart.HoldHarm, "Practitioner/"+actor.PractitionerID, more)
}

// decisionsPage are those in force, of the reader and of which a second look is hers.
type decisionsPage struct {
	Page
	Mine   []decisionRow
	Second []decisionRow // that she was asked to look at
	Others []decisionRow // of her patients, by others
	Notice Notice
	Count  string
	Error  string
}

type decisionRow struct {
	consentLine
	Whose clinical.PatientRow
}

const searchDecisions = "Consent?category=" + chart.HoldSystem + "|" + chart.HoldHarm + "&status=active&_include=Consent:patient&_sort=-_lastUpdated&_count=300"

func (p *Portal) handleDecisions(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	p.renderDecisions(w, r, actor, http.StatusOK, "")
}

func (p *Portal) renderDecisions(w http.ResponseWriter, r *http.Request, actor identity.Actor, status int, words string) {
	if !decides(actor) {
		p.fail(w, r, fault.New(fault.Denied, "portal.decisions", ""))
		return
	}
	view, err := p.cfg.Chart.View(r.Context(), actor, ViewRequest{Name: "what is kept from patients", Searches: []string{searchDecisions}})
	if err != nil {
		p.fail(w, r, err)
		return
	}
	part := view.Parts[0]
	pg := decisionsPage{Page: p.workPage(r, actor, "Kept back"), Error: words, Notice: noticeOf(part, len(part.Resources), "Nothing is kept from any of your patients.")}
	self, find := "Practitioner/"+actor.PractitionerID, finder(part.Included)
	for _, res := range part.Resources {
		row := decisionRow{consentLine: p.consentLine(res, nil)}
		if row.Over {
			continue
		}
		row.May = true
		if patient := find("Patient/" + row.Patient); patient != nil {
			row.Whose = p.format.Row(patient, "", p.cfg.Clock.Now())
		}
		switch {
		case res.Root().Get("performer").Get("reference").Text() == self:
			pg.Mine = append(pg.Mine, row)
		case secondOf(res) == self:
			pg.Second = append(pg.Second, row)
		default:
			pg.Others = append(pg.Others, row)
		}
	}
	slices.SortStableFunc(pg.Mine, func(a, b decisionRow) int { return cmp.Compare(rank(a.Soon), rank(b.Soon)) })
	pg.Count = count(len(pg.Mine), "decision of yours is in force", "decisions of yours are in force")
	p.render(w, r, status, "decisions", pg)
}

// rank puts first what ends soon.
func rank(soon bool) int {
	if soon {
		return 0
	}
	return 1
}

func secondOf(res *fhir.Resource) string {
	for e := range res.Root().All("extension") {
		if e.Get("url").Text() == secondLook {
			return e.Get("value").Get("reference").Text()
		}
	}
	return ""
}

func (p *Portal) handleEndDecision(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	err := p.end(r, actor, "active")
	p.recorded(w, r, err, "/decisions", func(words string) {
		p.renderDecisions(w, r, actor, web.Status(fault.KindOf(err)), words)
	})
}
