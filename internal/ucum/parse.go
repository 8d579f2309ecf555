package ucum

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// parser walks one code. Its faults tell the place: a code may have been typed
// over a value.
type parser struct {
	code  string
	at    int
	depth int
}

func evaluate(code string, depth int) (term, error) {
	p := parser{code: code, depth: depth}
	t, err := p.main()
	if err == nil && p.at < len(code) {
		err = p.fail("there is something after the end of the unit")
	}
	return t, err
}

func (p *parser) fail(why string) error {
	return fault.New(fault.Invalid, "ucum.Parse",
		fmt.Sprintf("Not a UCUM unit: at character %d, %s.", p.at+1, why))
}

func (p *parser) peek() byte {
	if p.at < len(p.code) {
		return p.code[p.at]
	}
	return 0
}

// main reads <main-term>: a term, inverted if a solidus leads it.
func (p *parser) main() (term, error) {
	if p.peek() == '/' {
		return p.operators(number(big.NewRat(1, 1)))
	}
	return p.term()
}

func (p *parser) term() (term, error) {
	t, err := p.component()
	if err != nil {
		return t, err
	}
	return p.operators(t)
}

// operators applies what follows t, from left to right.
func (p *parser) operators(t term) (term, error) {
	for p.peek() == '.' || p.peek() == '/' {
		from, sign := p.at, 1
		if p.peek() == '/' {
			sign = -1
		}
		p.at++
		o, err := p.component()
		if err != nil {
			return t, err
		}
		var ok bool
		if t, ok = t.combine(o, sign); !ok {
			p.at = from
			return t, p.fail("the units cannot be combined")
		}
	}
	return t, nil
}

func (p *parser) component() (term, error) {
	read := p.simple
	switch p.peek() {
	case '(':
		read = p.nested
	case '{':
		return number(big.NewRat(1, 1)), p.annotation()
	case 0:
		return term{}, p.fail("a unit is missing")
	}
	// The grammar has annotations behind atoms only; UCUM's own examples have
	// them behind numbers and parentheses too.
	t, err := read()
	if err == nil && p.peek() == '{' {
		err = p.annotation()
	}
	return t, err
}

func (p *parser) nested() (term, error) {
	if p.depth++; p.depth > maxNesting {
		return term{}, p.fail("it is nested too deeply")
	}
	p.at++
	t, err := p.term()
	if err != nil {
		return t, err
	}
	if p.peek() != ')' {
		return t, p.fail("a closing parenthesis is missing")
	}
	p.at++
	p.depth--
	return t, nil
}

// annotation passes over what is in curly braces; it means nothing (§6).
func (p *parser) annotation() error {
	for p.at++; p.at < len(p.code); p.at++ {
		switch c := p.code[p.at]; {
		case c == '}':
			p.at++
			return nil
		case c == '{' || c < 33 || c > 126:
			return p.fail("an annotation has a character it may not have")
		}
	}
	return p.fail("a closing brace is missing")
}

// simple reads a number, or an atom with its prefix and exponent.
func (p *parser) simple() (term, error) {
	from := p.at
	if err := p.symbol(); err != nil {
		return term{}, err
	}
	sym := p.code[from:p.at]
	name := strings.TrimRight(sym, "0123456789")
	signed := p.peek() == '+' || p.peek() == '-'
	if name == "" && !signed {
		n, ok := new(big.Rat).SetString(sym)
		if !ok || n.Sign() == 0 {
			p.at = from
			return term{}, p.fail("a positive number or a unit is missing")
		}
		return number(n), nil
	}
	exponent := sym[len(name):]
	if signed {
		name, exponent = sym, p.signed()
	}
	t, found, err := resolve(name, p.depth)
	if err != nil {
		return term{}, err
	}
	if !found {
		p.at = from
		return term{}, p.fail("the unit is not known")
	}
	if exponent == "" && !signed {
		return t, nil
	}
	n, err := strconv.Atoi(exponent)
	if err != nil {
		return term{}, p.fail("an exponent is not a number or too great")
	}
	t, ok := t.raise(n)
	if !ok {
		p.at = from
		return t, p.fail("the unit cannot be raised to that power")
	}
	return t, nil
}

// symbol passes over the characters of an atom or number (§§3, 5).
func (p *parser) symbol() error {
	bracket := false
	for ; p.at < len(p.code); p.at++ {
		switch c := p.code[p.at]; {
		case c < 33 || c > 126:
			return p.fail("there is a character that no unit has")
		case c == ']' && bracket:
			bracket = false
		case c == '[' && !bracket:
			bracket = true
		case c == '[' || c == ']':
			return p.fail("square brackets do not match")
		case !bracket && strings.IndexByte(`"()+-./={}`, c) >= 0:
			return nil
		}
	}
	if bracket {
		return p.fail("square brackets do not match")
	}
	return nil
}

func (p *parser) signed() string {
	from := p.at
	for p.at++; p.at < len(p.code) && p.code[p.at] >= '0' && p.code[p.at] <= '9'; p.at++ {
	}
	return p.code[from:p.at]
}
