package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/wardkeep/wardkeep/internal/fault"
)

type secretsCmd struct {
	Set    secretSetCmd    `cmd:"" help:"Seal a secret that settings name: from standard input, or asked for without an echo."`
	List   secretListCmd   `cmd:"" help:"List the names of the secrets there are."`
	Remove secretRemoveCmd `cmd:"" help:"Destroy a secret."`
}

func (secretsCmd) Help() string {
	return `Secrets lie in the data folder, sealed below the root key (kms). A setting names one by sealed:NAME, wherever it takes a file
of a secret: client_secret_file, acme_eab_key_file, tls_key, log_out_key. What is set counts from the next start.

Examples:
  wardkeep secrets set --dir hospital entra
  wardkeep secrets set --dir hospital tls < privkey.pem`
}

type secretSetCmd struct {
	place
	Name string `arg:"" help:"Its name; a setting says sealed:NAME."`
}

func (c *secretSetCmd) Run(ctx context.Context, t Terminal) error {
	value, err := readSecret(t, "The secret "+c.Name+": ")
	if err != nil {
		return err
	}
	if err := c.atDesk(ctx, "secret-set", namedSecret{c.Name, string(value)}, nil); err != nil {
		return err
	}
	fmt.Fprintf(t.Out, "Sealed. Settings name it sealed:%s; it counts from the next start.\n", c.Name)
	return nil
}

// readSecret reads what is typed without an echo, or all that comes, without the end of
// its last line.
func readSecret(t Terminal, prompt string) ([]byte, error) {
	if f, ok := t.In.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(t.Err, prompt)
		defer fmt.Fprintln(t.Err)
		return term.ReadPassword(int(f.Fd()))
	}
	if t.In == nil {
		return nil, fault.New(fault.Invalid, "app.readSecret", "Give the secret by standard input.")
	}
	text, err := io.ReadAll(io.LimitReader(t.In, mostSecret+1))
	return bytes.TrimRight(text, "\r\n"), err
}

type secretListCmd struct {
	place
	JSON bool `help:"Print the result as JSON."`
}

func (c *secretListCmd) Run(ctx context.Context, t Terminal) error {
	var out []listedSecret
	if err := c.atDesk(ctx, "secret-list", struct{}{}, &out); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(t.Out).Encode(out)
	}
	tw := tabwriter.NewWriter(t.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(tw, "name\tset\topens")
	for _, one := range out {
		fmt.Fprintf(tw, "%s\t%s\t%v\n", one.Name, one.Set.Format(time.RFC3339), one.Good)
	}
	return tw.Flush()
}

type secretRemoveCmd struct {
	place
	Name string `arg:"" help:"Its name."`
}

func (c *secretRemoveCmd) Run(ctx context.Context, t Terminal) error {
	if err := c.atDesk(ctx, "secret-remove", namedSecret{Name: c.Name}, nil); err != nil {
		return err
	}
	fmt.Fprintln(t.Out, "The secret is destroyed.")
	return nil
}
