package portal

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

func (p *Portal) restrictionRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /restrictions", p.signedIn(p.handleRestrictions))
	mux.HandleFunc("GET /restrictions.csv", p.signedIn(p.handleRestrictionFile))
	mux.HandleFunc("GET /restrictions/{consent}", p.signedIn(p.handleRestriction))
	p.form(mux, "/restrictions/{consent}", "Answer to what a patient asks for", p.handleRestrictionAnswer)
}

// filter is a part of the list.
type filter struct {
	Name, Words, Count string
	Here               bool
	Address            string
	query              string
	lacking            bool // what is not whole alone, which no search tells
}

// aboutPrivacy leaves out what other offices decide.
const aboutPrivacy = "scope:not=http://terminology.hl7.org/CodeSystem/consentscope|adr,http://terminology.hl7.org/CodeSystem/consentscope|research,http://terminology.hl7.org/CodeSystem/consentscope|treatment"

func (p *Portal) states() []filter {
	day := func(n int) string { return p.today().AddDate(0, 0, n).Format(time.DateOnly) }
	return []filter{
		{Name: "waiting", Words: "Wait for an answer", query: "status=proposed"},
		{Name: "active", Words: "In force", query: "status=active"},
		{Name: "ending", Words: "End within a week", query: "status=active&period=gt" + day(-1) + "&period=eb" + day(8)},
		{Name: "refused", Words: "Refused", query: "status=rejected"},
		{Name: "ended", Words: "Ended", query: "status=inactive"},
		{Name: "lacking", Words: "Incomplete", query: "status=active", lacking: true},
	}
}

func sorts() []filter {
	of := func(system, code string) string { return "category=" + system + "|" + code }
	return []filter{
		{Name: "", Words: "All"},
		{Name: "restriction", Words: "Asked for by patients", query: of(chart.RequestSystem, chart.RequestRestriction)},
		{Name: "paid", Words: "Paid in full", query: of(chart.RequestSystem, chart.RequestPaid)},
		{Name: "harm", Words: "Doctors’ decisions", query: of(chart.HoldSystem, chart.HoldHarm)},
		{Name: "own", Words: "Not wanted to be seen", query: of(chart.HoldSystem, chart.HoldAsked)},
	}
}

// restrictionsPage is what is kept from whom in the whole hospital.
type restrictionsPage struct {
	Page
	States []filter
	Sorts  []filter
	Rows   []restrictionRow
	Notice Notice
	File   string
	Next   string
	Later  bool
}

type restrictionRow struct {
	consentLine
	Author   string // who recorded it
	AuthorAt string // where more is told of that person, "" nowhere
	Lacks    string
}

// listing is what of the list is asked for.
type listing struct {
	state, sort filter
	page        string
}

func (p *Portal) listing(r *http.Request) (states, kinds []filter, l listing) {
	states, kinds = p.states(), sorts()
	q := r.URL.Query()
	pick := func(list []filter, name string) filter {
		i := max(slices.IndexFunc(list, func(f filter) bool { return f.Name == name }), 0)
		list[i].Here = true
		return list[i]
	}
	l = listing{pick(states, q.Get("show")), pick(kinds, q.Get("kind")), q.Get("page")}
	for i := range states {
		states[i].Address = address("/restrictions", states[i].Name, l.sort.Name)
	}
	for i := range kinds {
		kinds[i].Address = address("/restrictions", l.state.Name, kinds[i].Name)
	}
	return states, kinds, l
}

func address(path, state, kind string) string {
	return path + "?" + url.Values{"show": {state}, "kind": {kind}}.Encode()
}

func (l listing) query() string {
	query := l.state.query + "&" + aboutPrivacy
	if l.sort.query != "" {
		query += "&" + l.sort.query
	}
	return query
}

func (p *Portal) handleRestrictions(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	if !actor.HasRole("privacy") {
		p.fail(w, r, fault.New(fault.Denied, "portal.restrictions", ""))
		return
	}
	pg := restrictionsPage{Page: p.workPage(r, actor, "Restrictions"), Later: r.URL.Query().Get("page") != ""}
	var l listing
	pg.States, pg.Sorts, l = p.listing(r)
	rows, next, err := p.restrictions(r, actor, l)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	for i, s := range pg.States {
		if s.lacking {
			continue // to count them each has to be read
		}
		of := l
		of.state = s
		n, err := p.cfg.Consents.Count(r.Context(), actor, of.query())
		if err != nil {
			p.fail(w, r, err)
			return
		}
		pg.States[i].Count = strconv.Itoa(n)
	}
	pg.Rows, pg.File = rows, address("/restrictions.csv", l.state.Name, l.sort.Name)
	if len(rows) == 0 && next == "" {
		pg.Notice.Empty = "There is nothing of this kind."
	}
	if next != "" {
		pg.Next = address("/restrictions", l.state.Name, l.sort.Name) + "&page=" + url.QueryEscape(next)
	}
	p.render(w, r, http.StatusOK, "restrictions", pg)
}

// listPages bounds how many pages are read for what no search tells.
const listPages = 10

