package portal

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/emergency"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Emergency opens charts that are not the reader's by ward or team.
type Emergency interface {
	// MayLocate and MayBreakGlass say what the actor's roles allow.
	MayLocate(actor identity.Actor) bool
	MayBreakGlass(actor identity.Actor) bool
	// Locate returns whom the actor described whole: name, birth date, gender and
	// number, and no more. fault.Throttled: she asked too often.
	Locate(ctx context.Context, actor identity.Actor, whom emergency.Whom) ([]*fhir.Resource, error)
	// BreakGlass wants a fresh proof of identity, by identity.ErrStepUp.
	BreakGlass(ctx context.Context, actor identity.Actor, patient string, reason emergency.Reason, note string) (emergency.Grant, error)
}

// EmergencyBook is what was opened so, and what became of it.
type EmergencyBook interface {
	Open(ctx context.Context, person string) ([]emergency.Grant, error)
	End(ctx context.Context, actor identity.Actor, id string) error
	Waiting(ctx context.Context) (int, error)
	Reviews(ctx context.Context, actor identity.Actor) ([]emergency.Grant, error)
	Review(ctx context.Context, actor identity.Actor, id string) (emergency.Grant, []emergency.Opening, error)
	Tallies(ctx context.Context, actor identity.Actor) ([]emergency.Tally, error)
	Close(ctx context.Context, actor identity.Actor, id string, verdict emergency.Verdict, text string) error
}

func (p *Portal) emergencyRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /locate", p.signedIn(p.handleLocatePage))
	mux.HandleFunc("POST /locate", p.signedIn(p.handleLocate))
	mux.HandleFunc("GET /emergency/{patient}", p.signedIn(p.handleEmergencyPage))
	p.form(mux, "/emergency/{patient}", "Opening a chart in an emergency", p.handleEmergency)
	mux.HandleFunc("POST /emergency/{patient}/end", p.signedIn(p.handleEndEmergency))
	mux.HandleFunc("GET /emergencies", p.signedIn(p.handleReviews))
	mux.HandleFunc("GET /emergencies/{grant}", p.signedIn(p.handleReview))
	p.form(mux, "/emergencies/{grant}", "Review of a chart opened in an emergency", p.handleFinding)
	mux.HandleFunc("POST /emergencies/{grant}/end", p.signedIn(p.handleEndByOfficer))
}

// reasonWords are the buttons by which a chart is opened, in the order of
// emergency.Reasons.
var reasonWords = map[emergency.Reason]string{
	emergency.Treatment: "I am treating this patient now",
	emergency.Covering:  "I am covering for a colleague",
	emergency.Called:    "I was called: consult or transfer",
	emergency.Other:     "Another reason, as noted",
}

// choice is a value of a form with its words.
type choice struct{ Value, Words string }

func reasonChoices() []choice {
	var out []choice
	for _, r := range emergency.Reasons() {
		out = append(out, choice{string(r), reasonWords[r]})
	}
	return out
}

// opening is the form that opens a chart in an emergency.
type opening struct {
	Patient  string // id
	Reasons  []choice
	Fresh    bool // the proof of identity is fresh enough
	Passkeys bool
	Provider provider // that asks for the proof; none: password and code do
	Note     string
	Hours    string
	Outage   bool // the access log cannot be written
	Error    string
	Draft    *draft
}

func (p *Portal) opening(r *http.Request, actor identity.Actor, patient string) opening {
	_, down := p.cfg.Outage()
	return opening{
		Outage:  down,
		Patient: patient, Reasons: reasonChoices(), Passkeys: p.cfg.Passkeys, Provider: p.providerOf(r),
		Fresh: identity.Fresh(actor, p.cfg.Clock.Now()), Hours: count(int(emergency.Life.Hours()), "hour", "hours"),
	}
}

// locatePage asks for somebody by what identifies him, and shows him.
type locatePage struct {
	Page
	Whom  emergency.Whom
	Asked bool
	Found []located
	Count string
	Error string
}

// located is somebody who is known here.
type located struct {
	clinical.PatientRow
	Opening *opening // nil: the reader's role opens no charts
}

