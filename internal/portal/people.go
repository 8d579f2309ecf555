package portal

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// People is what administrators do with the accounts of others. It decides who
// may, wants a fresh proof of identity for every change, by an error that is
// identity.ErrStepUp, and lets nobody act on himself.
type People interface {
	People(ctx context.Context, actor identity.Actor) ([]identity.Person, error)
	Person(ctx context.Context, actor identity.Actor, id string) (identity.Person, error)
	MayAddPerson(ctx context.Context, actor identity.Actor) error
	AddPerson(ctx context.Context, actor identity.Actor, n identity.NewPerson) (identity.Person, identity.Invitation, error)
	ChangePerson(ctx context.Context, actor identity.Actor, id, reason string, c identity.Change) (identity.Person, error)
	Attest(ctx context.Context, actor identity.Actor, id string, kind identity.AttestationKind, on time.Time, by string) error
	Disable(ctx context.Context, actor identity.Actor, id, reason string) error
	Enable(ctx context.Context, actor identity.Actor, id, reason string) error
	EndAll(ctx context.Context, actor identity.Actor, id, reason string) error
	EndPerson(ctx context.Context, actor identity.Actor, id, reason string) error
	ResetMFA(ctx context.Context, actor identity.Actor, id, reason string, seen identity.Identified) (identity.Invitation, error)
	ResetPassword(ctx context.Context, actor identity.Actor, id, reason string, seen identity.Identified) (identity.Invitation, error)
}

func (p *Portal) peopleRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /people", p.signedIn(p.handlePeople))
	mux.HandleFunc("GET /people/new", p.signedIn(p.handleNewPerson))
	p.form(mux, "/people/new", "Inviting somebody", p.handleInvite)
	mux.HandleFunc("GET /people/{person}", p.signedIn(p.fresh(p.handlePerson)))
	for action, words := range personForms {
		p.form(mux, "/people/{person}/"+action, words, p.handlePersonAction(action))
	}
}

// personForms are the forms of a person's page.
var personForms = map[string]string{
	"change": "Roles and wards of a person", "attest": "Clearance or training of a person", "disable": "Disabling an account", "enable": "Enabling an account",
	"end": "Ending an account", "end-sessions": "Ending the sessions of a person", "reset-mfa": "Resetting a second factor", "reset-password": "Resetting a password",
}

// personRow is a person as administrators read her.
type personRow struct {
	ID        string
	Name      string
	UserName  string
	Roles     string
	Wards     string
	Status    string
	Waits     bool
	Clearance string
	Training  string
	Seen      string // how she was known again when a factor was lost, "" if none was
}

var statusWords = map[identity.Status]string{
	identity.StatusInvited: "Invited, has not enrolled", identity.StatusPending: "Waits for clearance or training",
	identity.StatusActive: "Active", identity.StatusDisabled: "Disabled", identity.StatusEnded: "Ended",
}

func (p *Portal) personRow(person identity.Person) personRow {
	row := personRow{
		ID: person.ID, Name: strings.TrimSpace(person.Given + " " + person.Family), UserName: person.UserName,
		Roles: strings.Join(person.Roles, ", "), Wards: strings.Join(person.WardIDs, " "),
		Status: statusWords[person.Status], Waits: person.Status == identity.StatusPending,
		Clearance: "Not recorded", Training: "Not recorded",
	}
	for _, t := range person.Attestations {
		words := p.format.Date(clinical.ParseMoment(t.On.Format(time.DateOnly))) + " by " + t.By
		switch t.Kind {
		case identity.AttestClearance:
			row.Clearance = words
		case identity.AttestTraining:
			row.Training = words
		case identity.AttestIdentity:
			row.Seen = words + ": " + seenWords[t.How] + ", " + documentWords[t.Document]
			if t.Note != "" {
				row.Seen += ". " + t.Note
			}
		}
	}
	if person.Status == identity.StatusActive && (!person.Has(identity.AttestClearance) || !person.Has(identity.AttestTraining)) {
		row.Status, row.Waits = statusWords[identity.StatusPending], true
	}
	return row
}

var (
	seenWords     = map[string]string{identity.SeenInPerson: "in person", identity.SeenByVideo: "in a video call", identity.SeenKnown: "known by sight"}
	documentWords = map[string]string{
		"passport": "passport", "identity-card": "identity card", "driving-licence": "driving licence", "staff-badge": "staff badge", identity.NoDocument: "no document",
	}
)

