package path

import (
	"strconv"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

var utilities = [...]function{
	{"trace", 1, 2, 0, trace},
	{"defineVariable", 1, 2, 0, defineVariable},
	{"pathname", 0, 1, 0, pathname},
}

// fhirs are the functions that FHIR adds.
var fhirs = [...]function{
	{"extension", 1, 1, 0, extension},
	{"hasValue", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
		return c.truth(len(in) == 1 && hasValue(in[0])), nil
	}},
	{"getValue", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
		if len(in) != 1 || !hasValue(in[0]) {
			return nil, nil
		}
		return c.one(in[0].system()), nil
	}},
	{"resolve", 0, 0, 0, resolve},
	{"memberOf", 1, 1, 0, memberOf},
	{"conformsTo", 1, 1, 0, conformsTo},
	{"htmlChecks", 0, 0, 0, htmlChecks},
	{"checkModifiers", 0, -1, 0, checkModifiers},
	{"subsumes", 1, 1, 0, subsumption(false)},
	{"subsumedBy", 1, 1, 0, subsumption(true)},
	{"elementDefinition", 0, 0, 0, refuse("element definitions in an expression")},
	{"slice", 2, 2, 0, refuse("slices in an expression")},
}

func refuse(what string) func(*evaluation, Collection, *callExpr) (Collection, error) {
	return func(*evaluation, Collection, *callExpr) (Collection, error) { return nil, notSupported(what) }
}

func trace(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	name, _, err := c.stringArg(f, 0)
	if err != nil {
		return nil, err
	}
	items := in
	if len(f.args) == 2 {
		one := callExpr{args: f.args[1:]}
		if items, err = selectItems(c, in, &one); err != nil {
			return nil, err
		}
	}
	if c.env.Trace != nil {
		c.env.Trace(name, items)
	}
	return in, nil
}

func defineVariable(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	name, ok, err := c.stringArg(f, 0)
	if err != nil {
		return nil, err
	}
	_, given := c.env.Vars[name]
	_, fixed := constant(name)
	for b := c.vars; b != nil; b = b.next {
		given = given || b.name == name
	}
	if !ok || given || fixed || name == "context" || name == "resource" || name == "rootResource" {
		return nil, errDefined
	}
	value := in
	if len(f.args) == 2 {
		if value, err = c.with(in, c.index, f.args[1]); err != nil {
			return nil, err
		}
	}
	c.vars = &binding{name, value, c.vars}
	return in, nil
}

// pathname writes an index behind every element, or only behind those that
// repeat. Calculated values have no path.
func pathname(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	short := false
	if len(f.args) == 1 {
		v, err := c.argument(f.args[0])
		if err != nil {
			return nil, err
		}
		if short, _, err = v.truth(); err != nil {
			return nil, err
		}
	}
	var out Collection
	for _, v := range in {
		if v.kind != Element {
			continue
		}
		parts := strings.Split(v.node.Path(), ".")
		for i := 1; i < len(parts); i++ {
			_, index, list := strings.Cut(strings.TrimSuffix(parts[i], "]"), "[")
			if !list && !short {
				parts[i] += "[0]"
			}
			before, _ := strconv.Atoi(index) // siblings that were counted to get there
			if err := c.spend(before); err != nil {
				return nil, err
			}
		}
		out = append(out, OfString(strings.Join(parts, ".")))
	}
	return out, nil
}

