package portal

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/emergency"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// reviewRow is a chart opened in an emergency, as its reviewer reads it.
type reviewRow struct {
	ID      string
	Name    string
	Roles   string
	Patient string
	Reason  string
	Note    string
	Opened  string
	Until   string
	Still   bool // open
	Outage  bool // opened while the access log could not be written
	Finding string
	By      string
	Text    string
}

var verdictWords = map[emergency.Verdict]string{
	emergency.Justified:   "It was an emergency",
	emergency.Unassigned:  "The care was hers; the assignment was missing",
	emergency.Unjustified: "There was no reason for it",
}

func verdictChoices() []choice {
	var out []choice
	for _, v := range emergency.Verdicts() {
		out = append(out, choice{string(v), verdictWords[v]})
	}
	return out
}

func (p *Portal) reviewRow(g emergency.Grant) reviewRow {
	row := reviewRow{
		ID: g.ID, Name: g.Name, Roles: strings.Join(g.Roles, ", "), Patient: g.Patient,
		Reason: reasonWords[g.Reason], Note: g.Note, Opened: p.when(g.Opened), Until: "Open until " + p.when(g.Until), Outage: g.Outage,
	}
	row.Still = g.Open(p.cfg.Clock.Now())
	switch {
	case !g.Ended.IsZero():
		row.Until = "Ended " + p.when(g.Ended)
	case !row.Still:
		row.Until = "Ended " + p.when(g.Until)
	}
	if f := g.Finding; f != nil {
		row.Finding, row.Text, row.By = verdictWords[f.Verdict], f.Text, f.ByName+", "+p.when(f.At)
	}
	return row
}

type reviewsPage struct {
	Page
	Rows  []reviewRow
	Count string
	Rate  string // how often it happens, of the last days that are counted
	Days  []tallyRow
}

// tallyRow is a day.
type tallyRow struct{ Day, Emergencies, Charts, Rate string }

// perThousand is how many of a thousand charts were opened in an emergency.
func perThousand(t emergency.Tally) string {
	if t.Charts == 0 {
		return "–"
	}
	return strconv.FormatFloat(1000*float64(t.Emergencies)/float64(t.Charts), 'f', 1, 64)
}

// rate sums the days up.
func (p *Portal) rate(days []emergency.Tally) (words string, rows []tallyRow) {
	var sum emergency.Tally
	for _, t := range days {
		sum.Charts, sum.Emergencies = sum.Charts+t.Charts, sum.Emergencies+t.Emergencies
		rows = append(rows, tallyRow{p.format.Date(clinical.ParseMoment(t.Day)), strconv.Itoa(t.Emergencies), strconv.Itoa(t.Charts), perThousand(t)})
	}
	if len(days) == 0 {
		return "", nil
	}
	slices.Reverse(rows)
	return perThousand(sum) + " of 1,000 charts were opened in an emergency (" + strconv.Itoa(sum.Emergencies) + " of " + count(sum.Charts, "chart", "charts") + ", in " + count(len(days), "day", "days") + ")", rows
}

func (p *Portal) handleReviews(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	waiting, err := p.cfg.Book.Reviews(r.Context(), actor)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	pg := reviewsPage{Page: p.workPage(r, actor, "Charts opened in an emergency"), Count: count(len(waiting), "review waits", "reviews wait")}
	pg.At = "emergencies"
	days, err := p.cfg.Book.Tallies(r.Context(), actor)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	pg.Rate, pg.Days = p.rate(days)
	for _, g := range waiting {
		pg.Rows = append(pg.Rows, p.reviewRow(g))
	}
	p.render(w, r, http.StatusOK, "reviews", pg)
}

type reviewPage struct {
	Page
	Row      reviewRow
	Opened   string // how much
	Seen     []seenRow
	Own      bool // nobody reviews himself
	Verdicts []choice
	Typed    string
	Error    string
}

// seenRow is something that was opened in the emergency.
type seenRow struct{ When, What string }

func (p *Portal) handleReview(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	p.renderReview(w, r, actor, http.StatusOK, "")
}

func (p *Portal) renderReview(w http.ResponseWriter, r *http.Request, actor identity.Actor, status int, words string) {
	g, seen, err := p.cfg.Book.Review(r.Context(), actor, r.PathValue("grant"))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	pg := reviewPage{
		Page: p.workPage(r, actor, "Review"), Row: p.reviewRow(g), Own: g.Person == actor.ID,
		Verdicts: verdictChoices(), Typed: field(r, "text"), Error: words,
	}
	pg.At, pg.Here = "emergencies", "/emergencies/"+g.ID
	pg.Opened = count(len(seen), "page or record", "pages and records")
	for _, o := range seen {
		pg.Seen = append(pg.Seen, seenRow{p.when(o.At), o.What})
	}
	p.render(w, r, status, "review", pg)
}

// handleEndByOfficer closes a chart that somebody else has opened.
func (p *Portal) handleEndByOfficer(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	if err := p.cfg.Book.End(r.Context(), actor, r.PathValue("grant")); err != nil {
		p.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/emergencies/"+r.PathValue("grant"), http.StatusSeeOther)
}

func (p *Portal) handleFinding(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	err := p.cfg.Book.Close(r.Context(), actor, r.PathValue("grant"), emergency.Verdict(r.PostFormValue("verdict")), r.PostFormValue("text"))
	switch kind := fault.KindOf(err); {
	case err == nil:
		http.Redirect(w, r, "/emergencies", http.StatusSeeOther)
	case kind == fault.Invalid, kind == fault.Conflict:
		web.EventOf(r.Context()).Fail(err)
		p.renderReview(w, r, actor, web.Status(kind), fault.Public(err))
	default:
		p.fail(w, r, err)
	}
}
