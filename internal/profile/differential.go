package profile

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// differential builds the tree of a definition without a snapshot: that of its
// base, changed where the differential says so (FHIR R4 5.1.0.11). What cannot
// be placed there refuses the definition as a whole: a rule that is left out
// would pass what it forbids.
func (c *compiler) differential(list fhir.Node) error {
	if c.depth >= maxBases {
		return unusable("it derives from too many others, or from itself")
	}
	if c.p.base == "" {
		return unusable("it has neither a snapshot nor a base")
	}
	base, err := c.v.load(c.ctx, c.p.base, c.depth+1)
	if err != nil {
		return err
	}
	if base == nil {
		return unusable("it has no snapshot, and its base is not loaded")
	}
	if !c.p.constraint {
		return unusable("it defines a type and has no snapshot")
	}
	if c.p.root, err = c.copy(base.root); err != nil {
		return err
	}
	if c.p.contexts == nil {
		c.p.contexts = base.contexts
	}
	c.p.modifier = base.modifier
	n := 0
	for d := range list.All("element") {
		if n++; n > maxElements {
			return unusable("it has more elements than this server takes")
		}
		e, err := c.find(elementID(d))
		if err != nil {
			return err
		}
		if e == c.p.root && d.Get("isModifier").Text() == "true" {
			c.p.modifier = true
		}
		if err := c.refine(e, d); err != nil {
			return err
		}
	}
	return nil
}

// elementID returns the id of an ElementDefinition, by which a differential says
// what it changes (FHIR R4 5.3.0.4). Where it has none that fits its path, the
// path serves.
func elementID(d fhir.Node) string {
	id, path := d.Get("id").Text(), d.Get("path").Text()
	if fits(id, path) {
		return id
	}
	if s := d.Get("sliceName").Text(); s != "" {
		return path + ":" + s
	}
	return path
}

// fits reports whether an id says the same place as a path.
func fits(id, path string) bool {
	steps, names := strings.Split(id, "."), strings.Split(path, ".")
	if len(steps) != len(names) {
		return false
	}
	for i, step := range steps {
		if name, slice, _ := strings.Cut(step, ":"); name != names[i] && slice != names[i] {
			return false
		}
	}
	return true
}

// find returns the element of an id, making slices and unfolding types on the way.
func (c *compiler) find(id string) (*element, error) {
	steps := strings.Split(id, ".")
	at := c.p.root
	for _, step := range steps[1:] {
		name, slice, _ := strings.Cut(step, ":")
		if err := c.unfold(at); err != nil {
			return nil, err
		}
		next, implied := at.choice(strings.TrimSuffix(name, "[x]"))
		if next == nil {
			return nil, unusable("its differential names an element that its base does not have")
		}
		if slice == "" {
			slice = implied
		}
		if slice != "" {
			var err error
			if next, err = c.slice(next, slice); err != nil {
				return nil, err
			}
		}
		at = next
	}
	return at, nil
}

// choice finds a child by name; valueQuantity is the slice of that name of value[x].
func (e *element) choice(name string) (*element, string) {
	if c := e.byName[name]; c != nil {
		return c, ""
	}
	for _, c := range e.children {
		if title, ok := strings.CutPrefix(name, c.name); ok && strings.HasSuffix(c.path, "[x]") {
			for _, t := range c.types {
				if title != "" && strings.EqualFold(t.code, title) {
					return c, name
				}
			}
		}
	}
	return nil, ""
}

// slice returns the slice of that name, making it as a copy of the whole.
func (c *compiler) slice(whole *element, name string) (*element, error) {
	if s := whole.findSlice(name); s != nil {
		return s, nil
	}
	from := whole
	if i := strings.LastIndexByte(name, '/'); i > 0 {
		if outer := whole.findSlice(name[:i]); outer != nil {
			from = outer
		}
	}
	bare := *from
	bare.slicing, bare.slices = nil, nil
	s, err := c.copy(&bare)
	if err != nil {
		return nil, err
	}
	s.slice, s.min = name, 0
	if strings.HasSuffix(whole.path, "[x]") {
		s.narrowTo(strings.TrimPrefix(name, whole.name))
		if whole.slicing == nil { // slicing of a choice by type goes without saying
			whole.slicing = &slicing{by: []discriminator{{"type", "$this"}}}
		}
	}
	from.slices = append(from.slices, s)
	return s, nil
}

// narrowTo keeps the type that the name of a choice's slice says, if it says one.
func (e *element) narrowTo(title string) {
	for _, t := range e.types {
		if strings.EqualFold(t.code, title) {
			e.types = []typeRule{t}
			return
		}
	}
}

// unfold gives an element the children of its type, so that rules can be laid
// on them.
func (c *compiler) unfold(e *element) error {
	if len(e.children) > 0 {
		return nil
	}
	from := e.content
	if from == nil {
		from = c.typeRoot(e)
	}
	if from == nil {
		return unusable("its differential goes into an element that may have several types, or a type that is not loaded")
	}
	e.content = nil
	for _, child := range from.children {
		twin, err := c.copy(child)
		if err != nil {
			return err
		}
		e.adopt(twin)
	}
	return nil
}

// typeRoot is the definition of the one type an element may have.
func (c *compiler) typeRoot(e *element) *element {
	if len(e.types) != 1 || e.types[0].code == "" {
		return nil
	}
	address := core + e.types[0].code
	if len(e.types[0].profiles) == 1 {
		address = e.types[0].profiles[0]
	}
	p, err := c.v.load(c.ctx, address, c.depth+1)
	if err != nil || p == nil {
		return nil
	}
	return p.root
}

// copy returns a twin that may be changed.
func (c *compiler) copy(e *element) (*element, error) {
	if c.copied++; c.copied > maxElements*4 {
		return nil, unusable("it unfolds to more elements than this server takes")
	}
	twin := *e
	twin.children, twin.byName, twin.slices = nil, nil, nil
	for _, child := range e.children {
		t, err := c.copy(child)
		if err != nil {
			return nil, err
		}
		twin.adopt(t)
	}
	for _, s := range e.slices {
		t, err := c.copy(s)
		if err != nil {
			return nil, err
		}
		twin.slices = append(twin.slices, t)
	}
	twin.constraints = append([]constraint(nil), e.constraints...)
	if e.slicing != nil {
		s := *e.slicing
		twin.slicing = &s
	}
	return &twin, nil
}
