package portal

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// Purposes is what people may work for, as codes of v3-PurposeOfUse.
type Purposes interface {
	// WorksFor returns all of it, that first which follows from her roles.
	WorksFor(actor identity.Actor) []string
	// AsksPurpose returns what a patient's chart may be opened for, if nothing tells.
	AsksPurpose(ctx context.Context, actor identity.Actor, patient string) ([]string, error)
}

// workWords are the purposes in the words of those who work for them.
var workWords = map[string]string{
	"TREAT": "Treating patients", "HPAYMT": "Billing", "HOPERAT": "Running the hospital", "PATRQT": "The patient asked", "FAMRQT": "The family asked",
	"PUBHLTH": "Public health", "HRESCH": "Research", "HCOMPL": "Checking that rules are kept", "HLEGAL": "A legal matter", "HSYSADMIN": "Keeping the system running",
}

// worksWords says what somebody works for; of patients and who acts for them, whose
// record it is.
func worksWords(actor identity.Actor, code string) string {
	switch implied := identity.PurposeOf(actor.Roles); {
	case code == "PATRQT" && code == implied:
		return "Your own record"
	case code == "FAMRQT" && code == implied:
		return "The record of your family"
	case workWords[code] != "":
		return workWords[code]
	}
	return workWords[chart.PurposeGroup(code)]
}

func purposeChoices(actor identity.Actor, codes []string) []choice {
	var out []choice
	for _, code := range codes {
		out = append(out, choice{code, worksWords(actor, code)})
	}
	return out
}

// working is what the reader works for, as the head of each page tells it.
type working struct {
	Now     choice
	Choices []choice // none: there is nothing to choose
}

func (p *Portal) working(actor identity.Actor) *working {
	if p.cfg.Purposes == nil || actor.Purpose == "" {
		return nil
	}
	w := &working{Now: choice{actor.Purpose, worksWords(actor, actor.Purpose)}}
	if all := p.cfg.Purposes.WorksFor(actor); len(all) > 1 {
		w.Choices = purposeChoices(actor, all)
	}
	return w
}

// chartOf returns whose chart an address is of, "" if it is none.
func chartOf(path string) string {
	rest, ok := strings.CutPrefix(path, "/chart/")
	if id, _, _ := strings.Cut(rest, "/"); ok && validID(id) {
		return id
	}
	return ""
}

// settle returns the actor with the purpose of this request, or the purposes that she
// has to be asked about first. What she may not work for any more counts no longer, and
// a chart that she opened in an emergency is there to treat the patient.
func (p *Portal) settle(r *http.Request, s Session) (actor identity.Actor, ask []string, err error) {
	if actor = s.Actor; p.cfg.Purposes == nil {
		return actor, nil, nil
	}
	may := p.cfg.Purposes.WorksFor(actor)
	if !slices.Contains(may, actor.Purpose) {
		actor.Purpose = identity.PurposeOf(actor.Roles)
	}
	patient := chartOf(r.URL.Path)
	switch said := s.openedFor(patient); {
	case patient == "":
	case slices.Contains(actor.Emergencies, patient):
		actor.Purpose = identity.PurposeOf(actor.Roles)
	case slices.Contains(may, said):
		actor.Purpose = said
	default:
		ask, err = p.cfg.Purposes.AsksPurpose(r.Context(), actor, patient)
	}
	return actor, ask, err
}

// purposePage asks for what a chart is opened. It does not know whose it is, nor
// whether there is one.
type purposePage struct {
	Page
	Back string
	Ask  []choice
}

