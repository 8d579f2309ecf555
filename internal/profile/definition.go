package profile

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// core is where the definitions of FHIR itself have their addresses.
const core = "http://hl7.org/fhir/StructureDefinition/"

// Bounds of one definition: what lies beyond is refused, not cut off.
const (
	maxElements = 10_000 // of a snapshot
	maxBases    = 16     // from a profile to the type it constrains
)

// errDefinition is in the chain of every error that says a definition cannot be
// used. Its texts name places in the definition and are safe to show.
var errDefinition = errors.New("the definition cannot be used")

func unusable(text string) error { return fmt.Errorf("%w: %s", errDefinition, text) }

// Profile is one StructureDefinition as a tree of rules. It is immutable.
type Profile struct {
	URL, Version string
	Type         string // what it describes: Patient, Quantity, Extension
	base         string // canonical address it derives from
	kind         string // resource, complex-type, primitive-type, logical
	constraint   bool   // it constrains a type; else it defines one
	root         *element
	contexts     []extensionContext
	modifier     bool // an extension that may stand in modifierExtension only
}

type extensionContext struct{ kind, expression string }

// element is the rules for one element, or for one slice of it.
type element struct {
	path  string // Observation.component.code
	name  string // last step of path: code; value for value[x]
	slice string // sliceName

	min, max    int // max < 0: no bound
	types       []typeRule
	fixed       fhir.Node
	pattern     fhir.Node
	least, most fhir.Node
	maxLength   int
	binding     *binding
	constraints []constraint
	content     *element // rules for the children are there
	profile     *Profile // of which this is the root, where a reference was followed to it

	slicing  *slicing
	slices   []*element
	children []*element
	byName   map[string]*element
}

// typeRule is one type an element may have.
type typeRule struct {
	code     string // FHIR name; "" for the types of FHIRPath (System.String)
	profiles []string
	targets  []string
	version  string // versioning of a reference: either, independent, specific
}

type binding struct {
	strength string
	valueSet string
	most     string // maximal value set (extension elementdefinition-maxValueSet)
}

type slicing struct {
	by      []discriminator
	closed  bool
	atEnd   bool // openAtEnd
	ordered bool
}

type discriminator struct{ kind, path string }

func (e *element) child(name string) *element {
	if e.content != nil {
		e = e.content
	}
	return e.byName[name]
}

func (e *element) hasChildren() bool { return len(e.children) > 0 || e.content != nil }

func (e *element) adopt(c *element) {
	if e.byName == nil {
		e.byName = map[string]*element{}
	}
	e.children = append(e.children, c)
	if e.byName[c.name] == nil {
		e.byName[c.name] = c
	}
}

// compiler makes one Profile.
type compiler struct {
	v        *Validator
	ctx      context.Context
	p        *Profile
	contents []pendingContent
	copied   int // elements copied while a differential is applied
	depth    int // of definitions that are compiled because others need them
}

type pendingContent struct {
	e    *element
	path string
}

// compile reads a StructureDefinition.
func (v *Validator) compile(ctx context.Context, sd *fhir.Resource, depth int) (*Profile, error) {
	root := sd.Root()
	p := &Profile{
		URL: root.Get("url").Text(), Version: root.Get("version").Text(), Type: root.Get("type").Text(),
		base: root.Get("baseDefinition").Text(), kind: root.Get("kind").Text(),
		constraint: root.Get("derivation").Text() == "constraint",
	}
	p.Type = strings.TrimPrefix(p.Type, core)
	for c := range root.All("context") {
		p.contexts = append(p.contexts, extensionContext{c.Get("type").Text(), c.Get("expression").Text()})
	}
	c := &compiler{v: v, ctx: ctx, p: p, depth: depth}
	var err error
	if snapshot := root.Get("snapshot"); snapshot.Exists() {
		err = c.snapshot(snapshot)
	} else {
		err = c.differential(root.Get("differential"))
	}
	if err != nil {
		return nil, err
	}
	c.link()
	return p, c.inherited()
}

// snapshot builds the tree from a flat list. The place of an element is told by
// its path and by what came before it (FHIR R4 5.3.5): ids are optional.
func (c *compiler) snapshot(list fhir.Node) error {
	var open []*element // from the root to the element before
	n := 0
	for d := range list.All("element") {
		if n++; n > maxElements {
			return unusable("it has more elements than this server takes")
		}
		e, err := c.element(d)
		if err != nil {
			return err
		}
		if c.p.root == nil {
			if strings.Contains(e.path, ".") {
				return unusable("its first element is not the root")
			}
			c.p.root, open = e, []*element{e}
			c.p.modifier = d.Get("isModifier").Text() == "true"
			continue
		}
		depth := strings.Count(e.path, ".")
		if depth == 0 || depth > len(open) || open[depth-1].path != e.path[:strings.LastIndexByte(e.path, '.')] {
			return unusable("its elements are not in the order of a tree")
		}
		parent := open[depth-1]
		if err := hang(parent, e); err != nil {
			return err
		}
		open = append(open[:depth], e)
	}
	if c.p.root == nil {
		return unusable("it has no elements")
	}
	return nil
}

