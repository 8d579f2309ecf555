package clinical

import (
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// refRange is the reference range that applies to a result.
type refRange struct {
	low, high, unit, code string
	words                 string
}

const noRange = "No range given"

// given reports whether there is anything to compare with.
func (r refRange) given() bool { return r.words != noRange }

// rangeOf picks the normal range of an observation or component.
func rangeOf(o fhir.Node) refRange {
	var best fhir.Node
	for r := range o.All("referenceRange") {
		kind := codeOf(r.Get("type"), "referencerange-meaning")
		if !best.Exists() || kind == "normal" {
			best = r
		}
	}
	if !best.Exists() {
		return refRange{words: noRange}
	}
	low, high := best.Get("low"), best.Get("high")
	r := refRange{low: low.Get("value").Text(), high: high.Get("value").Text()}
	for _, q := range []fhir.Node{low, high} {
		if r.unit == "" {
			r.unit, r.code = unitText(q), q.Get("code").Text()
		}
	}
	r.words = rangeWords(r, text(best.Get("text")))
	if who := best.Get("appliesTo"); who.Exists() {
		r.words = join(", ", r.words, Concept(who))
	}
	return r
}

func rangeWords(r refRange, written string) string {
	unit := LabUnit(r.unit)
	switch {
	case r.low != "" && r.high != "":
		return join(" ", Plain(r.low)+" to "+Plain(r.high), unit)
	case r.low != "":
		return join(" ", Plain(r.low), unit) + " or more"
	case r.high != "":
		return "up to " + join(" ", Plain(r.high), unit)
	case written != "":
		return written
	}
	return noRange
}

// sameUnit reports whether the range is in the unit of the value. A range
// without a unit is that of its value (R4: "in the same units as the value").
func (r refRange) sameUnit(value fhir.Node) bool {
	if r.unit == "" && r.code == "" {
		return true
	}
	if r.code != "" && value.Get("code").Exists() {
		return r.code == value.Get("code").Text()
	}
	return r.unit == unitText(value)
}

func unitText(q fhir.Node) string {
	if u := text(q.Get("unit")); u != "" {
		return u
	}
	return text(q.Get("code"))
}
