package portal

import (
	"net/http"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

func (p *Portal) handlePerson(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	person, err := p.cfg.People.Person(r.Context(), actor, r.PathValue("person"))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.renderPerson(w, r, actor, person, http.StatusOK, func(*personPage) {})
}

func (p *Portal) renderPerson(w http.ResponseWriter, r *http.Request, actor identity.Actor, person identity.Person, status int, fill func(*personPage)) {
	pg := p.personPage(r, actor, "A person")
	pg.Here = "/people/" + person.ID
	pg.Row, pg.Roles = p.personRow(person), roleChoices(person.Roles)
	pg.Self, pg.Mine = person.ID == actor.ID, person.MadeBy(actor.ID)
	pg.Ended, pg.Disabled = person.Status == identity.StatusEnded, person.Status == identity.StatusDisabled
	fill(&pg)
	p.render(w, r, status, "person", pg)
}

// handlePersonAction does one thing to a person and shows her page with what
// came of it.
func (p *Portal) handlePersonAction(action string) handler {
	return func(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
		id := r.PathValue("person")
		done, invitation, err := p.personAction(r, actor, id, action)
		words := ""
		if err != nil {
			if words = p.peopleWords(r, err); words == "" {
				p.fail(w, r, err)
				return
			}
		}
		person, readErr := p.cfg.People.Person(r.Context(), actor, id)
		if readErr != nil {
			p.fail(w, r, readErr)
			return
		}
		status := http.StatusOK
		if err != nil {
			status = web.Status(fault.KindOf(err))
		}
		p.renderPerson(w, r, actor, person, status, func(pg *personPage) {
			pg.Error, pg.Done = words, done
			if invitation.Code != "" {
				pg.invited(done, invitation, p)
			}
		})
	}
}

func (p *Portal) personAction(r *http.Request, actor identity.Actor, id, action string) (done string, i identity.Invitation, err error) {
	ctx, people := r.Context(), p.cfg.People
	reason := field(r, "reason")
	if action != "attest" && reason == "" {
		return "", i, fault.New(fault.Unprocessable, "portal.personAction", "Give a reason; it is kept in the audit log.")
	}
	switch action {
	case "change":
		err = p.changePerson(r, actor, id, reason)
		done = "Changed. It holds from the person’s next page on."
	case "attest":
		on, wrong := time.Parse(time.DateOnly, field(r, "on"))
		if wrong != nil {
			return "", i, fault.New(fault.Unprocessable, "portal.personAction", "Give the day on which it was attested.")
		}
		err = people.Attest(ctx, actor, id, identity.AttestationKind(field(r, "kind")), on, field(r, "by"))
		done = "Recorded."
	case "disable":
		err, done = people.Disable(ctx, actor, id, reason), "Disabled. Every session has ended."
	case "enable":
		err, done = people.Enable(ctx, actor, id, reason), "Enabled."
	case "end-sessions":
		err, done = people.EndAll(ctx, actor, id, reason), "Every session has ended."
	case "end":
		err, done = people.EndPerson(ctx, actor, id, reason), "Ended for good. Every session has ended."
	case "reset-mfa":
		i, err = people.ResetMFA(ctx, actor, id, reason, identified(r))
		done = "The second factor is taken away, and every session has ended."
	case "reset-password":
		i, err = people.ResetPassword(ctx, actor, id, reason, identified(r))
		done = "The password is taken away, and every session has ended."
	}
	if err != nil {
		done = ""
	}
	return done, i, err
}

func identified(r *http.Request) identity.Identified {
	return identity.Identified{By: field(r, "seenby"), How: field(r, "how"), Document: field(r, "document"), Note: field(r, "note")}
}

func (p *Portal) changePerson(r *http.Request, actor identity.Actor, id, reason string) error {
	roles, wards := r.PostForm["role"], strings.Fields(r.PostFormValue("wards"))
	if err := p.places(r.Context(), wards, ""); err != nil {
		return err
	}
	_, err := p.cfg.People.ChangePerson(r.Context(), actor, id, reason, identity.Change{Roles: &roles, WardIDs: &wards})
	return err
}
