package clinical

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// ResultCell is one result: an observation, or one component of it.
type ResultCell struct {
	ID        string
	Key       string // groups results of one test: system|code, or the name
	Test      string
	Detail    string // the rest of a long name: how and in what it was measured
	Value     string // digits as the laboratory sent them; never blank
	Unit      string
	Range     string
	Ranged    bool // false: Range says that none was given
	Flag      Flag
	Trend     Flag // Word "" if none
	Status    string
	Collected string
	Resulted  string
	By        string
	Note      string
	Corrected bool   // amended or corrected after it was final
	Withdrawn bool   // entered in error: out of trends, kept in history, struck
	Pending   bool   // registered or cancelled without a value: it supersedes no result
	Former    string // value before the correction, to be shown struck; "" if not at hand
	Parts     []ResultCell
	Whole     bool   // it has a value beside those of its parts
	Order     Moment // for sorting; never printed
	Point     Point
}

// Point is a result on a plot. Results share an axis only if Axis is equal.
type Point struct {
	Plots     bool // false: not a number, or entered in error, or without a time
	At        int64
	Value     float64
	Axis      string // the unit exactly as reported
	Low, High *float64
}

var resultStatus = map[string]string{
	"registered": "Registered, no result yet", "preliminary": "Preliminary", "final": "Final", "amended": "Amended",
	"corrected": "Corrected", "cancelled": "Cancelled", "entered-in-error": "Entered in error", "unknown": "Status unknown",
	"partial": "Partial", "appended": "Final, with additions",
}

// Result renders an Observation. former is the version that a correction
// replaced, nil if it is not at hand.
func (f *Formatter) Result(r *fhir.Resource, former *fhir.Resource) ResultCell {
	root := r.Root()
	code := root.Get("status").Text()
	cell := f.cell(root, root)
	cell.ID = r.ID()
	cell.Status = words(resultStatus, code)
	cell.Corrected = code == "corrected" || code == "amended"
	if cell.Withdrawn = code == "entered-in-error"; cell.Withdrawn {
		cell.Flag, cell.Trend = withdrawnFlag, Flag{}
	}
	cell.By = Party(root.Get("performer"))
	for n := range root.All("note") {
		cell.Note = join(" – ", cell.Note, text(n.Get("text")))
	}
	for c := range root.All("component") {
		part := f.cell(c, root)
		part.ID, part.Status, part.Corrected, part.Withdrawn = cell.ID, cell.Status, cell.Corrected, cell.Withdrawn
		if cell.Withdrawn {
			part.Flag, part.Trend, part.Point.Plots = withdrawnFlag, Flag{}, false
		}
		part.Test = shortPart(part.Test, cell.Test)
		cell.Parts = append(cell.Parts, part)
	}
	slices.SortStableFunc(cell.Parts, func(a, b ResultCell) int { return partRank(a) - partRank(b) })
	cell.Pending = cell.Value == noValue && len(cell.Parts) == 0 && (code == "registered" || code == "cancelled")
	if len(cell.Parts) > 0 {
		cell.Whole = cell.Value != noValue
		cell.Value, cell.Unit = strings.TrimSuffix(join(" ", cell.Value, cell.Unit), noValue), ""
		for _, p := range cell.Parts {
			cell.Value = join(", ", cell.Value, p.Test+" "+join(" ", p.Value, p.Unit))
			if p.Flag.Level > cell.Flag.Level && !cell.Withdrawn {
				cell.Flag = p.Flag
			}
		}
	}
	if former != nil && cell.Corrected {
		old := f.Result(former, nil)
		if was := join(" ", old.Value, old.Unit); was != join(" ", cell.Value, cell.Unit) {
			cell.Former = was
		}
	}
	cell.Point.Plots = cell.Point.Plots && !cell.Withdrawn
	return cell
}

// shortPart leaves out of a component's name what its test says already:
// "Systolic blood pressure" of "Blood pressure" is "Systolic".
func shortPart(part, test string) string {
	n := len(part) - len(test)
	if n > 0 && strings.EqualFold(part[n:], test) {
		if short := strings.TrimSpace(part[:n]); short != "" {
			return short
		}
	}
	return part
}

