package search

import (
	"errors"
	"strings"
)

var errEscape = errors.New("a backslash that escapes nothing")

// split cuts s at every unescaped sep. The parts keep their escapes, so that
// they can be split again at another level: , then $ then |.
func split(s string, sep byte) []string {
	var parts []string
	from := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case sep:
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}

// unescape resolves \, \$ \| and \\. Any other backslash is an error by the
// standard (R4 search, 3.1.1.4.19).
func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
			if i == len(s) || !strings.ContainsRune(`,$|\`, rune(s[i])) {
				return "", errEscape
			}
		}
		out = append(out, s[i])
	}
	return string(out), nil
}

// Escape writes s so that it is read back as one literal value.
func Escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `$`, `\$`, `|`, `\|`).Replace(s)
}
