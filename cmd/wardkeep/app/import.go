package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/vault"
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
		return fault.New(fault.Invalid, "import", err.Error())
	}
	tuneCollector(importLimit)
	desk, err := openDesk(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer desk.Close()
	var before, after vault.Counters
	if err := desk.call(ctx, "counters", struct{}{}, &before); err != nil {
		return err
	}
	bar := newMeter(t.Err, files, c.Quiet || c.JSON)
	importer := bulk.Importer{
		Target: desk, Readers: max(1, runtime.GOMAXPROCS(0)/2), Writers: runtime.GOMAXPROCS(0) + 1,
		Progress: bar.add,
	}
	start := time.Now()
	summary, err := importer.Run(ctx, files)
	bar.tidying()
	if err := desk.call(ctx, "tidy", struct{}{}, nil); err != nil && ctx.Err() == nil {
		fmt.Fprintln(t.Err, "wardkeep: the index could not be put in order; searches are right, but slower:", err)
	}
	took := time.Since(start)
	bar.close()
	if err := desk.call(context.WithoutCancel(ctx), "counters", struct{}{}, &after); err != nil {
		return err
	}
	if err := desk.Close(); err != nil {
		return err
	}
	result := imported{Summary: summary, Total: summary.Total(), Seconds: took.Seconds()}
	result.measure(cfg.Dir, before, after)
	if printErr := result.print(t.Out, c.JSON); printErr != nil {
		return printErr
	}
	if errors.Is(err, context.Canceled) {
		return errors.New("stopped. What was filed stays filed; run the same command again to go on")
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

func (m *meter) tidying() {
	if m.bar != nil {
		m.bar.Describe("putting the index in order")
	}
}

func (m *meter) close() {
	if m.bar != nil {
		_ = m.bar.Finish()
	}
}

// imported is what an import did and what it cost.
type imported struct {
	*bulk.Summary
	Total   int     `json:"total"`
	Seconds float64 `json:"seconds"`
	Rate    float64 `json:"resources_per_second"`
	Tokens  float64 `json:"tokens_per_resource"`
	// ByType is Tokens of each type.
	ByType map[string]float64 `json:"tokens_by_type"`
	// Bytes is the size of the whole store, history, index and audit log
	// included, for each version in it that this import wrote. It is 0 if there
	// were records before.
	Bytes float64 `json:"bytes_per_resource,omitempty"`
}

func (r *imported) measure(dir string, before, after vault.Counters) {
	if r.Total == 0 {
		return
	}
	r.Rate = float64(r.Total) / max(r.Seconds, 0.001)
	r.Tokens = tokensEach(after.Less(before.Tally))
	r.ByType = map[string]float64{}
	for typ, tally := range after.Types {
		if made := tally.Less(before.Types[typ]); made.Versions > 0 {
			r.ByType[typ] = tokensEach(made)
		}
	}
	if before.Versions == 0 && r.Already == 0 {
		r.Bytes = float64(folderSize(filepath.Join(dir, storeDir))) / float64(r.Total)
	}
}

func tokensEach(t vault.Tally) float64 { return float64(t.Tokens) / float64(max(1, t.Versions)) }

func folderSize(dir string) int64 {
	var size int64
	entries, _ := os.ReadDir(dir) // a folder that cannot be read has no size to tell
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			size += info.Size()
		}
	}
	return size
}

func (r *imported) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	for _, typ := range slices.Sorted(maps.Keys(r.Accepted)) {
		fmt.Fprintf(tw, "%s\t%d\t\n", typ, r.Accepted[typ])
	}
	fmt.Fprintf(tw, "stored\t%d\t\n", r.Total)
	if r.Already > 0 {
		fmt.Fprintf(tw, "stored by an earlier run\t%d\t\n", r.Already)
	}
	fmt.Fprintf(tw, "refused\t%d\t\n", r.NotStored())
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "%d files in %.1f s, %.0f resources/s, %.1f tokens a resource\n", r.Files, r.Seconds, r.Rate, r.Tokens)
	if r.Bytes > 0 {
		fmt.Fprintf(w, "%.0f bytes a resource on disk, with history, index and audit log\n", r.Bytes)
	}
	printRefusals(w, r.Refused)
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
