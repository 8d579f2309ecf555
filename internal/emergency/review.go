package emergency

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// End closes a chart before its time: by whom it was opened, or by an officer.
func (b *Book) End(ctx context.Context, actor identity.Actor, id string) error {
	g, err := b.getOpen(ctx, id)
	if err != nil {
		return err
	}
	if g.Person != actor.ID || actor.ClientID != "" {
		if err := b.cfg.Gate.Permit(ctx, actor, authz.Update, Type); err != nil {
			return err
		}
	}
	if !g.Open(b.cfg.Clock.Now()) {
		return nil
	}
	g.Ended = b.cfg.Clock.Now().UTC()
	event, err := b.event(ctx, actor, "end-emergency", g)
	if err != nil {
		return err
	}
	err = b.put(ctx, event, g)
	if errors.Is(err, audit.ErrDown) && g.Person == actor.ID {
		return b.keep(ctx, event, g)
	}
	return err
}

// Reviews returns the grants whose review waits, the oldest first.
func (b *Book) Reviews(ctx context.Context, actor identity.Actor) ([]Grant, error) {
	if err := b.cfg.Gate.Permit(ctx, actor, authz.Search, Type); err != nil {
		return nil, err
	}
	waiting, err := b.find(ctx, wordWaiting, []byte("yes"))
	if err == nil {
		err = b.tell(ctx, actor, authz.Search, waiting...)
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(waiting, func(x, y Grant) int {
		return cmp.Or(x.Opened.Compare(y.Opened), cmp.Compare(x.ID, y.ID))
	})
	return waiting, nil
}

// Review returns one grant, reviewed or not, and what was opened by it.
func (b *Book) Review(ctx context.Context, actor identity.Actor, id string) (Grant, []Opening, error) {
	if err := b.cfg.Gate.Permit(ctx, actor, authz.Read, Type); err != nil {
		return Grant{}, nil, err
	}
	g, err := b.get(ctx, id)
	if err != nil {
		return Grant{}, nil, err
	}
	if err := b.tell(ctx, actor, authz.Read, g); err != nil || b.cfg.Seen == nil {
		return g, nil, err
	}
	seen, err := b.cfg.Seen(ctx, g)
	return g, seen, err
}

// Close ends a review with what it found, once the chart is closed: what is opened
// later would be seen by nobody. That there was no reason closes it at once. Nobody
// reviews himself, and a finding stays as it is.
func (b *Book) Close(ctx context.Context, actor identity.Actor, id string, verdict Verdict, text string) error {
	const op = "emergency.Close"
	if err := b.cfg.Gate.Permit(ctx, actor, authz.Update, Type); err != nil {
		return err
	}
	text = strings.TrimSpace(text)
	switch {
	case !known(verdict, Verdicts()):
		return fault.New(fault.Invalid, op, "Choose what you found.")
	case verdict == Unjustified && text == "":
		return fault.New(fault.Invalid, op, "Write what you found, and what follows from it.")
	case utf8.RuneCountInString(text) > maxNote:
		return fault.New(fault.Invalid, op, "The text is too long.")
	}
	g, err := b.get(ctx, id)
	switch {
	case err != nil:
		return err
	case g.Person == actor.ID:
		return fault.New(fault.Denied, op, "You opened this chart yourself. Another officer reviews it.")
	case g.Finding != nil:
		return fault.New(fault.Conflict, op, "This review is closed already.")
	case g.Open(b.cfg.Clock.Now()) && verdict != Unjustified:
		return fault.New(fault.Conflict, op, "The chart is still open. The review closes once it has ended: wait, or end it.")
	}
	if g.Open(b.cfg.Clock.Now()) {
		g.Ended = b.cfg.Clock.Now().UTC()
	}
	g.Finding = &Finding{Verdict: verdict, Text: text, By: actor.ID, ByName: actor.Name, At: b.cfg.Clock.Now().UTC()}
	return b.write(ctx, actor, "review-emergency", g)
}

func (b *Book) get(ctx context.Context, id string) (Grant, error) {
	doc, err := b.cfg.Docs.GetDoc(ctx, Type, id)
	if err != nil {
		return Grant{}, err
	}
	return parse(doc)
}

// write puts a grant with the event that tells of it, in the patient's trail.
func (b *Book) write(ctx context.Context, actor identity.Actor, action string, g Grant) error {
	event, err := b.event(ctx, actor, action, g)
	if err != nil {
		return err
	}
	return b.put(ctx, event, g)
}

// tell logs that grants are about to be read.
func (b *Book) tell(ctx context.Context, actor identity.Actor, action string, grants ...Grant) error {
	event, err := b.event(ctx, actor, action, grants...)
	if err != nil {
		return err
	}
	event.Time = b.cfg.Clock.Now()
	return fault.Wrap(fault.Unavailable, "emergency.tell", b.cfg.Log.Append(ctx, event))
}

func (b *Book) event(ctx context.Context, actor identity.Actor, action string, grants ...Grant) (audit.Event, error) {
	e := audit.Event{
		Actor: actor.ID, Client: actor.ClientID, Session: actor.SessionID, Roles: actor.Roles, Purpose: actor.Purpose,
		RequestID: actor.RequestID, Address: actor.Source, Action: action, Type: Type, Outcome: audit.OutcomeSuccess,
	}
	var details []string
	var ids []vault.TypeID
	for _, g := range grants {
		detail := g.ID
		if g.Finding != nil {
			detail += ":" + string(g.Finding.Verdict)
		}
		details, ids = append(details, detail), append(ids, vault.TypeID{Type: "Patient", ID: g.Patient})
	}
	e.Detail = strings.Join(details, " ")
	keys, err := b.cfg.Docs.Keys(ctx, ids)
	for _, key := range keys {
		if !key.IsZero() && !slices.Contains(e.Patients, key) {
			e.Patients = append(e.Patients, key)
		}
	}
	return e, err
}
