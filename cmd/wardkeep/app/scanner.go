package app

import (
	"context"
	"time"

	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/content"
)

// scanOf is who looks at files, nil if nobody does.
func scanOf(cfg config.Config) (func(context.Context, []byte) (string, error), error) {
	if !cfg.Scans() {
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
		d.unscanned()
		return
	}
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_, err = scan(ctx, []byte("wardkeep doctor"))
	}
	if err != nil {
		d.add("scanner", failure, "the malware scanner does not answer: no file can be stored, and none shown that it has not looked at within a day", "look at the setting scanner, and whether clamd runs")
		return
	}
	d.add("scanner", fine, "files are searched for malware before they are stored, and before they are shown", "")
}

// unscanned tells of files that nobody looks at: by a decision, or as nobody has made one.
func (d *doctor) unscanned() {
	const remedy = "scanner: unix:/run/clamav/clamd.ctl has ClamAV look at them"
	switch {
	case d.cfg.Scanner == "" && d.cfg.ServesOthers():
		d.add("scanner", failure, "other machines are to be served, and nobody looks at files for malware; a server would not start", remedy+"; scanner: none says that nobody is to")
	case d.cfg.Scanner == config.ScannerNone:
		d.add("scanner", warning, "scanner is none: files are not searched for malware", remedy)
	default:
		d.add("scanner", fine, "files are not searched for malware", remedy)
	}
}