func (p *Portal) handleLocatePage(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	if !p.cfg.Emergency.MayLocate(actor) {
		p.fail(w, r, fault.New(fault.Denied, "portal.locate", ""))
		return
	}
	pg := locatePage{Page: p.workPage(r, actor, "Look in the whole hospital")}
	p.render(w, r, http.StatusOK, "locate", pg)
}

func (p *Portal) handleLocate(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	pg := locatePage{Page: p.workPage(r, actor, "Look in the whole hospital"), Asked: true}
	pg.Whom = emergency.Whom{MRN: field(r, "mrn"), Given: field(r, "given"), Family: field(r, "family"), Born: field(r, "born")}
	if dates := birthDates(pg.Whom.Born); len(dates) == 1 {
		pg.Whom.Born = dates[0]
	}
	found, err := p.cfg.Emergency.Locate(r.Context(), actor, pg.Whom)
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Throttled) {
		web.EventOf(r.Context()).Fail(err)
		pg.Error, pg.Asked = fault.Public(err), false
		p.render(w, r, web.Status(fault.KindOf(err)), "locate", pg)
		return
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	for _, patient := range found {
		one := located{PatientRow: p.format.Row(patient, "", p.cfg.Clock.Now())}
		if p.cfg.Emergency.MayBreakGlass(actor) {
			o := p.opening(r, actor, patient.ID())
			one.Opening = &o
		}
		pg.Found = append(pg.Found, one)
	}
	pg.Count = count(len(found), "person found", "people found")
	p.render(w, r, http.StatusOK, "locate", pg)
}

// emergencyPage is the form alone, for who came by the chart's address.
type emergencyPage struct {
	Page
	Opening opening
}

func (p *Portal) handleEmergencyPage(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	if !validID(r.PathValue("patient")) || !p.cfg.Emergency.MayBreakGlass(actor) {
		p.fail(w, r, fault.New(fault.Denied, "portal.emergency", ""))
		return
	}
	p.renderEmergency(w, r, actor, http.StatusOK, "")
}

func (p *Portal) renderEmergency(w http.ResponseWriter, r *http.Request, actor identity.Actor, status int, words string) {
	pg := emergencyPage{Page: p.workPage(r, actor, "Open a chart in an emergency"), Opening: p.opening(r, actor, r.PathValue("patient"))}
	pg.Here = "/emergency/" + r.PathValue("patient")
	pg.Opening.Error, pg.Opening.Note, pg.Opening.Draft = words, field(r, "note"), pg.Draft("")
	p.render(w, r, status, "emergency", pg)
}

// handleEmergency proves who it is, if need be, and opens the chart: one step for
// somebody who is in a hurry.
func (p *Portal) handleEmergency(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	patient := r.PathValue("patient")
	if !validID(patient) {
		p.fail(w, r, fault.New(fault.NotFound, "portal.emergency", ""))
		return
	}
	actor, err := p.proven(w, r, actor)
	if fault.Is(err, fault.Unauthenticated) {
		if _, gone := p.session(r); gone != nil {
			dropCookie(w, sessionCookie)
			p.goTo(w, r, "/sign-in")
			return
		}
	}
	if err == nil {
		_, err = p.cfg.Emergency.BreakGlass(r.Context(), actor, patient, emergency.Reason(r.PostFormValue("reason")), field(r, "note"))
	}
	switch kind := fault.KindOf(err); {
	case err == nil:
		http.Redirect(w, r, "/chart/"+patient, http.StatusSeeOther)
	case errors.Is(err, identity.ErrStepUp):
		actor.AuthTime = time.Time{} // the form asks for a proof
		p.renderEmergency(w, r, actor, http.StatusForbidden, "Confirm that it is you: by a passkey, or by your password and a code.")
	case kind == fault.Unauthenticated, kind == fault.Throttled:
		p.renderEmergency(w, r, actor, web.Status(kind), p.refused(r, err, "That did not prove who you are. Try again."))
	case kind == fault.Invalid:
		web.EventOf(r.Context()).Fail(err)
		p.renderEmergency(w, r, actor, web.Status(kind), fault.Public(err))
	case kind == fault.NotFound:
		web.EventOf(r.Context()).Fail(err)
		p.renderEmergency(w, r, actor, web.Status(kind), "There is no chart here that an emergency opens. Check the number, or ask the doctor in charge.")
	default:
		p.fail(w, r, err)
	}
}

