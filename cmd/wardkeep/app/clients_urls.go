package app

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/config"
)

type urlsChange struct {
	clientChange
	Let bool
}

func letURLs(ctx context.Context, h *House, who string, in urlsChange) (listedClient, error) {
	c, err := h.Identity.LetNamesInURLs(ctx, operator(who, "operator"), in.ID, in.Reason, in.Let)
	return listed(c), err
}

type clientURLsCmd struct {
	place
	ID     string `arg:"" help:"Its client_id."`
	What   string `arg:"" enum:"all,opaque" help:"all: names, numbers and birth dates, too; opaque: what tells of nobody."`
	Reason string `help:"Why; it is kept in the audit log." required:""`
	JSON   bool   `help:"Print the result as JSON."`
}

func (clientURLsCmd) Help() string {
	return `What stands in an address is kept by histories and logs on the way. Let only programs that cannot search by POST …/_search.
People let an app in anew after a change.

Example:
  wardkeep client urls --dir hospital ID all --reason 'the vendor searches by GET alone'`
}

func (c *clientURLsCmd) Run(ctx context.Context, t Terminal) error {
	var out listedClient
	if err := c.atDesk(ctx, "client-urls", urlsChange{clientChange{c.ID, c.Reason}, c.What == config.SearchAll}, &out); err != nil {
		return err
	}
	return out.print(t, c.JSON)
}
