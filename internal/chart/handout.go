package chart

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/content"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// StoredAlert begins the detail of the audit entry of a file that the scanner finds
// malware in where it was stored before; the name of what was found follows.
const StoredAlert = "alert: malware was stored: "

// Why the data of a file is not shown, as codes of data-absent-reason.
const (
	absentInfected = "not-permitted"
	absentUnseen   = "temp-unknown"
)

var (
	errInfected = fault.New(fault.Denied, "chart.handOut", "The malware scanner refuses this file. It is not handed out.")
	errUnseen   = fault.New(fault.Unavailable, "chart.handOut", "The malware scanner has not looked at this file: it does not answer. Try again later.")
	errKeptBack = fault.New(fault.Unprocessable, "chart.keptBack", "A file was kept back when this record was read, as the malware scanner did not answer. Read the record anew, and send what it holds.")
)

// findings remember what the scanner said of files, by their digests: it is asked anew after
// a day, as it learns. If it does not answer it is left in peace for a while.
type findings struct {
	mu         sync.Mutex
	now, prior map[[sha256.Size]byte]finding
	quiet      time.Time // until then it is asked for nothing that is to be shown
}

type finding struct {
	malware string
	at      time.Time
}

const (
	findingLife  = 24 * time.Hour
	mostFindings = 50_000 // and as many from before
	quietTime    = 5 * time.Second
)

func (f *findings) of(sum [sha256.Size]byte, now time.Time) (malware string, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	said, known := f.now[sum]
	if !known {
		said, known = f.prior[sum]
	}
	return said.malware, known && now.Sub(said.at) < findingLife
}

func (f *findings) keep(sum [sha256.Size]byte, malware string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now == nil || len(f.now) >= mostFindings {
		f.now, f.prior = map[[sha256.Size]byte]finding{}, f.now
	}
	f.now[sum] = finding{malware, now}
}

func (f *findings) mayAsk(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !now.Before(f.quiet)
}

func (f *findings) pause(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.quiet = now.Add(quietTime)
}

// ask has a file looked at, and remembers what is said of it.
func (c *Chart) ask(ctx context.Context, data []byte) (malware string, err error) {
	if malware, err = c.scanner(ctx, data); err == nil {
		c.findings.keep(sha256.Sum256(data), malware, c.clock.Now())
	}
	return malware, err
}

// handOut has the files looked at of a version that is about to be shown: it may have been
// stored before there was a scanner, or before that knew what it knows. Data that it finds
// malware in, or does not say anything of, is left out. The operator's own exports are
// whole: they are to be restored from, through the scanner.
func (c *Chart) handOut(ctx context.Context, actor Actor, res Resource) (Resource, error) {
	if c.scanner == nil || res.Resource == nil || seesWhole(actor) {
		return res, nil
	}
	reasons := map[fhir.Node]string{}
	for f := range res.Files() {
		data, err := fileData(f)
		if err != nil {
			return Resource{}, fault.Wrap(fault.Internal, "chart.handOut", err)
		}
		if len(data) == 0 {
			continue
		}
		reason, err := c.judge(ctx, actor, res, data)
		if err != nil {
			return Resource{}, err
		}
		if reason != "" {
			reasons[f] = reason
		}
		if f.Path() == "Binary" {
			res.absent = reason
		}
	}
	if len(reasons) == 0 {
		return res, nil
	}
	cut, err := res.WithoutData(reasons)
	res.Resource = cut
	return res, fault.Wrap(fault.Internal, "chart.handOut", err)
}

// judge returns why data is not shown, "" if it is. What is found is told once.
func (c *Chart) judge(ctx context.Context, actor Actor, res Resource, data []byte) (reason string, err error) {
	malware, known := c.findings.of(sha256.Sum256(data), c.clock.Now())
	if !known {
		if !c.findings.mayAsk(c.clock.Now()) {
			return absentUnseen, nil
		}
		malware, err = c.ask(ctx, data)
		if ctx.Err() != nil { // whoever asked has gone: that says nothing of the scanner
			return "", fault.Wrap(fault.Unavailable, "chart.judge", ctx.Err())
		}
		if err != nil {
			if !errors.Is(err, content.ErrUnread) {
				c.findings.pause(c.clock.Now())
			}
			c.slog.WarnContext(ctx, "a file is kept back: the malware scanner has not looked at it", "error", err, "request", actor.RequestID)
			return absentUnseen, nil
		}
		if malware != "" {
			err = c.stored(ctx, actor, res, malware)
		}
	}
	if malware != "" {
		reason = absentInfected
	}
	return reason, err
}

// stored tells the audit log and the log what was found in a record that is here.
func (c *Chart) stored(ctx context.Context, actor Actor, res Resource, malware string) error {
	req := c.begin(actor, "scan", res.TypeID.Type)
	req.discloses(res)
	req.event.Time, req.event.Outcome, req.event.Detail = c.clock.Now(), audit.OutcomeDenied, StoredAlert+malware
	if err := c.log.Append(ctx, req.event); err != nil {
		return fault.Wrap(fault.Unavailable, "chart.stored", err)
	}
	c.slog.WarnContext(ctx, "alert: malware was stored", "malware", malware, "type", res.TypeID.Type, "request", actor.RequestID)
	return nil
}

// keptBack refuses a version made of one that was shown without a file, as nobody had
// looked at it: the file would be lost.
func (c *Chart) keptBack(old, res *fhir.Resource) error {
	if c.scanner != nil && old != nil && lacksUnseen(res) && !lacksUnseen(old) {
		return errKeptBack
	}
	return nil
}

func lacksUnseen(res *fhir.Resource) bool {
	for f := range res.Files() {
		if fhir.AbsentData(f) == absentUnseen {
			return true
		}
	}
	return false
}

// whole is an error if a Binary was left without what it is read for.
func (r Resource) whole() error {
	switch r.absent {
	case absentInfected:
		return errInfected
	case absentUnseen:
		return errUnseen
	}
	return nil
}
