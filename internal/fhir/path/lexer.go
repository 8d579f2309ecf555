package path

import (
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEnd       tokenKind = iota
	tokSymbol              // operators and punctuation, also $this and its like
	tokWord                // identifier or keyword
	tokDelimited           // `identifier`
	tokString
	tokInteger
	tokLong
	tokDecimal
	tokDate
	tokDateTime
	tokTime
)

// token is one token; text is unescaped.
type token struct {
	kind tokenKind
	text string
	pos  int // byte offset
}

type lexer struct {
	src string
	pos int
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

// blank skips white space and comments.
func (l *lexer) blank() error {
	for l.pos < len(l.src) {
		rest := l.src[l.pos:]
		switch {
		case strings.IndexByte(" \t\r\n", rest[0]) >= 0:
			l.pos++
		case strings.HasPrefix(rest, "//"):
			if n := strings.IndexAny(rest, "\r\n"); n >= 0 {
				l.pos += n
			} else {
				l.pos = len(l.src)
			}
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest, "*/")
			if n < 0 {
				return syntax(l.pos, "a comment that does not end")
			}
			l.pos += n + 2
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) next() (token, error) {
	if err := l.blank(); err != nil {
		return token{}, err
	}
	start := l.pos
	if start == len(l.src) {
		return token{kind: tokEnd, pos: start}, nil
	}
	c := l.src[start]
	switch {
	case isLetter(c):
		for l.pos < len(l.src) && (isLetter(l.src[l.pos]) || isDigit(l.src[l.pos])) {
			l.pos++
		}
		return token{tokWord, l.src[start:l.pos], start}, nil
	case isDigit(c):
		return l.number(), nil
	case c == '\'' || c == '`':
		return l.quoted(c)
	case c == '@':
		return l.temporal()
	case c == '$':
		l.pos++
		for l.pos < len(l.src) && isLetter(l.src[l.pos]) {
			l.pos++
		}
		return token{tokSymbol, l.src[start:l.pos], start}, nil
	}
	for _, s := range [...]string{"<=", ">=", "!=", "!~"} {
		if strings.HasPrefix(l.src[start:], s) {
			l.pos += 2
			return token{tokSymbol, s, start}, nil
		}
	}
	if strings.IndexByte("()[]{}.,+-*/&|<>=~%:", c) < 0 {
		return token{}, syntax(start, "a character that is no part of FHIRPath")
	}
	l.pos++
	return token{tokSymbol, l.src[start:l.pos], start}, nil
}

func (l *lexer) digits() {
	for l.pos < len(l.src) && isDigit(l.src[l.pos]) {
		l.pos++
	}
}

func (l *lexer) number() token {
	start := l.pos
	l.digits()
	kind := tokInteger
	switch {
	case l.pos+1 < len(l.src) && l.src[l.pos] == '.' && isDigit(l.src[l.pos+1]):
		l.pos++
		l.digits()
		kind = tokDecimal
	case l.pos < len(l.src) && l.src[l.pos] == 'L':
		l.pos++
		return token{tokLong, l.src[start : l.pos-1], start}
	}
	return token{kind, l.src[start:l.pos], start}
}

func (l *lexer) quoted(quote byte) (token, error) {
	start := l.pos
	kind := tokString
	if quote == '`' {
		kind = tokDelimited
	}
	var b []byte
	for i := start + 1; i < len(l.src); i++ {
		switch c := l.src[i]; c {
		case quote:
			l.pos = i + 1
			return token{kind, string(b), start}, nil
		case '\\':
			n := 0
			if b, n = unescapeChar(b, l.src[i+1:]); n == 0 {
				return token{}, syntax(i, "an escape that FHIRPath does not have")
			}
			i += n
		default:
			b = append(b, c)
		}
	}
	return token{}, syntax(start, "a quotation that does not end")
}

// unescapeChar appends the character that s escapes, and says how long it was.
func unescapeChar(b []byte, s string) ([]byte, int) {
	if s == "" {
		return b, 0
	}
	if i := strings.IndexByte("`'\"\\/", s[0]); i >= 0 {
		return append(b, s[0]), 1
	}
	if i := strings.IndexByte("fnrt", s[0]); i >= 0 {
		return append(b, "\f\n\r\t"[i]), 1
	}
	r, n := unicodeEscape(s)
	if n == 0 {
		return b, 0
	}
	if r >= 0xD800 && r < 0xDC00 && strings.HasPrefix(s[n:], "\\") {
		if low, m := unicodeEscape(s[n+1:]); m > 0 && low >= 0xDC00 && low < 0xE000 {
			return utf8.AppendRune(b, (r-0xD800)<<10+(low-0xDC00)+0x10000), n + 1 + m
		}
	}
	return utf8.AppendRune(b, r), n
}

func unicodeEscape(s string) (r rune, n int) {
	if len(s) < 5 || s[0] != 'u' {
		return 0, 0
	}
	for _, c := range []byte(s[1:5]) {
		switch {
		case isDigit(c):
			r = r<<4 + rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 + rune(c|0x20-'a'+10)
		default:
			return 0, 0
		}
	}
	return r, 5
}

// temporal reads @2015, @2015-02T, @2015-02-04T14:34:28Z, @T14:34.
func (l *lexer) temporal() (token, error) {
	start := l.pos
	l.pos++
	kind := tokTime
	if l.pos < len(l.src) && l.src[l.pos] != 'T' {
		kind = tokDate
		l.shape("dddd", "-dd", "-dd")
	}
	if l.pos < len(l.src) && l.src[l.pos] == 'T' {
		l.pos++
		if kind == tokDate {
			kind = tokDateTime
		}
		if n := l.pos; l.shape("dd", ":dd", ":dd") > 0 {
			if l.pos-n == 8 && l.shape(".d") > 0 {
				l.digits()
			}
			if kind == tokDateTime && l.shape("Z")+l.shape("+dd:dd")+l.shape("-dd:dd") > 1 {
				return token{}, syntax(start, "a date with two zones")
			}
		}
	}
	text := l.src[start+1 : l.pos]
	ok := false
	switch kind {
	case tokDate:
		_, ok = parseDate(text)
	case tokDateTime:
		_, ok = parseDateTime(text)
	case tokTime:
		_, ok = parseTime(text)
	}
	if !ok {
		return token{}, syntax(start, "a date or time that is not in the calendar")
	}
	return token{kind, text, start}, nil
}

// shape moves over as many of the patterns as are there; d is a digit.
func (l *lexer) shape(patterns ...string) (taken int) {
	for _, p := range patterns {
		if len(l.src)-l.pos < len(p) {
			return taken
		}
		for i := range len(p) {
			c := l.src[l.pos+i]
			if p[i] == 'd' && !isDigit(c) || p[i] != 'd' && c != p[i] {
				return taken
			}
		}
		l.pos += len(p)
		taken++
	}
	return taken
}
