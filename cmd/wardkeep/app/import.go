package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/wardkeep/wardkeep/internal/bulk"
)

type importCmd struct {
	place
	JSON  bool     `help:"Print the result as JSON."`
	Quiet bool     `help:"No progress bar."`
	Paths []string `arg:"" name:"path" help:"Files and folders: bundles (.json) and NDJSON, also .gz, .bz2 or .zip."`
}

func (importCmd) Help() string {
	return `Imports are committed bundle by bundle. An import that was stopped, even by a power
cut, continues where it was when it is started again, and files nothing twice.

Examples:
  wardkeep import --dir hospital ./synthea/output/fhir
  wardkeep import --config wardkeep.yaml Patient.ndjson.gz Observation.ndjson.gz`
}

func (c *importCmd) Run(ctx context.Context, t Terminal) error {
	cfg, err := c.existing()
	if err != nil {
		return err
	}
	files, err := bulk.Sources(c.Paths)
	if err != nil {
		return err
	}
	desk, err := openDesk(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer desk.Close()
	bar := newMeter(t.Err, files, c.Quiet || c.JSON)
	importer := bulk.Importer{
		Target: desk, Readers: max(1, runtime.GOMAXPROCS(0)/2), Writers: runtime.GOMAXPROCS(0) + 1,
		Progress: bar.add,
	}
	start := time.Now()
	summary, err := importer.Run(ctx, files)
	took := time.Since(start)
	bar.close()
	if err := desk.Close(); err != nil {
		return err
	}
	if printErr := printSummary(t.Out, summary, took, c.JSON); printErr != nil {
		return printErr
	}
	if err != nil {
		return fmt.Errorf("%w. What was filed stays filed; run the same command again to go on", err)
	}
	if summary.NotStored() > 0 {
		return errSilent
	}
	return nil
}

// meter shows how far an import is: by bytes read, with the rate of resources.
type meter struct {
	bar       *progressbar.ProgressBar
	start     time.Time
	resources atomic.Int64
}

func newMeter(w io.Writer, files []string, quiet bool) *meter {
	m := &meter{start: time.Now()}
	if f, ok := w.(*os.File); quiet || !ok || !term.IsTerminal(int(f.Fd())) {
		return m
	}
	var total int64
	for _, name := range files {
		if info, err := os.Stat(name); err == nil {
			total += info.Size()
		}
	}
	m.bar = progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(w), progressbar.OptionShowBytes(true), progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(200*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetPredictTime(true), progressbar.OptionSetDescription("importing"))
	return m
}

func (m *meter) add(bytes int64, resources int) {
	n := m.resources.Add(int64(resources))
	if m.bar == nil {
		return
	}
	if resources > 0 {
		rate := float64(n) / max(time.Since(m.start).Seconds(), 0.001)
		m.bar.Describe(fmt.Sprintf("%d resources, %.0f/s", n, rate))
	}
	_ = m.bar.Add64(bytes) // a bar that cannot be drawn is not worth stopping for
}

func (m *meter) close() {
	if m.bar != nil {
		_ = m.bar.Finish()
	}
}

func printSummary(w io.Writer, s *bulk.Summary, took time.Duration, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(struct {
			*bulk.Summary
			Total   int     `json:"total"`
			Seconds float64 `json:"seconds"`
			Rate    float64 `json:"resources_per_second"`
		}{s, s.Total(), took.Seconds(), float64(s.Total()) / took.Seconds()})
	}
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	for _, typ := range slices.Sorted(maps.Keys(s.Accepted)) {
		fmt.Fprintf(tw, "%s\t%d\t\n", typ, s.Accepted[typ])
	}
	fmt.Fprintf(tw, "stored\t%d\t\n", s.Total())
	if s.Already > 0 {
		fmt.Fprintf(tw, "stored by an earlier run\t%d\t\n", s.Already)
	}
	fmt.Fprintf(tw, "refused\t%d\t\n", s.NotStored())
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "%d files in %.1f s, %.0f resources/s\n", s.Files, took.Seconds(), float64(s.Total())/took.Seconds())
	printRefusals(w, s.Refused)
	return nil
}

// refusalsShown bounds the list at a terminal; --json prints all.
const refusalsShown = 50

func printRefusals(w io.Writer, refused []bulk.Refusal) {
	if len(refused) == 0 {
		return
	}
	slices.SortStableFunc(refused, func(a, b bulk.Refusal) int { return cmp.Compare(a.Source, b.Source) })
	fmt.Fprintln(w, "\nRefused:")
	for i, r := range refused {
		if i == refusalsShown {
			fmt.Fprintf(w, "  … and %d more; --json lists all\n", len(refused)-i)
			return
		}
		fmt.Fprintf(w, "  %s %s %s: %s\n", r.Source, r.Place, r.Type, r.Reason)
	}
}
