package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/mdp/qrterminal/v3"
	"github.com/pquerna/otp/totp"

	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/vault"
)

type demoCmd struct {
	Run  demoRunCmd  `cmd:"" default:"withargs" help:"Run the demo (what wardkeep demo alone does)."`
	Totp demoTotpCmd `cmd:"" help:"Print the current code of a demo account, and a QR code to keep it."`
}

func (demoCmd) Help() string {
	return `wardkeep demo alone makes the hospital and serves it; wardkeep demo run --help lists its flags.

Examples:
  wardkeep demo
  wardkeep demo --dir /tmp/hospital --listen 127.0.0.1:9443
  wardkeep demo totp nurse`
}

const demoDir = "wardkeep-demo"

type demoRunCmd struct {
	Dir           string `help:"Data folder of the demo." default:"${demo_dir}"`
	Listen        string `help:"Address to listen on." default:"127.0.0.1:8443"`
	Expose        bool   `help:"Allow --listen on an address that others can reach."`
	Patients      int    `help:"Number of patients; 0: staff and wards only." default:"60"`
	Seed          uint64 `help:"Another seed, another hospital." default:"1"`
	CheckpointOut string `help:"File for signed audit checkpoints." placeholder:"FILE"`
}

func (demoRunCmd) Help() string {
	return `Makes a synthetic hospital the first time, and opens the same one again after that.

Examples:
  wardkeep demo
  wardkeep demo --dir /tmp/hospital --patients 500 --seed 7
  wardkeep demo totp nurse`
}

func (c *demoRunCmd) Run(ctx context.Context, t Terminal) error {
	if !config.Loopback(c.Listen) && !c.Expose {
		return fault.New(fault.Invalid, "demo", "a demo listens on this machine only: its accounts are on this screen. Add --expose if you mean it")
	}
	cfg, err := config.Load("", config.Environ())
	if err != nil {
		return fault.New(fault.Invalid, "demo", err.Error())
	}
	cfg.Dir, cfg.Listen, cfg.CheckpointOut = c.Dir, c.Listen, c.CheckpointOut
	if c.Expose { // nothing in a demo is worth more
		cfg.ACME.TLSLocal, cfg.Scanner, cfg.KMS = true, cmp.Or(cfg.Scanner, config.ScannerNone), cmp.Or(cfg.KMS, config.KMSLocal)
	}
	cfg.Facility, cfg.Log = "Port Alder General Hospital", "warn"
	if err := cfg.Check(); err != nil {
		return fault.New(fault.Invalid, "demo", err.Error())
	}
	made, err := c.prepare(cfg.Dir)
	if err != nil {
		return err
	}
	log, lines := serverLog(t.Err, cfg)
	house, err := OpenHouse(ctx, cfg, log, Options{})
	if err != nil {
		return err
	}
	if !made.Complete {
		fmt.Fprintf(t.Err, "Making a synthetic hospital in %s …\n", cfg.Dir)
		if made, err = house.populate(ctx, c.Seed, c.Patients); err != nil {
			return closeAfter(ctx, house, err)
		}
	} else if err := house.knowsItsNames(ctx); err != nil {
		return closeAfter(ctx, house, err)
	}
	server := Server{House: house, Version: t.Version, Demo: true, Lines: lines, Ready: func(base string) {
		printDemo(t.Out, made, cfg, base)
	}}
	return closeAfter(ctx, house, server.Run(ctx))
}

// knowsItsNames finds out, before anybody tries to sign in, whether a demo that was
// made by another build can be read by this one.
func (h *House) knowsItsNames(ctx context.Context) error {
	if _, err := h.Vault.Keys(ctx, []vault.TypeID{{Type: "Patient", ID: "p001"}}); err != nil {
		return fault.New(fault.Internal, "demo", "the demo in "+h.Config.Dir+
			" was made by another release, or altered; remove the folder, or name another one by --dir")
	}
	return nil
}

// prepare reads what is known of the demo in dir. A demo whose making was cut
// short is removed: nobody has used it yet.
func (c *demoRunCmd) prepare(dir string) (demoState, error) {
	state, err := readDemo(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
			return state, fault.New(fault.Invalid, "demo", "the folder "+dir+" holds something else; name another one by --dir")
		}
	case err != nil:
		return state, err
	case state.Complete:
		return state, nil
	default:
		if err := os.RemoveAll(dir); err != nil {
			return state, err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return state, fmt.Errorf("the data folder cannot be made: %w", err)
	}
	return demoState{}, writeDemo(dir, demoState{Made: time.Now().UTC()})
}

// demoState is demo.json: it marks a folder as a demo and keeps its secrets,
// which are random for each install and worth nothing outside of it.
type demoState struct {
	Complete bool          `json:"complete"`
	Made     time.Time     `json:"made"`
	Patients int           `json:"patients"`
	Records  int           `json:"records"`
	Accounts []demoAccount `json:"accounts"`
}

type demoAccount struct {
	UserName string `json:"user_name"`
	Name     string `json:"name"`
	Role     string `json:"role"`
	Password string `json:"password"`
	Secret   string `json:"totp_secret"`
	URI      string `json:"totp_uri"`
}

func readDemo(dir string) (demoState, error) {
	var state demoState
	text, err := os.ReadFile(filepath.Join(dir, demoFile))
	if err != nil {
		return state, err
	}
	if err := json.Unmarshal(text, &state); err != nil {
		return state, fmt.Errorf("%s is damaged; remove the folder to start anew", filepath.Join(dir, demoFile))
	}
	return state, nil
}

func writeDemo(dir string, state demoState) error {
	text, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return err
	}
	part := filepath.Join(dir, demoFile+".part")
	if err := os.WriteFile(part, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(part, filepath.Join(dir, demoFile))
}

type demoTotpCmd struct {
	Account string `arg:"" help:"User name of a demo account, such as nurse."`
	Dir     string `help:"Data folder of the demo." default:"${demo_dir}"`
	Plain   bool   `help:"Print the code alone."`
}

func (c *demoTotpCmd) Run(t Terminal) error {
	state, err := readDemo(c.Dir)
	if err != nil {
		return fault.New(fault.Invalid, "totp", "there is no demo in "+c.Dir+"; start it by wardkeep demo, or name its folder by --dir")
	}
	i := slices.IndexFunc(state.Accounts, func(a demoAccount) bool { return a.UserName == c.Account })
	if i < 0 {
		return fault.New(fault.Invalid, "totp", "the demo has no account of that name")
	}
	now := time.Now()
	code, err := totp.GenerateCode(state.Accounts[i].Secret, now)
	if err != nil {
		return err
	}
	if c.Plain {
		fmt.Fprintln(t.Out, code)
		return nil
	}
	fmt.Fprintf(t.Out, "%s   (for %d seconds more)\n\nTo keep it in an authenticator app, scan this. Synthetic – not for care.\n\n", code, 30-now.Unix()%30)
	qrterminal.GenerateHalfBlock(state.Accounts[i].URI, qrterminal.M, t.Out)
	return nil
}
