package app

import (
	"context"
	"fmt"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

type userAttestCmd struct {
	place
	UserName  string `arg:"" help:"Who."`
	Clearance string `help:"Day on which the person was cleared to work here." placeholder:"YYYY-MM-DD"`
	Training  string `help:"Day on which the person was trained." placeholder:"YYYY-MM-DD"`
	By        string `help:"Who attests it; it is kept on the person's record and in the audit log." required:""`
}

func (userAttestCmd) Help() string {
	return `An account is active once the person has enrolled and both are attested.

Example:
  wardkeep user attest --dir hospital alee --clearance 2026-11-02 --training 2026-11-10 --by 'Personnel office'`
}

func (c *userAttestCmd) Run(ctx context.Context, t Terminal) error {
	var out attestedUser
	if err := c.atDesk(ctx, "user-attest", attesting{c.UserName, c.Clearance, c.Training, c.By}, &out); err != nil {
		return err
	}
	switch {
	case out.Missing != "":
		fmt.Fprintf(t.Out, "%s is attested; %s is still missing.\n", c.UserName, out.Missing)
	case out.Status == identity.StatusActive:
		fmt.Fprintln(t.Out, c.UserName, "is attested and may sign in.")
	default:
		fmt.Fprintf(t.Out, "%s is attested; the account is %s.\n", c.UserName, out.Status)
	}
	return nil
}

type userEndCmd struct {
	place
	UserName string `arg:"" help:"Who."`
	Reason   string `help:"Why; it is kept in the audit log." required:""`
}

func (c *userEndCmd) Run(ctx context.Context, t Terminal) error {
	if err := c.atDesk(ctx, "user-end", userChange{c.UserName, c.Reason}, nil); err != nil {
		return err
	}
	fmt.Fprintln(t.Out, c.UserName, "has ended for good; open sessions have ended.")
	return nil
}

func endUser(ctx context.Context, h *House, who string, in userChange) (struct{}, error) {
	person, err := h.person(ctx, who, in.UserName)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, h.Identity.EndPerson(ctx, operator(who, "operator"), person.ID, in.Reason)
}

type attesting struct{ UserName, Clearance, Training, By string }

type attestedUser struct {
	Status  identity.Status
	Missing identity.AttestationKind
}

// attestUser records one or both attestations of a person.
func attestUser(ctx context.Context, h *House, who string, in attesting) (attestedUser, error) {
	const op = "app.attestUser"
	if in.Clearance == "" && in.Training == "" {
		return attestedUser{}, fault.New(fault.Invalid, op, "Give --clearance, --training or both, with a day such as 2026-11-02.")
	}
	person, err := h.person(ctx, who, in.UserName)
	if err != nil {
		return attestedUser{}, err
	}
	actor := operator(who, "operator")
	for _, one := range []struct {
		kind identity.AttestationKind
		day  string
	}{{identity.AttestClearance, in.Clearance}, {identity.AttestTraining, in.Training}} {
		if one.day == "" {
			continue
		}
		on, err := time.Parse(time.DateOnly, one.day)
		if err != nil {
			return attestedUser{}, fault.New(fault.Invalid, op, "A day is written like 2026-11-02.")
		}
		if err := h.Identity.Attest(ctx, actor, person.ID, one.kind, on, in.By); err != nil {
			return attestedUser{}, err
		}
	}
	if person, err = h.Identity.Person(ctx, actor, person.ID); err != nil {
		return attestedUser{}, err
	}
	return attestedUser{Status: person.Status, Missing: missing(person)}, nil
}

// missing is the attestation that a person lacks, "" if none.
func missing(p identity.Person) identity.AttestationKind {
	for _, kind := range identity.AttestationKinds() {
		if !p.Has(kind) {
			return kind
		}
	}
	return ""
}
