package clinical

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// Flag is the interpretation of a result as word and symbol; a page may add
// colour, never rely on it.
type Flag struct {
	Code   string
	Word   string
	Symbol string
	Level  Level
	// Derived says that the laboratory sent no flag and the value was compared
	// with the range it sent, in the same unit.
	Derived bool
}

// Level orders flags by what they demand.
type Level byte

const (
	LevelNone     Level = iota // no flag
	LevelNormal                // looked at and normal
	LevelAbnormal              // to be noticed
	LevelCritical              // act now
)

// String names the level for style sheets.
func (l Level) String() string { return [...]string{"none", "normal", "abnormal", "critical"}[l] }

// ActNow reports whether the flag is one that must not wait.
func (f Flag) ActNow() bool { return f.Level == LevelCritical }

// flags is HL7 v3 ObservationInterpretation as far as results bear it.
var flags = map[string]Flag{
	"N":   {Word: "Normal", Symbol: "✓", Level: LevelNormal},
	"L":   {Word: "Low", Symbol: "▼", Level: LevelAbnormal},
	"H":   {Word: "High", Symbol: "▲", Level: LevelAbnormal},
	"LL":  {Word: "Critically low – act now", Symbol: "▼▼", Level: LevelCritical},
	"HH":  {Word: "Critically high – act now", Symbol: "▲▲", Level: LevelCritical},
	"A":   {Word: "Abnormal", Symbol: "◆", Level: LevelAbnormal},
	"AA":  {Word: "Critically abnormal – act now", Symbol: "◆◆", Level: LevelCritical},
	"<":   {Word: "Below what can be measured", Symbol: "<", Level: LevelAbnormal},
	">":   {Word: "Above what can be measured", Symbol: ">", Level: LevelAbnormal},
	"S":   {Word: "Susceptible", Symbol: "S", Level: LevelNormal},
	"I":   {Word: "Intermediate", Symbol: "I", Level: LevelAbnormal},
	"R":   {Word: "Resistant", Symbol: "R", Level: LevelAbnormal},
	"POS": {Word: "Positive", Symbol: "+", Level: LevelAbnormal},
	"NEG": {Word: "Negative", Symbol: "−", Level: LevelNormal},
	"DET": {Word: "Detected", Symbol: "+", Level: LevelAbnormal},
	"ND":  {Word: "Not detected", Symbol: "−", Level: LevelNormal},
	"IND": {Word: "Indeterminate", Symbol: "◇", Level: LevelAbnormal},
	"E":   {Word: "Equivocal", Symbol: "◇", Level: LevelAbnormal},
}

// synonyms are codes of the same meaning.
var synonyms = map[string]string{"HU": "HH", "LU": "LL", "H>": "HH", "L<": "LL", "HX": ">", "LX": "<", "RR": "R", "SS": "S", "MS": "I"}

// trends say how a result has moved since the last one.
var trends = map[string]Flag{
	"U": {Word: "Rising", Symbol: "↗"},
	"D": {Word: "Falling", Symbol: "↘"},
	"B": {Word: "Better", Symbol: "↑ better"},
	"W": {Word: "Worse", Symbol: "↓ worse"},
}

// noFlag is what a result without interpretation and range shows.
var noFlag = Flag{Word: "Not flagged", Symbol: "–"}

// withdrawnFlag stands for whatever flag a result entered in error bore.
var withdrawnFlag = Flag{Word: "Entered in error", Symbol: "✕"}

// interpret reads Observation.interpretation: the flag that demands most, and
// the trend.
func interpret(o fhir.Node) (flag, trend Flag) {
	flag = noFlag
	for i := range o.All("interpretation") {
		code := codeOf(i, "ObservationInterpretation")
		if code == "" {
			code = codeOf(i, "")
		}
		if t, ok := trends[code]; ok {
			t.Code = code
			trend = t
			continue
		}
		f := flagOf(code, i)
		if f.Level > flag.Level || flag.Level == LevelNone {
			flag = f
		}
	}
	return flag, trend
}

func flagOf(code string, concept fhir.Node) Flag {
	canonical := code
	if s, ok := synonyms[code]; ok {
		canonical = s
	}
	f, ok := flags[canonical]
	switch said := strings.ToLower(Concept(concept)); {
	case ok:
	case strings.Contains(said, "critical") || strings.Contains(said, "panic"):
		f = Flag{Word: Concept(concept) + " – act now", Symbol: "◆◆", Level: LevelCritical}
	case said == "normal":
		f = flags["N"]
	default:
		f = Flag{Word: Concept(concept), Symbol: "◆", Level: LevelAbnormal}
	}
	f.Code = code
	return f
}

// compare derives a flag from the range when the laboratory sent none. It says
// nothing if the units differ or the value is not an exact number.
func compare(value fhir.Node, r refRange) Flag {
	if value.Get("comparator").Exists() || !r.sameUnit(value) || r.other {
		return noFlag
	}
	v, ok := rational(value.Get("value").Text())
	if !ok {
		return noFlag
	}
	low, hasLow := rational(r.low)
	high, hasHigh := rational(r.high)
	switch {
	case hasLow && v.Cmp(low) < 0:
		return Flag{Code: "L", Word: "Below range", Symbol: "▼", Level: LevelAbnormal, Derived: true}
	case hasHigh && v.Cmp(high) > 0:
		return Flag{Code: "H", Word: "Above range", Symbol: "▲", Level: LevelAbnormal, Derived: true}
	case hasLow || hasHigh:
		return Flag{Code: "N", Word: "In range", Symbol: "✓", Level: LevelNormal, Derived: true}
	}
	return noFlag
}
