package path

const (
	maxSource = 64 << 10 // bytes of an expression
	maxDepth  = 200      // nested brackets and operators
)

type parser struct {
	lex   lexer
	tok   token
	depth int
}

func parse(src string) (expr, error) {
	if len(src) > maxSource {
		return nil, syntax(maxSource, "more text than this server takes")
	}
	p := &parser{lex: lexer{src: src}}
	if err := p.advance(); err != nil {
		return nil, err
	}
	e, err := p.expression(0)
	if err == nil && p.tok.kind != tokEnd {
		err = p.unexpected()
	}
	return e, err
}

func (p *parser) advance() (err error) {
	p.tok, err = p.lex.next()
	return err
}

func (p *parser) unexpected() error {
	if p.tok.kind == tokEnd {
		return syntax(p.tok.pos, "an end too soon")
	}
	return syntax(p.tok.pos, "something unexpected")
}

func (p *parser) is(symbol string) bool { return p.tok.kind == tokSymbol && p.tok.text == symbol }

func (p *parser) expect(symbol string) error {
	if !p.is(symbol) {
		return p.unexpected()
	}
	return p.advance()
}

// Levels of precedence, loosest first.
const (
	precImplies = iota + 1
	precOr
	precAnd
	precMembership
	precEquality
	precInequality
	precUnion
	precType
	precAdditive
	precMultiplicative
)

// operator returns the binary operator at the token, 0 if there is none.
func (p *parser) operator() (level int) {
	switch p.tok.kind {
	case tokSymbol:
		switch p.tok.text {
		case "=", "~", "!=", "!~":
			return precEquality
		case "<", ">", "<=", ">=":
			return precInequality
		case "|":
			return precUnion
		case "+", "-", "&":
			return precAdditive
		case "*", "/":
			return precMultiplicative
		}
	case tokWord:
		switch p.tok.text {
		case "implies":
			return precImplies
		case "or", "xor":
			return precOr
		case "and":
			return precAnd
		case "in", "contains":
			return precMembership
		case "is", "as":
			return precType
		case "div", "mod":
			return precMultiplicative
		}
	}
	return 0
}

func (p *parser) expression(above int) (expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, syntax(p.tok.pos, "more nesting than this server takes")
	}
	defer func() { p.depth-- }()
	left, err := p.unary()
	for err == nil {
		level := p.operator()
		if level <= above {
			return left, nil
		}
		left, err = p.binary(left, level)
	}
	return nil, err
}

func (p *parser) binary(left expr, level int) (expr, error) {
	op := p.tok
	if err := p.advance(); err != nil {
		return nil, err
	}
	if level == precType {
		t, err := p.typeSpecifier()
		if err != nil {
			return nil, err
		}
		return &typeExpr{left: left, typ: t, as: op.text == "as", pos: op.pos}, nil
	}
	right, err := p.expression(level)
	if err != nil {
		return nil, err
	}
	return newBinary(op, left, right), nil
}

func (p *parser) unary() (expr, error) {
	if !p.is("-") && !p.is("+") {
		return p.postfix()
	}
	op := p.tok
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.depth++; p.depth > maxDepth {
		return nil, syntax(p.tok.pos, "more nesting than this server takes")
	}
	defer func() { p.depth-- }()
	operand, err := p.unary()
	return &unaryExpr{operand: operand, minus: op.text == "-", pos: op.pos}, err
}

func (p *parser) postfix() (expr, error) {
	e, err := p.term()
	for err == nil {
		switch {
		case p.is("."):
			if err = p.advance(); err != nil {
				return nil, err
			}
			var right expr
			right, err = p.invocation(false)
			e = &dotExpr{e, right}
		case p.is("["):
			pos := p.tok.pos
			if err = p.advance(); err != nil {
				return nil, err
			}
			var index expr
			if index, err = p.expression(0); err == nil {
				err = p.expect("]")
			}
			e = &indexExpr{of: e, index: index, pos: pos}
		default:
			return e, nil
		}
	}
	return nil, err
}

