package search

import (
	"maps"
	"strings"
)

// What the tests of formats look at.

// FieldIDs returns the ids of the fields of each type and calls clash for two
// that share one.
func FieldIDs(clash func(typ, a, b string)) int {
	n := 0
	for typ, s := range Base().schemas {
		seen := map[fieldID]string{}
		for _, f := range s.fields {
			if have, ok := seen[f.id]; ok {
				clash(typ, have, f.text)
			}
			seen[f.id] = f.text
			n++
		}
	}
	return n
}

// MixedCase returns token fields of which some values fold case and some do not.
func MixedCase() (out []string) {
	for _, s := range Base().schemas {
		for _, f := range s.fields {
			if f.kind == kindToken && f.folds() && len(f.types) > 1 {
				out = append(out, f.text)
			}
		}
	}
	return out
}

// Unread returns the parameters of the tables that cannot be searched.
func Unread() map[string][]string {
	out := map[string][]string{}
	for typ, s := range Base().schemas {
		for code, p := range s.params {
			if p.special == "" && p.kind != kindBody && len(p.sources) == 0 && len(p.components) == 0 {
				out[typ] = append(out[typ], code)
			}
		}
	}
	return out
}

var Known = known[:]

var Normalize = normalize

func ParamCount() (n int) {
	for s := range maps.Values(Base().schemas) {
		n += len(s.params)
	}
	return n
}

// DateWords and DateCover: words of a date's text, and whether one of a cover
// of days says that side of it lies there.
func DateWords(text string) (lo, hi int64, words map[string]bool, ok bool) {
	s, err := parseDate(text)
	if err != nil {
		return 0, 0, nil, false
	}
	return s.lo, s.hi, collect(func(add func([]byte)) { dateWords(s, add) }), true
}

func collect(words func(func([]byte))) map[string]bool {
	set := map[string]bool{}
	words(func(w []byte) { set[string(w)] = true })
	return set
}

func Covered(words map[string]bool, top bool, first, last int32) (hit, exact bool) {
	side := byte(dateLow)
	if top {
		side = dateTop
	}
	nodes, exact := dateCover(first, last)
	for _, n := range nodes {
		hit = hit || words[string(n.word(dateIn))] || words[string(n.word(side))]
	}
	return hit, exact
}

func CoverSize(first, last int32) int {
	nodes, _ := dateCover(first, last)
	return len(nodes)
}

// Number is a parsed number's position in the tree and its words as a point.
func Number(text string) (pos int32, alone bool, words map[string]bool, err error) {
	n, err := parseNumber(text)
	if err != nil {
		return 0, false, nil, err
	}
	pos, alone = plainTree.position(n.decimal)
	return pos, alone, collect(func(add func([]byte)) { plainScale.words(point(n.decimal), add) }), nil
}

func NumberCovered(words map[string]bool, first, last int32) (hits int) {
	for _, n := range plainTree.cover(first, last) {
		if words[string(plainScale.word(n, dateIn))] {
			hits++
		}
	}
	return hits
}

func CompareNumbers(a, b string) (int, []byte, []byte) {
	x, _ := parseNumber(a)
	y, _ := parseNumber(b)
	return x.decimal.cmp(y.decimal), x.appendOrdered(nil), y.appendOrdered(nil)
}

// ForeignFields returns the fields whose names do not begin with their type: vault
// leaves the list of a type out of a search where fields bear it.
func ForeignFields() (out []string, n int) {
	for typ, s := range Base().schemas {
		for _, e := range s.elements {
			if n++; e.text != typ && !strings.HasPrefix(e.text, typ+".") {
				out = append(out, typ+": "+e.text)
			}
		}
	}
	return out, n
}