func (p *Portal) askPurpose(w http.ResponseWriter, r *http.Request, actor identity.Actor, ask []string) {
	if r.Header.Get("HX-Request") != "" || r.Header.Get(liveHeader) != "" {
		p.goTo(w, r, "/chart/"+chartOf(r.URL.Path))
		return
	}
	if at := slices.Index(ask, actor.Purpose); at > 0 && actor.Purpose != identity.PurposeOf(actor.Roles) { // she said so: it comes first
		ask = slices.Insert(slices.Delete(slices.Clone(ask), at, at+1), 0, actor.Purpose)
	}
	pg, status := purposePage{Page: p.workPage(r, actor, "What for?"), Ask: purposeChoices(actor, ask), Back: backFrom(r.URL.Path)}, http.StatusOK
	if r.Method != http.MethodGet && r.Method != http.MethodHead { // nothing of what was sent is done
		pg.Back, status = "/chart/"+chartOf(r.URL.Path), http.StatusForbidden
	}
	pg.Work = nil // the page asks
	p.render(w, r, status, "purpose", pg)
}

// handlePurpose takes what she works for from now on or, for a chart of which she was
// asked, what she opens that one for. In the head of such a chart it is both.
func (p *Portal) handlePurpose(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	back, purpose := backFrom(r.PostFormValue("back")), r.PostFormValue("purpose")
	err := p.state(r, actor, purpose, chartOf(back), r.PostFormValue("chart") == "")
	if fault.Is(err, fault.Unauthenticated) {
		p.goTo(w, r, "/sign-in")
		return
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

func (p *Portal) state(r *http.Request, actor identity.Actor, purpose, patient string, work bool) error {
	const op = "portal.state"
	if !slices.Contains(p.cfg.Purposes.WorksFor(actor), purpose) {
		return fault.New(fault.Denied, op, "")
	}
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return fault.New(fault.Unauthenticated, op, "")
	}
	ask, err := p.asksOf(r, actor, patient)
	if err == nil && work {
		err = p.cfg.Accounts.WorkFor(r.Context(), c.Value, purpose, p.cfg.Source(r))
	}
	if err == nil && ask {
		err = p.cfg.Accounts.OpenFor(r.Context(), c.Value, patient, purpose)
	}
	return err
}

// asksOf reports whether a chart is one of which she is asked, or was.
func (p *Portal) asksOf(r *http.Request, actor identity.Actor, patient string) (bool, error) {
	if patient == "" {
		return false, nil
	}
	s, err := p.session(r)
	if err != nil || s.openedFor(patient) != "" {
		return err == nil, err
	}
	ask, err := p.cfg.Purposes.AsksPurpose(r.Context(), actor, patient)
	return len(ask) > 0, err
}

// unmaskChoices returns what a whole number may be asked for by the actor.
func (p *Portal) unmaskChoices(actor identity.Actor) []choice {
	if p.cfg.Purposes == nil {
		return purposeWords
	}
	may := p.cfg.Purposes.WorksFor(actor)
	return slices.DeleteFunc(slices.Clone(purposeWords), func(c choice) bool { return !slices.Contains(may, c.Value) })
}

func (s Session) openedFor(patient string) string {
	if s.OpenedFor == nil || patient == "" {
		return ""
	}
	return s.OpenedFor(patient)
}

// withPurpose serves a page once it is known what for.
func (p *Portal) withPurpose(w http.ResponseWriter, r *http.Request, s Session, next handler) {
	switch actor, ask, err := p.settle(r, s); {
	case err != nil:
		p.fail(w, r, err)
	case len(ask) > 0:
		p.askPurpose(w, r, actor, ask)
	default:
		next(w, r, actor)
	}
}

// notePurpose tells who is refused while she works for something else than usual that it
// may be why.
func (p *Portal) notePurpose(r *http.Request, pg *errorPage) {
	s, err := p.session(r)
	if err != nil || s.Locked {
		return
	}
	actor, _, err := p.settle(r, s)
	if err != nil || p.cfg.Purposes == nil || actor.Purpose == identity.PurposeOf(actor.Roles) {
		return
	}
	pg.Work = p.working(actor)
	pg.Words = "You work for “" + pg.Work.Now.Words + "” now, and this is no part of that. Change it at the top, if your work here is another."
}
