package portal

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

func (p *Portal) privacyRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /chart/{patient}/privacy", p.signedIn(p.handlePrivacy))
	p.form(mux, "/chart/{patient}/privacy", "Asking that somebody sees less of my record", p.handleRestrict)
	p.form(mux, "/chart/{patient}/privacy/results", "Keeping results from me for a while", p.handleHold)
	mux.HandleFunc("POST /chart/{patient}/privacy/end", p.signedIn(p.handleTakeBack))
}

// privacyPage is what a patient asked for about her record, and what she may ask for.
type privacyPage struct {
	Page
	Own     bool // the reader is the patient
	Patient string
	Base    string
	Notice  Notice
	Denials []consentLine // in force
	Permits []consentLine
	Waiting []consentLine
	Refused []consentLine
	Holds   []consentLine // what she does not want to see yet
	What    []optionGroup
	Who     []choice
	Results []choice
	Since   string // as date fields have it
	Until   string
	First   string // the earliest and the latest day to choose
	Last    string
	Typed   typedWish
	Error   string // of the first form
	Wrong   string // of the second
	Said    string // of what was ended
}

// optionGroup are choices of one sort.
type optionGroup struct {
	Name string
	List []choice
}

type typedWish struct{ What, Who, Kind string }

const (
	searchConsents = "Consent?patient=%p&_sort=-_lastUpdated&_count=200"
	searchTeams    = "CareTeam?patient=%p&_count=50"
	searchReports  = "DiagnosticReport?patient=%p&_sort=-date&_count=30"
)

var privacySearches = []string{searchConsents, searchTeams, "Encounter?patient=%p&_sort=-date&_count=30", "DocumentReference?patient=%p&_sort=-date&_count=30", searchReports}

// longestHold is how far ahead a patient may choose not to see results.
const longestHold = 366

func (p *Portal) handlePrivacy(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	p.renderPrivacy(w, r, actor, http.StatusOK, func(*privacyPage) {})
}

func (p *Portal) renderPrivacy(w http.ResponseWriter, r *http.Request, actor identity.Actor, status int, fill func(*privacyPage)) {
	pg, err := p.privacyPage(r, actor)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	fill(pg)
	p.render(w, r, status, "privacy", pg)
}

func (p *Portal) privacyPage(r *http.Request, actor identity.Actor) (*privacyPage, error) {
	if !actor.HasRole("patient") && !actor.HasRole("proxy") {
		return nil, fault.New(fault.Denied, "portal.privacy", "")
	}
	c, err := p.openChart(r, actor, "chart: privacy", privacySearches)
	if err != nil {
		return nil, err
	}
	patient := c.patient.ID()
	pg := &privacyPage{Page: c.page, Own: patient == actor.PatientID && actor.HasRole("patient"), Patient: patient, Base: "/chart/" + patient + "/privacy"}
	pg.Here, pg.Nav = pg.Base, p.navOf(actor, patient, "privacy")
	pg.Notice = noticeOf(c.parts[0], 1, "")
	pg.sort(p, c.parts[0].Resources, p.names(r, actor, c.parts[0].Resources), patient)
	if !pg.Own {
		return pg, nil
	}
	today := p.today()
	pg.Since, pg.Until = today.AddDate(0, 0, -90).Format(time.DateOnly), today.AddDate(0, 0, 14).Format(time.DateOnly)
	pg.First, pg.Last = today.Format(time.DateOnly), today.AddDate(0, 0, longestHold).Format(time.DateOnly)
	pg.Results = []choice{{"", "All test results and measurements"}}
	for _, kind := range append([]string{"laboratory", "imaging"}, p.cfg.Consents.Kinds()...) {
		pg.Results = append(pg.Results, choice{kind, capital(kindName(kind))})
	}
	pg.What = p.whatToRestrict(c)
	pg.Who, err = p.whomToRestrict(r, c)
	return pg, err
}

func (p *Portal) today() time.Time {
	now := p.cfg.Clock.Now().In(p.format.Zone())
	return time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
}

// sort puts each Consent where it belongs. A doctor's decision is told of on every
// page of the chart, and nowhere more.
func (pg *privacyPage) sort(p *Portal, list []*fhir.Resource, names map[string]string, patient string) {
	for _, res := range list {
		line := p.consentLine(res, names)
		performer := res.Root().Get("performer").Get("reference").Text()
		line.May = pg.Own && performer == "Patient/"+patient
		_, code := asked(res)
		switch {
		case line.Over || code == chart.HoldHarm:
		case line.Status == "proposed":
			pg.Waiting = append(pg.Waiting, line)
		case line.Status == "rejected":
			pg.Refused = append(pg.Refused, line)
		case line.Status != "active":
		case isHold(res):
			pg.Holds = append(pg.Holds, line)
		case slices.ContainsFunc(line.Rules, func(r ruleWords) bool { return !r.Permits }) || len(line.Rules) == 0:
			pg.Denials = append(pg.Denials, line)
		default:
			pg.Permits = append(pg.Permits, line)
		}
	}
}

