package chart

import (
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/search"
)

// KindSystem is the system of a security label of a provision that stands for a kind of
// care: a category of policies/confidential.txt, by all its labels and codes, or one of
// results.
const KindSystem = "urn:wardkeep:kind"

// resultKinds are kinds of results, by the codes of their category.
var resultKinds = map[string][]string{
	"laboratory": {observationCategory + "|laboratory", diagnosticSection + "|LAB", diagnosticSection + "|HM", diagnosticSection + "|CH", diagnosticSection + "|MB", diagnosticSection + "|SP", diagnosticSection + "|GE"},
	"imaging":    {observationCategory + "|imaging", diagnosticSection + "|RAD", diagnosticSection + "|IMG", diagnosticSection + "|CT", diagnosticSection + "|NMR", diagnosticSection + "|RUS", diagnosticSection + "|CUS", diagnosticSection + "|OUS"},
}

const (
	observationCategory = "http://terminology.hl7.org/CodeSystem/observation-category"
	diagnosticSection   = "http://terminology.hl7.org/CodeSystem/v2-0074"
)

// Kinds returns the kinds of care that a Consent may name, those of results apart.
func (c *Chart) Kinds() []string { return c.policy.Categories() }

func (c *Chart) strangeKind(name string) bool {
	return resultKinds[name] == nil && c.policy.Category(name) == nil
}

// kindsAmong takes those labels out that stand for kinds of care.
func kindsAmong(tokens []string) (labels, kinds []string) {
	for _, token := range tokens {
		if kind, ok := strings.CutPrefix(token, search.Escape(KindSystem)+"|"); ok {
			kinds = append(kinds, kind)
		} else {
			labels = append(labels, token)
		}
	}
	return labels, kinds
}

func kindTokens(kinds []string) (tokens []string) {
	for _, kind := range kinds {
		tokens = append(tokens, search.Escape(KindSystem)+"|"+search.Escape(kind))
	}
	return tokens
}

// kindQueries returns the searches each of which finds records of a kind; known is
// false if there is no such kind.
type kindQueries func(typ, kind string) (queries []*search.Query, known bool, err error)

func (c *Chart) kind(typ, kind string) ([]*search.Query, bool, error) {
	if c.strangeKind(kind) {
		return nil, false, nil
	}
	codes := resultKinds[kind]
	if codes == nil {
		queries, err := c.telltale(typ, []string{kind})
		return queries, true, err
	}
	if typ == "ImagingStudy" || typ == "Media" { // which are of that kind all together
		return map[bool][]*search.Query{true: {anyOfType(typ)}}[kind == "imaging"], true, nil
	}
	q, err := search.Parse(typ, []search.Param{{Key: "category", Value: strings.Join(codes, ",")}}, search.Options{})
	if err != nil {
		return nil, true, nil // there is no such parameter of the type: it holds no results
	}
	return []*search.Query{q}, true, nil
}

// anyOfType finds all records of a type.
func anyOfType(typ string) *search.Query {
	q, _ := search.Parse(typ, nil, search.Options{}) // without a parameter it cannot fail
	return q
}

// ofKinds returns the ways in which a record of a type matches queries, and is of one
// of the condition's kinds. A kind that is not known makes a denial no narrower, and a
// permission void.
func (c condition) ofKinds(typ string, deny bool, all []*search.Query, kinds kindQueries) (ways [][]*search.Query, err error) {
	if len(c.Kinds) == 0 {
		return [][]*search.Query{all}, nil
	}
	for _, kind := range c.Kinds {
		queries, known, err := kinds(typ, kind)
		switch {
		case err != nil:
			return nil, err
		case !known && deny:
			return [][]*search.Query{all}, nil
		}
		for _, q := range queries {
			ways = append(ways, append(slices.Clone(all), q))
		}
	}
	return ways, nil
}
