package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"text/tabwriter"

	"github.com/wardkeep/wardkeep/internal/fault"
)

type packageCmd struct {
	Add  packageAddCmd  `cmd:"" help:"Load the definitions of a FHIR package."`
	List packageListCmd `cmd:"" help:"List the packages that are loaded."`
}

type packageAddCmd struct {
	place
	JSON  bool     `help:"Print the result as JSON."`
	Files []string `arg:"" name:"file" type:"existingfile" help:"FHIR packages (.tgz) as published at packages.fhir.org."`
}

func (packageAddCmd) Help() string {
	return `The profiles, value sets, code systems, search parameters and other definitions of the
package are stored as records and count at once: resources that claim the profiles are
validated against them. A package that is there already changes nothing.

Examples:
  wardkeep package add --dir hospital hl7.fhir.us.core-6.1.0.tgz
  wardkeep package add --config wardkeep.yaml --json package.tgz`
}

func (c *packageAddCmd) Run(ctx context.Context, t Terminal) error {
	cfg, err := c.existing()
	if err != nil {
		return err
	}
	desk, err := openDesk(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer desk.Close()
	var results []addedPackage
	for _, name := range c.Files {
		body, err := os.ReadFile(name)
		if err != nil {
			return fault.New(fault.Invalid, "package", err.Error())
		}
		added, err := desk.addPackage(ctx, body)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		results = append(results, added)
		if !c.JSON {
			added.print(t.Out)
		}
	}
	if c.JSON {
		if err := json.NewEncoder(t.Out).Encode(results); err != nil {
			return err
		}
	}
	return desk.Close()
}

type packageListCmd struct {
	place
	JSON bool `help:"Print the list as JSON."`
}

func (packageListCmd) Help() string {
	return `Examples:
  wardkeep package list --dir hospital
  wardkeep package list --dir hospital --json`
}

func (c *packageListCmd) Run(ctx context.Context, t Terminal) error {
	cfg, err := c.existing()
	if err != nil {
		return err
	}
	desk, err := openDesk(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer desk.Close()
	list := []loadedPackage{}
	if err := desk.call(ctx, "package-list", struct{}{}, &list); err != nil {
		return err
	}
	if c.JSON {
		if err := json.NewEncoder(t.Out).Encode(list); err != nil {
			return err
		}
		return desk.Close()
	}
	tw := tabwriter.NewWriter(t.Out, 0, 0, 3, ' ', 0)
	for _, p := range list {
		fmt.Fprintf(tw, "%s\t%s\t%d definitions\n", p.Name, p.Version, p.Definitions)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	return desk.Close()
}