// restrictions is one page of the list; of what is incomplete it reads several.
func (p *Portal) restrictions(r *http.Request, actor identity.Actor, l listing) (rows []restrictionRow, next string, err error) {
	next = l.page
	for n := 0; n == 0 || l.state.lacking && next != "" && n < listPages; n++ {
		var list []*fhir.Resource
		if list, next, err = p.cfg.Consents.List(r.Context(), actor, l.query()+"&_sort=-_lastUpdated&_count=50", next); err != nil {
			return nil, "", err
		}
		if l.state.lacking {
			list = slices.DeleteFunc(slices.Clone(list), func(res *fhir.Resource) bool { return p.cfg.Consents.Lacks(res) == "" })
		}
		some, err := p.restrictionRows(r, actor, list)
		if err != nil {
			return nil, "", err
		}
		rows = append(rows, some...)
	}
	return rows, next, nil
}

func (p *Portal) restrictionRows(r *http.Request, actor identity.Actor, list []*fhir.Resource) ([]restrictionRow, error) {
	if len(list) == 0 {
		return nil, nil
	}
	var ids, people []string
	for _, res := range list {
		ids = append(ids, res.ID())
	}
	authors, err := p.cfg.Consents.Authors(r.Context(), actor, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range authors {
		people = append(people, id)
	}
	called, err := p.cfg.Consents.Names(r.Context(), people)
	if err != nil {
		return nil, err
	}
	names := p.names(r, actor, list)
	var rows []restrictionRow
	for _, res := range list {
		row := restrictionRow{consentLine: p.consentLine(res, names), Author: "Recorded in the last moments", Lacks: p.cfg.Consents.Lacks(res)}
		if id := authors[res.ID()]; id != "" {
			row.Author = called[id]
			if row.Author == "" {
				row.Author = "The hospital’s computer system"
			} else if p.cfg.People != nil {
				row.AuthorAt = "/people/" + id
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// handleRestrictionFile is the list as a table, whole before its first byte is sent.
func (p *Portal) handleRestrictionFile(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	if !actor.HasRole("privacy") {
		p.fail(w, r, fault.New(fault.Denied, "portal.restrictionFile", ""))
		return
	}
	_, _, l := p.listing(r)
	l.page = ""
	table := [][]string{{"Record", "Kind", "State", "Patient's record", "Who", "What", "But not", "Since", "Until", "Reason", "Second look", "Answer", "Recorded by", "Incomplete at"}}
	for n := 0; n == 0 || l.page != ""; n++ {
		if n == filePages {
			table = append(table, []string{"There is more. Narrow the list by its kind."})
			break
		}
		rows, next, err := p.restrictions(r, actor, l)
		if err != nil {
			p.fail(w, r, err)
			return
		}
		for _, row := range rows {
			table = append(table, row.cells()...)
		}
		l.page = next
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="restrictions.csv"`)
	if err := csv.NewWriter(w).WriteAll(table); err != nil {
		web.EventOf(r.Context()).Fail(fault.Wrap(fault.Internal, "portal.restrictionFile", err))
	}
}

// cells is a line for each rule.
func (row restrictionRow) cells() (lines [][]string) {
	rules := row.Rules
	if len(rules) == 0 {
		rules = []ruleWords{{}}
	}
	for _, rule := range rules {
		who := rule.Who
		if rule.Permits {
			who = joined(": ", "May see more", who)
		}
		line := []string{row.ID, row.Kind, row.State, row.Patient, who, rule.What, rule.Except, row.Since, row.Until, row.Reason, row.Second, row.Answer, row.Author, row.Lacks}
		for i := range line {
			line[i] = inert(line[i])
		}
		lines = append(lines, line)
	}
	return lines
}

// restrictionPage is one of them, with the form that answers it.
type restrictionPage struct {
	Page
	Row     restrictionRow
	Answers []choice
	Waits   bool
	Typed   string
	Chosen  string
	Error   string
}

func (p *Portal) handleRestriction(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	p.renderRestriction(w, r, actor, http.StatusOK, "")
}

func (p *Portal) renderRestriction(w http.ResponseWriter, r *http.Request, actor identity.Actor, status int, words string) {
	id := r.PathValue("consent")
	if !actor.HasRole("privacy") {
		p.fail(w, r, fault.New(fault.Denied, "portal.restriction", ""))
		return
	}
	if !validID(id) {
		p.fail(w, r, fault.New(fault.NotFound, "portal.restriction", ""))
		return
	}
	res, err := p.cfg.Chart.Read(r.Context(), actor, "Consent", id)
	var rows []restrictionRow
	if err == nil {
		rows, err = p.restrictionRows(r, actor, []*fhir.Resource{res})
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	pg := restrictionPage{Page: p.workPage(r, actor, "A restriction"), Row: rows[0], Error: words, Typed: field(r, "words"), Chosen: field(r, "answer")}
	_, code := asked(res)
	pg.Waits = pg.Row.Status == "proposed" && code == chart.RequestRestriction
	pg.Answers = []choice{{"active", "Agree: it counts from now on"}, {"rejected", "Refuse"}}
	p.render(w, r, status, "restriction", pg)
}

func (p *Portal) handleRestrictionAnswer(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	id, answer, words := r.PathValue("consent"), field(r, "answer"), field(r, "words")
	err := error(nil)
	switch {
	case !validID(id):
		err = fault.New(fault.NotFound, "portal.answer", "")
	case answer != "active" && answer != "rejected":
		err = choose("Choose whether you agree.")
	case answer == "rejected" && words == "":
		err = choose("Say why it is refused: the patient reads it.")
	default:
		err = p.cfg.Consents.Settle(r.Context(), actor, id, "proposed", answer, words)
	}
	p.recorded(w, r, err, "/restrictions?show=waiting", func(said string) {
		p.renderRestriction(w, r, actor, web.Status(fault.KindOf(err)), said)
	})
}