// whatToRestrict are the things in the record that a restriction may be about.
func (p *Portal) whatToRestrict(c *chartRequest) []optionGroup {
	groups := []optionGroup{{"", []choice{{"everything", "Everything in my record"}}}, {Name: "A kind of care"}, {Name: "A visit, with all that belongs to it"}, {Name: "One document or report"}}
	for _, kind := range p.cfg.Consents.Kinds() {
		groups[1].List = append(groups[1].List, choice{"kind/" + kind, capital(kindName(kind))})
	}
	for _, res := range c.parts[2].Resources {
		groups[2].List = append(groups[2].List, choice{"Encounter/" + res.ID(), p.visitWords(res)})
	}
	for _, part := range c.parts[3:5] {
		for _, res := range part.Resources {
			d := p.format.Document(res)
			groups[3].List = append(groups[3].List, choice{res.Type() + "/" + res.ID(), d.Title + ", " + d.Date})
		}
	}
	return slices.DeleteFunc(groups, func(g optionGroup) bool { return len(g.List) == 0 })
}

func capital(words string) string {
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

func (p *Portal) visitWords(res *fhir.Resource) string {
	v := p.format.Encounter(res)
	return "Visit of " + v.Start + ", " + v.Class
}

// whomToRestrict are those of whom a patient may ask that they see less: offices that
// deal with payers, and people of her care team, of her visits, or who looked.
func (p *Portal) whomToRestrict(r *http.Request, c *chartRequest) ([]choice, error) {
	names := map[string]string{}
	take := func(ref fhir.Node) {
		id, ok := strings.CutPrefix(ref.Get("reference").Text(), "Practitioner/")
		if ok && validID(id) && names["Practitioner/"+id] == "" {
			names["Practitioner/"+id] = ref.Get("display").Text()
		}
	}
	for _, team := range c.parts[1].Resources {
		for member := range team.Root().All("participant") {
			take(member.Get("member"))
		}
	}
	for _, visit := range c.parts[2].Resources {
		for member := range visit.Root().All("participant") {
			take(member.Get("individual"))
		}
	}
	if err := p.whoLooked(r, c.actor, names); err != nil {
		return nil, err
	}
	list := []choice{}
	for ref, name := range names {
		if name != "" {
			list = append(list, choice{ref, name})
		}
	}
	slices.SortFunc(list, func(a, b choice) int { return cmp.Or(cmp.Compare(a.Words, b.Words), cmp.Compare(a.Value, b.Value)) })
	return append([]choice{{"HPAYMT", billingWords}}, list...), nil
}

// whoLooked adds the people of the newest page of who looked.
func (p *Portal) whoLooked(r *http.Request, actor identity.Actor, names map[string]string) error {
	if p.cfg.Accesses == nil {
		return nil
	}
	_, since := p.chosen(r)
	list, _, err := p.cfg.Accesses.Accesses(r.Context(), actor, r.PathValue("patient"), since, "")
	if err != nil {
		return err
	}
	var ids []string
	for _, a := range list {
		if !a.Own && !slices.Contains(ids, a.Actor) {
			ids = append(ids, a.Actor)
		}
	}
	named, err := p.cfg.Consents.Names(r.Context(), ids)
	if err != nil {
		return err
	}
	practitioners, err := p.cfg.Consents.Practitioners(r.Context(), ids)
	for id, practitioner := range practitioners {
		if ref := "Practitioner/" + practitioner; names[ref] == "" {
			names[ref] = named[id]
		}
	}
	return err
}

// HoldDraft is what was typed into the second form of the page.
func (pg *privacyPage) HoldDraft() *draft { return pg.Draft("/results") }

// handleRestrict proposes a restriction: it counts once the privacy office agrees.
func (p *Portal) handleRestrict(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	pg, err := p.privacyPage(r, actor)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	pg.Typed.What, pg.Typed.Who = field(r, "what"), field(r, "who")
	provision, err := pg.provision()
	if err == nil {
		err = p.records(r, actor, chart.RequestSystem, chart.RequestRestriction, object{"status": "proposed", "provision": provision})
	}
	p.recorded(w, r, err, pg.Base, func(words string) {
		pg.Error = words
		p.render(w, r, web.Status(fault.KindOf(err)), "privacy", pg)
	})
}

// provision is what was chosen of what was offered.
func (pg *privacyPage) provision() (object, error) {
	var what choice
	known := false
	for _, group := range pg.What {
		if c, ok := offered(group.List, pg.Typed.What); ok {
			what, known = c, true
		}
	}
	who, ok := offered(pg.Who, pg.Typed.Who)
	if !known || !ok {
		return nil, choose("Choose what should not be shown, and to whom.")
	}
	out := object{"type": "deny"}
	switch typ, id, _ := strings.Cut(what.Value, "/"); typ {
	case "everything":
	case "kind":
		out["securityLabel"] = []object{coding(chart.KindSystem, id)}
	case "Encounter":
		out["data"] = []object{{"meaning": "related", "reference": reference(what.Value, what.Words)}}
	default:
		out["data"] = []object{{"meaning": "instance", "reference": reference(what.Value, what.Words)}}
	}
	if who.Value == "HPAYMT" {
		out["purpose"] = []object{coding("http://terminology.hl7.org/CodeSystem/v3-ActReason", "HPAYMT")}
		return out, nil
	}
	out["actor"] = []object{{"role": concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP"), "reference": reference(who.Value, who.Words)}}
	return out, nil
}

// handleHold keeps results from the patient herself, until a day.
func (p *Portal) handleHold(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	pg, err := p.privacyPage(r, actor)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	pg.Typed.Kind = field(r, "kind")
	since, until := field(r, "since"), field(r, "until")
	provision, err := pg.hold(since, until)
	if pg.Since, pg.Until = since, until; err == nil {
		provision["actor"] = []object{{"role": concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP"), "reference": reference("Patient/"+actor.PatientID, "")}}
		err = p.records(r, actor, chart.HoldSystem, chart.HoldAsked, object{"provision": provision})
	}
	p.recorded(w, r, err, pg.Base, func(words string) {
		pg.Wrong = words
		p.render(w, r, web.Status(fault.KindOf(err)), "privacy", pg)
	})
}

func (pg *privacyPage) hold(since, until string) (object, error) {
	_, known := offered(pg.Results, pg.Typed.Kind)
	_, wrong := time.Parse(time.DateOnly, since)
	_, bad := time.Parse(time.DateOnly, until)
	if !known || wrong != nil || bad != nil || until < pg.First || until > pg.Last {
		return nil, choose("Choose the results, the day from which tests count, and until when you do not want to see them: today or later, and within a year.")
	}
	out := object{"type": "deny", "period": object{"end": until}, "dataPeriod": object{"start": since}}
	var classes []object
	for _, typ := range resultClasses {
		classes = append(classes, coding("http://hl7.org/fhir/resource-types", typ))
	}
	out["class"] = classes
	if pg.Typed.Kind != "" {
		out["securityLabel"] = []object{coding(chart.KindSystem, pg.Typed.Kind)}
	}
	return out, nil
}

// records files what a patient asks for about herself.
func (p *Portal) records(r *http.Request, actor identity.Actor, system, category string, more object) error {
	patient := r.PathValue("patient")
	if patient != actor.PatientID {
		return fault.New(fault.Denied, "portal.records", "Only the patient asks for this herself. The front desk takes down what others ask for.")
	}
	res, err := p.newConsent(patient, system, category, "Patient/"+patient, more)
	if err != nil {
		return err
	}
	return p.cfg.Consents.Record(r.Context(), actor, res)
}

// recorded leads back to where a form came from, or shows it again with what was wrong.
func (p *Portal) recorded(w http.ResponseWriter, r *http.Request, err error, to string, again func(words string)) {
	if err == nil {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	if words := p.refusal(r, err); words != "" {
		again(words)
		return
	}
	p.fail(w, r, err)
}

// handleTakeBack ends what a patient asked for.
func (p *Portal) handleTakeBack(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	err := p.end(r, actor, "active", "proposed")
	p.recorded(w, r, err, "/chart/"+r.PathValue("patient")+"/privacy", func(words string) {
		p.renderPrivacy(w, r, actor, web.Status(fault.KindOf(err)), func(pg *privacyPage) { pg.Said = words })
	})
}

// end ends the Consent that a form names, of one of some statuses.
func (p *Portal) end(r *http.Request, actor identity.Actor, from ...string) error {
	id, status := field(r, "id"), field(r, "status")
	if !validID(id) || !slices.Contains(from, status) {
		return fault.New(fault.NotFound, "portal.end", "")
	}
	return p.cfg.Consents.Settle(r.Context(), actor, id, status, "inactive", "")
}
