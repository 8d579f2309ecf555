package search

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// latin folds letters that carry no combining mark and yet are typed without
// their ornament on most keyboards.
func latin(r rune) string {
	switch r {
	case 'ß':
		return "ss"
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'ø':
		return "o"
	case 'ł':
		return "l"
	case 'đ', 'ð':
		return "d"
	case 'þ':
		return "th"
	case 'ı':
		return "i"
	}
	return ""
}

// Normal returns the form in which strings are compared.
func Normal(s string) string { return normalize(s) }

// dropped reports whether r vanishes, so that O'Brien and OBrien are one word.
// All other punctuation parts words, so that Smith-Jones has two.
func dropped(r rune) bool {
	switch r {
	case '\'', '.', '`', '´', '‘', '’', 'ʼ':
		return true
	}
	return unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r)
}

// normalize returns the form in which strings are compared: canonically
// decomposed, without combining marks, lower case, words parted by one space.
// It is the only definition of that form; docs/formats/index.md describes it,
// and a change of it is a new format of the index and of the card.
func normalize(s string) string {
	if plain(s) {
		return lowerASCII(s)
	}
	out := make([]byte, 0, len(s))
	space := false
	for _, r := range norm.NFD.String(s) {
		if dropped(r) {
			continue
		}
		r = unicode.ToLower(r)
		if dropped(r) { // İ lowers to i and a dot above
			continue
		}
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.Is(unicode.Mc, r) {
			space = true
			continue
		}
		if space && len(out) > 0 {
			out = append(out, ' ')
		}
		space = false
		if f := latin(r); f != "" {
			out = append(out, f...)
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return string(out)
}

// plain reports whether the normal form of s is just its ASCII lower case, so
// that a card need not hold both.
func plain(s string) bool {
	last := byte(' ')
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == ' ' && last != ' ':
		default:
			return false
		}
		last = c
	}
	return last != ' ' || s == ""
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func lowerASCII(s string) string {
	for i := 0; i < len(s); i++ {
		if lower(s[i]) != s[i] {
			b := []byte(s)
			for ; i < len(b); i++ {
				b[i] = lower(b[i])
			}
			return string(b)
		}
	}
	return s
}

// runePrefix returns the first n characters of s, false if s is shorter.
func runePrefix(s string, n int) (string, bool) {
	i := 0
	for ; n > 0; n-- {
		if i >= len(s) {
			return "", false
		}
		_, w := utf8.DecodeRuneInString(s[i:])
		i += w
	}
	return s[:i], true
}
