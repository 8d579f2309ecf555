package app

import (
	"fmt"
	"io/fs"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/policies"
)

// policyOf reads the rules in force: those of the program, under an organisation's own.
func policyOf(cfg config.Config, c clock.Clock) (*authz.Policy, error) {
	files, where := fs.FS(policies.Files), ""
	if cfg.Policies != "" {
		var err error
		if files, err = policies.Over(cfg.Policies); err != nil {
			return nil, fmt.Errorf("the policies cannot be used: %w", err)
		}
		where = " with those of " + cfg.Policies
	}
	p, err := authz.NewAt(files, c)
	if err != nil {
		return nil, fmt.Errorf("the policies%s cannot be used: %w", where, err)
	}
	return p, nil
}