// partRank puts systolic before diastolic, as pressures are read; other
// components keep their order behind.
func partRank(c ResultCell) int {
	switch c.Key {
	case "loinc|8480-6":
		return 0
	case "loinc|8462-4":
		return 1
	}
	return 2
}

// cell renders what an observation and a component have in common; times are
// those of the whole observation.
func (f *Formatter) cell(n, whole fhir.Node) ResultCell {
	value, r := n.Get("value"), rangeOf(n)
	cell := ResultCell{
		Order: f.placed(orderOf(whole)),
		Key:   testKey(n.Get("code")), Test: Concept(n.Get("code")), Range: r.words, Ranged: r.given(),
		Collected: f.DateTime(momentOf(whole.Get("effective"))), Resulted: f.DateTime(momentOf(whole.Get("issued"))),
	}
	cell.Test, cell.Detail = testName(n.Get("code"))
	cell.Value, cell.Unit = f.value(n)
	cell.Flag, cell.Trend = interpret(n)
	if cell.Flag.Word == noFlag.Word && kindOf(value) == "quantity" {
		cell.Flag = compare(value, r)
	}
	cell.Point = f.point(value, whole, r)
	return cell
}

// orderOf is when a result was collected, for sorting. Without that it is when
// it was resulted: a result must not sort as the oldest, or the one before it
// would be taken for the latest.
func orderOf(o fhir.Node) Moment {
	if m := momentOf(o.Get("effective")); m.Known() {
		return m
	}
	return momentOf(o.Get("issued"))
}

const noValue = "No value recorded"

// value renders value[x] and its unit.
func (f *Formatter) value(n fhir.Node) (value, unit string) {
	v := n.Get("value")
	switch kindOf(v) {
	case "quantity":
		if digits := text(v.Get("value")); digits != "" {
			return join(" ", text(v.Get("comparator")), digits), LabUnit(unitText(v))
		}
	case "codeableConcept":
		return Concept(v), ""
	case "string", "integer", "time":
		if s := text(v); s != "" {
			return s, ""
		}
	case "boolean":
		return map[string]string{"true": "Yes", "false": "No"}[v.Text()], ""
	case "dateTime":
		return f.DateTimeOf(v), ""
	case "period":
		return f.Period(v), ""
	case "range":
		low, high := v.Get("low"), v.Get("high")
		if s := join(" to ", text(low.Get("value")), text(high.Get("value"))); s != "" {
			return s, LabUnit(unitText(low))
		}
	case "ratio":
		over, under := v.Get("numerator"), v.Get("denominator")
		return amount(over) + " : " + amount(under), ""
	case "sampledData":
		return "Waveform, see the document", ""
	}
	if why := n.Get("dataAbsentReason"); why.Exists() {
		return "Not available: " + Concept(why), ""
	}
	return noValue, ""
}

// amount is one side of a ratio, a titer's `≥` and the unit included.
func amount(q fhir.Node) string {
	return orElse(join(" ", text(q.Get("comparator")), text(q.Get("value")), LabUnit(unitText(q))), noValue)
}

// testKey names the test for grouping: its LOINC code if it has one.
func testKey(code fhir.Node) string {
	if loinc := codeOf(code, "loinc.org"); loinc != "" {
		return "loinc|" + loinc
	}
	if c := code.Get("coding"); c.Get("code").Exists() {
		return c.Get("system").Text() + "|" + c.Get("code").Text()
	}
	return "text|" + Concept(code)
}

func (f *Formatter) point(value, whole fhir.Node, r refRange) Point {
	if kindOf(value) != "quantity" || value.Get("comparator").Exists() {
		return Point{}
	}
	at := f.placed(momentOf(whole.Get("effective")))
	v, err := strconv.ParseFloat(value.Get("value").Text(), 64)
	if err != nil || !at.Exact() {
		return Point{}
	}
	p := Point{Plots: true, At: at.at.Unix(), Value: v, Axis: LabUnit(unitText(value))}
	if r.sameUnit(value) {
		p.Low, p.High = number(r.low), number(r.high)
	}
	return p
}

func number(s string) *float64 {
	if v, err := strconv.ParseFloat(s, 64); err == nil {
		return &v
	}
	return nil
}
