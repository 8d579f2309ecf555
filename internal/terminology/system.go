package terminology

import (
	"context"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// system is a compiled CodeSystem, or a system whose codes follow a grammar.
type system struct {
	url, version string
	complete     bool // every code is there
	folds        bool // codes are the same in upper and lower case
	isA          bool // the hierarchy means is-a
	concepts     []concept
	index        map[string]int32
	properties   map[string]string // code of a property to its role
	filters      map[string]bool
	grammar      *grammar
	res          *fhir.Resource
}

// concept is one code. Parents and children are places in system.concepts.
type concept struct {
	code, display      string
	nodes              []fhir.Node // the concept, and the same in supplements
	parents, children  []int32
	abstract, inactive bool
}

// system returns a code system, nil if it is not loaded.
func (s *Service) system(ctx context.Context, url, version string) (*system, error) {
	if version == "" {
		url, version = split(url)
	}
	version, pinned, err := s.pins.of(url, version)
	if err != nil {
		return nil, err
	}
	var y *system
	if g := grammars[url]; g == nil {
		y, err = s.versionOf(ctx, url, version)
	} else if !pinned { // their versions are not told apart
		y = g.system
	}
	if pinned && y == nil && err == nil {
		err = notLoaded("system", "A version of a code system that is asked for")
	}
	return y, err
}

// versionOf returns a version of a code system that is a resource.
func (s *Service) versionOf(ctx context.Context, url, version string) (*system, error) {
	return recall(s, canonical{"CodeSystem", url, version}, true, func() (*system, error) {
		r, err := s.cfg.Source.Canonical(ctx, "CodeSystem", url, version)
		if r == nil || err != nil {
			return nil, err
		}
		if content := r.Root().Get("content").Text(); content == "not-present" || content == "supplement" {
			return nil, nil
		}
		return compileSystem(r), nil
	})
}

// roles are what the properties of every code system can mean (FHIR R4 4.8.10).
const propertyRole = "http://hl7.org/fhir/concept-properties#"

func compileSystem(r *fhir.Resource) *system {
	root := r.Root()
	meaning := root.Get("hierarchyMeaning").Text()
	out := &system{
		url: root.Get("url").Text(), version: root.Get("version").Text(), res: r,
		complete: root.Get("content").Text() == "complete",
		folds:    root.Get("caseSensitive").Text() == "false",
		isA:      meaning == "" || meaning == "is-a",
		index:    map[string]int32{}, properties: map[string]string{}, filters: map[string]bool{},
	}
	for p := range root.All("property") {
		code := p.Get("code").Text()
		role, known := strings.CutPrefix(p.Get("uri").Text(), propertyRole)
		if !known && !p.Get("uri").Exists() {
			role = code
		} else if !known {
			role = ""
		}
		out.properties[code] = role
	}
	for f := range root.All("filter") {
		out.filters[f.Get("code").Text()] = true
	}
	out.add(root, -1)
	out.relate()
	return out
}

func (y *system) fold(code string) string {
	if y.folds {
		return strings.ToLower(code)
	}
	return code
}

func (y *system) add(parent fhir.Node, at int32) {
	for n := range parent.All("concept") {
		i := int32(len(y.concepts))
		c := concept{code: n.Get("code").Text(), display: n.Get("display").Text(), nodes: []fhir.Node{n}}
		if at >= 0 {
			c.parents = []int32{at}
			y.concepts[at].children = append(y.concepts[at].children, i)
		}
		y.concepts = append(y.concepts, c)
		if _, twice := y.index[y.fold(c.code)]; !twice {
			y.index[y.fold(c.code)] = i
		}
		y.add(n, i)
	}
}

// relate reads the properties that say how concepts stand.
func (y *system) relate() {
	for i := range y.concepts {
		c := &y.concepts[i]
		for p := range c.nodes[0].All("property") {
			value := p.Get("value").Text()
			switch role := y.properties[p.Get("code").Text()]; {
			case role == "notSelectable" || role == "abstract":
				c.abstract = value == "true"
			case role == "inactive":
				c.inactive = c.inactive || value == "true"
			case role == "status":
				c.inactive = c.inactive || value == "retired" || value == "inactive"
			case role == "parent":
				y.link(value, int32(i))
			case role == "child":
				if child, ok := y.index[y.fold(value)]; ok {
					y.link(c.code, child)
				}
			}
		}
	}
	seen := map[int32]bool{}
	for i := range y.concepts {
		c := &y.concepts[i]
		c.parents, c.children = once(c.parents, seen), once(c.children, seen)
	}
}

// once keeps each item of a list at its first place.
func once(list []int32, seen map[int32]bool) []int32 {
	if len(list) < 2 {
		return list
	}
	clear(seen)
	return slices.DeleteFunc(list, func(i int32) bool {
		twice := seen[i]
		seen[i] = true
		return twice
	})
}

func (y *system) link(parent string, child int32) {
	p, ok := y.index[y.fold(parent)]
	if !ok || p == child {
		return
	}
	y.concepts[child].parents = append(y.concepts[child].parents, p)
	y.concepts[p].children = append(y.concepts[p].children, child)
}

// find returns a concept's place.
func (y *system) find(code string) (int32, bool) {
	i, ok := y.index[y.fold(code)]
	return i, ok
}

// closure returns a concept and everything that next leads to, nearest first.
func (y *system) closure(from int32, next func(*concept) []int32) []int32 {
	out, seen := []int32{from}, map[int32]bool{from: true}
	for at := 0; at < len(out); at++ {
		for _, i := range next(&y.concepts[out[at]]) {
			if !seen[i] {
				seen[i] = true
				out = append(out, i)
			}
		}
	}
	return out
}

func down(c *concept) []int32 { return c.children }
func up(c *concept) []int32   { return c.parents }

// has tells whether the system has a code.
func (y *system) has(code string) Verdict {
	if y.grammar != nil {
		return verdict(y.grammar.valid(code))
	}
	_, ok := y.find(code)
	if !ok && !y.complete {
		return Unknown
	}
	return verdict(ok)
}

func verdict(yes bool) Verdict {
	if yes {
		return Valid
	}
	return Invalid
}

// supplement returns y with the designations and properties of a supplement.
func (y *system) supplement(r *fhir.Resource) *system {
	more := compileSystem(r)
	out := *y
	out.concepts = slices.Clone(y.concepts)
	out.properties = map[string]string{}
	for _, from := range []map[string]string{more.properties, y.properties} {
		for code, role := range from {
			out.properties[code] = role
		}
	}
	for _, c := range more.concepts {
		if i, ok := out.find(c.code); ok {
			out.concepts[i].nodes = append(slices.Clip(out.concepts[i].nodes), c.nodes...)
		}
	}
	return &out
}
