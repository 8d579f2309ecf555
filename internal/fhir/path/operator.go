package path

// newBinary makes the expression of a binary operator.
func newBinary(op token, left, right expr) expr {
	b := binary{left: left, right: right, pos: op.pos}
	switch op.text {
	case "and", "or", "xor", "implies":
		return &logic{b, op.text[0]}
	case "=", "!=":
		return &equality{b, op.text == "!="}
	case "~", "!~":
		return &equivalence{b, op.text == "!~"}
	case "<", "<=", ">", ">=":
		return &inequality{b, op.text}
	case "|":
		return &union{b}
	case "in":
		return &membership{b}
	case "contains":
		return &membership{binary{left: right, right: left, pos: op.pos}}
	case "&":
		return &concat{b}
	}
	return &arithmetic{b, op.text[0], op.text == "div"}
}

type binary struct {
	left, right expr
	pos         int
}

func (e *binary) operands(c *evaluation, in Collection) (l, r Collection, err error) {
	if err = c.spend(0); err != nil {
		return nil, nil, failed(e.pos, err)
	}
	vars := c.vars
	if l, err = e.left.eval(c, in); err == nil {
		c.vars = vars
		r, err = e.right.eval(c, in)
	}
	c.vars = vars
	return l, r, err
}

// logic is and, or, xor and implies, in three-valued logic.
type logic struct {
	binary
	op byte
}

func (e *logic) eval(c *evaluation, in Collection) (Collection, error) {
	if err := c.spend(0); err != nil {
		return nil, failed(e.pos, err)
	}
	l, lKnown, err := e.side(c, e.left, in)
	if err != nil {
		return nil, err
	}
	if e.op == 'i' {
		l = !l // A implies B is: not A, or B
	}
	if lKnown && (e.op == 'a' && !l || (e.op == 'o' || e.op == 'i') && l) {
		return c.truth(e.op != 'a'), nil
	}
	r, rKnown, err := e.side(c, e.right, in)
	if err != nil {
		return nil, err
	}
	switch {
	case e.op == 'a' && rKnown && !r:
		return c.truth(false), nil
	case (e.op == 'o' || e.op == 'i') && rKnown && r:
		return c.truth(true), nil
	case !lKnown || !rKnown:
		return nil, nil
	case e.op == 'x':
		return c.truth(l != r), nil
	}
	return c.truth(r), nil // l decided nothing
}

func (e *logic) side(c *evaluation, x expr, in Collection) (b, known bool, err error) {
	vars := c.vars
	v, err := x.eval(c, in)
	c.vars = vars
	if err != nil {
		return false, false, err
	}
	if b, known, err = v.truth(); err != nil {
		err = failed(e.pos, err)
	}
	return b, known, err
}

type equality struct {
	binary
	not bool
}

func (e *equality) eval(c *evaluation, in Collection) (Collection, error) {
	l, r, err := e.operands(c, in)
	if err != nil || len(l) == 0 || len(r) == 0 {
		return nil, err
	}
	res, err := c.equalCollections(l, r)
	if err != nil {
		return nil, failed(e.pos, err)
	}
	if res == unknown {
		return nil, nil
	}
	return c.truth((res == yes) != e.not), nil
}

type equivalence struct {
	binary
	not bool
}

func (e *equivalence) eval(c *evaluation, in Collection) (Collection, error) {
	l, r, err := e.operands(c, in)
	if err != nil {
		return nil, err
	}
	same, err := c.equivalentCollections(l, r)
	if err != nil {
		return nil, failed(e.pos, err)
	}
	return c.truth(same != e.not), nil
}

type inequality struct {
	binary
	op string
}

func (e *inequality) eval(c *evaluation, in Collection) (Collection, error) {
	l, r, err := e.operands(c, in)
	if err != nil || len(l) == 0 || len(r) == 0 {
		return nil, err
	}
	if len(l) > 1 || len(r) > 1 {
		return nil, failed(e.pos, errMany)
	}
	order, known, err := compare(l[0], r[0])
	if err != nil {
		return nil, failed(e.pos, err)
	}
	if !known {
		return nil, nil
	}
	var b bool
	switch e.op {
	case "<":
		b = order < 0
	case "<=":
		b = order <= 0
	case ">":
		b = order > 0
	default:
		b = order >= 0
	}
	return c.truth(b), nil
}

