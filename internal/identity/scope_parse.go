package identity

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// ErrScope says that a scope is not one we grant. The text of the scope is
// never part of an error.
var ErrScope = errors.New("a scope is malformed or not supported")

// MaxScopeLength bounds a scope parameter.
const MaxScopeLength = 4096

// Words of scopes that are about no resources.
const (
	WordOpenID        = "openid"
	WordFHIRUser      = "fhirUser"
	WordProfile       = "profile"
	WordLaunch        = "launch"
	WordLaunchPatient = "launch/patient"
	WordOnline        = "online_access"
	WordOffline       = "offline_access"
)

// Words returns every such word that is served.
func Words() []string {
	return []string{WordOpenID, WordFHIRUser, WordProfile, WordLaunch, WordLaunchPatient, WordOnline, WordOffline}
}

// Asked is a scope parameter: scopes for resources, and words.
type Asked struct {
	Scopes   Scopes
	Words    []string // sorted, each once
	Version1 bool     // its scopes are in the words of version 1
	Unknown  bool     // there are others, which nobody is granted
}

// Has reports whether a word is among those asked for.
func (a Asked) Has(word string) bool { return slices.Contains(a.Words, word) }

// String returns what was asked and is known, as RFC 6749 writes it.
func (a Asked) String() string {
	resources := a.Scopes.String()
	if a.Version1 {
		resources = a.Scopes.Version1()
	}
	return strings.Join(slices.DeleteFunc(append(slices.Clone(a.Words), resources), func(s string) bool { return s == "" }), " ")
}

// ParseScopes reads a space-separated list of resource scopes as RFC 6749 §3.3
// writes it: one space between scopes, none around. The letters must stand in
// the standard's order; the words of version 1 are read as those they stand for.
func ParseScopes(text string) (Scopes, error) {
	asked, err := ParseAsked(text)
	if err == nil && (len(asked.Words) > 0 || asked.Unknown) {
		err = ErrScope
	}
	if err != nil {
		return nil, err
	}
	return asked.Scopes, nil
}

// ParseAsked reads a scope parameter. What looks like a scope for resources and
// is none is refused; other words nobody knows are only noted.
func ParseAsked(text string) (Asked, error) {
	if text == "" || len(text) > MaxScopeLength {
		return Asked{}, ErrScope
	}
	var out Asked
	version2 := false
	for _, one := range strings.Split(text, " ") {
		level, rest, resource := strings.Cut(one, "/")
		switch {
		case !scopeToken(one):
			return Asked{}, ErrScope
		case slices.Contains(Words(), one):
			out.Words = append(out.Words, one)
		case resource && (level == "system" || level == string(LevelUser) || level == string(LevelPatient)):
			s, old, err := parseScope(level, rest)
			if err != nil {
				return Asked{}, err
			}
			out.Scopes = append(out.Scopes, s)
			version2 = version2 || !old
		default:
			out.Unknown = true
		}
	}
	slices.Sort(out.Words)
	out.Words = slices.Compact(out.Words)
	out.Version1 = len(out.Scopes) > 0 && !version2
	out.Scopes = normalise(out.Scopes)
	return out, nil
}

// scopeToken is scope-token of RFC 6749 §3.3.
func scopeToken(text string) bool {
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c == '"' || c == '\\' || c > '~' {
			return false
		}
	}
	return text != ""
}

func parseScope(level, rest string) (s Scope, old bool, err error) {
	if level != "system" {
		s.Level = Level(level)
	}
	rest, query, granular := strings.Cut(rest, "?")
	typ, letters, ok := strings.Cut(rest, ".")
	if !ok || !validScopeType(typ) {
		return Scope{}, false, ErrScope
	}
	s.Type = typ
	if s.Access, old = map[string]Access{"read": accessRead, "write": accessWrite, "*": accessAll}[letters]; !old {
		s.Access, ok = parseAccess(letters)
	}
	if granular {
		s.Query, err = parseQuery(query)
		ok = ok && err == nil && typ != AnyType && !old
	}
	if !ok || s.Access == 0 {
		return Scope{}, false, ErrScope
	}
	return s, old, nil
}

func parseAccess(letters string) (a Access, ok bool) {
	next := 0
	for i := range len(letters) {
		at := strings.IndexByte(accessLetters[next:], letters[i])
		if at < 0 {
			return 0, false
		}
		a |= 1 << (next + at)
		next += at + 1
	}
	return a, a != 0
}

// parseQuery reads the parameters of a granular scope in the form in which they
// are compared. Whether they can narrow anything is known to whoever searches.
func parseQuery(text string) (string, error) {
	parts := strings.Split(text, "&")
	for _, part := range parts {
		name, value, ok := strings.Cut(part, "=")
		unescaped, err := url.QueryUnescape(value)
		if !ok || err != nil || unescaped == "" || !parameterName(name) {
			return "", ErrScope
		}
	}
	return joinQueries(parts...), nil
}

// parameterName takes names without modifiers and chains.
func parameterName(name string) bool {
	for i := range len(name) {
		if c := name[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return name != ""
}

// joinQueries ANDs queries, each of which may have several parameters.
func joinQueries(queries ...string) string {
	parts := strings.Split(strings.Join(queries, "&"), "&")
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	slices.Sort(parts)
	return strings.Join(slices.Compact(parts), "&")
}

// demands reports whether a query has all parameters of another: what matches it
// matches the other, too.
func demands(query, other string) bool {
	if other == "" {
		return true
	}
	parts := strings.Split(query, "&")
	for part := range strings.SplitSeq(other, "&") {
		if !slices.Contains(parts, part) {
			return false
		}
	}
	return true
}

func validScopeType(typ string) bool {
	if typ == AnyType {
		return true
	}
	if len(typ) == 0 || len(typ) > 64 || typ[0] < 'A' || typ[0] > 'Z' {
		return false
	}
	for i := range len(typ) {
		if c := typ[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}