// proven takes the proof of identity that came with the form, if one did, and
// returns who it is by it.
func (p *Portal) proven(w http.ResponseWriter, r *http.Request, actor identity.Actor) (identity.Actor, error) {
	try := p.attempt(w, r)
	if try.Password == "" && try.Passkey.Ask == "" {
		return actor, nil
	}
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return actor, fault.New(fault.Unauthenticated, "portal.proven", "")
	}
	renewed, err := p.cfg.Accounts.StepUp(r.Context(), c.Value, try)
	if err != nil {
		return actor, err
	}
	setCookie(w, sessionCookie, renewed, 0)
	s, err := p.cfg.Accounts.Session(r.Context(), renewed, true)
	if err != nil {
		return actor, err
	}
	s.Actor.RequestID, s.Actor.Source = actor.RequestID, actor.Source
	return s.Actor, nil
}

// emergencies are the patients whose charts she has opened in an emergency. If that
// cannot be told, nothing is shown.
func (p *Portal) emergencies(r *http.Request, actor identity.Actor) ([]string, error) {
	if p.cfg.Book == nil {
		return nil, nil
	}
	grants, err := p.cfg.Book.Open(r.Context(), actor.ID)
	var patients []string
	for _, g := range grants {
		patients = append(patients, g.Patient)
	}
	return patients, err
}

// emergencyNote is what a chart says that is open by an emergency alone, or by one too.
type emergencyNote struct{ Patient, Opened, Until string }

// emergencyOn returns the note for a chart; nil if it was opened in the usual way.
func (p *Portal) emergencyOn(r *http.Request, actor identity.Actor, patient string) (*emergencyNote, error) {
	if p.cfg.Book == nil {
		return nil, nil
	}
	grants, err := p.cfg.Book.Open(r.Context(), actor.ID)
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		if g.Patient == patient {
			return &emergencyNote{patient, p.when(g.Opened), p.when(g.Until)}, nil
		}
	}
	return nil, nil
}

func (p *Portal) handleEndEmergency(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	grants, err := p.cfg.Book.Open(r.Context(), actor.ID)
	for _, g := range grants {
		if err == nil && g.Patient == r.PathValue("patient") {
			err = p.cfg.Book.End(r.Context(), actor, g.ID)
		}
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// whomTyped reads what was typed into the box as somebody described whole, if it may be.
func whomTyped(typed string) (whom emergency.Whom, whole bool) {
	var names []string
	for _, word := range strings.Fields(strings.NewReplacer(",", " ", ";", " ").Replace(typed)) {
		switch dates := birthDates(word); {
		case len(dates) == 1:
			whom.Born = dates[0]
		case len(dates) == 0 && strings.ContainsAny(word, "0123456789"):
			whom.MRN = word
		case len(dates) == 0:
			names = append(names, word)
		}
	}
	if len(names) == 2 {
		whom.Family, whom.Given = names[0], names[1]
	}
	return whom, len(whom.MRN) >= 4 && len(names) == 0 || len(names) == 2 && whom.Born != ""
}

// emergencyAddress is where a chart that the request asked for in vain can be opened
// in an emergency, "" if it asked for none, or whoever asked may not.
func (p *Portal) emergencyAddress(r *http.Request) string {
	rest, chart := strings.CutPrefix(r.URL.Path, "/chart/")
	id, _, _ := strings.Cut(rest, "/")
	if !chart || !validID(id) || p.cfg.Emergency == nil {
		return ""
	}
	s, err := p.session(r)
	if err != nil || s.Locked || !p.cfg.Emergency.MayBreakGlass(s.Actor) {
		return ""
	}
	return "/emergency/" + id
}

// noteReviews leads a privacy officer to what waits for her, on every page.
func (p *Portal) noteReviews(r *http.Request, actor identity.Actor, pg *Page) {
	if pg.Reviews = p.cfg.Book != nil && actor.HasRole("privacy"); !pg.Reviews {
		return
	}
	switch n, err := p.cfg.Book.Waiting(r.Context()); {
	case err != nil:
		web.EventOf(r.Context()).Fail(err)
		pg.Waiting = "?"
	case n > 0:
		pg.Waiting = strconv.Itoa(n)
	}
}
