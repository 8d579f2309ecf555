package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"text/tabwriter"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

type userCmd struct {
	Add      userAddCmd     `cmd:"" help:"Add a person; prints a one-time code to enrol with."`
	Disable  userDisableCmd `cmd:"" help:"Disable a person; sessions end at once."`
	Enable   userEnableCmd  `cmd:"" help:"Let a disabled person sign in again."`
	ResetMfa userResetCmd   `cmd:"" name:"reset-mfa" help:"Let a person enrol a new second factor."`
	Attest   userAttestCmd  `cmd:"" help:"Record that a person is cleared and trained; without both no account is active."`
	End      userEndCmd     `cmd:"" help:"End a person's account for good."`
	Sessions userSignOutCmd `cmd:"" name:"end-sessions" help:"End all sessions of a person, and what apps were let do."`
	Place    userPlaceCmd   `cmd:"" help:"Give a person wards and a Practitioner."`
	List     userListCmd    `cmd:"" help:"List people, with their roles and whether they are let in."`
}

type userAddCmd struct {
	place
	UserName     string   `arg:"" help:"Name to sign in with."`
	Role         string   `help:"doctor, nurse, pharmacist, lab, registration, billing, admin, privacy, auditor, charge (with nurse), patient or proxy; several with commas." required:""`
	Given        string   `help:"Given name." required:""`
	Family       string   `help:"Family name." required:""`
	Title        string   `help:"Title, such as Dr."`
	Ward         []string `help:"Id of a Location that is the person's ward; repeat for several, '*' for all."`
	Practitioner string   `help:"Id of the person's Practitioner resource, for care teams."`
	Patient      string   `help:"Id of the person's own Patient resource: what the role patient opens."`
	JSON         bool     `help:"Print the result as JSON."`
}

func (userAddCmd) Help() string {
	return `Example:
  wardkeep user add --dir hospital alee --role nurse --given Amy --family Lee --ward LOCATION-ID`
}

func (c *userAddCmd) Run(ctx context.Context, t Terminal) error {
	var out invited
	err := c.atDesk(ctx, "user-add", newUser{
		UserName: c.UserName, Given: c.Given, Family: c.Family, Title: c.Title, Role: c.Role,
		Wards: c.Ward, Practitioner: c.Practitioner, Patient: c.Patient,
	}, &out)
	if err != nil {
		return err
	}
	if err := printInvitation(t, out, c.JSON); err != nil || c.JSON {
		return err
	}
	fmt.Fprintln(t.Out, "The account opens once clearance and training are recorded, too: wardkeep user attest --help.")
	return nil
}

// userStateCmd says who may sign in, and who may not.
type userStateCmd struct {
	place
	UserName string `arg:"" help:"Who."`
	Reason   string `help:"Why; it is kept in the audit log." required:""`
}

func (c *userStateCmd) change(ctx context.Context, t Terminal, operation, said string) error {
	if err := c.atDesk(ctx, operation, userChange{c.UserName, c.Reason}, nil); err != nil {
		return err
	}
	fmt.Fprintln(t.Out, c.UserName, said)
	return nil
}

type userDisableCmd struct{ userStateCmd }

func (c *userDisableCmd) Run(ctx context.Context, t Terminal) error {
	return c.change(ctx, t, "user-disable", "is disabled; open sessions have ended.")
}

type userEnableCmd struct{ userStateCmd }

func (c *userEnableCmd) Run(ctx context.Context, t Terminal) error {
	return c.change(ctx, t, "user-enable", "may sign in again.")
}

type userSignOutCmd struct{ userStateCmd }

func (c *userSignOutCmd) Run(ctx context.Context, t Terminal) error {
	return c.change(ctx, t, "user-sessions", "is signed in nowhere any more, and may sign in again.")
}

type userResetCmd struct {
	place
	UserName string `arg:"" help:"Who."`
	Reason   string `help:"Why; it is kept in the audit log." required:""`
	By       string `help:"Who recognised the person; it is kept on the person's record and in the audit log." required:""`
	How      string `help:"How: ${enum}." enum:"in-person,video,known" required:""`
	Document string `help:"Kind of the document with a photograph that was shown: ${enum}. None is for who is known by sight." enum:"passport,identity-card,driving-licence,staff-badge,none" required:""`
	Note     string `help:"A few words more, without numbers of documents."`
	JSON     bool   `help:"Print the result as JSON."`
}

func (userResetCmd) Help() string {
	return `Have somebody check who asks, as when the person came here. Without it nothing is reset.

Example:
  wardkeep user reset-mfa --dir hospital alee --reason 'phone lost' --by 'Front desk' --how in-person --document passport`
}

func (c *userResetCmd) Run(ctx context.Context, t Terminal) error {
	var out invited
	seen := identity.Identified{By: c.By, How: c.How, Document: c.Document, Note: c.Note}
	if err := c.atDesk(ctx, "user-reset", userReset{c.UserName, c.Reason, seen}, &out); err != nil {
		return err
	}
	return printInvitation(t, out, c.JSON)
}

type userPlaceCmd struct {
	place
	UserName     string   `arg:"" help:"Who, as user list shows it."`
	Ward         []string `help:"Id of a Location that is the person's ward; repeat for several, '*' for all."`
	Practitioner string   `help:"Id of the person's Practitioner resource, for care teams."`
	Reason       string   `help:"Why; it is kept in the audit log." required:""`
}

func (userPlaceCmd) Help() string {
	return `What is given replaces what there was.

Example:
  wardkeep user place --dir hospital entra-4kq2x7mzrb5ohn3c --ward LOCATION-ID --reason 'starts on Ward 3'`
}

func (c *userPlaceCmd) Run(ctx context.Context, t Terminal) error {
	if len(c.Ward) == 0 && c.Practitioner == "" {
		return fault.New(fault.Invalid, "user place", "give --ward, --practitioner or both")
	}
	order := placed{UserName: c.UserName, Reason: c.Reason, Practitioner: c.Practitioner, Wards: c.Ward}
	if err := c.atDesk(ctx, "user-place", order, nil); err != nil {
		return err
	}
	fmt.Fprintln(t.Out, c.UserName, "is placed; it holds from the person's next page on.")
	return nil
}

type userListCmd struct {
	place
	JSON bool `help:"Print the result as JSON."`
}

func (userListCmd) Help() string {
	return `Example:
  wardkeep user list --dir hospital`
}

func (c *userListCmd) Run(ctx context.Context, t Terminal) error {
	var people []identity.Person
	if err := c.atDesk(ctx, "user-list", struct{}{}, &people); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(t.Out).Encode(people)
	}
	table := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	for _, p := range people {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", p.UserName, p.Status, strings.Join(p.Roles, ","), strings.TrimSpace(p.Given+" "+p.Family))
	}
	return table.Flush()
}

func printInvitation(t Terminal, i invited, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(t.Out).Encode(i)
	}
	fmt.Fprintf(t.Out, "%s enrols at /enrol with this code, which works once and until %s:\n\n  %s\n\nHand it over in person, or by a way other than e-mail.\n",
		i.UserName, i.Expires, i.Code)
	return nil
}

// atDesk runs one operation at the desk of the place.
func (p place) atDesk(ctx context.Context, name string, in, out any) error {
	cfg, err := p.existing()
	if err != nil {
		return err
	}
	desk, err := openDesk(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if err := desk.call(ctx, name, in, out); err != nil {
		_ = desk.Close()
		return err
	}
	return desk.Close()
}
