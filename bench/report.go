package main

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// number writes a figure with three digits that count, thousands with commas.
func number(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case math.Abs(v) >= 1000:
		text := fmt.Sprintf("%.0f", v)
		for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
			text = text[:at] + "," + text[at:]
		}
		return text
	case math.Abs(v) >= 100:
		return fmt.Sprintf("%.0f", v)
	case math.Abs(v) >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// report writes the figures as a page with plots, and as JSON. Of what is below
// the hand-written part's mark the page is replaced, that part is kept.
func (b *bench) report() error {
	for _, v := range b.results.Goals {
		fmt.Println(" ", v)
	}
	if err := b.results.writeJSON(filepath.Join(b.out, "benchmarks.json")); err != nil {
		return err
	}
	if err := b.results.plots(filepath.Join(b.out, "img")); err != nil {
		return err
	}
	path := filepath.Join(b.out, "benchmarks.md")
	before, err := os.ReadFile(path)
	if err != nil {
		before = nil // there was no page yet
	}
	if err := os.WriteFile(path, []byte(b.results.page()+kept(string(before))), 0o644); err != nil {
		return fmt.Errorf("the report cannot be written: %w", err)
	}
	return nil
}

// keep begins what people wrote on the page; it survives the next run.
const keep = "<!-- what follows is written by hand -->\n"

func kept(page string) string {
	if at := strings.Index(page, keep); at >= 0 {
		return page[at:]
	}
	return keep
}

func (v verdict) String() string {
	switch {
	case v.Measured == nil:
		return "not measured  " + v.Goal
	case v.Met:
		return "met           " + v.Goal + ": " + number(*v.Measured)
	}
	return "MISSED        " + v.Goal + ": " + number(*v.Measured)
}

func (r *results) page() string {
	var w strings.Builder
	fmt.Fprintf(&w, `# Benchmarks

Written by `+"`make bench`"+`; all figures, of each run, are in [benchmarks.json](benchmarks.json).
Nothing is switched off: TLS 1.3, a bearer token, policy on every record, encryption, and an audit log on the device
before each answer. The load comes from the same machine and takes its share of the cores.

| | |
|---|---|
| date | %s, took %s |
| version | %s, %s |
| machine | %s, %d cores, %.0f GB, Linux %s, %s; load before the start %s |
| one sync of 4 KB to the device | %.2f ms, 99th percentile %.2f ms |
| runs | median of %d |

## Goals

| goal | measured | |
|---|---:|---|
`, r.Date.Format("2006-01-02 15:04 MST"), r.Took, r.Version, r.Go,
		r.Machine.CPU, r.Machine.Cores, r.Machine.MemoryGB, r.Machine.Kernel, r.Machine.Disk, r.Machine.Load,
		r.Machine.SyncMs, r.Machine.SyncP99, r.Runs)
	for _, v := range r.Goals {
		value, met := "–", "not measured"
		if v.Measured != nil {
			value, met = number(*v.Measured), "**missed**"
			if v.Met {
				met = "met"
			}
		}
		fmt.Fprintf(&w, "| %s | %s | %s |\n", v.Goal, value, met)
	}
	for _, s := range sections {
		r.section(&w, s)
	}
	if len(r.Notes) > 0 {
		w.WriteString("\n## Left out\n\n")
		for _, n := range r.Notes {
			fmt.Fprintf(&w, "- %s\n", n)
		}
	}
	w.WriteString("\n")
	return w.String()
}

// section is a part of the page: what was done, a plot, a table for each scale or
// one for all.
type section struct {
	part, title, plot, text string
}

var sections = []section{
	{"import", "Import", "bench-import.svg", "The Synthea set of 120 patients. At 1× the bzip2 bundles as they are, into a new folder; beyond it, copies of each\npatient with other ids, numbers and family names, gzipped, by one command into the folder that has the others: the rate\nis that of the growing store, measured once. Transactions over HTTPS come four at a time."},
	{"tokens", "Index tokens by type", "", ""},
	{"growth", "What growth costs a selective search", "", "The same searches on the data once and on its copies, by turns in each run, since a machine's moods last longer than a run."},
	{"crud", "Create, read, update, delete", "bench-crud.svg", "64 closed-loop workers over Patient, Encounter, Condition, Observation, MedicationRequest, Procedure, DiagnosticReport,\nImmunization and Claim: 10 creates, 60 reads, 25 updates, 5 deletes in a hundred, answers with the whole record. On a copy\nof the folder."},
	{"search", "Search", "bench-search.svg", "Thirty kinds of search with values drawn from the data, `_count=20`, every page opened; times are those of a page. What\nthe pages held is compared with what is known of the data and with what the server counts. “selective” are those whose\nanswer does not grow with the number of copies."},
	{"count", "Exact counts", "", "Forty-five sets, half by `_summary=count`, half by `_total=accurate`, one after another."},
	{"bulk", "Whole records", "", ""},
	{"cost", "What encryption and audit cost", "", "The mix of creates, reads, updates and deletes at 64 workers, by turns on the released program and on variants built from\nthe same source: one whose ciphers hide nothing in the same structures, one without audit entries, and, to see what all\nof it takes, a plain ordered index of the same documents and words over TLS, without keys, policy, audit or history.\nThe exchange happens in a build overlay: no shipped program holds a switch. In a run\nthe servers have turns of a second, in an order drawn for each round, since a machine's moods last longer; ratios are taken run by run."},
	{"memory", "Memory of the server", "", "After the searches, counts and exports of that scale."},
}

func (r *results) section(w *strings.Builder, s section) {
	var of []*figure
	for _, f := range r.Figures {
		if f.Part == s.part {
			of = append(of, f)
		}
	}
	if len(of) == 0 {
		return
	}
	fmt.Fprintf(w, "\n## %s\n\n", s.title)
	if s.text != "" {
		fmt.Fprintf(w, "%s\n\n", s.text)
	}
	if s.plot != "" {
		fmt.Fprintf(w, "![%s](img/%s)\n\n", s.title, s.plot)
	}
	var rows, columns []string
	for _, f := range of {
		if !slices.Contains(rows, f.Row) {
			rows = append(rows, f.Row)
		}
		if column := heading(f); !slices.Contains(columns, column) {
			columns = append(columns, column)
		}
	}
	slices.SortStableFunc(rows, func(a, b string) int { return cmp.Or(rank(a)-rank(b), strings.Compare(a, b)) })
	fmt.Fprintf(w, "| | %s |\n|---|%s\n", strings.Join(columns, " | "), strings.Repeat("---:|", len(columns)))
	for _, row := range rows {
		fmt.Fprintf(w, "| %s |", strings.ReplaceAll(row, "|", "\\|"))
		for _, column := range columns {
			value := math.NaN()
			for _, f := range of {
				if f.Row == row && heading(f) == column {
					value = f.Median
				}
			}
			fmt.Fprintf(w, " %s |", number(value))
		}
		w.WriteString("\n")
	}
}

func heading(f *figure) string { return fmt.Sprintf("%s, %d×", f.Column, f.Scale) }

// rank puts the sums in front.
func rank(row string) int {
	switch row {
	case "all", "wardkeep import":
		return 0
	case "selective":
		return 1
	}
	return 2
}
