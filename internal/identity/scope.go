package identity

import (
	"errors"
	"slices"
	"strings"
)

// Access is a set of the five interactions of SMART App Launch 2.2, §3.0.2.2.
type Access uint8

const (
	AccessCreate Access = 1 << iota
	AccessRead          // read, vread, history of one record
	AccessUpdate        // update and patch
	AccessDelete
	AccessSearch // search, and history of a type or of all
)

const accessLetters = "cruds"

// String returns the letters in the standard's order.
func (a Access) String() string {
	var b []byte
	for i := range len(accessLetters) {
		if a&(1<<i) != 0 {
			b = append(b, accessLetters[i])
		}
	}
	return string(b)
}

// AnyType in a Scope stands for every FHIR type.
const AnyType = "*"

// Scope is one system-level scope: system/Observation.rs.
type Scope struct {
	Type   string
	Access Access
}

// String returns the scope as SMART writes it.
func (s Scope) String() string { return "system/" + s.Type + "." + s.Access.String() }

// Scopes is a set of scopes, one for each type, in the order of their types.
type Scopes []Scope

// ErrScope says that a scope is not one we grant. The text of the scope is
// never part of an error.
var ErrScope = errors.New("a scope is malformed or not supported")

// MaxScopeLength bounds a scope parameter.
const MaxScopeLength = 4096

// ParseScopes reads a space-separated list as RFC 6749 §3.3 writes it: one
// space between scopes, none around. The letters must stand in the standard's
// order. Patient- and user-level scopes, the words of version 1 (read, write)
// and scopes narrowed by a query are not served and therefore refused.
func ParseScopes(text string) (Scopes, error) {
	if text == "" || len(text) > MaxScopeLength {
		return nil, ErrScope
	}
	var out Scopes
	for _, one := range strings.Split(text, " ") {
		s, err := parseScope(one)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return normalise(out), nil
}

func parseScope(text string) (Scope, error) {
	rest, ok := strings.CutPrefix(text, "system/")
	if !ok {
		return Scope{}, ErrScope
	}
	typ, letters, ok := strings.Cut(rest, ".")
	if !ok || letters == "" || !validScopeType(typ) {
		return Scope{}, ErrScope
	}
	s := Scope{Type: typ}
	next := 0
	for i := range len(letters) {
		at := strings.IndexByte(accessLetters[next:], letters[i])
		if at < 0 {
			return Scope{}, ErrScope
		}
		s.Access |= 1 << (next + at)
		next += at + 1
	}
	return s, nil
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

// normalise merges scopes of one type and drops what "*" already grants.
func normalise(in Scopes) Scopes {
	byType := map[string]Access{}
	for _, s := range in {
		byType[s.Type] |= s.Access
	}
	out := make(Scopes, 0, len(byType))
	for typ, access := range byType {
		if typ != AnyType && access&^byType[AnyType] == 0 {
			continue
		}
		out = append(out, Scope{Type: typ, Access: access})
	}
	slices.SortFunc(out, func(a, b Scope) int { return strings.Compare(a.Type, b.Type) })
	return out
}

// String returns the list as RFC 6749 writes it.
func (s Scopes) String() string {
	parts := make([]string, len(s))
	for i, one := range s {
		parts[i] = one.String()
	}
	return strings.Join(parts, " ")
}

// Access returns what the scopes grant on a type.
func (s Scopes) Access(typ string) Access {
	var a Access
	for _, one := range s {
		if one.Type == typ || one.Type == AnyType {
			a |= one.Access
		}
	}
	return a
}

// Cover reports whether the scopes grant all that others do.
func (s Scopes) Cover(others Scopes) bool {
	for _, other := range others {
		if s.Access(other.Type)&other.Access != other.Access {
			return false
		}
	}
	return true
}

// Meet returns what both grant: what a program asked for, cut to what it was
// given when it was registered.
func (s Scopes) Meet(other Scopes) Scopes {
	var out Scopes
	for _, a := range s {
		for _, b := range other {
			typ := a.Type
			switch {
			case a.Type == b.Type, b.Type == AnyType:
			case a.Type == AnyType:
				typ = b.Type
			default:
				continue
			}
			if access := a.Access & b.Access; access != 0 {
				out = append(out, Scope{Type: typ, Access: access})
			}
		}
	}
	return normalise(out)
}
