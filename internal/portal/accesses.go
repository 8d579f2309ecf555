package portal

import (
	"context"
	"encoding/csv"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Accesses tells patients, and who acts for them, who looked at their records.
type Accesses interface {
	// Accesses decides who may ask, and is one audit entry.
	Accesses(ctx context.Context, actor identity.Actor, patient string, since time.Time, page string) (list []Access, next string, err error)
	// Names are those of people and programs by their ids; unknown ones are left out.
	Names(ctx context.Context, ids []string) (map[string]string, error)
}

// Access is one time that somebody looked at a record, or changed it.
type Access struct {
	At        time.Time
	Actor     string
	Client    string
	Roles     []string
	Action    string // "": what it was is not told
	Type      string
	Purpose   string
	Emergency bool
	Own       bool
}

func (p *Portal) accessRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /chart/{patient}/access", p.signedIn(p.handleAccesses))
	mux.HandleFunc("GET /chart/{patient}/access.csv", p.signedIn(p.handleAccessFile))
}

// asksForRecord says whether somebody has the page at all: the chart decides which.
func (p *Portal) asksForRecord(actor identity.Actor) bool {
	return p.cfg.Accesses != nil && (actor.HasRole("patient") || actor.HasRole("proxy"))
}

// period is how far back a page goes.
type period struct {
	Name, Words string
	days        int
	Here        bool
}

// The longest is what 45 CFR 164.528 asks for.
func periods() []period {
	return []period{{Name: "month", Words: "30 days", days: 30}, {Name: "year", Words: "1 year", days: 366}, {Name: "all", Words: "6 years", days: 6*365 + 2}}
}

// chosen returns the periods, and since when the one asked for counts: from the
// beginning of a day, so that the pages of one list belong together.
func (p *Portal) chosen(r *http.Request) ([]period, time.Time) {
	all := periods()
	at := max(slices.IndexFunc(all, func(o period) bool { return o.Name == r.URL.Query().Get("period") }), 0)
	all[at].Here = true
	now := p.cfg.Clock.Now().In(p.format.Zone())
	return all, time.Date(now.Year(), now.Month(), now.Day()-all[at].days, 0, 0, 0, 0, now.Location())
}

type accessPage struct {
	Page
	Periods []period
	Days    []accessDay
	Own     bool   // the reader's own record
	Address string // of this list, for the period chosen
	File    string
	Next    string
	Later   bool // this is not the first page
}

type accessDay struct {
	Day  string
	Rows []accessRow
}

// accessRow is one line: the same thing done again on the same day is not told anew.
type accessRow struct {
	Time, Who, Role, App, What, Purpose string
	Again                               string // "and 3 times before, since 08:10"
	Emergency                           bool

	times int
	first string
}

func (p *Portal) handleAccesses(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	patient := r.PathValue("patient")
	pg := accessPage{Own: patient == actor.PatientID, Later: r.URL.Query().Get("page") != ""}
	var since time.Time
	pg.Periods, since = p.chosen(r)
	list, next, err := p.accesses(r, actor, since, r.URL.Query().Get("page"))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	c, err := p.openChart(r, actor, "chart: who looked", nil)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	pg.Page, pg.Days = c.page, byDay(list)
	pg.Nav = p.navOf(actor, patient, "access")
	name := pg.Periods[slices.IndexFunc(pg.Periods, func(o period) bool { return o.Here })].Name
	pg.Address = "/chart/" + patient + "/access?period=" + name
	pg.File = "/chart/" + patient + "/access.csv?period=" + name
	if next != "" {
		pg.Next = pg.Address + "&page=" + url.QueryEscape(next)
	}
	p.render(w, r, http.StatusOK, "accesses", pg)
}

// accesses returns a page of rows with their days, the newest first.
func (p *Portal) accesses(r *http.Request, actor identity.Actor, since time.Time, page string) ([]accessLine, string, error) {
	if patient := r.PathValue("patient"); !validID(patient) {
		return nil, "", fault.New(fault.NotFound, "portal.accesses", "")
	}
	list, next, err := p.cfg.Accesses.Accesses(r.Context(), actor, r.PathValue("patient"), since, page)
	if err != nil {
		return nil, "", err
	}
	var ids []string
	for _, a := range list {
		for _, id := range []string{a.Actor, a.Client} {
			if id != "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	names, err := p.cfg.Accesses.Names(r.Context(), ids)
	if err != nil {
		return nil, "", err
	}
	lines := make([]accessLine, len(list))
	for i, a := range list {
		lines[i].day, lines[i].row.Time, _ = strings.Cut(p.when(a.At), " ")
		lines[i].row = accessWords(a, names, lines[i].row.Time)
	}
	return lines, next, nil
}

type accessLine struct {
	day string
	row accessRow
}

// byDay gathers lines into days, and what was done again into one row.
func byDay(lines []accessLine) (days []accessDay) {
	for _, line := range lines {
		if len(days) == 0 || days[len(days)-1].Day != line.day {
			days = append(days, accessDay{Day: line.day})
		}
		day := &days[len(days)-1]
		at := slices.IndexFunc(day.Rows, func(r accessRow) bool {
			return r.Who == line.row.Who && r.App == line.row.App && r.What == line.row.What && r.Purpose == line.row.Purpose && r.Emergency == line.row.Emergency
		})
		if at < 0 {
			day.Rows = append(day.Rows, line.row)
			continue
		}
		row := &day.Rows[at]
		row.times, row.first = row.times+1, line.row.Time
		row.Again = "and " + count(row.times, "time", "times") + " before, since " + row.first
	}
	return days
}

// filePages bounds a file.
const filePages = 40

// handleAccessFile is the list as a table, whole before its first byte is sent.
func (p *Portal) handleAccessFile(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	_, since := p.chosen(r)
	rows := [][]string{{"Day", "Time", "Who", "Role", "App", "What", "Purpose", "Emergency"}}
	page := ""
	for n := 0; n == 0 || page != ""; n++ {
		if n == filePages {
			rows = append(rows, []string{"There is more. Ask the privacy office for the rest."})
			break
		}
		lines, next, err := p.accesses(r, actor, since, page)
		if err != nil {
			p.fail(w, r, err)
			return
		}
		for _, l := range lines {
			emergency := map[bool]string{true: "yes", false: "no"}[l.row.Emergency]
			rows = append(rows, []string{l.day, l.row.Time, inert(l.row.Who), l.row.Role, inert(l.row.App), l.row.What, l.row.Purpose, emergency})
		}
		page = next
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="who-looked.csv"`)
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		web.EventOf(r.Context()).Fail(fault.Wrap(fault.Internal, "portal.accessFile", err))
	}
}

// inert keeps a program that opens the file from taking a name for a formula.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
