package portal

import (
	"slices"
	"strconv"
	"time"

	"github.com/wardkeep/wardkeep/internal/clinical"
)

// Plot is a figure and the table it is drawn from. The script reads the table's
// data attributes, so figure and table cannot disagree; all words on the axes
// are strings of package clinical.
type Plot struct {
	ID     string
	Name   string
	Unit   string
	Low    string // of the latest range in this unit, "" if none
	High   string
	Series []PlotSeries
	Rows   []PlotRow
	Range  string
	Recent bool // what is recent is many: the figure begins with the last days
	Spans  []PlotSpan
}

// PlotSpan is a span that the figure can be narrowed to.
type PlotSpan struct{ Days, Name string }

// PlotSeries is one line. Key says that it needs a key: there are several.
type PlotSeries struct {
	Name string
	Key  bool
}

// PlotRow is one moment, newest first as tables are read.
type PlotRow struct {
	At     string // seconds, for the script
	When   string
	Hours  string // words on the axis, if it spans hours,
	Days   string // days,
	Years  string // or years
	Values []PlotValue
}

// PlotValue is one value as number for the script and as words for people.
type PlotValue struct {
	Raw  string
	Text string
	Flag clinical.Flag
}

// plots makes a plot for each unit in which a test was reported. Results in
// different units never share an axis; with components (blood pressure) each is
// a series, if they have one unit. rest are the results that no plot shows.
func (c *chartRequest) plots(id, name string, cells []clinical.ResultCell) (plots []Plot, rest []clinical.ResultCell) {
	byAxis := map[string]int{}
	drawn := map[int][]clinical.ResultCell{}
	for _, cell := range cells {
		points := series(cell)
		if len(points) == 0 {
			rest = append(rest, cell)
			continue
		}
		axis := points[0].Point.Axis
		i, ok := byAxis[axis]
		if !ok {
			i = len(plots)
			byAxis[axis] = i
			plots = append(plots, newPlot(id+"-"+index(i), name, points))
		}
		if len(points) == len(plots[i].Series) {
			plots[i].Rows = append(plots[i].Rows, c.row(cell, points))
			drawn[i] = append(drawn[i], cell)
		} else {
			rest = append(rest, cell)
		}
	}
	for i := range plots {
		if len(plots[i].Rows) < 2 {
			rest = append(rest, drawn[i]...)
		}
	}
	plots = slices.DeleteFunc(plots, func(p Plot) bool { return len(p.Rows) < 2 })
	newestFirst(rest)
	for i := range plots {
		c.ticks(&plots[i], cells)
	}
	return plots, rest
}

func newPlot(id, name string, points []clinical.ResultCell) Plot {
	first := points[0].Point
	p := Plot{ID: id, Name: name, Unit: first.Axis}
	if points[0].Ranged {
		p.Range = points[0].Range
	}
	if len(points) == 1 {
		p.Low, p.High = raw(first.Low), raw(first.High)
	} else {
		p.Range = ""
	}
	for _, pt := range points {
		p.Series = append(p.Series, PlotSeries{pt.Test, len(points) > 1})
	}
	return p
}

// series returns what of a result can be drawn: itself, or its components if
// they share a unit.
func series(cell clinical.ResultCell) []clinical.ResultCell {
	if cell.Point.Plots {
		return []clinical.ResultCell{cell}
	}
	var points []clinical.ResultCell
	for _, part := range cell.Parts {
		if !part.Point.Plots || part.Point.Axis != cell.Parts[0].Point.Axis {
			return nil
		}
		points = append(points, part)
	}
	return points
}

func (c *chartRequest) row(cell clinical.ResultCell, points []clinical.ResultCell) PlotRow {
	row := PlotRow{At: strconv.FormatInt(points[0].Point.At, 10), When: cell.Collected}
	for _, pt := range points {
		row.Values = append(row.Values, PlotValue{Raw: strconv.FormatFloat(pt.Point.Value, 'g', -1, 64), Text: pt.Value, Flag: pt.Flag})
	}
	return row
}

// ticks gives each moment its words on the axis, and says whether the figure
// begins with the last days: where a stay of many values follows years of few,
// the whole span would hide it.
func (c *chartRequest) ticks(p *Plot, cells []clinical.ResultCell) {
	at := map[string]clinical.Moment{}
	for _, cell := range cells {
		for _, pt := range series(cell) {
			at[strconv.FormatInt(pt.Point.At, 10)] = cell.Order
		}
	}
	newest := at[p.Rows[0].At].Time()
	week, month := 0, 0
	for i := range p.Rows {
		m, f := at[p.Rows[i].At], c.portal.format
		p.Rows[i].Hours, p.Rows[i].Days, p.Rows[i].Years = f.Tick(m, clinical.ScaleHours), f.Tick(m, clinical.ScaleDays), f.Tick(m, clinical.ScaleYears)
		age := newest.Sub(m.Time())
		if age <= 7*24*time.Hour {
			week++
		}
		if age <= 30*24*time.Hour {
			month++
		}
	}
	all := len(p.Rows)
	if week >= 2 && week < all {
		p.Spans = append(p.Spans, PlotSpan{"7", "7 days"})
	}
	if month >= 2 && month > week && month < all {
		p.Spans = append(p.Spans, PlotSpan{"30", "30 days"})
	}
	if len(p.Spans) > 0 {
		p.Spans = append(p.Spans, PlotSpan{"0", "All"})
	}
	p.Recent = week >= 5 && month < all
}

func raw(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'g', -1, 64)
}

// index is a small number as part of an id.
func index(i int) string {
	s := strconv.Itoa(i)
	if i < 10 {
		return "0" + s
	}
	return s
}

// count says how many there are.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