type union struct{ binary }

func (e *union) eval(c *evaluation, in Collection) (Collection, error) {
	l, r, err := e.operands(c, in)
	if err != nil {
		return nil, err
	}
	if len(l) == 0 && len(r) < 2 {
		return r, nil
	}
	out, err := c.distinct(l, r)
	if err != nil {
		return nil, failed(e.pos, err)
	}
	return out, nil
}

// membership is: left in right.
type membership struct{ binary }

func (e *membership) eval(c *evaluation, in Collection) (Collection, error) {
	l, r, err := e.operands(c, in)
	switch {
	case err != nil || len(l) == 0:
		return nil, err
	case len(l) > 1:
		return nil, failed(e.pos, errMany)
	}
	for _, v := range r {
		res, err := c.equal(l[0], v)
		if err != nil {
			return nil, failed(e.pos, err)
		}
		if res == yes {
			return c.truth(true), nil
		}
	}
	return c.truth(false), nil
}

// concat joins strings; nothing is the empty string.
type concat struct{ binary }

func (e *concat) eval(c *evaluation, in Collection) (Collection, error) {
	l, r, err := e.operands(c, in)
	if err != nil {
		return nil, err
	}
	var parts [2]string
	for i, side := range [...]Collection{l, r} {
		s, ok, err := singleString(side)
		if err != nil {
			return nil, failed(e.pos, err)
		}
		if ok {
			parts[i] = s
		}
	}
	out, err := c.text(parts[0] + parts[1])
	if err != nil {
		return nil, failed(e.pos, err)
	}
	return out, nil
}

type unaryExpr struct {
	operand expr
	minus   bool
	pos     int
}

func (e *unaryExpr) eval(c *evaluation, in Collection) (Collection, error) {
	of, err := e.operand.eval(c, in)
	if err != nil || len(of) == 0 {
		return nil, err
	}
	if len(of) > 1 {
		return nil, failed(e.pos, errMany)
	}
	v := of[0].system()
	if !v.isNumber() && v.kind != QuantityKind {
		return nil, failed(e.pos, errType)
	}
	if !e.minus {
		return of, nil
	}
	return c.number(negate(v)), nil
}

func negate(v Value) Value {
	switch v.kind {
	case Integer, Long:
		v.i = -v.i
	case DecimalKind:
		v.x = v.decimal().neg()
	case QuantityKind:
		q := v.quantity()
		q.value = q.value.neg()
		v.x = q
	}
	return v
}

// number makes the collection of a result; one out of range is nothing.
func (c *evaluation) number(v Value) Collection {
	switch v.kind {
	case Integer:
		if v.i != int64(int32(v.i)) {
			return nil
		}
	case DecimalKind:
		if !v.decimal().fits() {
			return nil
		}
	case QuantityKind:
		if !v.quantity().value.fits() {
			return nil
		}
	}
	return c.one(v)
}

const maxText = 1 << 20 // bytes of one string that an evaluation makes

// text makes the collection of a string that was made.
func (c *evaluation) text(s string) (Collection, error) {
	if len(s) > maxText {
		return nil, ErrTooCostly
	}
	if err := c.spend(len(s) / 16); err != nil {
		return nil, err
	}
	return c.one(OfString(s)), nil
}

// singleInteger takes the only item as an integer.
func singleInteger(in Collection) (int64, error) {
	if len(in) != 1 {
		return 0, errMany
	}
	v := in[0].system()
	if v.kind != Integer && v.kind != Long {
		return 0, errType
	}
	return v.i, nil
}

// singleString takes the only item as a string; ok is false if there is none.
func singleString(in Collection) (s string, ok bool, err error) {
	switch len(in) {
	case 0:
		return "", false, nil
	case 1:
		v := in[0].system()
		if v.kind == Element && v.node.IsPrimitive() {
			return "", false, nil // an element without value
		}
		if v.kind != String {
			return "", false, errType
		}
		return v.s, true, nil
	}
	return "", false, errMany
}
