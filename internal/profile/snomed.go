package profile

import (
	"regexp"
	"strings"
)

const snomedCT = "http://snomed.info/sct"

// badConcept reports whether a code cannot be one of SNOMED CT: neither the form of
// a concept's identifier (SCTID: 6 to 18 digits, of which the last checks the
// others, and the two before it say that it is of a concept) nor that of an
// expression, which is not read.
func badConcept(code string) bool {
	if strings.Trim(code, "0123456789") != "" {
		return !strings.ContainsAny(code[:1], "0123456789=<(")
	}
	n := len(code)
	if n < 6 || n > 18 || code[0] == '0' {
		return true
	}
	if kind := code[n-3 : n-1]; kind != "00" && kind != "10" {
		return true
	}
	check := byte(0)
	for i := range n {
		digit := code[n-1-i] - '0'
		for range i % 8 {
			digit = verhoeffTurn[digit]
		}
		check = dihedral(check, digit)
	}
	return check != 0
}

// verhoeffTurn is the permutation of Verhoeff's scheme, dihedral its group.
var verhoeffTurn = [10]byte{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}

func dihedral(a, b byte) byte {
	switch {
	case a < 5 && b < 5:
		return (a + b) % 5
	case a < 5:
		return (a+b)%5 + 5
	case b < 5:
		return (a-b)%5 + 5
	}
	return (a - b + 5) % 5
}

// badECL reports whether a text is none of SNOMED CT's expression constraint
// language (ECL 2.2, brief and long syntax), which the filter constraint of a value
// set is written in (FHIR R4, Using SNOMED CT with FHIR). Operands and operators
// must stand in turn; what stands in filters ({{ … }}) and terms is not read, and
// a text that takes too much work is let pass.
func badECL(text string) bool {
	p := &eclParser{rest: text, work: 20_000}
	return !(p.constraint(0) && p.end()) && p.work > 0
}

type eclParser struct {
	rest string
	work int
}

var (
	eclSpace       = regexp.MustCompile(`^(?:[ \t\r\n]+|(?s:/\*.*?\*/))+`)
	eclOperator    = regexp.MustCompile(`^(?:<<!|<<|<!|<|>>!|>>|>!|>|!!>|!!<|(?i:descendantOrSelfOf|descendantOf|childOrSelfOf|childOf|ancestorOrSelfOf|ancestorOf|parentOrSelfOf|parentOf|top|bottom)\b)`)
	eclMember      = regexp.MustCompile(`^(?:\^|(?i:memberOf)\b)(?:[ \t\r\n]*\[[^\]]*\])?`)
	eclConcept     = regexp.MustCompile(`^(?:[0-9]{6,18}|[A-Za-z][A-Za-z0-9-]*#(?:[A-Za-z0-9._-]+|"[^"]*")|"[^"]*#[^"]*")`)
	eclTerm        = regexp.MustCompile(`^\|[^|]*\|`)
	eclFilter      = regexp.MustCompile(`^\{\{(?:[^"}]|"(?:[^"\\]|\\.)*"|\}[^}])*\}\}`)
	eclJoin        = regexp.MustCompile(`^(?:,|(?i:and|or|minus)\b)`)
	eclCardinality = regexp.MustCompile(`^\[[ ]*[0-9]+[ ]*(?:\.\.|(?i:to))[ ]*(?:[0-9]+|\*|(?i:many))[ ]*\]`)
	eclReverse     = regexp.MustCompile(`^(?:[rR]\b|(?i:reverseOf)\b)`)
	eclCompare     = regexp.MustCompile(`^(?:!=|<>|<=|>=|=|<|>)`)
	eclValue       = regexp.MustCompile(`^(?:#[+-]?[0-9]+(?:\.[0-9]+)?|(?:[A-Za-z]+:)?"(?:[^"\\]|\\.)*"|(?i:true|false)\b)`)
	eclAny         = regexp.MustCompile(`^(?:\*|(?i:any)\b)`)
	eclValues      = regexp.MustCompile(`^\((?:[ \t\r\n]*(?:#[+-]?[0-9.]+|"(?:[^"\\]|\\.)*"))+[ \t\r\n]*\)`)
)

func (p *eclParser) space() { p.rest = p.rest[len(eclSpace.FindString(p.rest)):] }

// take takes what a pattern finds after white space.
func (p *eclParser) take(pattern *regexp.Regexp) bool {
	p.space()
	found := pattern.FindString(p.rest)
	p.rest = p.rest[len(found):]
	return found != ""
}

func (p *eclParser) sign(s string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, s)
	p.rest = rest
	return ok
}

func (p *eclParser) end() bool {
	p.space()
	return p.rest == ""
}

// try goes back to where it was if what it tries is not there.
func (p *eclParser) try(what func() bool) bool {
	before := p.rest
	if what() {
		return true
	}
	p.rest = before
	return false
}

const eclDepth = 60

// constraint is operands joined by operators, with a refinement or attributes
// behind a point.
func (p *eclParser) constraint(depth int) bool {
	if !p.operand(depth) {
		return false
	}
	for p.take(eclJoin) {
		if !p.operand(depth) {
			return false
		}
	}
	for p.sign(".") {
		if !p.operand(depth) {
			return false
		}
	}
	return !p.sign(":") || p.refinement(depth)
}

func (p *eclParser) operand(depth int) bool {
	if p.work--; p.work <= 0 || depth > eclDepth {
		p.work = 0
		return false
	}
	p.take(eclOperator)
	p.take(eclMember)
	switch {
	case p.sign("("):
		if !p.constraint(depth+1) || !p.sign(")") {
			return false
		}
	case p.take(eclAny):
	case p.take(eclConcept):
		p.take(eclTerm)
	default:
		return false
	}
	for p.take(eclFilter) {
	}
	return true
}

// refinement is attributes and groups of them.
func (p *eclParser) refinement(depth int) bool {
	if p.work--; p.work <= 0 || depth > eclDepth {
		p.work = 0
		return false
	}
	for {
		if !p.refined(depth) {
			return false
		}
		if !p.take(eclJoin) {
			return true
		}
	}
}

func (p *eclParser) refined(depth int) bool {
	bracketed := func() bool {
		return p.sign("(") && p.refinement(depth+1) && p.sign(")")
	}
	if p.try(bracketed) {
		return true
	}
	p.take(eclCardinality)
	if p.sign("{") {
		return p.refinement(depth+1) && p.sign("}")
	}
	p.take(eclCardinality)
	p.take(eclReverse)
	if !p.operand(depth+1) || !p.take(eclCompare) {
		return false
	}
	return p.take(eclValue) || p.take(eclValues) || p.operand(depth+1)
}
