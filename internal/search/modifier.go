package search

import (
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// modifiers lists what may follow the parameter's name after a colon, in order
// (R4 search, 3.1.1.4.4), without the types a reference may point to.
func (q *param) modifiers() []string {
	var list []string
	switch {
	case q.special == "_id":
		list = []string{"not"}
	case q.special == "_lastUpdated":
	case q.special != "" || q.kind == 0 || q.kind == kindPlace || q.kind == kindBody:
		return nil
	case q.kind == kindToken:
		list = q.tokenModifiers()
	case q.kind == kindString:
		list = []string{"contains", "exact", "text"}
	case q.kind == kindReference:
		list = q.referenceModifiers()
	case q.kind == kindURI:
		list = []string{"above", "below"}
	}
	list = append(list, "missing")
	slices.Sort(list)
	return list
}

func (q *param) tokenModifiers() []string {
	list := []string{"not"}
	if q.labels != nil {
		list = append(list, "text")
	}
	if q.typed != nil {
		list = append(list, "of-type")
	}
	switch {
	case slices.ContainsFunc(q.sources, func(s source) bool { return s.implied == mimeTypes }):
		list = append(list, "below")
	case slices.ContainsFunc(q.sources, func(s source) bool { return s.coded() }):
		list = append(list, "above", "below", "in", "not-in")
	}
	return list
}

func (q *param) referenceModifiers() []string {
	var list []string
	if q.identified != nil {
		list = append(list, "identifier")
	}
	switch {
	case q.hierarchies() != nil:
		list = append(list, "above", "below")
	case slices.ContainsFunc(q.sources, func(s source) bool { return slices.Contains(s.types, r4.Canonical) }):
		list = append(list, "below")
	}
	return list
}

// coded reports whether values of f are codes of a code system.
func (f *field) coded() bool {
	return f.implied != "" || slices.ContainsFunc(f.types, func(t r4.TypeID) bool {
		return t == r4.CodeableConcept || t == r4.Coding || t == r4.Code
	})
}

// modifier checks a modifier, turns c to the elements it is about, and returns
// the types a reference may point to.
func (p *parser) modifier(c *criterion, modifier string) (types []string, err error) {
	q := c.param
	if slices.Contains(q.modifiers(), modifier) {
		c.not = modifier == "not" || modifier == "not-in"
		switch {
		case modifier == "identifier":
			c.kind, c.sources = kindIdentified, q.identified
		case modifier == "of-type":
			c.kind, c.sources = kindTyped, q.typed
		case modifier == "text" && q.kind == kindToken:
			c.kind, c.sources = kindLabel, q.labels
		}
		return q.targets, nil
	}
	if q.kind == kindReference && slices.Contains(q.targets, modifier) {
		return []string{modifier}, nil
	}
	offer := q.modifiers()
	if q.kind == kindReference && len(q.targets) < 20 {
		offer = append(offer, q.targets...)
	}
	text := "takes no modifier."
	if len(offer) > 0 {
		text = "takes only these modifiers: :" + strings.Join(offer, ", :") + "."
	}
	return nil, invalid("not-supported", q.code+" "+text)
}

// bare reports whether the values can have no system, so that a bar is refused
// (R4 search, 3.1.1.4.10).
func (r *reader) bare() bool {
	return len(r.sources) > 0 && !slices.ContainsFunc(r.sources, func(s source) bool {
		return s.kind != kindToken || slices.ContainsFunc(s.types, func(t r4.TypeID) bool {
			return t != r4.Boolean && t != r4.URI && t != r4.DateTime && t.String() != "ContactPoint"
		})
	})
}
