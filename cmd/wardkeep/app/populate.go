package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"math/big"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"golang.org/x/sync/errgroup"

	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/demo"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// populate fills a new house with the synthetic hospital.
func (h *House) populate(ctx context.Context, seed uint64, patients int) (demoState, error) {
	state := demoState{Made: h.Clock.Now(), Patients: patients}
	hospital := demo.Generate(demo.Options{Seed: seed, Patients: patients, Now: h.Clock.Now()})
	for bundle := range hospital.Bundles() {
		report, err := h.file(ctx, "demo", bulk.Unit{Source: "demo", Data: bundle})
		if err != nil {
			return state, err
		}
		if len(report.Refused) > 0 {
			return state, fmt.Errorf("the demo's own records were refused: %s", report.Refused[0].Reason)
		}
		for _, n := range report.Accepted {
			state.Records += n
		}
	}
	accounts := make([]demoAccount, len(hospital.Staff))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for i, person := range hospital.Staff {
		group.Go(func() error {
			account, err := h.enlist(ctx, person)
			accounts[i] = account
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return state, err
	}
	state.Accounts, state.Complete = accounts, true
	return state, writeDemo(h.Config.Dir, state)
}

func (h *House) enlist(ctx context.Context, p demo.Staff) (demoAccount, error) {
	password, err := phrase()
	if err != nil {
		return demoAccount{}, err
	}
	_, enrolment, err := h.Identity.Provision(ctx, identity.System("demo", "operator"), identity.NewPerson{
		UserName: p.UserName, Given: p.Given, Family: p.Family, Title: p.Title,
		Roles: []string{string(p.Role)}, WardIDs: p.WardIDs, PractitionerID: p.PractitionerID,
	}, identity.Credentials{Password: password})
	return demoAccount{
		UserName: p.UserName, Name: p.Given + " " + p.Family, Role: string(p.Role),
		Password: password, Secret: enrolment.Secret, URI: enrolment.URI,
	}, err
}

// phrase returns a random password that can be read aloud: 5 groups of 4 out of
// 32 letters and digits, 100 bits.
func phrase() (string, error) {
	const letters = "abcdefghijkmnpqrstuvwxyz23456789"
	var groups []string
	for range 5 {
		var g strings.Builder
		for range 4 {
			n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
			if err != nil {
				return "", err
			}
			g.WriteByte(letters[n.Int64()])
		}
		groups = append(groups, g.String())
	}
	return strings.Join(groups, "-"), nil
}

// roleAccounts are the user names printed: one for each role.
var roleAccounts = [...]string{"doctor", "nurse", "pharmacist", "lab", "registration", "billing", "admin", "privacy"}

func printDemo(w io.Writer, state demoState, cfg config.Config, base string) {
	fmt.Fprintf(w, "\nWardkeep demo: %s   (Synthetic – not for care)\n\n", base)
	fmt.Fprintf(w, "%d patients, %d records, sealed, indexed and audited in %s\n", state.Patients, state.Records, cfg.Dir)
	fmt.Fprintf(w, "The browser will ask about the certificate: its local authority is %s\n\n", filepath.Join(cfg.Dir, "ca.pem"))
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(tw, "account\tpassword\tcode")
	for _, name := range roleAccounts {
		for _, a := range state.Accounts {
			if a.UserName == name {
				fmt.Fprintf(tw, "%s\t%s\t%s\n", a.UserName, a.Password, command(cfg.Dir, "demo totp "+a.UserName))
			}
		}
	}
	_ = tw.Flush() // a terminal that is gone has no reader
	fmt.Fprintf(w, "\nTry the API. This block works as pasted into another terminal:\n\n%s\nCtrl-C stops the demo; its data stays.\n", demoBlock(ownPath(), absolute(cfg.Dir), base))
}

// command writes a command line for this folder.
func command(dir, rest string) string {
	line := ownPath() + " " + rest
	if dir != demoDir {
		line += " --dir " + dir
	}
	return line
}
