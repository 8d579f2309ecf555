package identity

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Limits of SP 800-63B-4 §3.1.1: beside a second factor at least 8 characters are
// required; a site may ask for more. There are no rules about kinds of characters
// and no expiry.
const (
	leastPassword = 8
	maxPassword   = 1024 // bytes
)

var (
	//go:embed blocklist.txt
	blocklistText string
	// commonPasswords are 8,359 that leaked most often; see NOTICE.
	//go:embed common_passwords.txt.gz
	commonPasswords []byte
)

// blocklist holds common passwords and words, folded.
type blocklist map[string]bool

func newBlocklist() (blocklist, error) {
	packed, err := gzip.NewReader(bytes.NewReader(commonPasswords))
	if err != nil {
		return nil, fmt.Errorf("identity.newBlocklist: %w", err)
	}
	common, err := io.ReadAll(packed)
	if err != nil {
		return nil, fmt.Errorf("identity.newBlocklist: %w", err)
	}
	out := blocklist{}
	for _, text := range []string{blocklistText, string(common)} {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				out[strings.ToLower(line)] = true
			}
		}
	}
	return out, nil
}

// checkPassword says why a new password cannot be taken. context holds what an
// attacker would try for this person.
func (s *Service) checkPassword(password string, context ...string) error {
	const op = "identity.checkPassword"
	plain := norm.NFKC.String(password)
	runes := utf8.RuneCountInString(plain)
	switch {
	case !utf8.ValidString(password) || len(password) > maxPassword || strings.ContainsFunc(plain, unicode.IsControl):
		return fault.New(fault.Unprocessable, op, "This password has characters that cannot be used, or is too long.")
	case runes < s.cfg.LeastPassword:
		return fault.New(fault.Unprocessable, op, "This password is too short. A few words in a row make a good one.")
	}
	folded := strings.ToLower(plain)
	if s.blocked.guessable(folded) || monotonous(folded) || contextual(folded, context) {
		return fault.New(fault.Unprocessable, op,
			"This password is among the first that are tried: a common one, a row of keys, or your name. Choose another.")
	}
	return nil
}

// guessable reports whether the password is on the list as it is, with digits
// and marks around it, with digits for letters, or doubled.
func (b blocklist) guessable(folded string) bool {
	core := strings.TrimFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) })
	for _, form := range []string{folded, core, unleet.Replace(folded), unleet.Replace(core)} {
		if b[form] {
			return true
		}
		for n := 2; n <= 4; n++ {
			if len(form)%n == 0 && len(form) > 0 && b[form[:len(form)/n]] &&
				strings.Repeat(form[:len(form)/n], n) == form {
				return true
			}
		}
	}
	return false
}

var unleet = strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// monotonous reports whether a password is a repetition or a run: fewer than
// four different characters, or each next to the one before.
func monotonous(folded string) bool {
	seen := map[rune]bool{}
	var last rune
	steps, runs := 0, 0
	for i, r := range folded {
		if seen[r] = true; i > 0 {
			steps++
			if d := r - last; d >= -1 && d <= 1 {
				runs++
			}
		}
		last = r
	}
	return len(seen) < 4 || runs*4 >= steps*3
}

// contextual reports whether what is left after taking out the person's own
// names is too little to be a secret.
func contextual(folded string, words []string) bool {
	rest := folded
	for _, w := range words {
		for _, part := range strings.FieldsFunc(strings.ToLower(w), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if utf8.RuneCountInString(part) >= 3 {
				rest = strings.ReplaceAll(rest, part, "")
			}
		}
	}
	return rest != folded && utf8.RuneCountInString(rest) < leastPassword
}