func (p *parser) term() (expr, error) {
	t := p.tok
	switch t.kind {
	case tokSymbol:
		return p.symbolTerm()
	case tokWord:
		if t.text == "true" || t.text == "false" {
			return &literal{Collection{OfBool(t.text == "true")}}, p.advance()
		}
		return p.invocation(true)
	case tokDelimited:
		return p.invocation(true)
	case tokEnd:
		return nil, p.unexpected()
	}
	return p.literal()
}

func (p *parser) symbolTerm() (expr, error) {
	t := p.tok
	switch t.text {
	case "(":
		if err := p.advance(); err != nil {
			return nil, err
		}
		e, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		return e, p.expect(")")
	case "{":
		if err := p.advance(); err != nil {
			return nil, err
		}
		return &literal{}, p.expect("}")
	case "%":
		if err := p.advance(); err != nil {
			return nil, err
		}
		name := p.tok
		if name.kind != tokWord && name.kind != tokDelimited && name.kind != tokString {
			return nil, p.unexpected()
		}
		return &variable{name: name.text, pos: t.pos}, p.advance()
	}
	return p.invocation(true)
}

// isSoft reports the operators that are names as well. Behind a point every
// word is a name: authors write text.div.
func isSoft(word string) bool {
	return word == "is" || word == "as" || word == "in" || word == "contains"
}

// invocation is what may follow a point: a member, a function, $this.
func (p *parser) invocation(start bool) (expr, error) {
	t := p.tok
	switch {
	case p.is("$this"):
		return &thisExpr{}, p.advance()
	case p.is("$index"):
		return &indexVar{pos: t.pos}, p.advance()
	case p.is("$total"):
		return &totalVar{}, p.advance()
	case t.kind != tokWord && t.kind != tokDelimited:
		return nil, p.unexpected()
	case start && t.kind == tokWord && p.operator() != 0 && !isSoft(t.text):
		return nil, p.unexpected()
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.is("(") {
		return p.call(t)
	}
	return newMember(t.text, start, t.pos), nil
}

func (p *parser) call(name token) (expr, error) {
	f, ok := findFunction(name.text)
	if !ok {
		return nil, syntax(name.pos, "a function that is not of FHIRPath")
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	c := &callExpr{fn: f, pos: name.pos}
	for !p.is(")") {
		if len(c.args) > 0 || c.typ != (typeName{}) {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		if err := p.argument(c); err != nil {
			return nil, err
		}
	}
	n := len(c.args)
	if f.special == typeArgument {
		n = 1
		if c.typ == (typeName{}) && !c.typed {
			n = 0
		}
	}
	if n < f.min || f.max >= 0 && n > f.max {
		return nil, syntax(name.pos, "a function with the wrong number of arguments")
	}
	if err := c.prepare(); err != nil {
		return nil, err
	}
	return c, p.advance()
}

func (p *parser) argument(c *callExpr) (err error) {
	if c.fn.special == typeArgument {
		if c.typed {
			return p.unexpected()
		}
		c.typed = true
		c.typ, err = p.typeSpecifier()
		return err
	}
	from := p.tok
	arg, err := p.expression(0)
	if err != nil {
		return err
	}
	if c.fn.special == sortArgument {
		down := from.kind == tokSymbol && from.text == "-"
		if u, ok := arg.(*unaryExpr); ok && down {
			arg = u.operand
		} else {
			down = false
		}
		if p.tok.kind == tokWord && (p.tok.text == "asc" || p.tok.text == "desc") {
			down = p.tok.text == "desc"
			err = p.advance()
		}
		c.down = append(c.down, down)
	}
	c.args = append(c.args, arg)
	return err
}

func (p *parser) typeSpecifier() (typeName, error) {
	pos := p.tok.pos
	var parts []string
	for {
		if p.tok.kind != tokWord && p.tok.kind != tokDelimited {
			return typeName{}, p.unexpected()
		}
		parts = append(parts, p.tok.text)
		if err := p.advance(); err != nil {
			return typeName{}, err
		}
		// After a name that is a whole type, a point begins the next step.
		if !p.is(".") || len(parts) == 2 || parts[0] != "FHIR" && parts[0] != "System" {
			break
		}
		if err := p.advance(); err != nil {
			return typeName{}, err
		}
	}
	t, ok := resolveType(parts)
	if !ok {
		return t, syntax(pos, "a type that neither FHIR nor FHIRPath has")
	}
	return t, nil
}