// hang puts an element below its parent: as a child, or as a slice of one.
func hang(parent, e *element) error {
	if e.slice == "" {
		parent.adopt(e)
		return nil
	}
	whole := parent.byName[e.name]
	if whole == nil { // a slice of a choice that was told by type alone
		parent.adopt(e)
		return nil
	}
	// a/b is slice b of slice a.
	if i := strings.LastIndexByte(e.slice, '/'); i > 0 {
		if outer := whole.findSlice(e.slice[:i]); outer != nil {
			whole = outer
		}
	}
	whole.slices = append(whole.slices, e)
	return nil
}

// findSlice finds a slice of e, or of one of its slices, by its name.
func (e *element) findSlice(name string) *element {
	for _, s := range e.slices {
		if s.slice == name {
			return s
		}
		if strings.HasPrefix(name, s.slice+"/") {
			if found := s.findSlice(name); found != nil {
				return found
			}
		}
	}
	return nil
}

// element reads one ElementDefinition.
func (c *compiler) element(d fhir.Node) (*element, error) {
	e := &element{max: -1, min: 0}
	return e, c.refine(e, d)
}

// refine lays what an ElementDefinition says over what is known of an element.
func (c *compiler) refine(e *element, d fhir.Node) error {
	e.path = d.Get("path").Text()
	if e.path == "" {
		return unusable("an element has no path")
	}
	e.name = strings.TrimSuffix(e.path[strings.LastIndexByte(e.path, '.')+1:], "[x]")
	if s := d.Get("sliceName").Text(); s != "" {
		e.slice = s
	}
	if n := d.Get("min"); n.Exists() {
		e.min, _ = strconv.Atoi(n.Text()) // an unsignedInt: the parser took it
	}
	if m := d.Get("max").Text(); m == "*" {
		e.max = -1
	} else if m != "" {
		n, err := strconv.Atoi(m)
		if err != nil || n < 0 {
			return unusable("a max is neither a number nor *")
		}
		e.max = min(n, math.MaxInt32)
	}
	if d.Get("type").Exists() {
		e.types = typesOf(d)
	}
	for _, value := range []struct {
		name string
		into *fhir.Node
	}{{"fixed", &e.fixed}, {"pattern", &e.pattern}, {"minValue", &e.least}, {"maxValue", &e.most}} {
		if n := d.Get(value.name); n.Exists() {
			*value.into = n
		}
	}
	if m := d.Get("maxLength"); m.Exists() {
		e.maxLength, _ = strconv.Atoi(m.Text())
	}
	if b := d.Get("binding"); b.Exists() {
		e.binding = bindingOf(b)
		c.correct(e)
	}
	if s := d.Get("slicing"); s.Exists() {
		e.slicing = slicingOf(s)
	}
	if ref := d.Get("contentReference").Text(); ref != "" {
		c.contents = append(c.contents, pendingContent{e, ref[strings.LastIndexByte(ref, '#')+1:]})
	}
	return c.constrain(e, d)
}

func typesOf(d fhir.Node) []typeRule {
	var types []typeRule
	for t := range d.All("type") {
		rule := typeRule{code: typeCode(t), version: t.Get("versioning").Text()}
		for p := range t.All("profile") {
			rule.profiles = append(rule.profiles, p.Text())
		}
		for p := range t.All("targetProfile") {
			rule.targets = append(rule.targets, p.Text())
		}
		types = append(types, rule)
	}
	return types
}

func typeCode(t fhir.Node) string {
	code := t.Get("code").Text()
	if strings.HasPrefix(code, "http://hl7.org/fhirpath/") {
		return ""
	}
	return strings.TrimPrefix(code, core)
}

const maxValueSetURL = core + "elementdefinition-maxValueSet"

func bindingOf(b fhir.Node) *binding {
	out := &binding{strength: b.Get("strength").Text(), valueSet: b.Get("valueSet").Text()}
	for x := range b.All("extension") {
		if x.Get("url").Text() == maxValueSetURL {
			out.most = x.Get("value").Text()
		}
	}
	return out
}

// correct mends what HL7 has corrected in its package of R4 4.0.1 and not in the
// published files: the units of a vital sign's components are extensible, so that
// a flow of oxygen can have one.
func (c *compiler) correct(e *element) {
	if strings.HasPrefix(c.p.URL, core) && e.path == "Observation.component.value[x]" && strings.HasPrefix(e.binding.valueSet, "http://hl7.org/fhir/ValueSet/ucum-vitals-common") {
		e.binding.strength = "extensible"
	}
}

func slicingOf(s fhir.Node) *slicing {
	rules := s.Get("rules").Text()
	out := &slicing{closed: rules == "closed", atEnd: rules == "openAtEnd", ordered: s.Get("ordered").Text() == "true"}
	for d := range s.All("discriminator") {
		out.by = append(out.by, discriminator{d.Get("type").Text(), d.Get("path").Text()})
	}
	return out
}

// link finds what contentReferences point to.
func (c *compiler) link() {
	for _, p := range c.contents {
		steps := strings.Split(p.path, ".")
		at := c.p.root
		for _, s := range steps[1:] {
			name, slice, _ := strings.Cut(strings.TrimSuffix(s, "[x]"), ":")
			if at = at.byName[name]; at == nil {
				break
			}
			if slice != "" {
				if found := at.findSlice(slice); found != nil {
					at = found
				}
			}
		}
		if at != nil && at != p.e {
			p.e.content = at
		}
	}
}