type peoplePage struct {
	Page
	Rows  []personRow
	Count string
}

func (p *Portal) handlePeople(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	people, err := p.cfg.People.People(r.Context(), actor)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	pg := peoplePage{Page: p.workPage(r, actor, "People"), Count: count(len(people), "person", "people")}
	pg.At = "people"
	for _, person := range people {
		pg.Rows = append(pg.Rows, p.personRow(person))
	}
	p.render(w, r, http.StatusOK, "people", pg)
}

// roleChoice is a role to tick.
type roleChoice struct {
	Name string
	On   bool
}

func roleChoices(has []string) []roleChoice {
	var out []roleChoice
	for _, name := range identity.StaffRoles() {
		out = append(out, roleChoice{name, slices.Contains(has, name)})
	}
	return out
}

// personPage is one person, or the form for a new one.
type personPage struct {
	Page
	Row        personRow
	Self       bool // nobody administers himself
	Mine       bool // invited or given rights by whoever looks: another attests
	Roles      []roleChoice
	Ended      bool
	Disabled   bool
	Error      string
	Done       string
	Invitation string // shown once
	Expires    string
	Today      string // as date fields have it
	By         string
	Typed      typedPerson
}

// typedPerson is what was typed for a new person, to be mended.
type typedPerson struct{ UserName, Given, Family, Title, Practitioner string }

func (p *Portal) personPage(r *http.Request, actor identity.Actor, title string) personPage {
	pg := personPage{Page: p.workPage(r, actor, title), Today: p.cfg.Clock.Now().In(p.format.Zone()).Format(time.DateOnly), By: actor.Name}
	pg.At = "people"
	return pg
}

func (p *Portal) handleNewPerson(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	if err := p.cfg.People.MayAddPerson(r.Context(), actor); err != nil {
		p.fail(w, r, err)
		return
	}
	pg := p.personPage(r, actor, "Invite somebody")
	pg.Roles = roleChoices(nil)
	p.render(w, r, http.StatusOK, "invite", pg)
}

func (p *Portal) handleInvite(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	pg := p.personPage(r, actor, "Invite somebody")
	pg.Typed = typedPerson{field(r, "user"), field(r, "given"), field(r, "family"), field(r, "title"), field(r, "practitioner")}
	n := identity.NewPerson{
		UserName: pg.Typed.UserName, Given: pg.Typed.Given, Family: pg.Typed.Family, Title: pg.Typed.Title, PractitionerID: pg.Typed.Practitioner,
		Roles: r.PostForm["role"], WardIDs: strings.Fields(r.PostFormValue("wards")),
	}
	person, invitation, err := identity.Person{}, identity.Invitation{}, p.cfg.People.MayAddPerson(r.Context(), actor)
	if err == nil {
		err = p.places(r.Context(), n.WardIDs, n.PractitionerID)
	}
	if err == nil {
		person, invitation, err = p.cfg.People.AddPerson(r.Context(), actor, n)
	}
	if err != nil {
		pg.Roles, pg.Row.Wards = roleChoices(n.Roles), strings.Join(n.WardIDs, " ")
		if pg.Error = p.peopleWords(r, err); pg.Error == "" {
			p.fail(w, r, err)
			return
		}
		p.render(w, r, web.Status(fault.KindOf(err)), "invite", pg)
		return
	}
	p.renderPerson(w, r, actor, person, http.StatusOK, func(pg *personPage) { pg.invited("Invited.", invitation, p) })
}

func field(r *http.Request, name string) string { return strings.TrimSpace(r.PostFormValue(name)) }

func (pg *personPage) invited(done string, i identity.Invitation, p *Portal) {
	pg.Done, pg.Invitation, pg.Expires = done, i.Code, p.when(i.Expires)
}

// peopleWords is what a form says of a refusal, "" if it is for another page.
func (p *Portal) peopleWords(r *http.Request, err error) string {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Unprocessable, fault.Conflict, fault.TooLarge:
	default:
		if !errors.Is(err, identity.ErrAnotherPerson) {
			return ""
		}
	}
	web.EventOf(r.Context()).Fail(err)
	p.noteRefused(r, err)
	return fault.Public(err)
}

// places checks that wards and practitioner exist: whose ward is misspelt would
// see an empty one, and no reason.
func (p *Portal) places(ctx context.Context, wards []string, practitioner string) error {
	if p.cfg.Places == nil {
		return nil
	}
	return p.cfg.Places(ctx, wards, practitioner)
}
