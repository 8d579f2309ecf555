package fhir

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// space skips white space between tokens. Text without any is kept as it is;
// the first white space starts a copy without it, so that offsets of items are
// those of the compact text from the start.
func (p *parser) space() {
	if p.pos >= len(p.src) || p.src[p.pos] > ' ' {
		return
	}
	p.dropSpace()
}

func (p *parser) dropSpace() {
	from := p.pos
	for p.pos < len(p.src) {
		if c := p.src[p.pos]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			break
		}
		p.pos++
	}
	if p.pos == from {
		return
	}
	if p.out == nil {
		p.out = make([]byte, 0, len(p.src))
	}
	p.out = append(p.out, p.src[p.run:from]...)
	p.run = p.pos
	p.shift = p.pos - len(p.out)
}

// compact returns the whole text without white space.
func (p *parser) compact() []byte {
	if p.out == nil {
		return p.src
	}
	p.out = append(p.out, p.src[p.run:]...)
	return p.out
}

// offset is the place of pos in the compact text.
func (p *parser) offset() uint32 { return uint32(p.pos - p.shift) }

// peek returns the byte at pos, 0 at the end (which is no token).
func (p *parser) peek() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

// text scans the string at pos and returns what stands between its quotes.
// Escapes are checked and left in place; only tab, line feed and carriage return
// are taken of the control characters.
func (p *parser) text() (raw []byte, escaped, ok bool) {
	src, i := p.src, p.pos+1
	wide := false
	for {
		for i+8 <= len(src) {
			x := binary.LittleEndian.Uint64(src[i:])
			hit := (x | (x - 0x2020202020202020) | ((x ^ 0x2222222222222222) - 0x0101010101010101) |
				((x ^ 0x5C5C5C5C5C5C5C5C) - 0x0101010101010101)) & 0x8080808080808080
			if hit != 0 {
				i += bits.TrailingZeros64(hit) >> 3
				break
			}
			i += 8
		}
		if i >= len(src) {
			return nil, false, p.syntax("A string is not closed.")
		}
		switch c := src[i]; {
		case c == '"':
			raw = src[p.pos+1 : i]
			p.pos = i + 1
			if wide && !utf8.Valid(raw) {
				return nil, false, p.syntax("The text is not valid UTF-8.")
			}
			return raw, escaped, true
		case c == '\\':
			n := escapeLength(src[i:])
			if n == 0 {
				return nil, false, p.syntax("A string has an escape that is not allowed.")
			}
			i += n
			escaped = true
		case c < ' ':
			return nil, false, p.syntax("A string has a control character.")
		case c >= 0x80:
			wide = true
			i++
		default:
			i++
		}
	}
}

// escapeLength returns the length of the escape sequence at the start of s, 0 if
// it is none or stands for a control character or half of a surrogate pair.
func escapeLength(s []byte) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '"', '\\', '/', 'n', 'r', 't':
		return 2
	case 'u':
		r, ok := hex4(s[2:])
		switch {
		case !ok || r < ' ' && r != '\t' && r != '\n' && r != '\r':
			return 0
		case r < 0xD800 || r > 0xDFFF:
			return 6
		case r > 0xDBFF || len(s) < 12 || s[6] != '\\' || s[7] != 'u':
			return 0
		}
		if low, ok := hex4(s[8:]); ok && low >= 0xDC00 && low <= 0xDFFF {
			return 12
		}
	}
	return 0
}

func hex4(s []byte) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range s[:4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// number scans the number at pos by the grammar of JSON.
func (p *parser) number() (raw []byte, ok bool) {
	src, i := p.src, p.pos
	if i < len(src) && src[i] == '-' {
		i++
	}
	digits := func() bool {
		from := i
		for i < len(src) && src[i]-'0' <= 9 {
			i++
		}
		return i > from
	}
	if i < len(src) && src[i] == '0' {
		i++
	} else if !digits() {
		return nil, p.syntax("A number is malformed.")
	}
	if i < len(src) && src[i] == '.' {
		if i++; !digits() {
			return nil, p.syntax("A number is malformed.")
		}
	}
	if i < len(src) && src[i]|0x20 == 'e' {
		if i++; i < len(src) && (src[i] == '+' || src[i] == '-') {
			i++
		}
		if !digits() {
			return nil, p.syntax("A number is malformed.")
		}
	}
	raw = src[p.pos:i]
	p.pos = i
	return raw, true
}

// word reports whether lit stands at pos, and skips it.
func (p *parser) word(lit string) bool {
	if len(p.src)-p.pos >= len(lit) && string(p.src[p.pos:p.pos+len(lit)]) == lit {
		p.pos += len(lit)
		return true
	}
	return false
}

// skip passes over the value at pos. The resource is refused already, so
// nothing but its end matters.
func (p *parser) skip() bool {
	end := skipValue(p.src, p.pos)
	if end <= p.pos {
		return p.syntax("The text is not JSON.")
	}
	p.pos = end
	return true
}

// skipValue returns the end of the value at i, i itself if there is none. It
// looks at brackets and quotes only.
func skipValue(src []byte, i int) int {
	depth := 0
	for ; i < len(src); i++ {
		switch src[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return i + depth + 1
			}
		case '"':
			for i++; i < len(src) && src[i] != '"'; i++ {
				if src[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return min(i+1, len(src))
			}
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return min(i, len(src))
}
