package identity

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Draft is what somebody typed into a form and has not sent. It belongs to the
// person, not to one session: another of hers gets it, nobody else does.
type Draft struct {
	Form   string     `json:"form"`             // address it would be sent to
	Page   string     `json:"page"`             // address of the page it is on
	Fields url.Values `json:"fields,omitempty"` // what differs from the empty form
	Kept   time.Time  `json:"kept"`
	Until  time.Time  `json:"until"` // nothing prolongs it
}

// drafts are those of one person, in one short record. They rest on her account:
// raising its epoch ends them.
type drafts struct {
	Epoch uint64  `json:"epoch"`
	List  []Draft `json:"list"`
}

// Bounds of what is kept of a person. The draft that was touched longest ago makes
// place for another.
const (
	MaxDrafts = 8
	MaxDraft  = 4 << 10 // bytes of names and values
)

// secretFields are never kept, whatever a page sends.
var secretFields = []string{"password", "code", "passkey", "new", "again"}

func checkDraft(d Draft) error {
	const op = "identity.checkDraft"
	size := len(d.Form) + len(d.Page)
	for name, values := range d.Fields {
		if slices.Contains(secretFields, name) {
			return fault.New(fault.Invalid, op, "Passwords and codes are not kept.")
		}
		for _, v := range values {
			size += len(name) + len(v)
		}
	}
	if size > MaxDraft {
		return fault.New(fault.TooLarge, op, "This text is too long to be kept until it is sent.")
	}
	return nil
}

// KeepDraft keeps what was typed, over what was kept of the same form before; with
// no fields nothing is kept. The log is told when words of a form begin to be kept,
// not of each pause in typing.
func (s *Service) KeepDraft(ctx context.Context, actor Actor, d Draft) error {
	const op = "identity.KeepDraft"
	if err := checkDraft(d); err != nil {
		return err
	}
	if len(d.Fields) == 0 {
		return s.DropDraft(ctx, actor, d.Form)
	}
	defer s.owners.lock(actor.ID)()
	kept, err := s.draftsOf(ctx, actor)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	d.Kept = s.cfg.Clock.Now()
	d.Until = d.Kept.Add(s.cfg.SessionLife)
	at := slices.IndexFunc(kept.List, func(k Draft) bool { return k.Form == d.Form })
	if at >= 0 {
		d.Until = kept.List[at].Until
		kept.List = slices.Delete(kept.List, at, at+1)
	} else if err := s.noteDraft(ctx, actor, "draft-keep", "begins to keep what she types into a form"); err != nil {
		return err
	}
	kept.List = append(kept.List, d) // so that the list is in the order of Kept
	if over := len(kept.List) - MaxDrafts; over > 0 {
		kept.List = slices.Delete(kept.List, 0, over)
	}
	return s.putDrafts(ctx, actor.ID, kept)
}

// Drafts returns one's own drafts, the latest first. Those on the page come with
// their fields, which the log is told; of the others it says that they are there.
func (s *Service) Drafts(ctx context.Context, actor Actor, page string) ([]Draft, error) {
	const op = "identity.Drafts"
	kept, err := s.draftsOf(ctx, actor)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	shown := false
	for i := range kept.List {
		if here := kept.List[i].Page == page; !here {
			kept.List[i].Fields = nil
		} else {
			shown = true
		}
	}
	if shown {
		if err := s.noteDraft(ctx, actor, "draft-show", "gets back what she typed and did not send"); err != nil {
			return nil, err
		}
	}
	slices.Reverse(kept.List)
	return kept.List, nil
}

// DropDraft forgets what was kept of a form: it was sent, or is not wanted.
func (s *Service) DropDraft(ctx context.Context, actor Actor, form string) error {
	const op = "identity.DropDraft"
	if actor.Kind != KindPerson || actor.ClientID != "" {
		return fault.New(fault.Denied, op, "")
	}
	defer s.owners.lock(actor.ID)()
	var kept drafts
	if _, err := s.getShort(ctx, shortDrafts, actor.ID, &kept); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	left := slices.DeleteFunc(slices.Clone(kept.List), func(d Draft) bool { return d.Form == form })
	if len(left) == len(kept.List) {
		return nil
	}
	kept.List = left
	return s.putDrafts(ctx, actor.ID, kept)
}

// draftsOf returns what is kept for whoever is at work in a session that is open.
func (s *Service) draftsOf(ctx context.Context, actor Actor) (drafts, error) {
	const op = "identity.draftsOf"
	if actor.Kind != KindPerson || actor.ClientID != "" {
		return drafts{}, fault.New(fault.Denied, op, "")
	}
	l, err := s.liveSession(ctx, actor.SessionID)
	if err != nil {
		return drafts{}, err
	}
	if l.rec.PersonID != actor.ID || s.isLocked(l) {
		return drafts{}, errNoSession(op)
	}
	var kept drafts
	if _, err := s.getShort(ctx, shortDrafts, actor.ID, &kept); err != nil {
		return drafts{}, err
	}
	if kept.Epoch != l.rec.Epoch {
		kept = drafts{Epoch: l.rec.Epoch}
	}
	now := s.cfg.Clock.Now()
	kept.List = slices.DeleteFunc(kept.List, func(d Draft) bool { return !now.Before(d.Until) })
	return kept, nil
}

func (s *Service) isLocked(l *live) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return s.view(l, s.cfg.Clock.Now(), Origin{}).Locked
}

func (s *Service) putDrafts(ctx context.Context, personID string, kept drafts) error {
	if len(kept.List) == 0 {
		return s.dropShort(ctx, shortDrafts, personID)
	}
	last := slices.MaxFunc(kept.List, func(a, b Draft) int { return cmp.Compare(a.Until.UnixNano(), b.Until.UnixNano()) })
	return s.putShort(ctx, shortDrafts, personID, kept, last.Until)
}

// endDrafts forgets all of a person who signs out herself. A session that is locked
// can be ended by anybody who passes, which costs its owner nothing she typed.
func (s *Service) endDrafts(ctx context.Context, id string, rec sessionRecord) error {
	l := &live{id: id, rec: rec, seen: rec.Opened}
	if err := s.recall(ctx, l); err != nil {
		return err
	}
	if cached, _ := s.sessions.get(id); cached != nil {
		cached.mu.Lock()
		if cached.seen.After(l.seen) {
			l.seen = cached.seen // it is written down now and then only
		}
		cached.mu.Unlock()
	}
	if s.isLocked(l) {
		return nil
	}
	return s.dropShort(ctx, shortDrafts, rec.PersonID)
}

func (s *Service) noteDraft(ctx context.Context, actor Actor, action, detail string) error {
	e := s.about(actor, action, Success, "")
	e.Type, e.Target, e.Detail = TypeUser, actor.ID, detail
	return s.note(ctx, e)
}
