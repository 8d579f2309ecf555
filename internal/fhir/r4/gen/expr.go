package main

import (
	"fmt"
	"regexp"
	"strings"
)

// step is one step of a compiled element path.
type step struct {
	name   string // element
	as     string // type of a choice, "" any
	where  string // element of the child condition where(name = 'value')
	equals string
	index  int // position asked for, -1 all
}

// path is one branch of a search parameter's expression.
type path struct {
	root    string // type the first step starts from, "" relative to the composite's base
	steps   []step
	only    string // where(resolve() is X)
	present bool   // exists() and != false
	doc     bool   // relative, but starts at %resource
}

func (p path) String() string {
	var b strings.Builder
	b.WriteString(p.root)
	if p.doc {
		b.WriteString("%resource")
	}
	for _, s := range p.steps {
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(s.name)
		if s.as != "" {
			fmt.Fprintf(&b, ".ofType(%s)", s.as)
		}
		if s.where != "" {
			fmt.Fprintf(&b, ".where(%s='%s')", s.where, s.equals)
		}
		if s.index >= 0 {
			fmt.Fprintf(&b, "[%d]", s.index)
		}
	}
	if b.Len() == 0 {
		return "$this"
	}
	return b.String()
}

// branches splits an expression at its top-level unions.
func branches(expr string) []string {
	var out []string
	depth, from := 0, 0
	for i := range len(expr) {
		switch expr[i] {
		case '(':
			depth++
		case ')':
			depth--
		case '|':
			if depth == 0 {
				out = append(out, strings.TrimSpace(expr[from:i]))
				from = i + 1
			}
		}
	}
	return append(out, strings.TrimSpace(expr[from:]))
}

var (
	reIdent   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*`)
	reType    = regexp.MustCompile(`^(?:ofType|as)\(([A-Za-z0-9]+)\)`)
	reResolve = regexp.MustCompile(`^where\(resolve\(\) is ([A-Za-z]+)\)`)
	reWhere   = regexp.MustCompile(`^where\(([A-Za-z]+)\s*=\s*'([^']*)'\)`)
	reIndex   = regexp.MustCompile(`^\[([0-9])\]`)
	reAs      = regexp.MustCompile(`^ as ([A-Za-z0-9]+)$`)
	rePresent = regexp.MustCompile(`^([A-Za-z.]+)\.exists\(\) and ([A-Za-z.]+) != false$`)
)

// compile turns one branch into a path. isType tells which names are types, so
// that a leading one is the root.
func compile(branch string, isType func(string) bool) (path, error) {
	var p path
	if m := rePresent.FindStringSubmatch(branch); m != nil && m[1] == m[2] {
		branch, p.present = m[1], true
	}
	rest := branch
	if inner, tail, ok := outerParens(rest); ok {
		rest = inner + tail
	}
	if after, ok := strings.CutPrefix(rest, "%resource."); ok {
		rest, p.doc = after, true
	}
	for first := true; rest != ""; first = false {
		var err error
		if rest, err = p.next(rest, first, isType); err != nil {
			return p, err
		}
	}
	return p, nil
}

func outerParens(s string) (inner, tail string, ok bool) {
	if !strings.HasPrefix(s, "(") {
		return "", "", false
	}
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return s[1:i], s[i+1:], true
			}
		}
	}
	return "", "", false
}

func (p *path) next(rest string, first bool, isType func(string) bool) (string, error) {
	last := len(p.steps) - 1
	if m := reIndex.FindStringSubmatch(rest); m != nil && last >= 0 {
		p.steps[last].index = int(m[1][0] - '0')
		return rest[len(m[0]):], nil
	}
	if m := reAs.FindStringSubmatch(rest); m != nil && last >= 0 {
		p.steps[last].as = m[1]
		return "", nil
	}
	if !first {
		var ok bool
		if rest, ok = strings.CutPrefix(rest, "."); !ok {
			return "", fmt.Errorf("cannot compile %q", rest)
		}
	}
	if m := reType.FindStringSubmatch(rest); m != nil && last >= 0 {
		p.steps[last].as = m[1]
		return rest[len(m[0]):], nil
	}
	if m := reResolve.FindStringSubmatch(rest); m != nil && len(rest) == len(m[0]) {
		p.only = m[1]
		return "", nil
	}
	if m := reWhere.FindStringSubmatch(rest); m != nil && last >= 0 {
		p.steps[last].where, p.steps[last].equals = m[1], m[2]
		return rest[len(m[0]):], nil
	}
	name := reIdent.FindString(rest)
	if name == "" || strings.HasPrefix(rest[len(name):], "(") {
		return "", fmt.Errorf("cannot compile %q", rest)
	}
	if first && !p.doc && isType(name) {
		p.root = name
	} else {
		p.steps = append(p.steps, step{name: name, index: -1})
	}
	return rest[len(name):], nil
}
