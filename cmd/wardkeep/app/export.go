package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

type exportCmd struct {
	place
	Out  string   `help:"Folder to write to; it is made, and must not hold NDJSON files yet." required:"" placeholder:"DIR"`
	Type []string `help:"Only these resource types." placeholder:"TYPE"`
}

func (exportCmd) Help() string {
	return `Writes every record as it is at one instant, one line each, into a file for each type. Every
record that leaves is listed in the audit log first. The files are NOT encrypted.

Example:
  wardkeep export --dir hospital --out ./export --type Patient --type Observation`
}

func (c *exportCmd) Run(ctx context.Context, t Terminal) error {
	cfg, err := c.existing()
	if err != nil {
		return err
	}
	for _, typ := range c.Type {
		if r4.ResourceByName(typ) == 0 {
			return fault.New(fault.Invalid, "export", "--type takes FHIR R4 resource types, such as Patient")
		}
	}
	if err := os.MkdirAll(c.Out, 0o700); err != nil {
		return fmt.Errorf("the folder cannot be made: %w", err)
	}
	if old, _ := filepath.Glob(filepath.Join(c.Out, "*.ndjson")); len(old) > 0 {
		return fault.New(fault.Invalid, "export", "the folder already holds an export; name another one")
	}
	desk, err := openDesk(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer desk.Close()
	var order exportOrder
	if err := desk.call(ctx, "export-types", struct{}{}, &order); err != nil {
		return err
	}
	if len(c.Type) > 0 {
		order.Types = c.Type
	}
	tw := tabwriter.NewWriter(t.Out, 0, 0, 3, ' ', tabwriter.AlignRight)
	for _, typ := range order.Types {
		n, err := exportFile(ctx, desk, c.Out, typ, order.Snapshot)
		if err != nil {
			return fmt.Errorf("%s: %w", typ, err)
		}
		fmt.Fprintf(tw, "%s\t%d\t\n", typ, n)
	}
	return tw.Flush()
}

// exportFile writes one type. A file that is there is whole: it gets its name last.
func exportFile(ctx context.Context, d desk, dir, typ string, s chart.Snapshot) (int, error) {
	part := filepath.Join(dir, typ+".ndjson.part")
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriter(f)
	n, err := d.export(ctx, typ, s, w)
	err = errors.Join(err, w.Flush(), f.Sync(), f.Close())
	if err != nil {
		return n, errors.Join(err, os.Remove(part))
	}
	return n, os.Rename(part, filepath.Join(dir, typ+".ndjson"))
}
