package identity

import (
	"cmp"
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

// What the words of version 1 stand for (SMART App Launch 2.2, §3.0.2.4).
const (
	accessRead  = AccessRead | AccessSearch
	accessWrite = AccessCreate | AccessUpdate | AccessDelete
	accessAll   = accessRead | accessWrite
)

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

// Level is what a scope's records are confined to.
type Level string

const (
	LevelSystem  Level = ""        // a program in its own name: what it was registered for
	LevelUser    Level = "user"    // what the person may see and do for whom the program acts
	LevelPatient Level = "patient" // of that, the one patient the program was opened for
)

// String returns the word before the slash.
func (l Level) String() string { return cmp.Or(string(l), "system") }

// AnyType in a Scope stands for every FHIR type.
const AnyType = "*"

// Scope is one resource scope: patient/Observation.rs?category=laboratory.
type Scope struct {
	Level  Level `json:",omitempty"`
	Type   string
	Access Access
	// Query holds the search parameters that records must match, as they are
	// written in an address, sorted, each once; "" for none. Only a scope of one
	// type has any.
	Query string `json:",omitempty"`
}

// String returns the scope as SMART writes it.
func (s Scope) String() string {
	text := s.Level.String() + "/" + s.Type + "." + s.Access.String()
	if s.Query != "" {
		text += "?" + s.Query
	}
	return text
}

// version1 returns the scope in the words of version 1, if they can say it.
func (s Scope) version1() (string, bool) {
	word, ok := map[Access]string{accessRead: "read", accessWrite: "write", accessAll: "*"}[s.Access]
	return s.Level.String() + "/" + s.Type + "." + word, ok && s.Query == ""
}

// covers reports whether s is about all that other is about.
func (s Scope) covers(other Scope) bool {
	return s.Level == other.Level && (s.Type == other.Type || s.Type == AnyType) && demands(other.Query, s.Query)
}

// Scopes is a set of scopes, in the order of levels, types and queries.
type Scopes []Scope

// normalise merges scopes about the same and drops what another grants already.
func normalise(in Scopes) Scopes {
	merged := map[Scope]Access{}
	for _, s := range in {
		access := s.Access
		s.Access = 0
		merged[s] |= access
	}
	out := make(Scopes, 0, len(merged))
	for s, access := range merged {
		var elsewhere Access
		for other, granted := range merged {
			if other != s && other.covers(s) {
				elsewhere |= granted
			}
		}
		if access&^elsewhere != 0 {
			s.Access = access
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b Scope) int {
		return cmp.Or(strings.Compare(string(a.Level), string(b.Level)), strings.Compare(a.Type, b.Type), strings.Compare(a.Query, b.Query))
	})
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

// Version1 returns the list in the words of version 1 as far as they can say it.
func (s Scopes) Version1() string {
	parts := make([]string, len(s))
	for i, one := range s {
		text, ok := one.version1()
		if !ok {
			text = one.String()
		}
		parts[i] = text
	}
	return strings.Join(parts, " ")
}

// Access returns what the scopes grant on some records of a type.
func (s Scopes) Access(typ string) Access {
	var a Access
	for _, one := range s {
		if one.Type == typ || one.Type == AnyType {
			a |= one.Access
		}
	}
	return a
}

// At returns the scopes of the levels.
func (s Scopes) At(levels ...Level) Scopes {
	var out Scopes
	for _, one := range s {
		if slices.Contains(levels, one.Level) {
			out = append(out, one)
		}
	}
	return out
}

// Way is one way in which scopes let a record through: it lies in the compartment
// of the patient in context, if Patient says so, and matches Query, if there is one.
type Way struct {
	Patient bool
	Query   string
}

// Ways returns the ways to do all of access with records of a type. None: it is
// not granted. One zero Way: for all of them, which then is the only one.
func (s Scopes) Ways(typ string, access Access) []Way {
	granted := map[Way]Access{}
	for _, one := range s {
		if one.Type == typ || one.Type == AnyType {
			granted[Way{one.Level == LevelPatient, one.Query}] |= one.Access
		}
	}
	var out []Way
	for way := range granted {
		// What is granted for more records is granted for these, too.
		have := Access(0)
		for wider, a := range granted {
			if (!wider.Patient || way.Patient) && demands(way.Query, wider.Query) {
				have |= a
			}
		}
		switch {
		case have&access != access:
		case way == Way{}:
			return []Way{{}}
		default:
			out = append(out, way)
		}
	}
	slices.SortFunc(out, func(a, b Way) int {
		if a.Patient != b.Patient {
			return map[bool]int{true: 1, false: -1}[a.Patient]
		}
		return strings.Compare(a.Query, b.Query)
	})
	return out
}

// Confined reports whether some scope grants less than all records of its type
// that its actor may see.
func (s Scopes) Confined() bool {
	return slices.ContainsFunc(s, func(one Scope) bool { return one.Level == LevelPatient || one.Query != "" })
}

// Cover reports whether the scopes grant all that others do.
func (s Scopes) Cover(others Scopes) bool {
	for _, other := range others {
		var have Access
		for _, one := range s {
			if one.covers(other) {
				have |= one.Access
			}
		}
		if have&other.Access != other.Access {
			return false
		}
	}
	return true
}

// Meet returns what both grant: what a program asked for, cut to what it was
// given when it was registered. Queries of both must be matched then.
func (s Scopes) Meet(other Scopes) Scopes {
	var out Scopes
	for _, a := range s {
		for _, b := range other {
			both := Scope{Level: a.Level, Type: a.Type, Access: a.Access & b.Access, Query: joinQueries(a.Query, b.Query)}
			if a.Type == AnyType {
				both.Type = b.Type
			}
			if a.Level == b.Level && (a.Type == b.Type || a.Type == AnyType || b.Type == AnyType) && both.Access != 0 {
				out = append(out, both)
			}
		}
	}
	return normalise(out)
}
