package search

import (
	"strings"
)

// textQuery is a search in running text: words and "phrases" that must all be
// there, OR, NOT and parentheses. A word that ends in * stands for all that begin
// so. Words are compared in the normal form of strings.
type textQuery interface{ in(text string) bool }

type (
	textAll  []textQuery
	textAny  []textQuery
	textNot  struct{ of textQuery }
	textWord string // normal form between blanks; none behind for a prefix
)

func (q textAll) in(text string) bool {
	for _, part := range q {
		if !part.in(text) {
			return false
		}
	}
	return true
}

func (q textAny) in(text string) bool {
	for _, part := range q {
		if part.in(text) {
			return true
		}
	}
	return false
}

func (q textNot) in(text string) bool  { return !q.of.in(text) }
func (q textWord) in(text string) bool { return strings.Contains(text, string(q)) }

// searchable returns text as textQuery looks at it.
func searchable(text string) string { return " " + normalize(text) + " " }

// Bounds of one text query.
const (
	maxTextWords = 50
	maxTextDepth = 10
)

// parseText reads a text query; ok is false if it is not one.
func parseText(s string) (textQuery, bool) {
	p := textParser{rest: s}
	q, ok := p.any(0)
	return q, ok && p.next() == "" && p.words > 0
}

type textParser struct {
	rest  string
	words int
}

// next returns the token ahead without taking it: a bracket, a phrase with its
// first quotation mark, or a word. "" is the end.
func (p *textParser) next() string {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	switch {
	case p.rest == "":
		return ""
	case p.rest[0] == '(' || p.rest[0] == ')':
		return p.rest[:1]
	case p.rest[0] == '"':
		if i := strings.IndexByte(p.rest[1:], '"'); i >= 0 {
			return p.rest[:i+2]
		}
		return p.rest
	}
	if i := strings.IndexAny(p.rest, " \t\r\n()\""); i > 0 {
		return p.rest[:i]
	}
	return p.rest
}

func (p *textParser) take(token string) { p.rest = p.rest[len(token):] }

func (p *textParser) any(depth int) (textQuery, bool) {
	var parts textAny
	for {
		q, ok := p.all(depth)
		if !ok {
			return nil, false
		}
		parts = append(parts, q)
		t := p.next()
		if !strings.EqualFold(t, "or") {
			break
		}
		p.take(t)
	}
	if len(parts) == 1 {
		return parts[0], true
	}
	return parts, true
}

func (p *textParser) all(depth int) (textQuery, bool) {
	var parts textAll
	for {
		t := p.next()
		if strings.EqualFold(t, "and") && len(parts) > 0 {
			p.take(t)
		} else if len(parts) > 0 && (t == "" || t == ")" || strings.EqualFold(t, "or")) {
			break
		}
		q, ok := p.one(depth)
		if !ok {
			return nil, false
		}
		parts = append(parts, q)
	}
	if len(parts) == 1 {
		return parts[0], true
	}
	return parts, true
}

func (p *textParser) one(depth int) (textQuery, bool) {
	t := p.next()
	if depth > maxTextDepth {
		return nil, false
	}
	switch {
	case t == "NOT":
		p.take(t)
		q, ok := p.one(depth + 1)
		return textNot{q}, ok
	case t == "(":
		p.take(t)
		q, ok := p.any(depth + 1)
		if !ok || p.next() != ")" {
			return nil, false
		}
		p.take(")")
		return q, true
	case t == "" || t == ")" || strings.EqualFold(t, "and") || strings.EqualFold(t, "or"):
		return nil, false
	}
	p.take(t)
	return p.word(t)
}

func (p *textParser) word(t string) (textQuery, bool) {
	p.words++
	text, prefix := t, false
	if t[0] == '"' {
		if len(t) < 2 || t[len(t)-1] != '"' {
			return nil, false
		}
		text = t[1 : len(t)-1]
	} else {
		text, prefix = strings.CutSuffix(t, "*")
	}
	norm := normalize(text)
	if norm == "" || p.words > maxTextWords {
		return nil, false
	}
	if prefix {
		return textWord(" " + norm), true
	}
	return textWord(" " + norm + " "), true
}

// textPred asks for a text that a textQuery accepts.
type textPred struct{ q textQuery }

func (p *textPred) match(v *value) bool { return p.q.in(searchable(string(v.code))) }

const textForm = `words, all of which are found, or "a phrase", joined by OR, NOT and parentheses; a word may end in *`

func (r *reader) text(s string) (pred, error) {
	q, ok := parseText(s)
	if !ok {
		return nil, r.wrong(textForm)
	}
	return &textPred{q}, nil
}
