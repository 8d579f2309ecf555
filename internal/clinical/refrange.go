package clinical

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// refRange is the reference range that applies to a result.
type refRange struct {
	low, high, unit, code string
	words                 string
	other                 bool // not the normal range, or one of several: nothing is compared with it
}

const noRange = "No range given"

// given reports whether there is anything to compare with.
func (r refRange) given() bool { return r.words != noRange }

// rangeOf picks the normal range of an observation or component.
func rangeOf(o fhir.Node) refRange {
	var best fhir.Node
	var all, normal []fhir.Node
	for r := range o.All("referenceRange") {
		all = append(all, r)
		if !r.Get("type").Exists() || codeOf(r.Get("type"), "referencerange-meaning") == "normal" {
			normal = append(normal, r)
		}
	}
	switch {
	case len(all) == 0:
		return refRange{words: noRange}
	case len(normal) == 1:
		best = normal[0]
	default:
		return someRanges(all)
	}
	low, high := best.Get("low"), best.Get("high")
	r := refRange{low: low.Get("value").Text(), high: high.Get("value").Text()}
	for _, q := range []fhir.Node{low, high} {
		if r.unit == "" {
			r.unit, r.code = unitText(q), q.Get("code").Text()
		}
	}
	r.words = rangeWords(r, text(best.Get("text"))) + ofWhom(best)
	return r
}

// someRanges says all of several ranges, of men and women, of ages, therapeutic
// ones. Which of them is the patient's is for the reader; no flag comes of it.
func someRanges(all []fhir.Node) refRange {
	var said []string
	for _, n := range all {
		r := refRange{low: n.Get("low").Get("value").Text(), high: n.Get("high").Get("value").Text(), unit: unitText(n.Get("low"))}
		if r.unit == "" {
			r.unit = unitText(n.Get("high"))
		}
		words := rangeWords(r, text(n.Get("text"))) + ofWhom(n)
		if kind := n.Get("type"); kind.Exists() {
			words = Concept(kind) + " " + words
		}
		said = append(said, words)
	}
	return refRange{words: strings.Join(said, "; "), other: true}
}

// ofWhom names those a range is for.
func ofWhom(n fhir.Node) string {
	out := ""
	for who := range n.All("appliesTo") {
		out += ", " + Concept(who)
	}
	if age := n.Get("age"); age.Exists() {
		out += ", age " + span(age.Get("low"), age.Get("high"))
	}
	return out
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
