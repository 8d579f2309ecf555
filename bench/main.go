// Command bench measures the released program as its users meet it: over HTTPS,
// with a token, with authorisation, encryption and a durable audit log. It makes
// its own load, writes docs/benchmarks.md with plots, and all figures as JSON.
//
// Exit 0: measured, 1: something failed or answered wrongly, 2: wrong use. A goal
// that was missed is said in the report; with -strict it is exit 1, too.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type bench struct {
	options
	rig       *rig
	corpus    *corpus
	cat       *catalogue
	results   *results
	resources int // imported so far

	once string // folder of the data once, untouched; "": there is none
}

type options struct {
	data, binary, work, out, hospital, source string
	runs, searchers, people                   int
	quick, strict                             bool
	scales                                    []int
	parts                                     []string
	seconds                                   float64
}

var allParts = []string{"bundles", "search", "count", "bulk", "crud", "cost"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string) int {
	opt, err := readOptions(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	}
	ok, err := measure(ctx, opt)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	if !ok && opt.strict {
		return 1
	}
	return 0
}

func readOptions(args []string) (options, error) {
	var o options
	var scales, parts string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&o.data, "data", defaultData(), "folder of the Synthea bundles (*.json.bz2)")
	f.StringVar(&o.binary, "bin", "bin/wardkeep", "the program to measure")
	f.StringVar(&o.work, "work", "", "folder for data, on the disk to measure; a temporary one")
	f.StringVar(&o.hospital, "hospital", "", "data folder into which the data was imported before: nothing is imported")
	f.StringVar(&o.source, "source", ".", "the source, of which variants without a cipher or audit are built to learn their cost")
	f.StringVar(&o.out, "out", "docs", "folder for benchmarks.md, benchmarks.json and img/bench-*.svg")
	f.IntVar(&o.runs, "runs", 5, "runs of which the median is taken")
	f.StringVar(&scales, "scales", "1,4,16", "copies of the data set, rising from 1")
	f.StringVar(&parts, "parts", strings.Join(allParts, ","), "what to measure beside the import")
	f.Float64Var(&o.seconds, "seconds", 6, "how long a run of searches or changes lasts")
	f.IntVar(&o.people, "patients", 0, "take only so many patients; 0: all")
	f.IntVar(&o.searchers, "searchers", 8, "how many search at the same time")
	f.BoolVar(&o.quick, "quick", false, "one short run with few patients, to see that all works")
	f.BoolVar(&o.strict, "strict", false, "exit 1 if a goal is missed")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is not a flag", f.Arg(0))
	}
	for text := range strings.SplitSeq(scales, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || len(o.scales) == 0 && n != 1 || len(o.scales) > 0 && n <= o.scales[len(o.scales)-1] {
			return o, errors.New("-scales takes rising numbers from 1 on, such as 1,4,16")
		}
		o.scales = append(o.scales, n)
	}
	for part := range strings.SplitSeq(parts, ",") {
		if part != "" && !slices.Contains(allParts, part) {
			return o, fmt.Errorf("-parts takes some of %s", strings.Join(allParts, ","))
		}
		o.parts = append(o.parts, part)
	}
	if o.quick {
		o.people = quickPatients
		o.runs, o.seconds, o.scales = 1, min(o.seconds, 1), []int{1}
	}
	if o.runs < 1 || o.searchers < 1 || o.seconds <= 0 {
		return o, errors.New("-runs, -searchers and -seconds must be above zero")
	}
	return o, nil
}

func defaultData() string {
	if dir := os.Getenv("WARDKEEP_TESTDATA"); dir != "" {
		return filepath.Join(dir, "synthea-120")
	}
	return "../shared/data/synthea-120"
}

// quickPatients are enough for every search to have values.
const quickPatients = 8

