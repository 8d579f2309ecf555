package search

import (
	"bytes"
	"strings"
)

// pred is one alternative a client asked for: it accepts or refuses one value.
// Preds are immutable and know nothing of tokens; plan_*.go turns each kind
// into a superset expression, and a test proves that it is one.
type pred interface{ match(v *value) bool }

// op is a prefix of an ordered value.
type op byte

const (
	opEq op = iota
	opNe
	opGt
	opLt
	opGe
	opLe
	opSa
	opEb
	opAp
)

var opNames = [...]string{"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"}

// cutOp splits a prefix off a value.
func cutOp(s string) (op, string) {
	for i, name := range opNames {
		if len(s) > 2 && s[:2] == name {
			return op(i), s[2:]
		}
	}
	return opEq, s
}

// tokenPred asks for a code, a system, or both.
type tokenPred struct {
	anySystem bool // no bar was given
	system    []byte
	code      []byte // empty: any code of the system
	lower     []byte // code, folded
}

func (p *tokenPred) match(v *value) bool {
	switch {
	case p.anySystem:
	case !v.hasSystem:
		if v.field.system(v.code) != string(p.system) {
			return false
		}
	case !bytes.Equal(v.system, p.system):
		return false
	}
	switch {
	case len(p.code) == 0:
		return true
	case v.folds: // such values are stored folded
		return bytes.Equal(v.code, p.lower)
	}
	return bytes.Equal(v.code, p.code)
}

type stringMode byte

const (
	textStarts stringMode = iota
	textExact
	textContains
	textEquals // in normal form, like those below
	textBegins
	textEnds
)

// stringPred asks for a text: original for :exact, else normalised.
type stringPred struct {
	mode     stringMode
	original []byte
	norm     []byte
}

func (p *stringPred) match(v *value) bool {
	if p.mode == textExact {
		return bytes.Equal(v.code, p.original)
	}
	// A value without a normal form of its own is ASCII and compares after
	// lowering each byte.
	hay, fold := v.norm, false
	switch {
	case hay != nil:
	case v.kind == kindLabel:
		hay = []byte(normalize(string(v.code)))
	default:
		hay, fold = v.code, true
	}
	switch over := len(hay) - len(p.norm); {
	case over < 0, p.mode == textEquals && over > 0:
		return false
	case p.mode == textEnds:
		return hasPrefix(hay[over:], p.norm, fold)
	case p.mode == textEquals, p.mode == textBegins:
		return hasPrefix(hay, p.norm, fold)
	}
	for i := 0; i+len(p.norm) <= len(hay); i++ {
		switch {
		case i == 0 || p.mode == textContains:
		case !v.words:
			return false
		case hay[i-1] != ' ':
			continue
		}
		if hasPrefix(hay[i:], p.norm, fold) {
			return true
		}
	}
	return false
}

func hasPrefix(hay, needle []byte, fold bool) bool {
	if !fold {
		return bytes.HasPrefix(hay, needle)
	}
	for i, c := range needle {
		if lower(hay[i]) != c {
			return false
		}
	}
	return true
}

// datePred compares a span of time. at is the span as written, or widened for ap.
type datePred struct {
	op op
	at span
}

func (p *datePred) match(v *value) bool {
	t := v.span
	switch p.op {
	case opEq:
		return t.lo >= p.at.lo && t.hi <= p.at.hi
	case opNe:
		return t.lo < p.at.lo || t.hi > p.at.hi
	case opGt:
		return t.hi > p.at.hi
	case opLt:
		return t.lo < p.at.lo
	case opGe:
		return t.hi > p.at.hi || t.lo >= p.at.lo && t.hi <= p.at.hi
	case opLe:
		return t.lo < p.at.lo || t.lo >= p.at.lo && t.hi <= p.at.hi
	case opSa:
		return t.lo > p.at.hi
	case opEb:
		return t.hi < p.at.lo
	default:
		return t.lo <= p.at.hi && t.hi >= p.at.lo
	}
}

// numberPred compares a number: with the exact one for the ordering prefixes,
// with the range of its precision, [low, high), for eq and ne, and with the
// range ±10 % for ap.
type numberPred struct {
	op        op
	at        decimal
	low, high decimal
}

func (p *numberPred) match(v *value) bool {
	return p.accepts(&v.number, &p.at, &p.low, &p.high)
}

// accepts compares n with the bounds, in whatever unit they are.
func (p *numberPred) accepts(n *interval, at, low, high bound) bool {
	switch p.op {
	case opEq:
		return n.within(low, high)
	case opNe:
		return !n.within(low, high)
	case opGt:
		return n.above(at)
	case opLt:
		return n.below(at)
	case opGe:
		return n.above(at) || n.is(at)
	case opLe:
		return n.below(at) || n.is(at)
	case opSa:
		return !n.starts(at)
	case opEb:
		return !n.reaches(at)
	default:
		return n.reaches(low) && n.starts(high)
	}
}

// refPred asks for a reference: to a resource of this server by id, of any of
// types; or by URL.
type refPred struct {
	types   []string // empty with url
	id      string
	version string
	url     string
	base    string // of this server, "" if not told: absolute references to ourselves
}

func (p *refPred) match(v *value) bool {
	if p.url != "" {
		return !v.local && sameURL(v.code, p.url)
	}
	if !v.local {
		if p.base == "" {
			return false
		}
		rest, ok := bytes.CutPrefix(v.code, []byte(p.base+"/"))
		typ, id, version := cutLocal(string(rest))
		return ok && p.accepts([]byte(typ), []byte(id), []byte(version))
	}
	return p.accepts(v.typ, v.code, v.version)
}

func (p *refPred) accepts(typ, id, version []byte) bool {
	if string(id) != p.id || p.version != "" && string(version) != p.version {
		return false
	}
	for _, t := range p.types {
		if string(typ) == t {
			return true
		}
	}
	return false
}

// sameURL compares canonical URLs: one asked for without version means any.
func sameURL(have []byte, want string) bool {
	if len(have) < len(want) || string(have[:len(want)]) != want {
		return false
	}
	return len(have) == len(want) || have[len(want)] == '|' && strings.IndexByte(want, '|') < 0
}
