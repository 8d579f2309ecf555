package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// canary is a word that stands in one element of one record and nowhere else.
type canary struct {
	Word    string
	Record  *record
	Element string
}

// mark begins every canary. It is a legal id, code, name and word.
const mark = "zqkwvx"

const canaryLength = len(mark) + 16

// aviary knows every canary by its word.
type aviary struct {
	key   []byte
	words map[string]canary
	dates map[string]canary // unusual birth dates, as the API and as pages write them
}

func newAviary(seed string) *aviary {
	return &aviary{key: []byte(seed), words: map[string]canary{}, dates: map[string]canary{}}
}

// word is unguessable without the seed.
func (a *aviary) word(parts ...string) string {
	m := hmac.New(sha256.New, a.key)
	m.Write([]byte(strings.Join(parts, "\x00")))
	return mark + strings.ToLower(base32.StdEncoding.EncodeToString(m.Sum(nil)[:10]))
}

func (a *aviary) hatch(r *record, element string) string {
	w := a.word(r.Type, r.Patient, r.Slot, element)
	a.words[w] = canary{w, r, element}
	r.Elements[element] = append(r.Elements[element], w)
	return w
}

// base64 writes three bytes as four letters: what comes before shifts the mark by none,
// one or two, and only letters made of the mark alone are looked for.
var (
	marks64   = [][]byte{[]byte(mark64(0)), []byte(mark64(1)), []byte(mark64(2))}
	markHex   = []byte(hex.EncodeToString([]byte(mark)))
	runs64    = regexp.MustCompile(`[A-Za-z0-9+/_-]{8,}`)
	runsHex   = regexp.MustCompile(`[0-9a-fA-F]{44,}`)
	isoDate   = regexp.MustCompile(`\b19[0-3]\d-\d\d-\d\d\b`)
	pageDate  = regexp.MustCompile(`\b\d\d-[A-Z][a-z]{2}-19[0-3]\d\b`)
	escaped   = regexp.MustCompile(`%[0-9A-Fa-f]{2}|\\u00[0-9a-fA-F]{2}|&#x?[0-9a-fA-F]{2,3};`)
	lowerMark = []byte(mark)
)

func mark64(shift int) string {
	all := base64.RawStdEncoding.EncodeToString(append(bytes.Repeat([]byte{0}, shift), mark...))
	return all[(shift*8+5)/6 : len(all)-2]
}

// find returns every canary in a text: plain, in any case, escaped, in hex, in base64.
func (a *aviary) find(text []byte) []canary {
	var found []canary
	a.plain(bytes.ToLower(text), &found)
	if escaped.Match(text) {
		a.plain(bytes.ToLower(unescape(text)), &found)
	}
	for _, m := range marks64 {
		if bytes.Contains(text, m) {
			a.decoded(text, &found)
			break
		}
	}
	if bytes.Contains(bytes.ToLower(text), markHex) {
		for _, run := range runsHex.FindAll(text, -1) {
			raw, _ := hex.DecodeString(string(run[:len(run)/2*2]))
			a.plain(bytes.ToLower(raw), &found)
			raw, _ = hex.DecodeString(string(run[1 : 1+(len(run)-1)/2*2]))
			a.plain(bytes.ToLower(raw), &found)
		}
	}
	for _, d := range append(isoDate.FindAll(text, -1), pageDate.FindAll(text, -1)...) {
		if c, ok := a.dates[string(d)]; ok && !slices.Contains(found, c) {
			found = append(found, c)
		}
	}
	return found
}

func (a *aviary) plain(lower []byte, found *[]canary) {
	for {
		i := bytes.Index(lower, lowerMark)
		if i < 0 {
			return
		}
		if end := i + canaryLength; end <= len(lower) {
			if c, ok := a.words[string(lower[i:end])]; ok && !slices.Contains(*found, c) {
				*found = append(*found, c)
			}
		}
		lower = lower[i+len(mark):]
	}
}

func (a *aviary) decoded(text []byte, found *[]canary) {
	for _, run := range runs64.FindAll(text, -1) {
		plain := strings.NewReplacer("-", "+", "_", "/").Replace(string(run))
		for skip := range 4 {
			if skip > len(plain) {
				break
			}
			rest := plain[skip:]
			raw, _ := base64.RawStdEncoding.DecodeString(rest[:len(rest)-boolInt(len(rest)%4 == 1)])
			a.plain(bytes.ToLower(raw), found)
		}
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// unescape reads percent, JSON and HTML escapes as the letters they stand for.
func unescape(text []byte) []byte {
	return escaped.ReplaceAllFunc(text, func(e []byte) []byte {
		var n int
		s := string(e)
		switch {
		case s[0] == '%':
			_, _ = fmt.Sscanf(s[1:], "%x", &n)
		case s[0] == '\\':
			_, _ = fmt.Sscanf(s[2:], "%x", &n)
		case strings.HasPrefix(s, "&#x"):
			_, _ = fmt.Sscanf(s[3:], "%x", &n)
		default:
			_, _ = fmt.Sscanf(s[2:], "%d", &n)
		}
		return []byte{byte(n)}
	})
}
