package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/wardkeep/wardkeep/internal/identity"
)

type policyCmd struct {
	Explain policyExplainCmd `cmd:"" help:"Say why somebody may do something, or may not."`
}

type policyExplainCmd struct {
	place
	User     string `help:"Name the person signs in with." required:""`
	Action   string `help:"read, vread, search, history, history-type, create, update, patch or delete." default:"read"`
	Resource string `help:"Type/id of a record, or a type." required:""`
	Fresh    bool   `help:"As after a fresh proof of identity."`
	JSON     bool   `help:"Print the result as JSON."`
}

func (policyExplainCmd) Help() string {
	return `Tells which rules of policies/, or of the folder that the setting policies names, decided, which relations and marks held, and which
elements the person is not shown. It shows nothing of the record itself, and is kept in
the audit log.

Examples:
  wardkeep policy explain --dir hospital --user alee --action read --resource Observation/123
  wardkeep policy explain --dir hospital --user alee --action search --resource Claim --json`
}

func (c *policyExplainCmd) Run(ctx context.Context, t Terminal) error {
	var out explained
	if err := c.atDesk(ctx, "policy-explain", explainOrder{c.User, c.Action, c.Resource, c.Fresh}, &out); err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(t.Out)
		enc.SetIndent("", "  ")
		return enc.Encode(out)
	}
	out.print(t)
	return nil
}

type explainOrder struct {
	User, Action, Resource string
	Fresh                  bool
}

// explained is the answer, its lists never null.
type explained struct {
	User      string       `json:"user"`
	Status    string       `json:"status"`
	Action    string       `json:"action"`
	Resource  string       `json:"resource"`
	Allowed   bool         `json:"allowed"`
	Roles     []string     `json:"roles"` // that allow it
	Relations []string     `json:"relations"`
	Labels    []string     `json:"labels"`
	Rules     []ruleReason `json:"rules"`
	Rows      []string     `json:"rows"`   // parameters by whose codes a role is confined
	Hidden    []string     `json:"hidden"` // elements not shown
	Errors    []string     `json:"errors"`
	Version   string       `json:"policy"`
}

type ruleReason struct {
	ID     string `json:"id"`
	Effect string `json:"effect"`
	Says   string `json:"says"`
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
}

func explainPolicy(ctx context.Context, h *House, who string, in explainOrder) (explained, error) {
	person, err := h.person(ctx, who, in.User)
	if err != nil {
		return explained{}, err
	}
	actor := identity.Actor{
		Kind: identity.KindPerson, ID: person.ID, Roles: person.Roles, WardIDs: person.WardIDs,
		PractitionerID: person.PractitionerID, PatientID: person.PatientID, MFA: identity.AssuranceMulti,
	}
	if in.Fresh {
		actor.AuthTime = h.Clock.Now()
	}
	typ, id, _ := strings.Cut(in.Resource, "/")
	e, err := h.Chart.Explain(ctx, operator(who, "operator"), actor, in.Action, typ, id)
	if err != nil {
		return explained{}, err
	}
	out := explained{
		User: in.User, Status: string(person.Status), Action: in.Action, Resource: in.Resource, Allowed: e.Allow, Version: e.Version,
		Roles: texts(e.Roles), Relations: texts(e.Relations), Labels: texts(e.Labels), Rows: texts(e.Rows), Hidden: texts(e.Hidden), Errors: texts(e.Errors),
		Rules: []ruleReason{},
	}
	for _, r := range e.Reasons {
		out.Rules = append(out.Rules, ruleReason{r.ID, r.Effect, r.Says, r.File, r.Line})
	}
	return out, nil
}

func texts[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

func (e explained) print(t Terminal) {
	verdict := "may not"
	if e.Allowed {
		verdict = "may"
	}
	fmt.Fprintf(t.Out, "%s %s %s %s (rules %s)\n", e.User, verdict, e.Action, e.Resource, e.Version)
	for _, r := range e.Rules {
		fmt.Fprintf(t.Out, "  %s %s (%s:%d): %s\n", r.Effect, r.ID, r.File, r.Line, r.Says)
	}
	if len(e.Rules) == 0 && len(e.Errors) == 0 {
		fmt.Fprintln(t.Out, "  no rule permits it")
	}
	for _, line := range []struct {
		what string
		list []string
	}{
		{"could not be decided", e.Errors}, {"by the role", e.Roles}, {"relations that hold", e.Relations}, {"marks", e.Labels},
		{"only records with certain codes, by", e.Rows}, {"not shown", e.Hidden},
	} {
		if len(line.list) > 0 {
			fmt.Fprintf(t.Out, "  %s: %s\n", line.what, strings.Join(line.list, ", "))
		}
	}
	if e.Status != string(identity.StatusActive) {
		fmt.Fprintf(t.Out, "  the account is %s: whatever the rules say, nobody signs in by it\n", e.Status)
	}
}
