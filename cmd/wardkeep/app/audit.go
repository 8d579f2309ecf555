package app

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/emergency"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/reindex"
	"github.com/wardkeep/wardkeep/internal/store"
)

type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Check the audit log and every record against it, from the files."`
	Prove  auditProveCmd  `cmd:"" help:"Show the entries of a record or a request, with proofs that anybody can check."`
	Export auditExportCmd `cmd:"" help:"Print the entries as NDJSON."`
	Status auditStatusCmd `cmd:"" help:"Say how the log stands, and how much of it the collector (log_out) has."`
	Key    auditKeyCmd    `cmd:"" help:"Print the public key and newest checkpoint, to keep elsewhere."`
}

type auditVerifyCmd struct {
	place
	Pinned string `help:"Signed checkpoint kept elsewhere; the store must not be behind it." placeholder:"FILE"`
	Deep   bool   `help:"Re-derive every token and edge from the opened records, too."`
	JSON   bool   `help:"Print the result as JSON."`
}

func (auditVerifyCmd) Help() string {
	return `Reads the store's files, never a server's answers; a running server only lays a copy aside.
Exit 1 if anything is wrong; each finding names its place.

Examples:
  wardkeep audit verify --dir hospital --pinned /mnt/elsewhere/checkpoint
  wardkeep audit verify --dir hospital --deep --json`
}

func (c *auditVerifyCmd) Run(ctx context.Context, t Terminal) error {
	cfg, err := c.existing()
	if err != nil {
		return err
	}
	pinned, err := readPinned(firstOf(c.Pinned, cfg.CheckpointOut))
	if err != nil {
		return err
	}
	report, err := verifyFiles(ctx, cfg, pinned, c.Deep)
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(t.Out).Encode(report)
	} else {
		_, err = fmt.Fprintln(t.Out, report)
	}
	if err == nil && !report.OK {
		return errSilent
	}
	return err
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// verifyFiles verifies the files of a data folder: those of the store itself if
// nobody has it open, else of a copy that the running server lays aside.
func verifyFiles(ctx context.Context, cfg config.Config, kept *pinned, deep bool) (*verify.Report, error) {
	dir := cfg.Dir
	files := filepath.Join(dir, storeDir)
	if d := dialDesk(dir); d != nil {
		defer d.Close()
		files = filepath.Join(dir, "verify-"+strconv.FormatInt(time.Now().UnixNano(), 36))
		defer os.RemoveAll(files)
		absolute, err := filepath.Abs(files)
		if err != nil {
			return nil, err
		}
		if err := d.call(ctx, "checkpoint", folder{Dir: absolute}, nil); err != nil {
			return nil, err
		}
	}
	report, keyring, err := verifyOpened(ctx, reading{dir: dir, kms: cfg.KMS, files: files, disk: vfs.Default, tenant: cfg.Tenant}, kept, deep)
	if errors.Is(err, store.ErrCorrupt) {
		report, err = &verify.Report{}, nil
		fileFinding(report, "a file of the store is damaged and cannot be read")
	}
	if err == nil && files == filepath.Join(dir, storeDir) {
		err = checkInventory(dir, keyring, report)
	}
	return report, err
}

// docTypes are the internal types of records there are.
var docTypes = []string{
	identity.TypeUser, identity.TypeClient, identity.TypeConnection, identity.TypeSigning,
	reindex.TypeEntry, chart.TypeMandate, emergency.Type, emergency.TypeDay, typeSealed,
}

