package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/wholefile"
)

// renewingFile says that a folder is not whole. Its removal is what makes the folder one
// that a server starts on.
const renewingFile = "renewing"

type keysRenewCmd struct {
	place
	Into   string `help:"The new data folder; it must not be there yet." required:"" placeholder:"DIR"`
	Reason string `help:"Why; kept in the audit log." required:""`
}

func (keysRenewCmd) Help() string {
	return `No server may run. The new folder has every version of every record, with its id, number and time, the accounts
and settings kept in the store, and the audit log as it is. All keys are new: root, tenant, patients', content, index,
the store's files, and what signs checkpoints, which the old one hands over to. Sessions, unsent drafts, the files of
jobs and known devices stay behind. The old folder is verified first, then read; both are compared at the end, version
by version. It needs as much room as the old store again. If it is cut short, say it again: it begins anew.

Set dir to the new folder, start the server, and destroy the old folder, its root.key and their copies as you destroy
records. Copies of the old folder open with its keys for ever.

Example:
  wardkeep keys renew --dir hospital --into hospital-2027 --reason "A copy of the disk was stolen"`
}

func (c *keysRenewCmd) Run(ctx context.Context, t Terminal) error {
	const op = "app.renew"
	cfg, err := c.existing()
	if err != nil {
		return err
	}
	if strings.TrimSpace(c.Reason) == "" {
		return fault.New(fault.Invalid, op, "Say why: --reason. It is kept in the audit log.")
	}
	if d := dialDesk(cfg.Dir); d != nil {
		_ = d.Close()
		return fault.New(fault.Conflict, op, "A server runs on this folder. Stop it first.")
	}
	r := renewal{from: cfg, to: cfg, who: processUser(), reason: c.Reason, out: t.Out}
	r.to.Dir = c.Into
	return r.run(ctx)
}

// renewal is one run of keys renew.
type renewal struct {
	from, to    config.Config
	who, reason string
	out         io.Writer
	step        func(string) error // tests stop here; nil: nobody does
	begun       time.Time
}

func (r *renewal) say(format string, args ...any) { fmt.Fprintf(r.out, format+"\n", args...) }

// at is where tests cut it short.
func (r *renewal) at(step string) error {
	if r.step == nil {
		return nil
	}
	return r.step(step)
}

func (r *renewal) run(ctx context.Context) error {
	r.begun = time.Now()
	steps := []struct {
		name string
		do   func(context.Context) error
	}{
		{"looking at the new folder", r.clear},
		{"closing what is open in the old folder", r.settle},
		{"verifying the old folder", func(ctx context.Context) error { return r.verify(ctx, r.from) }},
		{"copying", r.copy},
		{"comparing", r.compare},
		{"verifying the new folder", func(ctx context.Context) error { return r.verify(ctx, r.to) }},
		{"ending", r.end},
	}
	for _, s := range steps {
		r.say("%s", s.name)
		if err := r.at(s.name); err != nil {
			return err
		}
		if err := s.do(ctx); err != nil {
			return err
		}
	}
	r.say("done in %s. Set dir to %s before anything else is done. Destroy the old folder as you destroy records.", time.Since(r.begun).Round(time.Second), r.to.Dir)
	return nil
}

// clear begins anew in a folder that is empty, or not whole.
func (r *renewal) clear(context.Context) error {
	const op = "app.renew"
	here, err1 := filepath.Abs(r.from.Dir)
	there, err2 := filepath.Abs(r.to.Dir)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if inside, err := filepath.Rel(here, there); err == nil && !strings.HasPrefix(inside, "..") {
		return fault.New(fault.Invalid, op, "--into must lie outside the old data folder.")
	}
	list, err := os.ReadDir(there)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("the new folder cannot be looked at: %w", err)
	case len(list) > 0 && !exists(filepath.Join(there, renewingFile)):
		return fault.New(fault.Invalid, op, "--into must be a folder that is not there yet: there is something in "+r.to.Dir+".")
	}
	// The mark goes last and comes first: whatever is cut short, the folder is not whole.
	for _, e := range list {
		if e.Name() == renewingFile {
			continue
		}
		if err := os.RemoveAll(filepath.Join(there, e.Name())); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(there, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(there, renewingFile), []byte("wardkeep keys renew writes this folder; it is not whole.\n"), 0o600)
}

// settle opens the old folder as a server does, so that what is pending comes to its
// place, and refuses what could not be carried over.
func (r *renewal) settle(ctx context.Context) error {
	const op = "app.renew"
	h, err := OpenHouse(ctx, r.from, slog.New(slog.DiscardHandler), Options{})
	if err != nil {
		return err
	}
	status, err := h.Keys.Status(ctx)
	switch {
	case err != nil:
	case status.UnderWay != nil:
		err = fault.New(fault.Conflict, op, "The key "+status.UnderWay.Key+" is being replaced. Carry that on first: wardkeep keys resume.")
	case h.Jobs.Unfinished() > 0:
		err = fault.New(fault.Conflict, op, fmt.Sprintf("%d jobs are not done. Start the server until they are, or cancel them.", h.Jobs.Unfinished()))
	case h.Spool.Waits():
		err = fault.New(fault.Conflict, op, "The audit spool holds entries that are not in the log. Start the server first; it takes them in.")
	}
	return closeAfter(ctx, h, err)
}

// verify insists that a folder is what its audit log says: what was altered would be
// sealed anew as if it were right.
func (r *renewal) verify(ctx context.Context, cfg config.Config) error {
	kept, err := readPinned(r.from.CheckpointOut)
	if errors.Is(err, fs.ErrNotExist) {
		kept, err = nil, nil
	}
	if err != nil {
		return err
	}
	report, err := verifyFiles(ctx, cfg, kept, true)
	if err == nil && !report.OK {
		return fmt.Errorf("%s is not what its audit log says; nothing of it is in force. See wardkeep audit verify --deep --dir %s", cfg.Dir, cfg.Dir)
	}
	return err
}

// end makes the folder one that a server starts on.
func (r *renewal) end(context.Context) error {
	if err := os.Remove(filepath.Join(r.to.Dir, renewingFile)); err != nil {
		return err
	}
	return wholefile.SyncDir(r.to.Dir)
}

// event is what the log says of versions that are sealed anew.
func (r *renewal) event() audit.Event {
	return audit.Event{Actor: operator(r.who, "operator").ID, Action: audit.ActionRekey, Reason: r.reason, Detail: "sealed anew by new keys in a new folder"}
}
