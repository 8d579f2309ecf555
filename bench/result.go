package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"
)

// figure is one thing that was measured, several times.
type figure struct {
	Part   string    `json:"part"`
	Scale  int       `json:"scale"` // copies of the data set
	Row    string    `json:"row"`
	Column string    `json:"column"` // with the unit
	Runs   []float64 `json:"runs"`
	Median float64   `json:"median"`
}

// results is all of a benchmark, also as JSON, so that a later one can be compared.
type results struct {
	Date    time.Time `json:"date"`
	Version string    `json:"version"`
	Go      string    `json:"go"`
	Runs    int       `json:"runs"`
	Quick   bool      `json:"quick"`
	Machine machine   `json:"machine"`
	Took    string    `json:"took"`
	Notes   []string  `json:"notes,omitempty"`
	Goals   []verdict `json:"goals"`
	Figures []*figure `json:"figures"`
}

// add notes one run's value.
func (r *results) add(part string, scale int, row, column string, value float64) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return
	}
	f := r.find(part, scale, row, column)
	if f == nil {
		f = &figure{Part: part, Scale: scale, Row: row, Column: column}
		r.Figures = append(r.Figures, f)
	}
	f.Runs = append(f.Runs, value)
	f.Median = median(f.Runs)
}

func (r *results) find(part string, scale int, row, column string) *figure {
	for _, f := range r.Figures {
		if f.Part == part && f.Scale == scale && f.Row == row && f.Column == column {
			return f
		}
	}
	return nil
}

// value returns the median of a figure, NaN if it was not measured.
func (r *results) value(part string, scale int, row, column string) float64 {
	if f := r.find(part, scale, row, column); f != nil {
		return f.Median
	}
	return math.NaN()
}

// note tells the reader what was left out, and why.
func (r *results) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Println("  note:", text)
	for _, n := range r.Notes {
		if n == text {
			return
		}
	}
	r.Notes = append(r.Notes, text)
}

func (r *results) writeJSON(path string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("the figures cannot be written: %w", err)
	}
	return nil
}

// goal is a figure that has to reach a limit.
type goal struct {
	what  string
	unit  string
	least bool // the limit is the least, not the most
	limit float64
	of    func(r *results) float64
}

// verdict is a goal beside what was measured.
type verdict struct {
	Goal     string   `json:"goal"`
	Measured *float64 `json:"measured"` // nil: not measured in this run
	Met      bool     `json:"met"`
}

func (g goal) judge(r *results) verdict {
	sign := "≤"
	if g.least {
		sign = "≥"
	}
	v := verdict{Goal: fmt.Sprintf("%s %s %s %s", g.what, sign, number(g.limit), g.unit)}
	if m := g.of(r); !math.IsNaN(m) {
		v.Measured = &m
		v.Met = m <= g.limit
		if g.least {
			v.Met = m >= g.limit
		}
	}
	return v
}

func figureAt(part string, scale int, row, column string) func(*results) float64 {
	return func(r *results) float64 { return r.value(part, scale, row, column) }
}

func goals() []goal {
	return []goal{
		{"import at 1×", "resources/s", true, 8000, figureAt("import", 1, "wardkeep import", "resources/s")},
		{"import at 16×", "resources/s", true, 6500, figureAt("import", 16, "wardkeep import", "resources/s")},
		{"index tokens", "a resource", false, 60, figureAt("import", 1, "wardkeep import", "tokens/resource")},
		{"disk with history, index and audit", "bytes a resource", false, 1536, figureAt("import", 1, "wardkeep import", "bytes/resource")},
		{"memory of the importer, up to 16×", "MB", false, 512, figureAt("import", 16, "wardkeep import", "peak MB")},
		{"memory of the server at 16×, after the searches", "MB", false, 512, figureAt("memory", 16, "server", "peak MB")},
		{"create, read, update, delete, 64 workers", "requests/s", true, 3500, figureAt("crud", 1, "all", "requests/s")},
		{"the same, 95th percentile", "ms", false, 35, figureAt("crud", 1, "all", "p95 ms")},
		{"search, median", "ms", false, 3, figureAt("search", 1, "all", "p50 ms")},
		{"search, 95th percentile", "ms", false, 20, figureAt("search", 1, "all", "p95 ms")},
		{"selective searches, median at 16× against 1×, by turns", "times", false, 1.5, figureAt("growth", 16, "16× against 1×", "p50 times")},
		{"exact counts, median", "ms", false, 20, figureAt("count", 1, "all", "p50 ms")},
		{"encryption, throughput against a null cipher", "% less", false, 10, figureAt("cost", 1, "beyond null cipher", "throughput lost %")},
		{"encryption, processor time against a null cipher", "% more", false, 10, figureAt("cost", 1, "beyond null cipher", "processor more %")},
		{"audit, throughput", "% less", false, 10, figureAt("cost", 1, "beyond no audit", "throughput lost %")},
		{"audit, processor time", "% more", false, 10, figureAt("cost", 1, "beyond no audit", "processor more %")},
		{"audit, an idle read beyond one device sync", "µs", false, 100, figureAt("cost", 1, "beyond no audit", "idle: more than a sync, µs")},
		{"exact counts, slowest", "ms", false, 250, figureAt("count", 1, "all", "max ms")},
	}
}