func verifyOpened(ctx context.Context, what reading, kept *pinned, deep bool) (*verify.Report, kms.Keyring, error) {
	keyring, err := openKeyring(ctx, what.dir, what.kms)
	if err != nil {
		return nil, nil, fmt.Errorf("the keys cannot be used: %w", err)
	}
	r, err := what.open(ctx, keyring)
	if err != nil {
		return nil, keyring, err
	}
	defer r.close()
	cfg := verify.Config{
		Store: r.store, Key: keyring.Public(), Tenant: what.tenant,
		Token: r.sealer.Token,
		Open:  func(aad, sealed []byte) ([]byte, error) { return r.sealer.OpenValue("audit", aad, sealed) },
	}
	if kept != nil {
		cfg.Pinned, cfg.HandOvers = kept.checkpoint, kept.handOvers
	}
	var unread error
	if deep {
		cfg.Deep = r.vault.Deep(docTypes...)
		// What versions are found by depends on the search parameters that were
		// added. If they cannot be read, that is a finding among others.
		_, unread = reindex.Open(ctx, reindex.Config{Vault: r.vault, Compile: reindex.FHIRPath})
	}
	report, err := verify.Run(ctx, cfg)
	if err == nil && unread != nil {
		fileFinding(report, "the search parameters that were added cannot be read")
	}
	return report, keyring, err
}

type auditProveCmd struct {
	place
	Record  string `arg:"" optional:"" help:"A record, such as Patient/123, or Patient/123/_history/1."`
	Request string `help:"A request, by the X-Request-Id of its answer."`
	Out     string `help:"Write the first proof to a file, for wardkeep-verify proof." placeholder:"FILE"`
	JSON    bool   `help:"Print the proofs as JSON."`
}

func (auditProveCmd) Help() string {
	return `Example:
  wardkeep audit prove --dir hospital Patient/123 --out proof.json
  wardkeep audit key --dir hospital --out kept
  wardkeep-verify proof proof.json --key kept/audit.pub`
}

func (c *auditProveCmd) order() (proofOrder, error) {
	order := proofOrder{RequestID: c.Request}
	if c.Record == "" && c.Request == "" {
		return order, fault.New(fault.Invalid, "prove", "name a record, such as Patient/123, or --request")
	}
	if c.Record == "" {
		return order, nil
	}
	parts := strings.Split(c.Record, "/")
	ok := len(parts) == 2 || len(parts) == 4 && parts[2] == "_history"
	if ok && len(parts) == 4 {
		v, err := strconv.ParseUint(parts[3], 10, 63)
		order.Version, ok = v, err == nil
	}
	if !ok {
		return order, fault.New(fault.Invalid, "prove", "a record looks like Patient/123 or Patient/123/_history/1")
	}
	order.Type, order.ID = parts[0], parts[1]
	return order, nil
}

func (c *auditProveCmd) Run(ctx context.Context, t Terminal) error {
	order, err := c.order()
	if err != nil {
		return err
	}
	var found []proved
	if err := c.atDesk(ctx, "audit-prove", order, &found); err != nil {
		return err
	}
	if c.Out != "" {
		text, err := json.MarshalIndent(found[0].Proof, "", "  ")
		if err == nil {
			err = os.WriteFile(c.Out, append(text, '\n'), 0o644)
		}
		if err != nil {
			return fmt.Errorf("the proof cannot be written: %w", err)
		}
	}
	if c.JSON {
		return json.NewEncoder(t.Out).Encode(found)
	}
	for _, p := range found {
		if err := p.print(t); err != nil {
			return err
		}
	}
	return nil
}

// proved is an entry as the desk shows it, with its proof.
type proved struct {
	Index   uint64        `json:"index"`
	Time    time.Time     `json:"time"`
	Actor   string        `json:"actor"`
	Action  string        `json:"action"`
	Outcome string        `json:"outcome"`
	Records []string      `json:"records"`
	Key     []byte        `json:"key"`
	Proof   *verify.Proof `json:"proof"`
}

