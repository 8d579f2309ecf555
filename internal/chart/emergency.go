package chart

import (
	"context"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/emergency"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// Glass keeps who has broken the glass for whom. Sessions tell it of the actor
// (identity.Actor.Emergencies), so that one request has one answer.
type Glass interface {
	// Enter makes a grant durable together with the event that tells of it.
	Enter(ctx context.Context, event audit.Event, g emergency.Grant) (emergency.Grant, error)
	// Open returns the grants of a person that are open now.
	Open(ctx context.Context, person string) ([]emergency.Grant, error)
}

var errNoGlass = fault.New(fault.NotFound, "chart.BreakGlass", "")

// MayBreakGlass reports whether the actor's roles let her open charts in an emergency.
func (c *Chart) MayBreakGlass(actor Actor) bool {
	if c.glass == nil || actor.Kind != identity.KindPerson || actor.SessionID == "" {
		return false
	}
	actor.AuthTime = c.clock.Now() // the proof is asked for when it comes to it
	actor.Purpose = audit.PurposeEmergency
	return c.inEmergency(context.Background(), actor, authz.BreakGlass, nil)
}

// MayLocate reports whether the actor's roles let him ask the locator.
func (c *Chart) MayLocate(actor Actor) bool {
	return actor.Kind == identity.KindPerson && c.inEmergency(context.Background(), actor, authz.Locate, nil)
}

// BreakGlass opens the chart of a patient to the actor for some hours: what policy
// opens in an emergency, and no more. It wants a fresh proof of identity, and is
// durable in the log and in the reviewers' book before it returns. An id of nobody is
// fault.NotFound, and so is a patient whom policy keeps closed even then.
func (c *Chart) BreakGlass(ctx context.Context, actor Actor, patient string, reason emergency.Reason, note string) (emergency.Grant, error) {
	actor.Purpose = audit.PurposeEmergency // whatever she works for now
	req := c.begin(actor, audit.ActionBreak, "Patient")
	req.name, req.named = "Patient/"+patient, true
	req.event.Reason = string(reason) + ": " + strings.TrimSpace(note)
	grant, err := c.breakGlass(ctx, req, emergency.Grant{
		Person: actor.ID, Name: actor.Name, Roles: actor.Roles, Patient: patient, Reason: reason, Note: note,
	})
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			c.slog.WarnContext(ctx, "alert: a chart was to be opened in an emergency that none opens", "person", actor.ID, "request", actor.RequestID)
		}
		return emergency.Grant{}, req.finish(ctx, err)
	}
	return grant, nil
}

// Bounds of what one proof of identity opens: beyond manyCharts in manyWindow each wants
// one of its own.
const (
	manyCharts = 5
	manyWindow = 10 * time.Minute
	ownProof   = 45 * time.Second
)

func (c *Chart) breakGlass(ctx context.Context, req *request, g emergency.Grant) (emergency.Grant, error) {
	if c.glass == nil || req.actor.SessionID == "" {
		return g, errNoGlass
	}
	if err := g.Check(); err != nil {
		return g, err
	}
	if err := c.breakable(ctx, req, g.Patient); err != nil {
		return g, err
	}
	now, recent := c.clock.Now(), 0
	open, err := c.glass.Open(ctx, g.Person)
	if err != nil {
		return g, err
	}
	for _, other := range open {
		if other.Patient == g.Patient {
			req.event.Action = audit.ActionBreakOn // no second review, and not counted twice
			return other, req.finish(ctx, nil)
		}
		if now.Sub(other.Opened) < manyWindow {
			recent++
		}
	}
	if recent >= manyCharts {
		c.slog.WarnContext(ctx, "alert: somebody opens many charts in an emergency", "person", g.Person, "request", req.actor.RequestID)
		if now.Sub(req.actor.AuthTime) > ownProof {
			return g, &fault.Error{Kind: fault.Denied, Op: "chart.BreakGlass", Err: identity.ErrStepUp, Public: "You have opened many charts. Each further one needs a proof of its own that it is you."}
		}
	}
	req.event.Time = now
	return c.glass.Enter(ctx, req.event, g)
}

// breakable notes in req whose chart is to be opened, or says why it cannot be.
func (c *Chart) breakable(ctx context.Context, req *request, patient string) error {
	if _, err := c.reach(req.actor, authz.BreakGlass, "Patient"); err != nil {
		return err
	}
	records, err := c.vault.Read(ctx, []vault.Ref{{TypeID: typeIDOf("Patient", patient)}})
	if err != nil {
		return err
	}
	closed := fault.New(fault.NotFound, "chart.BreakGlass", "There is no chart that could be opened so.")
	if !records[0].Exists() || records[0].Deleted {
		return closed
	}
	res, err := open(records[0])
	if err != nil {
		return err
	}
	marks, err := c.stand(req.actor).marks(ctx, res, res.patients)
	if err != nil {
		return err
	}
	req.concerns(res.patients)
	for _, action := range []string{authz.BreakGlass, authz.Read} {
		if !c.inEmergency(ctx, req.actor, action, marks) {
			return closed
		}
	}
	return nil
}

// inEmergency asks policy about a Patient to whom the actor had broken the glass.
func (c *Chart) inEmergency(ctx context.Context, actor Actor, action string, marks []authz.Label) bool {
	return c.policy.Decide(ctx, authz.Request{
		Actor: actor, Action: action, Type: "Patient", Relations: []authz.Relation{authz.RelationEmergency}, Labels: marks,
		Bears: func(*authz.Rows) bool { return false },
	}).Allow
}

// inEmergency notes that what is about to be told concerns a patient open by an emergency.
func (r *request) inEmergency(ctx context.Context) error {
	broken, err := r.chart.census.broken(ctx, r.actor)
	if err == nil && broken.HasAny(r.event.Patients) {
		r.event.Purpose = audit.PurposeEmergency
	}
	return err
}
