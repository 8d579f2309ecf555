package path

import (
	"slices"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// CompileFor is Compile for a focus of a known type. It also refuses a step to
// a name that no element at hand can have, and those functions whose result
// depends on an order that there is not (the children of an element). Where the
// type is not known, after resolve() and descendants() for instance, any name
// goes.
func CompileFor(t r4.TypeID, src string) (*Expr, error) {
	e, err := Compile(src)
	if err != nil || t == 0 {
		return e, err
	}
	c := checker{root: static{types: []r4.TypeID{t}}}
	c.this = c.root
	if _, err := c.check(e.root, c.root); err != nil {
		return nil, err
	}
	return e, nil
}

// static is what is known of a collection before there is one: the types its
// elements may have, nil if that is not known.
type static struct {
	types     []r4.TypeID
	unordered bool
}

type checker struct{ root, this static }

// check returns what e gives for an input; names that cannot be are an error.
func (c *checker) check(e expr, in static) (static, error) {
	switch e := e.(type) {
	case *dotExpr:
		mid, err := c.check(e.left, in)
		if err != nil {
			return static{}, err
		}
		return c.check(e.right, mid)
	case *member:
		return checkMember(e, in)
	case thisExpr, *thisExpr:
		return c.this, nil
	case *variable:
		if e.name == "context" {
			return c.root, nil
		}
	case *indexExpr:
		of, err := c.check(e.of, in)
		if err != nil {
			return static{}, err
		}
		if of.unordered {
			return static{}, syntax(e.pos, errUnordered)
		}
		_, err = c.check(e.index, c.this)
		return of, err
	case *typeExpr:
		if _, err := c.check(e.left, in); err != nil || !e.as {
			return static{}, err
		}
		return ofStatic(e.typ), nil
	case *unaryExpr:
		_, err := c.check(e.operand, in)
		return static{}, err
	case *callExpr:
		return c.checkCall(e, in)
	}
	return c.checkBinary(e, in)
}

func (c *checker) checkBinary(e expr, in static) (static, error) {
	b := operandsOf(e)
	if b == nil {
		return static{}, nil
	}
	l, err := c.check(b.left, in)
	if err != nil {
		return static{}, err
	}
	r, err := c.check(b.right, in)
	if _, ok := e.(*union); ok && err == nil {
		return either(l, r), nil
	}
	return static{}, err
}

func operandsOf(e expr) *binary {
	switch e := e.(type) {
	case *logic:
		return &e.binary
	case *equality:
		return &e.binary
	case *equivalence:
		return &e.binary
	case *inequality:
		return &e.binary
	case *union:
		return &e.binary
	case *membership:
		return &e.binary
	case *concat:
		return &e.binary
	case *arithmetic:
		return &e.binary
	}
	return nil
}

func either(l, r static) static {
	if l.types == nil || r.types == nil {
		return static{unordered: l.unordered || r.unordered}
	}
	return static{slices.Concat(l.types, r.types), l.unordered || r.unordered}
}

func ofStatic(t typeName) static {
	if t.fhir == 0 || t.fhir.Kind() == r4.Abstract || t.fhir == r4.Element || t.fhir == r4.BackboneElement {
		return static{}
	}
	return static{types: []r4.TypeID{t.fhir}}
}

const (
	errUnordered   = "a function that needs an order, on elements that have none,"
	errUnknownName = "a name that no element has here"
)

func checkMember(e *member, in static) (static, error) {
	if in.types == nil {
		return static{unordered: in.unordered}, nil
	}
	out := static{types: []r4.TypeID{}, unordered: in.unordered}
	found, open := false, false
	for _, t := range in.types {
		if e.typ != 0 && isSubtype(t, e.typ) {
			found = true
			out.types = append(out.types, t)
			continue
		}
		if t.Kind() == r4.Abstract { // any resource may stand here
			found, open = true, true
			continue
		}
		if t.IsPrimitive() {
			t = r4.Element
		}
		m := r4.Lookup(t, e.name)
		if m == 0 || m.IsChoice() {
			continue
		}
		found = true
		out.types = appendTypes(out.types, t, m)
	}
	if !found {
		return static{}, syntax(e.pos, errUnknownName)
	}
	if open || slices.Contains(out.types, r4.Element) || slices.Contains(out.types, r4.BackboneElement) {
		out.types = nil
	}
	return out, nil
}

// appendTypes appends the types that member m of t may have.
func appendTypes(types []r4.TypeID, t r4.TypeID, m r4.MemberID) []r4.TypeID {
	if !m.IsChoiceBase() {
		return append(types, m.Type())
	}
	for i, end := t.Members(); i < end; i++ {
		if i.IsChoice() && i.Ordinal() == m.Ordinal() {
			types = append(types, i.Type())
		}
	}
	return types
}

// checkCall checks arguments, with what they get as $this.
func (c *checker) checkCall(e *callExpr, in static) (static, error) {
	scoped, this := false, c.this
	switch e.fn.name {
	case "where", "exists", "all", "select", "repeat", "repeatAll", "sort", "iif", "trace", "aggregate":
		scoped = true
	}
	var args []static
	for i, arg := range e.args {
		if scoped && !(e.fn.name == "trace" && i == 0) && !(e.fn.name == "aggregate" && i == 1) {
			c.this = in
		}
		s, err := c.check(arg, c.this)
		c.this = this
		if err != nil {
			return static{}, err
		}
		args = append(args, s)
	}
	switch e.fn.name {
	case "first", "last", "tail", "skip", "take":
		if in.unordered {
			return static{}, syntax(e.pos, errUnordered)
		}
		return in, nil
	case "where", "single", "distinct", "trace", "defineVariable", "intersect", "exclude", "checkModifiers":
		return in, nil
	case "sort":
		return static{types: in.types}, nil
	case "select":
		return static{args[0].types, in.unordered || args[0].unordered}, nil
	case "ofType", "as":
		s := ofStatic(e.typ)
		s.unordered = in.unordered
		return s, nil
	case "union", "combine":
		return either(in, args[0]), nil
	case "iif":
		if len(args) == 3 {
			return either(args[1], args[2]), nil
		}
		return args[1], nil
	case "children", "descendants":
		return static{unordered: true}, nil
	case "extension":
		return static{types: []r4.TypeID{r4.Extension}}, nil
	}
	return static{}, nil
}