// print checks the proof here, on this side of the socket, before it says so.
func (p proved) print(t Terminal) error {
	_, checkpoint, err := p.Proof.Check(p.Key)
	if err != nil {
		return fmt.Errorf("the proof of entry %d does not hold: %w", p.Index, err)
	}
	fmt.Fprintf(t.Out, "entry %d  %s  %s  %s  by %s\n", p.Index, p.Time.Format(time.RFC3339), p.Action, p.Outcome, p.Actor)
	for _, r := range p.Records {
		fmt.Fprintf(t.Out, "  record   %s\n", r)
	}
	fmt.Fprintf(t.Out, "  proof    holds: %d hashes lead from the entry to the signed root of %d entries\n", len(p.Proof.Inclusion), checkpoint.Size)
	fmt.Fprintf(t.Out, "  root     %s\n  signed   %s, key %s\n", checkpoint.Root, checkpoint.Origin, base64.StdEncoding.EncodeToString(p.Key))
	return nil
}

type auditExportCmd struct {
	place
	Since string `help:"Only entries from this time on: 2026-01-31 (UTC) or 2026-01-31T08:00:00Z." placeholder:"TIME"`
	Limit int    `help:"At most so many; 0: all." default:"0"`

	Purpose string `help:"Only what was done for this purpose, a code of v3-PurposeOfUse: HRESCH, BTG." placeholder:"CODE"`
}

func (c *auditExportCmd) Run(ctx context.Context, t Terminal) error {
	since, err := sinceTime(c.Since)
	if err != nil {
		return err
	}
	cfg, err := c.existing()
	if err != nil {
		return err
	}
	desk, err := openDesk(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer desk.Close()
	if c.Purpose != "" && !chart.Purpose(c.Purpose) {
		return fault.New(fault.Invalid, "export", "--purpose takes a code of v3-PurposeOfUse, such as TREAT, HPAYMT, HOPERAT or BTG")
	}
	order := auditOrder{Since: since, Purpose: c.Purpose, Run: auditRun}
	for left := c.Limit; ; {
		if c.Limit > 0 {
			order.Run = min(left, auditRun)
		}
		var run auditPage
		if err := desk.call(ctx, "audit-list", order, &run); err != nil {
			return err
		}
		for _, entry := range run.Entries {
			fmt.Fprintf(t.Out, "%s\n", entry)
		}
		left -= len(run.Entries)
		if len(run.Entries) == 0 || c.Limit > 0 && left <= 0 {
			return nil
		}
		order.After = &run.Last
	}
}

// sinceTime reads a day or an instant; "" is the beginning.
func sinceTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fault.New(fault.Invalid, "export", "--since takes a day or a time, such as 2026-01-31 or 2026-01-31T08:00:00Z")
}

// auditRun is how many entries are fetched at a time.
const auditRun = 1000

type auditKeyCmd struct {
	place
	Out string `help:"Folder to write them to instead: audit.pub, checkpoint, and checkpoint.handovers once the key that signs was replaced." placeholder:"DIR"`
}

func (auditKeyCmd) Help() string {
	return `With the two kept elsewhere, nobody can put an older store back, or another log in its
place, without wardkeep-verify and wardkeep audit verify --pinned finding it.

Example:
  wardkeep audit key --dir hospital --out /mnt/elsewhere`
}

func (c *auditKeyCmd) Run(ctx context.Context, t Terminal) error {
	var out published
	if err := c.atDesk(ctx, "audit-publish", struct{}{}, &out); err != nil {
		return err
	}
	key := base64.StdEncoding.EncodeToString(out.PublicKey) + "\n"
	if c.Out == "" {
		_, err := fmt.Fprintf(t.Out, "%s\n%s", key, out.Checkpoint)
		return err
	}
	err := os.MkdirAll(c.Out, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(c.Out, "audit.pub"), []byte(key), 0o644)
	}
	if err == nil && out.HandOvers != "" {
		err = os.WriteFile(filepath.Join(c.Out, "checkpoint"+verify.HandOversBeside), []byte(out.HandOvers), 0o644)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(c.Out, "checkpoint"), []byte(out.Checkpoint), 0o644)
	}
	if err != nil {
		return fmt.Errorf("the key and the checkpoint cannot be written: %w", err)
	}
	return nil
}
