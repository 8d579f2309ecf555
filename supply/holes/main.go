// Command holes finds the components whose known holes are older than SECURITY.md allows:
// Go modules by govulncheck, npm packages by npm audit. It finds those to which something
// newer has been out for longer than that allows, too. Exit 1 if there are any.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	l := looker{out: os.Stdout, now: time.Now()}
	flag.StringVar(&l.dir, "C", ".", "folder of the Go module")
	flag.StringVar(&l.db, "db", "", "address of a Go vulnerability database; vuln.go.dev if it is left out")
	flag.StringVar(&l.web, "web", "web", "folder of package-lock.json; none if it is empty")
	flag.StringVar(&l.registry, "registry", "", "npm registry; npm's own setting if it is left out")
	flag.StringVar(&l.audit, "npm-audit", "", "file of an earlier npm audit --json, for when the registry cannot be asked")
	must := flag.Bool("must", false, "fail if one of them cannot be looked at: for releases")
	flag.Parse()
	os.Exit(max(l.look(*must), l.age(*must)))
}

// What SECURITY.md allows, from the day on which a fix is published.
const (
	critical = 7 * 24 * time.Hour
	high     = 30 * 24 * time.Hour
	other    = 90 * 24 * time.Hour
)

// stale is how old a report may be that was laid beside: as what is of high severity.
const stale = high

func allowed(severity string) time.Duration {
	switch severity {
	case "critical":
		return critical
	case "high":
		return high
	case "moderate", "low", "info":
		return other
	}
	return critical // unknown: the worst
}

// hole is a known one in a component of ours.
type hole struct {
	component, id, title string
	since                time.Time // when a fix was published; zero: not known, or there is none
	limit                time.Duration
	unused               bool // the code that has it is in nothing that is built
}

func (h hole) late(now time.Time) bool {
	return !h.unused && (h.since.IsZero() || now.Sub(h.since) >= h.limit)
}

func (h hole) String() string {
	switch {
	case h.unused:
		return fmt.Sprintf("%s: %s %s: the part that has it is not linked", h.component, h.id, h.title)
	case h.limit == 0:
		return fmt.Sprintf("%s: %s %s: it can be reached from here", h.component, h.id, h.title)
	case h.since.IsZero():
		return fmt.Sprintf("%s: %s %s: no day of a fix is known", h.component, h.id, h.title)
	}
	return fmt.Sprintf("%s: %s %s: fixed elsewhere on %s, to be closed here by %s", h.component, h.id, h.title,
		h.since.Format(time.DateOnly), h.since.Add(h.limit).Format(time.DateOnly))
}

// errNoLook says that nothing was learned, neither good nor bad.
var errNoLook = errors.New("could not look")

type looker struct {
	out                           io.Writer
	now                           time.Time
	dir, db, web, registry, audit string
}

// look returns the exit code: 1 if a hole is known for too long.
func (l looker) look(must bool) int {
	return max(
		tell(l, must, "Go modules", "holes in them", "known holes", l.modules),
		tell(l, must, "npm packages", "holes in them", "known holes", l.packages))
}
