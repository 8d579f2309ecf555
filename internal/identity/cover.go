package identity

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Cover is a ward that somebody works on besides her own until her shift ends: as
// float staff, for a colleague, or on call.
type Cover struct {
	WardID string    `json:"ward"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
	By     string    `json:"by"`     // id of who assigned her
	ByName string    `json:"byName"` // as it was then
}

// MaxCover is the longest shift.
const MaxCover = 13 * time.Hour

// coverable are the roles of those who can be assigned for a shift.
var coverable = []string{"doctor", "nurse", "pharmacist"}

// covers reports whether the person can be assigned for a shift.
func (a *account) covers() bool {
	return a.active() && slices.ContainsFunc(a.Roles, func(r string) bool { return slices.Contains(coverable, r) })
}

// Covering returns the covers that hold.
func (p *Person) Covering(now time.Time) []Cover {
	return slices.DeleteFunc(slices.Clone(p.Covers), func(c Cover) bool { return now.Before(c.From) || !now.Before(c.Until) })
}

// wards are the person's own and those she covers now.
func (p *Person) wards(now time.Time) []string {
	covers := p.Covering(now)
	if len(covers) == 0 {
		return p.WardIDs
	}
	wards := slices.Clone(p.WardIDs)
	for _, c := range covers {
		if !slices.Contains(wards, c.WardID) {
			wards = append(wards, c.WardID)
		}
	}
	return wards
}

// assigns refuses whoever may not assign staff to a ward: a charge nurse does, to the
// wards that are her own; one that she covers is not.
func (s *Service) assigns(ctx context.Context, actor Actor, ward string) error {
	const op = "identity.assigns"
	if err := s.cfg.Gate.Permit(ctx, actor, "assign", TypeUser); err != nil {
		return err
	}
	a, err := s.accountByID(ctx, actor.ID)
	if err != nil {
		return err
	}
	if !slices.Contains(a.WardIDs, ward) && !slices.Contains(a.WardIDs, EveryWard) {
		return fault.New(fault.Denied, op, "This ward is not yours to assign staff to.")
	}
	return nil
}

// CoverWard assigns somebody to a ward until her shift ends. It holds from her next
// request on, a second later at most, and ends by itself. Another cover of the same
// ward is replaced.
func (s *Service) CoverWard(ctx context.Context, actor Actor, personID, ward string, until time.Time) error {
	const op = "identity.CoverWard"
	if err := s.assigns(ctx, actor, ward); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	now := s.cfg.Clock.Now().UTC()
	switch {
	case actor.ID == personID:
		return &fault.Error{Kind: fault.Denied, Op: op, Err: ErrAnotherPerson, Public: "Nobody assigns herself. Ask another charge nurse."}
	case !until.After(now) || until.Sub(now) > MaxCover:
		return fault.New(fault.Invalid, op, "A shift ends within 13 hours.")
	}
	_, err := s.changeAccount(ctx, personID, s.about(actor, "cover", Success, ward+" until "+until.UTC().Format(time.RFC3339)), func(a *account) error {
		if !a.covers() {
			return fault.New(fault.Unprocessable, op, "This person cannot be assigned to a ward.")
		}
		a.Covers = append(a.otherCovers(ward, now), Cover{WardID: ward, From: now, Until: until.UTC(), By: actor.ID, ByName: actor.Name})
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// EndCover ends somebody's assignment to a ward before its time.
func (s *Service) EndCover(ctx context.Context, actor Actor, personID, ward string) error {
	const op = "identity.EndCover"
	if err := s.assigns(ctx, actor, ward); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	now := s.cfg.Clock.Now().UTC()
	_, err := s.changeAccount(ctx, personID, s.about(actor, "end-cover", Success, ward), func(a *account) error {
		a.Covers = a.otherCovers(ward, now)
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// otherCovers are those of other wards that are not over.
func (a *account) otherCovers(ward string, now time.Time) []Cover {
	return slices.DeleteFunc(slices.Clone(a.Covers), func(c Cover) bool { return c.WardID == ward || !now.Before(c.Until) })
}

// WardStaff returns who can be assigned to a ward, or is: active clinicians, by name.
func (s *Service) WardStaff(ctx context.Context, actor Actor, ward string) ([]Person, error) {
	const op = "identity.WardStaff"
	if err := s.assigns(ctx, actor, ward); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	docs, err := s.cfg.Records.List(ctx, TypeUser)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	var staff []Person
	for _, doc := range docs {
		a, err := decodeAccount(doc)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		if a.covers() {
			staff = append(staff, a.Person)
		}
	}
	slices.SortFunc(staff, func(x, y Person) int {
		return cmp.Or(cmp.Compare(x.Family, y.Family), cmp.Compare(x.Given, y.Given), cmp.Compare(x.ID, y.ID))
	})
	return staff, nil
}
