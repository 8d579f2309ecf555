package app

import (
	"context"
	"time"

	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/content"
)

// scanOf is who looks at files before they are stored, nil if nobody does.
func scanOf(cfg config.Config) (func(context.Context, []byte) (string, error), error) {
	if cfg.Scanner == "" {
		return nil, nil
	}
	s, err := content.NewScanner(cfg.Scanner)
	if err != nil {
		return nil, err
	}
	return s.Scan, nil
}

// scanner finds out whether files are looked at for malware.
func (d *doctor) scanner(ctx context.Context) {
	scan, err := scanOf(d.cfg)
	if err == nil && scan == nil {
		d.add("scanner", fine, "files are not searched for malware", "scanner: unix:/run/clamav/clamd.ctl has ClamAV look at them")
		return
	}
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_, err = scan(ctx, []byte("wardkeep doctor"))
	}
	if err != nil {
		d.add("scanner", failure, "the malware scanner does not answer: no file can be stored", "look at the setting scanner, and whether clamd runs")
		return
	}
	d.add("scanner", fine, "files are searched for malware before they are stored", "")
}
