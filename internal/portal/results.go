package portal

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// resultsPage is the latest result of each test, and one test over time.
type resultsPage struct {
	Page
	Groups []resultGroup
	Test   *testHistory // nil if there is nothing to select
	Chosen bool         // the reader chose it
	Notice Notice
}

type resultGroup struct {
	Name string
	Slug string
	Rows []resultRow
}

type resultRow struct {
	clinical.ResultCell
	Address string
	Here    bool
	Count   string // "12 results"
}

// testHistory is one test over time: a plot for each unit, and its table.
type testHistory struct {
	Name   string
	Detail string
	Plots  []Plot
	Rows   []clinical.ResultCell
	Keep   string // where a doctor keeps one from the patient, "" for others; its id follows
}

func buildResults(c *chartRequest) (any, error) {
	part := c.parts[0]
	cells := c.cells(part)
	tests := byTest(cells)
	page := resultsPage{Page: c.page, Notice: noticeOf(part, len(cells), "No laboratory results recorded.")}
	base := "/chart/" + c.patient.ID() + "/results/"
	chosen := c.request.PathValue("test")
	rows := latest(tests, base, chosen)
	page.Groups = grouped(rows)
	for _, t := range tests {
		if chosen == slugOf(t[0].Key) {
			page.Test, page.Chosen = c.history(t), true
		}
	}
	if page.Test == nil && len(rows) > 0 && chosen == "" {
		for i := range page.Groups {
			if len(page.Groups[i].Rows) > 0 {
				first := &page.Groups[i].Rows[0]
				first.Here = true
				page.Test = c.history(tests[slices.IndexFunc(tests, func(t []clinical.ResultCell) bool { return t[0].Key == first.Key })])
				break
			}
		}
	}
	return page, nil
}

// cells renders the results of a part, newest first. Of a corrected result the
// former value is fetched, to be shown struck.
func (c *chartRequest) cells(part Part) []clinical.ResultCell {
	var cells []clinical.ResultCell
	for _, r := range part.Resources {
		cells = append(cells, c.portal.format.Result(r, c.former(r)))
	}
	newestFirst(cells)
	return cells
}

func newestFirst(cells []clinical.ResultCell) {
	slices.SortStableFunc(cells, func(a, b clinical.ResultCell) int { return b.Order.Time().Compare(a.Order.Time()) })
}

func (c *chartRequest) former(r *fhir.Resource) *fhir.Resource {
	switch r.Root().Get("status").Text() {
	case "corrected", "amended":
		// Without the former value the result is still marked as corrected.
		if old, err := c.portal.cfg.Chart.Former(c.request.Context(), c.actor, r.Type(), r.ID()); err == nil {
			return old
		}
	}
	return nil
}

// byTest groups results of one test, keeping their order. A test measured in
// two units is one group with two plots.
func byTest(cells []clinical.ResultCell) [][]clinical.ResultCell {
	var tests [][]clinical.ResultCell
	at := map[string]int{}
	for _, cell := range cells {
		i, ok := at[cell.Key]
		if !ok {
			i = len(tests)
			at[cell.Key] = i
			tests = append(tests, nil)
		}
		tests[i] = append(tests[i], cell)
	}
	return tests
}

// newest is the first result that stands: neither entered in error nor still
// without a value, because a sample that was sent again or cancelled says
// nothing of the patient and must not take a critical value out of sight.
func newest(t []clinical.ResultCell) clinical.ResultCell {
	for _, stands := range []func(clinical.ResultCell) bool{
		func(c clinical.ResultCell) bool { return !c.Withdrawn && !c.Pending },
		func(c clinical.ResultCell) bool { return !c.Withdrawn },
	} {
		if i := slices.IndexFunc(t, stands); i >= 0 {
			return t[i]
		}
	}
	return t[0]
}

// counted says how many results of a test there are, and how many of them
// have no value.
func counted(t []clinical.ResultCell) string {
	pending := 0
	for _, c := range t {
		if c.Pending {
			pending++
		}
	}
	if pending == 0 || len(t) == 1 {
		return count(len(t), "result", "results")
	}
	return count(len(t), "result", "results") + ", " + strconv.Itoa(pending) + " without a value"
}

// latest picks the newest result of each test that stands.
func latest(tests [][]clinical.ResultCell, base, chosen string) []resultRow {
	var rows []resultRow
	for _, t := range tests {
		slug := slugOf(t[0].Key)
		rows = append(rows, resultRow{ResultCell: newest(t), Address: base + slug, Here: slug == chosen, Count: counted(t)})
	}
	return rows
}

// grouped puts what cannot wait first.
func grouped(rows []resultRow) []resultGroup {
	groups := []resultGroup{
		{Name: "Act now", Slug: "critical"},
		{Name: "Abnormal", Slug: "abnormal"},
		{Name: "Other latest results", Slug: "other"},
	}
	for _, r := range rows {
		i := 2
		switch {
		case r.Withdrawn:
		case r.Flag.ActNow():
			i = 0
		case r.Flag.Level == clinical.LevelAbnormal:
			i = 1
		}
		groups[i].Rows = append(groups[i].Rows, r)
	}
	return slices.DeleteFunc(groups, func(g resultGroup) bool { return len(g.Rows) == 0 })
}

func (c *chartRequest) history(t []clinical.ResultCell) *testHistory {
	plots, _ := c.plots("test", t[0].Test, t) // every result is listed below the figure
	return &testHistory{Name: t[0].Test, Detail: t[0].Detail, Plots: plots, Rows: t, Keep: c.keepAt("Observation")}
}

func buildVitals(c *chartRequest) (any, error) {
	part := c.parts[0]
	cells := c.cells(part)
	page := vitalsPage{Page: c.page, Notice: noticeOf(part, len(cells), "No vital signs recorded.")}
	for i, t := range byTest(cells) {
		plots, rest := c.plots("sign-"+index(i), t[0].Test, t)
		sign := vitalSign{Latest: newest(t), Plots: plots, Rest: rest, Rank: vitalRank(t[0].Key)}
		if len(t) == 1 && !t[0].Withdrawn {
			sign.Rest = nil // it is the latest, above
		}
		page.Signs = append(page.Signs, sign)
	}
	slices.SortStableFunc(page.Signs, func(a, b vitalSign) int { return strings.Compare(a.Rank, b.Rank) })
	return page, nil
}

// vitalsPage is each vital sign over time.
type vitalsPage struct {
	Page
	Signs  []vitalSign
	Notice Notice
}

type vitalSign struct {
	Latest clinical.ResultCell
	Plots  []Plot
	Rest   []clinical.ResultCell // those that are in no figure: in words, in error, too few of one unit
	Rank   string
}

// vitalRank orders vital signs as they are read at the bedside: by LOINC code.
func vitalRank(key string) string {
	for i, loinc := range []string{"85354-9", "55284-4", "8867-4", "9279-1", "8310-5", "59408-5", "2708-6", "72514-3", "29463-7", "8302-2"} {
		if key == "loinc|"+loinc {
			return index(i)
		}
	}
	return "~" + key
}