func extension(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	url, ok, err := c.stringArg(f, 0)
	if err != nil || !ok {
		return nil, err
	}
	var out Collection
	for _, v := range in {
		if v.kind != Element {
			continue
		}
		err := c.scan(v.node, "extension", func(x fhir.Node) {
			if x.Get("url").Text() == url {
				out = append(out, Of(x))
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// scan visits the children of a name, and counts the work of finding them.
func (c *evaluation) scan(n fhir.Node, name string, visit func(fhir.Node)) error {
	t := n.TypeID()
	if t.IsPrimitive() {
		t = r4.Element
	}
	found := 0
	seen := n.Scan(r4.Lookup(t, name), func(child fhir.Node) { found++; visit(child) })
	return c.spend(found + seen/8)
}

func hasValue(v Value) bool {
	return v.kind != Element || v.node.IsPrimitive() && v.node.Raw() != nil
}

// resolve finds the targets of references; what is not found is left out.
func resolve(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
	var out Collection
	for _, v := range in {
		ref := ""
		switch {
		case v.kind == String:
			ref = v.s
		case v.kind != Element:
			continue
		case v.node.TypeID() == r4.Reference:
			ref = v.node.Get("reference").Text()
		case isSubtype(v.node.TypeID(), r4.URI):
			ref = v.node.Text()
		}
		if ref == "" {
			continue
		}
		n, err := c.find(ref)
		if err != nil {
			return nil, err
		}
		if n.Exists() {
			out = append(out, Of(n))
		}
	}
	return out, c.spend(len(in))
}

func (c *evaluation) find(ref string) (fhir.Node, error) {
	if id, local := strings.CutPrefix(ref, "#"); local {
		return c.contained(id)
	}
	if root := c.rootResource(); root.TypeID() == r4.Bundle {
		var target fhir.Node
		err := c.scan(root, "entry", func(entry fhir.Node) {
			url := entry.Get("fullUrl").Text()
			if url != "" && !target.Exists() && (url == ref || strings.HasSuffix(url, "/"+ref)) {
				target = entry.Get("resource")
			}
		})
		if err != nil || target.Exists() {
			return target, err
		}
	}
	if c.env.Resolve == nil {
		return fhir.Node{}, nil
	}
	r, err := c.env.Resolve(ref)
	if err != nil || r == nil {
		return fhir.Node{}, err
	}
	return r.Root(), nil
}

// contained finds a contained resource; "" is the container.
func (c *evaluation) contained(id string) (fhir.Node, error) {
	containers := [...]fhir.Node{c.resource(), c.rootResource()}
	if id == "" {
		return containers[1], nil
	}
	var target fhir.Node
	for _, n := range containers {
		err := c.scan(n, "contained", func(in fhir.Node) {
			if !target.Exists() && in.Get("id").Text() == id {
				target = in
			}
		})
		if err != nil || target.Exists() {
			return target, err
		}
	}
	return target, nil
}

func memberOf(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	set, ok, err := c.stringArg(f, 0)
	if err != nil || !ok {
		return nil, err
	}
	v, ok, err := single(in)
	if err != nil || !ok {
		return nil, err
	}
	codes, err := codesOf(v)
	if err != nil {
		return nil, err
	}
	if c.env.MemberOf == nil {
		return nil, notSupported("value sets")
	}
	is, err := c.env.MemberOf(set, codes)
	return c.truth(is), err
}

func codesOf(v Value) ([]Code, error) {
	if s := v.system(); s.kind == String {
		return []Code{{Code: s.s}}, nil
	}
	coding := func(n fhir.Node) Code {
		return Code{n.Get("system").Text(), n.Get("version").Text(), n.Get("code").Text()}
	}
	switch v.node.TypeID() {
	case r4.Coding:
		return []Code{coding(v.node)}, nil
	case r4.CodeableConcept:
		var codes []Code
		for n := range v.node.All("coding") {
			codes = append(codes, coding(n))
		}
		return codes, nil
	}
	return nil, errType
}

// subsumption compares the input with the argument, each a Coding or a
// CodeableConcept; turned asks whether the argument subsumes the input.
func subsumption(turned bool) func(*evaluation, Collection, *callExpr) (Collection, error) {
	return func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		given, err := c.argument(f.args[0])
		if err != nil {
			return nil, err
		}
		var sides [2][]Code
		for i, side := range [...]Collection{in, given} {
			v, ok, err := single(side)
			if err != nil || !ok {
				return nil, err
			}
			if v.kind != Element || v.node.IsPrimitive() {
				return nil, errType
			}
			if sides[i], err = codesOf(v); err != nil {
				return nil, err
			}
		}
		if turned {
			sides[0], sides[1] = sides[1], sides[0]
		}
		is, err := c.anySubsumes(sides[0], sides[1])
		if err != nil {
			return nil, err
		}
		return c.truth(is), nil
	}
}

// anySubsumes reports whether a code of a is or subsumes one of b. Codes of
// different systems stand in no relation that is known here: where there are no
// others, it cannot be told.
func (c *evaluation) anySubsumes(a, b []Code) (bool, error) {
	if len(a) == 0 || len(b) == 0 {
		return false, nil
	}
	untold := notSupported("subsumption between code systems")
	for _, x := range a {
		for _, y := range b {
			if err := c.spend(1); err != nil {
				return false, err
			}
			if x.System == "" || x.System != y.System {
				continue
			}
			if c.env.Subsumes == nil {
				return false, notSupported("subsumption")
			}
			is, err := c.env.Subsumes(x, y)
			if is || err != nil {
				return is, err
			}
			untold = nil
		}
	}
	return false, untold
}

func conformsTo(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	profile, ok, err := c.stringArg(f, 0)
	if err != nil || !ok {
		return nil, err
	}
	v, ok, err := single(in)
	if err != nil || !ok {
		return nil, err
	}
	if c.env.ConformsTo == nil {
		return nil, notSupported("profiles")
	}
	if v.kind != Element {
		return nil, errType
	}
	is, err := c.env.ConformsTo(profile, v.node)
	return c.truth(is), err
}

// htmlChecks needs no second look: a narrative that breaks the rules is not
// parsed, so no element holds one.
func htmlChecks(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
	v, ok, err := single(in)
	if err != nil || !ok {
		return nil, err
	}
	if v.kind != Element || v.node.TypeID() != r4.XHTML && v.node.TypeID() != r4.Narrative {
		return nil, errType
	}
	return c.truth(true), nil
}

// checkModifiers passes an element whose modifier extensions are all named.
func checkModifiers(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	known := make(map[string]bool, len(f.args))
	for i := range f.args {
		url, _, err := c.stringArg(f, i)
		if err != nil {
			return nil, err
		}
		known[url] = true
	}
	for _, v := range in {
		strange := false
		err := c.scan(v.node, "modifierExtension", func(x fhir.Node) { strange = strange || !known[x.Get("url").Text()] })
		if err != nil {
			return nil, err
		}
		if strange {
			return nil, errModifier
		}
	}
	return in, nil
}
