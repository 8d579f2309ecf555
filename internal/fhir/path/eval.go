package path

import (
	"hash/maphash"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// expr is one part of a compiled expression. in is the input collection; what
// stands at the start of an expression gets $this.
type expr interface {
	eval(c *evaluation, in Collection) (Collection, error)
}

// evaluation is the state of one evaluation.
type evaluation struct {
	env     *Env
	steps   int
	depth   int
	this    Collection
	context Collection
	index   int
	total   Collection
	vars    *binding
	chunk   []Value
	inline  [4]Value     // the first chunk
	seed    maphash.Seed // of the sums of elements, made with the first set
	seeded  bool
}

// binding is a variable of defineVariable() and those defined before it.
type binding struct {
	name  string
	value Collection
	next  *binding
}

// spend counts work.
func (c *evaluation) spend(n int) error {
	if c.steps -= n + 1; c.steps < 0 {
		return ErrTooCostly
	}
	return nil
}

// one makes a collection of one value, without an allocation of its own.
func (c *evaluation) one(v Value) Collection {
	if len(c.chunk) == cap(c.chunk) {
		c.chunk = make([]Value, 0, min(2*cap(c.chunk)+2, 64))
	}
	n := len(c.chunk)
	c.chunk = append(c.chunk, v)
	return Collection(c.chunk[n : n+1 : n+1])
}

func (c *evaluation) truth(b bool) Collection { return c.one(OfBool(b)) }

// with evaluates an argument on one item as $this.
func (c *evaluation) with(item Collection, index int, e expr) (Collection, error) {
	this, at, vars := c.this, c.index, c.vars
	c.this, c.index = item, index
	out, err := e.eval(c, item)
	c.this, c.index, c.vars = this, at, vars
	return out, err
}

// argument evaluates an argument where the function stands.
func (c *evaluation) argument(e expr) (Collection, error) {
	vars := c.vars
	out, err := e.eval(c, c.this)
	c.vars = vars
	return out, err
}

type literal struct{ value Collection }

func (e *literal) eval(*evaluation, Collection) (Collection, error) { return e.value, nil }

type thisExpr struct{}

func (thisExpr) eval(c *evaluation, _ Collection) (Collection, error) { return c.this, nil }

type totalVar struct{}

func (totalVar) eval(c *evaluation, _ Collection) (Collection, error) { return c.total, nil }

type indexVar struct{ pos int }

func (e *indexVar) eval(c *evaluation, _ Collection) (Collection, error) {
	return c.one(integer(int64(c.index))), nil
}

// dotExpr passes the left side's items to the right.
type dotExpr struct{ left, right expr }

func (e *dotExpr) eval(c *evaluation, in Collection) (Collection, error) {
	mid, err := e.left.eval(c, in)
	if err != nil {
		return nil, err
	}
	return e.right.eval(c, mid)
}

// member is a step to the children of a name. At the start of an expression it
// may also name the type of the focus.
type member struct {
	name string
	typ  r4.TypeID // of that name, if it stands at the start
	pos  int
}

func newMember(name string, start bool, pos int) *member {
	m := &member{name: name, pos: pos}
	if start {
		m.typ = r4.TypeByName(name)
	}
	return m
}

func (e *member) eval(c *evaluation, in Collection) (Collection, error) {
	var out Collection
	seen := 0
	for i := range in {
		v := &in[i]
		if v.kind != Element {
			if s, ok := systemMember(*v, e.name); ok {
				out = append(out, s)
			}
			continue
		}
		t := v.node.TypeID()
		if e.typ != 0 && isSubtype(t, e.typ) {
			out = append(out, *v)
			continue
		}
		if t.IsPrimitive() {
			t = r4.Element
		}
		m := r4.Lookup(t, e.name)
		if m.IsChoice() { // value[x] is called value
			continue
		}
		seen += v.node.Scan(m, func(child fhir.Node) {
			if out == nil {
				out = c.one(Of(child))
			} else {
				out = append(out, Of(child))
			}
		})
	}
	if err := c.spend(len(in) + len(out) + seen/8); err != nil {
		return nil, failed(e.pos, err)
	}
	return out, nil
}

// systemMember returns a part of a System value.
func systemMember(v Value, name string) (Value, bool) {
	switch v.kind {
	case TypeInfo:
		s, ok := v.x.(typeInfo).member(name)
		return OfString(s), ok
	case QuantityKind:
		switch q := v.quantity(); name {
		case "value":
			return decimal(q.value), true
		case "unit":
			if q.calendar != 0 {
				return OfString(calendarNames[q.calendar]), true
			}
			return OfString(q.unit), true
		}
	}
	return Value{}, false
}

type indexExpr struct {
	of, index expr
	pos       int
}

func (e *indexExpr) eval(c *evaluation, in Collection) (Collection, error) {
	of, err := e.of.eval(c, in)
	if err != nil {
		return nil, err
	}
	at, err := c.argument(e.index)
	if err != nil || len(at) == 0 {
		return nil, err
	}
	i, err := singleInteger(at)
	if err != nil {
		return nil, failed(e.pos, err)
	}
	if i < 0 || i >= int64(len(of)) {
		return nil, nil
	}
	return of[i : i+1 : i+1], nil
}

// variable is %name.
type variable struct {
	name string
	pos  int
}

func (e *variable) eval(c *evaluation, _ Collection) (Collection, error) {
	for b := c.vars; b != nil; b = b.next {
		if b.name == e.name {
			return b.value, nil
		}
	}
	if v, ok := c.env.Vars[e.name]; ok {
		return v, nil
	}
	switch e.name {
	case "context":
		return c.context, nil
	case "resource":
		return c.nodes(c.resource()), nil
	case "rootResource":
		return c.nodes(c.rootResource()), nil
	}
	if s, ok := constant(e.name); ok {
		return c.one(OfString(s)), nil
	}
	return nil, failed(e.pos, errVariable)
}

func (c *evaluation) nodes(n fhir.Node) Collection {
	if !n.Exists() {
		return nil
	}
	return c.one(Of(n))
}

func (c *evaluation) resource() fhir.Node {
	if !c.env.Resource.Exists() && len(c.context) == 1 {
		return c.context[0].node
	}
	return c.env.Resource
}

func (c *evaluation) rootResource() fhir.Node {
	if !c.env.RootResource.Exists() {
		return c.resource()
	}
	return c.env.RootResource
}

// constant returns the variables that FHIRPath and FHIR define as fixed texts.
func constant(name string) (string, bool) {
	switch name {
	case "ucum":
		return "http://unitsofmeasure.org", true
	case "sct":
		return "http://snomed.info/sct", true
	case "loinc":
		return "http://loinc.org", true
	case "us-zip":
		return "[0-9]{5}(-[0-9]{4}){0,1}", true
	}
	if s, ok := strings.CutPrefix(name, "vs-"); ok {
		return "http://hl7.org/fhir/ValueSet/" + s, true
	}
	if s, ok := strings.CutPrefix(name, "ext-"); ok {
		return "http://hl7.org/fhir/StructureDefinition/" + s, true
	}
	return "", false
}

// typeExpr is the operators is and as.
type typeExpr struct {
	left expr
	typ  typeName
	as   bool
	pos  int
}

func (e *typeExpr) eval(c *evaluation, in Collection) (Collection, error) {
	of, err := e.left.eval(c, in)
	if err != nil {
		return nil, err
	}
	if e.as {
		of, err = c.as(of, e.typ)
	} else {
		of, err = c.is(of, e.typ)
	}
	if err != nil {
		return nil, failed(e.pos, err)
	}
	return of, nil
}

func (c *evaluation) is(in Collection, t typeName) (Collection, error) {
	switch len(in) {
	case 0:
		return nil, nil
	case 1:
		return c.truth(t.has(in[0])), nil
	}
	return nil, errMany
}

func (c *evaluation) as(in Collection, t typeName) (Collection, error) {
	if len(in) > 1 && !c.env.AsFilters {
		return nil, errMany
	}
	return c.ofType(in, t)
}

func (c *evaluation) ofType(in Collection, t typeName) (Collection, error) {
	var out Collection
	for i, v := range in {
		if t.has(v) {
			if len(in) == 1 {
				return in, nil
			}
			out = append(out, in[i])
		}
	}
	return out, c.spend(len(in))
}
