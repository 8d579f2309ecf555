package terminology

import (
	"regexp"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// maxRegex bounds a filter's expression; RE2 runs it in linear time.
const maxRegex = 1000

// filter is one ValueSet.compose.include.filter over a system (FHIR R4 4.9.8).
type filter struct {
	property, op, value string
	pattern             *regexp.Regexp
	list                map[string]bool // of in and not-in
	codes               map[int32]bool  // of the hierarchy's operators
}

// compileFilter reads a filter. What the system does not define is refused: to
// pass over a filter would change what the value set is.
func (y *system) compileFilter(n fhir.Node) (*filter, error) {
	f := &filter{property: n.Get("property").Text(), op: n.Get("op").Text(), value: n.Get("value").Text()}
	if y.grammar != nil {
		return y.grammar.compileFilter(f)
	}
	ofCode := f.property == "concept" || f.property == "code"
	defined := ofCode || f.property == "display" || y.defines(f.property)
	if !defined && y.filters[f.property] {
		return nil, notLoaded("compileFilter", "The meaning of a filter that a code system names and does not define", y.url)
	}
	if !defined {
		return nil, wrong("compileFilter", "A filter of the value set names a property that its code system does not define.")
	}
	switch f.op {
	case "is-a", "descendent-of", "is-not-a", "generalizes":
		if !ofCode {
			return nil, notLoaded("compileFilter", "The hierarchy of a property other than the code")
		}
		return f, y.walk(f)
	case "regex":
		if len(f.value) > maxRegex {
			return nil, wrong("compileFilter", "A filter of the value set has too long an expression.")
		}
		_, err := regexp.Compile(f.value) // by itself: a ) would end our own group
		if err == nil {
			f.pattern, err = regexp.Compile("^(?:" + f.value + ")$")
		}
		if err != nil {
			return nil, wrong("compileFilter", "A filter of the value set has an expression that RE2 does not take.")
		}
	case "in", "not-in":
		f.list = map[string]bool{}
		for item := range strings.SplitSeq(f.value, ",") {
			f.list[y.plain(f, strings.TrimSpace(item))] = true
		}
	case "=", "exists":
	default:
		return nil, wrong("compileFilter", "A filter of the value set has an operator that R4 does not have.")
	}
	return f, nil
}

// defines reports whether a filter may name the property.
func (y *system) defines(property string) bool {
	_, ok := y.properties[property]
	switch property {
	case "parent", "child", "inactive", "notSelectable", "definition":
		ok = true // every code system has these
	}
	return ok
}

// walk finds what a filter takes of the hierarchy.
func (y *system) walk(f *filter) error {
	if !y.isA {
		return wrong("walk", "A filter of the value set asks for is-a, and the hierarchy of its code system means something else.")
	}
	at, ok := y.find(f.value)
	if !ok {
		return wrong("walk", "A filter of the value set names a code that its code system does not have.")
	}
	list := y.closure(at, down)
	switch f.op {
	case "generalizes":
		list = y.closure(at, up)
	case "descendent-of":
		list = list[1:]
	}
	f.codes = make(map[int32]bool, len(list))
	for _, i := range list {
		f.codes[i] = true
	}
	return nil
}

// passes tells whether a concept passes the filter.
func (f *filter) passes(y *system, i int32) bool {
	switch f.op {
	case "is-a", "descendent-of", "generalizes":
		return f.codes[i]
	case "is-not-a":
		return !f.codes[i]
	}
	values := y.values(i, f.property)
	switch f.op {
	case "exists":
		return (len(values) > 0) == (f.value == "true")
	case "not-in":
		return !slices.ContainsFunc(values, func(v string) bool { return f.list[y.plain(f, v)] })
	case "in":
		return slices.ContainsFunc(values, func(v string) bool { return f.list[y.plain(f, v)] })
	case "regex":
		return slices.ContainsFunc(values, f.pattern.MatchString)
	}
	want := y.plain(f, f.value)
	return slices.ContainsFunc(values, func(v string) bool { return y.plain(f, v) == want })
}

// plain is a value as it is compared.
func (y *system) plain(f *filter, value string) string {
	if f.property == "concept" || f.property == "code" {
		return y.fold(value)
	}
	return value
}

// values returns a property of a concept as texts.
func (y *system) values(i int32, property string) []string {
	c := &y.concepts[i]
	switch property {
	case "concept", "code":
		return []string{c.code}
	case "display":
		return present(c.display)
	case "definition":
		return present(c.nodes[0].Get("definition").Text())
	case "parent":
		return y.codes(c.parents)
	case "child":
		return y.codes(c.children)
	case "inactive":
		return []string{truth(c.inactive)}
	case "notSelectable":
		return []string{truth(c.abstract)}
	}
	var out []string
	for _, n := range c.nodes {
		for p := range n.All("property") {
			if p.Get("code").Text() != property {
				continue
			}
			value := p.Get("value")
			if coding := value.Get("code"); coding.Exists() {
				value = coding
			}
			out = append(out, value.Text())
		}
	}
	return out
}

func (y *system) codes(list []int32) []string {
	out := make([]string, len(list))
	for i, at := range list {
		out[i] = y.concepts[at].code
	}
	return out
}

func present(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func truth(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