// measure carries out everything and reports whether every goal that was
// measured was met.
func measure(ctx context.Context, opt options) (ok bool, err error) {
	start := time.Now()
	b := &bench{options: opt}
	if b.work == "" {
		dir, err := os.MkdirTemp("", "wardkeep-bench-")
		if err != nil {
			return false, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		b.work = dir
	}
	if err := b.prepare(ctx); err != nil {
		return false, err
	}
	if err := b.all(ctx); err != nil {
		return false, err
	}
	r := b.results
	r.Took = time.Since(start).Round(time.Second).String()
	ok = true
	for _, g := range goals() {
		v := g.judge(r)
		ok = ok && (v.Measured == nil || v.Met)
		r.Goals = append(r.Goals, v)
	}
	return ok, b.report()
}

func (b *bench) prepare(ctx context.Context) error {
	binary, err := filepath.Abs(b.binary)
	if err != nil {
		return err
	}
	if b.work, err = filepath.Abs(b.work); err != nil {
		return err
	}
	b.rig = &rig{binary: binary, work: b.work}
	version, _, err := b.rig.run(ctx, "version")
	if err != nil {
		return fmt.Errorf("the program to measure does not run; make build, or name one by -bin: %w", err)
	}
	m, err := inspect(b.work)
	if err != nil {
		return err
	}
	b.results = &results{
		Date: time.Now().UTC().Truncate(time.Second), Version: strings.TrimSpace(string(version)),
		Go: runtime.Version(), Runs: b.runs, Quick: b.quick, Machine: m,
	}
	if b.corpus, err = openCorpus(b.data); err != nil {
		return err
	}
	if b.people > 0 {
		b.corpus.first(b.people)
	}
	fmt.Printf("bench: %s, %d cores, a sync takes %.2f ms\n", b.results.Version, m.Cores, m.SyncMs)
	b.cat, err = readCatalogue(b.corpus)
	return err
}

// all imports step by step, and measures at each scale.
func (b *bench) all(ctx context.Context) error {
	dir := b.hospital
	b.cat.partial = dir != "" && b.people > 0
	if dir == "" {
		var err error
		if dir, err = b.imports(ctx); err != nil {
			return fmt.Errorf("import: %w", err)
		}
	}
	if slices.Contains(b.parts, "bundles") {
		if err := b.bundles(ctx); err != nil {
			return fmt.Errorf("bundles: %w", err)
		}
	}
	for i, scale := range b.scales {
		if i > 0 {
			if err := b.grow(ctx, dir, b.scales[i-1], scale); err != nil {
				return fmt.Errorf("import at %d×: %w", scale, err)
			}
		}
		if err := b.reads(ctx, dir, scale); err != nil {
			return fmt.Errorf("at %d×: %w", scale, err)
		}
		if slices.Contains(b.parts, "crud") {
			if err := b.changes(ctx, dir, scale); err != nil {
				return fmt.Errorf("changes at %d×: %w", scale, err)
			}
		}
	}
	if slices.Contains(b.parts, "cost") {
		if err := b.costs(ctx); err != nil {
			return fmt.Errorf("cost: %w", err)
		}
	}
	return nil
}

func (b *bench) lasts() time.Duration { return time.Duration(b.seconds * float64(time.Second)) }

// drawn is how many searches of each shape are drawn.
const drawn = 12

// reads measures what changes nothing.
func (b *bench) reads(ctx context.Context, dir string, scale int) (err error) {
	s, err := b.rig.serve(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	c, err := s.dial()
	if err != nil {
		return err
	}
	defer c.close()
	if err := b.cat.resolve(c); err != nil {
		return err
	}
	if slices.Contains(b.parts, "search") {
		if err := b.searches(ctx, s, c, scale); err != nil {
			return fmt.Errorf("search: %w", err)
		}
	}
	if slices.Contains(b.parts, "count") {
		counts, err := drawSearches(countShapes(), b.cat, c, 1, scale, b.results)
		if err != nil {
			return err
		}
		for range b.runs {
			if err := b.countRun(ctx, s, counts, scale); err != nil {
				return fmt.Errorf("count: %w", err)
			}
		}
		fmt.Printf("  counts at %d×: p50 %.1f ms, slowest %.0f ms\n", scale,
			b.results.value("count", scale, "all", "p50 ms"), b.results.value("count", scale, "all", "max ms"))
	}
	if slices.Contains(b.parts, "bulk") {
		if err := b.bulk(ctx, s, scale); err != nil {
			return err
		}
	}
	now, peak := s.memory()
	b.results.add("memory", scale, "server", "MB", now)
	b.results.add("memory", scale, "server", "peak MB", peak)
	return nil
}

func (b *bench) searches(ctx context.Context, s *server, c *conn, scale int) error {
	list, err := drawSearches(searchShapes(), b.cat, c, drawn, scale, b.results)
	if err != nil {
		return err
	}
	for range b.runs {
		if err := b.searchRun(ctx, s, list, b.lasts(), scale); err != nil {
			return err
		}
	}
	fmt.Printf("  searches at %d×: %.0f pages/s, p50 %.2f ms, p95 %.2f ms\n", scale,
		b.results.value("search", scale, "all", "pages/s"), b.results.value("search", scale, "all", "p50 ms"),
		b.results.value("search", scale, "all", "p95 ms"))
	if scale > 1 && b.once != "" {
		if err := b.growth(ctx, searched{s, list}, scale); err != nil {
			return fmt.Errorf("growth: %w", err)
		}
	}
	return confirm(c, list)
}

func (b *bench) bulk(ctx context.Context, s *server, scale int) error {
	for _, operation := range []string{"everything", "export"} {
		there, err := s.declares(ctx, operation)
		if err != nil {
			return err
		}
		if !there {
			b.results.note("the server does not declare $%s; it was left out", operation)
			continue
		}
		for range max(1, b.runs/scale) {
			if operation == "everything" {
				err = b.everything(ctx, s, b.cat.people[:min(12, len(b.cat.people))], scale)
			} else {
				err = b.export(ctx, s, scale)
			}
			if err != nil {
				return fmt.Errorf("$%s: %w", operation, err)
			}
		}
	}
	return nil
}

// changes measures the mix of creates, reads, updates and deletes on a copy of
// the folder, so that the searches at the next scale find what was imported.
func (b *bench) changes(ctx context.Context, dir string, scale int) (err error) {
	scratch := dir + "-changed"
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	if err := os.CopyFS(scratch, os.DirFS(dir)); err != nil {
		return fmt.Errorf("the folder cannot be copied: %w", err)
	}
	for _, name := range []string{".", "root.key", "store.key", "ca.key", "tls.key"} {
		// CopyFS keeps modes of files; the folder itself must be closed.
		if err := os.Chmod(filepath.Join(scratch, name), map[bool]os.FileMode{true: 0o700, false: 0o600}[name == "."]); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	s, err := b.rig.serve(ctx, scratch)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	c, err := s.dial()
	if err != nil {
		return err
	}
	defer c.close()
	st, err := readStock(c, 1000)
	if err != nil {
		return err
	}
	for run := range b.runs {
		if err := b.crudRun(ctx, s, st, run, b.lasts(), scale); err != nil {
			return err
		}
	}
	fmt.Printf("  changes at %d×: %.0f requests/s, p95 %.1f ms\n", scale,
		b.results.value("crud", scale, "all", "requests/s"), b.results.value("crud", scale, "all", "p95 ms"))
	return nil
}
