package identity

import (
	"context"
	"fmt"
	"slices"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// purposes are what is worked for in a session, under its line: a new id keeps them.
// Whether somebody may work for a purpose is asked of package chart, by whoever sets
// them and again by each request.
type purposes struct {
	Work   string   `json:"work,omitempty"`   // "": what follows from the roles
	Charts []opened `json:"charts,omitempty"` // the one stated last at the end
}

type opened struct {
	Patient string `json:"patient"`
	Purpose string `json:"purpose"`
}

// mostOpened bounds the charts of which a session remembers what they were opened for.
// Of the one stated first of more, its person is asked anew.
const mostOpened = 200

// OpenedFor returns what the person said she opens a patient's chart for, "" if nothing.
func (s Session) OpenedFor(patient string) string {
	at := slices.IndexFunc(s.opened, func(o opened) bool { return o.Patient == patient })
	if at < 0 {
		return ""
	}
	return s.opened[at].Purpose
}

// WorkFor notes what the person of an open session works for from now on, in every
// process within a second. The log tells of it first.
func (s *Service) WorkFor(ctx context.Context, token, purpose string, o Origin) error {
	return s.restate(ctx, "identity.WorkFor", token, o, func(view Session, p *purposes) error {
		if view.Actor.Purpose == purpose {
			return nil
		}
		e := s.about(view.Actor, "purpose", Success, "")
		e.Purpose, e.Detail = purpose, "before it was "+view.Actor.Purpose
		if p.Work = purpose; purpose == PurposeOf(view.Actor.Roles) {
			p.Work = ""
		}
		return s.note(ctx, e)
	})
}

// OpenFor notes what the person of an open session opens a patient's chart for. The
// entries of what she sees there tell it.
func (s *Service) OpenFor(ctx context.Context, token, patient, purpose string, o Origin) error {
	return s.restate(ctx, "identity.OpenFor", token, o, func(_ Session, p *purposes) error {
		p.Charts = append(slices.DeleteFunc(p.Charts, func(o opened) bool { return o.Patient == patient }), opened{patient, purpose})
		p.Charts = p.Charts[max(0, len(p.Charts)-mostOpened):]
		return nil
	})
}

func (s *Service) restate(ctx context.Context, op, token string, o Origin, change func(Session, *purposes) error) error {
	view, err := s.Resume(ctx, token, o)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	defer s.owners.lock(view.Actor.ID)()
	defer s.sessions.forget(view.ID)
	var p purposes
	if _, err := s.getShort(ctx, shortPurposes, view.Line, &p); err != nil {
		return fault.Wrap(fault.Unavailable, op, err)
	}
	if err := change(view, &p); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return s.putShort(ctx, shortPurposes, view.Line, p, view.Expires)
}
