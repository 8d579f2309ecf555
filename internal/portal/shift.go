package portal

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Shifts is how charge nurses put float and covering staff on their wards until the
// shift ends. It decides who may.
type Shifts interface {
	WardStaff(ctx context.Context, actor identity.Actor, ward string) ([]identity.Person, error)
	CoverWard(ctx context.Context, actor identity.Actor, person, ward string, until time.Time) error
	EndCover(ctx context.Context, actor identity.Actor, person, ward string) error
}

// ends are when shifts end, by the clock on the wall.
var ends = [...]int{7, 15, 19, 23}

// shiftEnds returns the next two ends of a shift that are worth assigning somebody for.
func (p *Portal) shiftEnds(now time.Time) []time.Time {
	const atLeast = 30 * time.Minute
	local := now.In(p.format.Zone())
	var next []time.Time
	for day := 0; len(next) < 2; day++ {
		for _, hour := range ends {
			end := time.Date(local.Year(), local.Month(), local.Day()+day, hour, 0, 0, 0, p.format.Zone())
			if end.Sub(now) >= atLeast && len(next) < 2 {
				next = append(next, end)
			}
		}
	}
	return next
}

// shiftPage is who works on a ward this shift besides its own staff.
type shiftPage struct {
	Page
	Ward   string // id
	Name   string
	Others []shiftWard // the reader's other wards
	Ends   []choice
	Covers []shiftRow // who covers now
	Rows   []shiftRow // who could
	Query  string
	Notice string
	Error  string
}

type shiftWard struct{ ID, Name string }

type shiftRow struct{ ID, Name, Roles, Until string }

// shiftShown is how many people are listed before a name has to be typed.
const shiftShown = 60

func (p *Portal) shiftRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /ward/{ward}/staff", p.signedIn(p.handleShift))
	mux.HandleFunc("POST /ward/{ward}/staff", p.signedIn(p.handleShift)) // what was typed comes in the body
	mux.HandleFunc("POST /ward/{ward}/staff/{person}", p.signedIn(p.handleCover))
	mux.HandleFunc("POST /ward/{ward}/staff/{person}/end", p.signedIn(p.handleEndCover))
}

func (p *Portal) handleShift(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	p.renderShift(w, r, actor, http.StatusOK, "")
}

func (p *Portal) renderShift(w http.ResponseWriter, r *http.Request, actor identity.Actor, status int, words string) {
	ward := r.PathValue("ward")
	if !validID(ward) {
		p.fail(w, r, fault.New(fault.NotFound, "portal.shift", ""))
		return
	}
	staff, err := p.cfg.Shifts.WardStaff(r.Context(), actor, ward)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	now := p.cfg.Clock.Now()
	pg := shiftPage{Page: p.workPage(r, actor, "Staff of the shift"), Ward: ward, Name: p.wardName(r, actor, ward), Query: field(r, "q"), Error: words}
	pg.At, pg.Here = "ward", "/ward/"+ward+"/staff"
	for _, end := range p.shiftEnds(now) {
		pg.Ends = append(pg.Ends, choice{end.UTC().Format(time.RFC3339), "until " + end.Format("15:04")})
	}
	for _, id := range actor.WardIDs {
		if id != ward && id != identity.EveryWard {
			pg.Others = append(pg.Others, shiftWard{id, p.wardName(r, actor, id)})
		}
	}
	pg.list(p, staff, actor, now)
	p.render(w, r, status, "shift", pg)
}

// list sorts the staff into those who cover the ward and those who could.
func (pg *shiftPage) list(p *Portal, staff []identity.Person, actor identity.Actor, now time.Time) {
	words := strings.Fields(strings.ToLower(pg.Query))
	for _, person := range staff {
		row := shiftRow{ID: person.ID, Name: strings.Trim(person.Family+", "+person.Given, ", "), Roles: strings.Join(person.Roles, ", ")}
		covers := person.Covering(now)
		if i := slices.IndexFunc(covers, func(c identity.Cover) bool { return c.WardID == pg.Ward }); i >= 0 {
			row.Until = "until " + p.when(covers[i].Until) + ", by " + covers[i].ByName
			pg.Covers = append(pg.Covers, row)
			continue
		}
		name := strings.ToLower(row.Name)
		missing := slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(name, w) })
		if person.ID != actor.ID && !slices.Contains(person.WardIDs, pg.Ward) && !slices.Contains(person.WardIDs, identity.EveryWard) && !missing {
			pg.Rows = append(pg.Rows, row)
		}
	}
	switch {
	case len(pg.Rows) > shiftShown:
		pg.Rows, pg.Notice = pg.Rows[:shiftShown], "There are more. Type a part of the name."
	case len(pg.Rows) == 0:
		pg.Notice = "Nobody of this name can be assigned."
	}
}

// wardName is the name of a ward, or its id if it has none that could be read.
func (p *Portal) wardName(r *http.Request, actor identity.Actor, ward string) string {
	res, err := p.cfg.Chart.Read(r.Context(), actor, "Location", ward)
	if err != nil || res == nil || res.Root().Get("name").Text() == "" {
		return ward
	}
	return res.Root().Get("name").Text()
}

func (p *Portal) handleCover(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	until, err := time.Parse(time.RFC3339, r.PostFormValue("until"))
	if err == nil {
		err = p.cfg.Shifts.CoverWard(r.Context(), actor, r.PathValue("person"), r.PathValue("ward"), until)
	} else {
		err = fault.New(fault.Invalid, "portal.cover", "Choose when the shift ends.")
	}
	p.covered(w, r, actor, err)
}

func (p *Portal) handleEndCover(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	p.covered(w, r, actor, p.cfg.Shifts.EndCover(r.Context(), actor, r.PathValue("person"), r.PathValue("ward")))
}

func (p *Portal) covered(w http.ResponseWriter, r *http.Request, actor identity.Actor, err error) {
	switch kind := fault.KindOf(err); {
	case err == nil:
		http.Redirect(w, r, "/ward/"+r.PathValue("ward")+"/staff", http.StatusSeeOther)
	case kind == fault.Invalid, kind == fault.Unprocessable, kind == fault.Conflict:
		web.EventOf(r.Context()).Fail(err)
		p.renderShift(w, r, actor, web.Status(kind), fault.Public(err))
	default:
		p.fail(w, r, err)
	}
}

// chargeOf is the ward whose staff a charge nurse is led to, "" for others. The page
// tells of her other wards, and of those that are not hers to assign.
func (p *Portal) chargeOf(actor identity.Actor) string {
	if p.cfg.Shifts == nil || !actor.HasRole("charge") {
		return ""
	}
	i := slices.IndexFunc(actor.WardIDs, func(id string) bool { return id != identity.EveryWard })
	if i < 0 {
		return ""
	}
	return actor.WardIDs[i]
}
