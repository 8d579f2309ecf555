package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/rekey"
)

type keysCmd struct {
	Status keysStatusCmd `cmd:"" help:"Tell which keys there are, how old, and what is sealed under each."`
	Rotate keysRotateCmd `cmd:"" help:"Replace a key: root, checkpoint, data, blob or audit."`
	Renew  keysRenewCmd  `cmd:"" help:"Write a second folder with the same records and all keys new."`
	Resume keysResumeCmd `cmd:"" help:"Carry on a replacement that was cut short."`
}

type keysStatusCmd struct {
	place
	JSON bool `help:"Print it as JSON."`
}

func (keysStatusCmd) Help() string {
	return `No key is shown. Entries of the audit log and words of the index are not counted.

Example:
  wardkeep keys status --dir hospital`
}

func (c *keysStatusCmd) Run(ctx context.Context, t Terminal) error {
	var status rekey.Status
	if err := c.atDesk(ctx, "keys-status", struct{}{}, &status); err != nil {
		return err
	}
	return printKeys(t.Out, status, c.JSON)
}

type keysRotateCmd struct {
	place
	Key    string `arg:"" help:"root, checkpoint, data, blob or audit."`
	Reason string `help:"Why; kept in the audit log." required:""`
	To     string `help:"Move the root to this key service, named as in the setting kms." placeholder:"KMS"`
	JSON   bool   `help:"Print what there is then as JSON."`
}

func (keysRotateCmd) Help() string {
	return `While the server runs or not. The new key seals from then on. What the old one wraps is wrapped anew: of the
root before the command returns, of the others in the background while a server runs, else before it returns. Keep a
copy of root.key elsewhere after the root was replaced; the copy from before opens older copies of the store alone.

checkpoint is the key that signs checkpoints of the audit log. The old one and the new one both sign that it is handed
over; who keeps either public key elsewhere can verify on. Keep a copy of root.key (or signing.key) here, too: the one
from before is refused.

A root that a key service keeps stays there: what it wraps is wrapped anew, by what the service has put in its place.
With --to, and no server running, another service's key is the root then; a root.key is destroyed at the end. If that is
cut short, say it again.

docs/controls.md says what this does, and what it does not, if a key was stolen.

Examples:
  wardkeep keys rotate root --dir hospital --reason "An operator has left"
  wardkeep keys rotate root --dir hospital --reason "Into care" --to 'awskms:///alias/ward?region=eu-central-1'
  wardkeep keys rotate data --dir hospital --reason "Once a year"
  wardkeep keys rotate checkpoint --dir hospital --reason "The server was replaced"`
}

func (c *keysRotateCmd) Run(ctx context.Context, t Terminal) error {
	var status rekey.Status
	var err error
	if c.To != "" {
		status, err = c.move(ctx)
	} else {
		err = c.atDesk(ctx, "keys-rotate", keyOrder{c.Key, c.Reason}, &status)
	}
	if err != nil {
		return err
	}
	if c.Key == rekey.KeyRoot && !c.JSON {
		fmt.Fprint(t.Out, c.whatNow(status)+"\n\n")
	}
	return printKeys(t.Out, status, c.JSON)
}

type keysResumeCmd struct {
	place
	JSON bool `help:"Print what there is then as JSON."`
}

func (keysResumeCmd) Help() string {
	return `A server does so by itself when it starts.

Example:
  wardkeep keys resume --dir hospital`
}

func (c *keysResumeCmd) Run(ctx context.Context, t Terminal) error {
	var status rekey.Status
	if err := c.atDesk(ctx, "keys-resume", struct{}{}, &status); err != nil {
		return err
	}
	return printKeys(t.Out, status, c.JSON)
}

type keyOrder struct{ Key, Reason string }

// newKeys returns who replaces the keys of the house.
func (h *House) newKeys() *rekey.Manager {
	root, _ := h.Keyring.(rekey.Root) // of a service it is replaced there
	signing, _ := h.Keyring.(kms.Resigning)
	return rekey.New(rekey.Config{
		Store: h.Store, Sealer: h.Sealer, Log: h.Log, Clock: h.Clock, Slog: h.Slog,
		Root: root, Signing: signing, FileKey: filepath.Join(h.Config.Dir, fileKeyFile), Again: h.Jobs.Again,
		Resign: func(ctx context.Context) error { return resignInventory(ctx, h.Config.Dir, signing) },
	})
}

func keysStatus(ctx context.Context, h *House, _ string, _ struct{}) (rekey.Status, error) {
	return h.Keys.Status(ctx)
}

func rotateKey(ctx context.Context, h *House, who string, in keyOrder) (rekey.Status, error) {
	if err := h.Keys.Rotate(ctx, operator(who, "operator").ID, in.Key, in.Reason); err != nil {
		return rekey.Status{}, err
	}
	if h.Keys.Started() && in.Key != rekey.KeyRoot && in.Key != rekey.KeyCheckpoint {
		h.Keys.Wake()
		return h.Keys.Status(ctx)
	}
	return resumeKeys(ctx, h, who, struct{}{})
}

func resumeKeys(ctx context.Context, h *House, _ string, _ struct{}) (rekey.Status, error) {
	err := h.Keys.Carry(ctx)
	if err == nil {
		err = h.Keys.Drop(ctx)
	}
	if err != nil {
		return rekey.Status{}, err
	}
	return h.Keys.Status(ctx)
}

func printKeys(w io.Writer, status rekey.Status, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(status)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KEY\tVERSION\tMADE\tDAYS\tSEALED UNDER IT")
	for _, k := range status.Keys {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", k.Key, versionText(k), madeText(k), daysText(k), sealedText(k))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if u := status.UnderWay; u != nil {
		fmt.Fprintf(w, "\n%s is being replaced since %s by %s: %d cells looked at, %d written anew.\n",
			u.Key, u.Begun.Format(time.RFC3339), u.By, u.Looked, u.Rewrapped)
	}
	return nil
}

func versionText(k rekey.Key) string {
	if k.Version == 0 {
		return k.ID
	}
	return strconv.FormatUint(uint64(k.Version), 10)
}

func madeText(k rekey.Key) string {
	if k.Made.IsZero() {
		return "not known"
	}
	return k.Made.Format("2006-01-02 15:04 MST")
}

func daysText(k rekey.Key) string {
	if k.Made.IsZero() {
		return ""
	}
	return strconv.Itoa(k.AgeDays)
}

func sealedText(k rekey.Key) string {
	switch {
	case k.Key == rekey.KeyCheckpoint:
		return "signs checkpoints of the audit log"
	case k.Sealed == nil && !k.Current:
		return "entries of the audit log; kept for them"
	case k.Sealed == nil:
		return "not counted"
	case k.Key == rekey.KeyRoot:
		return fmt.Sprintf("%d keys", k.Sealed.Values)
	case k.Damaged > 0 && !k.Current:
		return fmt.Sprintf("%d keys, %d values; kept, because %d cells do not open", k.Sealed.Owners, k.Sealed.Values, k.Damaged)
	case k.Dropped.IsZero():
		return fmt.Sprintf("%d keys, %d values", k.Sealed.Owners, k.Sealed.Values)
	}
	return fmt.Sprintf("%d keys, %d values; dropped when there are none, not before %s", k.Sealed.Owners, k.Sealed.Values, k.Dropped.Format("2006-01-02 15:04 MST"))
}
