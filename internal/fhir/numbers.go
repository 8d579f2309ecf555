package fhir

import (
	"slices"
	"strings"
	"unicode"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// Numbers says which numbers of people are shown by their last characters alone. It
// MUST NOT be changed once it is in use.
type Numbers struct {
	Systems  map[string]bool        // of identifiers, in small letters
	Types    map[string]bool        // of identifiers: codes of HL7's table 0203
	Elements map[r4.MemberID]string // whole elements, strings or Identifiers, with their type: "Coverage"
}

// table0203 are the addresses of HL7's table of identifier types, the older ones among
// them. A code that names no system is taken for one of the table's.
var table0203 = []string{"", "http://terminology.hl7.org/codesystem/v2-0203", "http://hl7.org/fhir/v2/0203", "urn:oid:2.16.840.1.113883.18.108", "urn:oid:2.16.840.1.113883.12.203"}

// NamesSystem reports whether identifiers of a system are masked.
func (n *Numbers) NamesSystem(system string) bool {
	return n.Systems[strings.ToLower(strings.TrimRight(system, "/"))]
}

// NamesType reports whether identifiers of a type are masked.
func (n *Numbers) NamesType(system, code string) bool {
	return n.Types[code] && slices.Contains(table0203, strings.ToLower(system))
}

// In returns the numbers of a resource, and of whatever is in it: identifiers, and
// strings. One that repeats the value of another is one too.
func (n *Numbers) In(r *Resource) []Node {
	var hits []Node
	literal, end := r4.Lookup(r4.Reference, "identifier"), r.d.items[r.root].next
	var reference uint32 // the innermost at hand
	for i := r.root + 1; i < end; i++ {
		it := &r.d.items[i]
		switch it.typ {
		case r4.Reference:
			reference = i
			continue
		case r4.Identifier, r4.String: // nothing else is looked at: most resources have few
		default:
			continue
		}
		at := Node{r.d, i, r.root}
		_, whole := n.Elements[it.member]
		switch {
		case it.flags&flagShadow != 0:
		case whole, it.typ == r4.Identifier && n.names(at), it.member == literal && n.refers(Node{r.d, reference, r.root}):
			hits = append(hits, at)
		}
	}
	if hits == nil {
		return nil
	}
	return n.repeated(r, hits)
}

func (n *Numbers) names(identifier Node) bool {
	if n.NamesSystem(identifier.Get("system").Text()) {
		return true
	}
	for c := range identifier.Get("type").All("coding") {
		if n.NamesType(c.Get("system").Text(), c.Get("code").Text()) {
			return true
		}
	}
	return false
}

// refers reports whether the identifier of a reference is one that is masked where it
// stands itself.
func (n *Numbers) refers(reference Node) bool {
	typ := reference.Get("type").Text()
	if typ == "" {
		typ = ParseLiteral(reference.Get("reference").Text()).Type
	}
	of, ok := n.Elements[r4.Lookup(r4.ResourceByName(typ), "identifier")]
	return ok && of == typ
}

// repeated adds the identifiers that repeat the value of one that is masked.
func (n *Numbers) repeated(r *Resource, hits []Node) []Node {
	words, have := needlesOf(hits), map[uint32]bool{}
	for _, hit := range hits {
		have[hit.i] = true
	}
	for i := r.root + 1; i < r.d.items[r.root].next; i++ {
		at := Node{r.d, i, r.root}
		if at.item().typ != r4.Identifier || have[i] {
			continue
		}
		if value := at.Get("value").Text(); words.blot(value) != value {
			hits = append(hits, at)
		}
	}
	slices.SortFunc(hits, func(a, b Node) int { return int(a.i) - int(b.i) })
	return hits
}

// valueOf returns the primitive that holds the number at a hit, and the number.
func valueOf(hit Node) (value Node, number string) {
	if value = hit; hit.item().typ == r4.Identifier {
		value = hit.Get("value")
	}
	if number = value.Text(); number == "" {
		number = rendered(value)
	}
	return value, number
}

// Obscured is a number of which only the last characters can be read: four, if at least
// as many stay hidden. What parts them stays, so that the shape is told.
func Obscured(number string) string {
	signs := 0
	for _, c := range number {
		if significant(c) {
			signs++
		}
	}
	hidden := signs - min(4, max(0, signs-4))
	return strings.Map(func(c rune) rune {
		if !significant(c) {
			return c
		}
		if hidden--; hidden >= 0 {
			return '*'
		}
		return c
	}, number)
}

func significant(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }

// needles are numbers that are looked for in running text, by their letters and digits.
type needles struct {
	of      map[string]bool
	longest int
}

// Lengths of a number that is looked for in text: a shorter one is a year or a room as
// well, a longer one is none.
const minNeedle, maxNeedle = 5, 64

func needlesOf(hits []Node) needles {
	words := needles{of: map[string]bool{}}
	for _, hit := range hits {
		_, number := valueOf(hit)
		bare := strings.ToUpper(strings.Map(func(c rune) rune {
			if significant(c) {
				return c
			}
			return -1
		}, number))
		if len(bare) >= minNeedle && len(bare) <= maxNeedle && !strings.Contains(number, "*") {
			words.of[bare], words.longest = true, max(words.longest, len(bare))
		}
	}
	return words
}

// blot obscures each number that text repeats, in one word or in several with a sign or
// two between.
func (n needles) blot(text string) string {
	if n.longest == 0 || len(text) < minNeedle {
		return text
	}
	words := wordsIn(text)
	var out strings.Builder
	done := 0
	for i := 0; i < len(words); i++ {
		last, bare := -1, ""
		for j := i; j < len(words); j++ {
			bare += strings.ToUpper(text[words[j].from:words[j].to])
			if len(bare) > n.longest || j > i && words[j].from-words[j-1].to > 2 {
				break
			}
			if n.of[bare] {
				last = j
			}
		}
		if last >= 0 {
			out.WriteString(text[done:words[i].from])
			out.WriteString(Obscured(text[words[i].from:words[last].to]))
			done, i = words[last].to, last
		}
	}
	if done == 0 {
		return text
	}
	return out.String() + text[done:]
}

type wordAt struct{ from, to int }

func wordsIn(text string) (words []wordAt) {
	from := -1
	for i, c := range text {
		switch {
		case significant(c) && from < 0:
			from = i
		case !significant(c) && from >= 0:
			words, from = append(words, wordAt{from, i}), -1
		}
	}
	if from >= 0 {
		words = append(words, wordAt{from, len(text)})
	}
	return words
}
