package demo

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// field is one member of an object. Members keep the order they were given, so
// that a resource reads as the standard prints it.
type field struct {
	name  string
	value any
}

// obj is a JSON object under construction, arr an array. Absent values (nil,
// "", an object or array that holds nothing) are left out when written: FHIR
// has no empty elements.
type (
	obj []field
	arr []any
	num string // a decimal with exactly the digits it should show
)

// o builds an object from name, value, name, value …
func o(pairs ...any) obj {
	out := make(obj, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, field{pairs[i].(string), pairs[i+1]})
	}
	return out
}

// with returns a copy of the object with further members.
func (b obj) with(pairs ...any) obj {
	return append(append(make(obj, 0, len(b)+len(pairs)/2), b...), o(pairs...)...)
}

// get returns the named member, nil if there is none.
func (b obj) get(name string) any {
	for _, f := range b {
		if f.name == name {
			return f.value
		}
	}
	return nil
}

// set returns a copy in which the named member has the value, in its old place
// or, if it is new, at the end.
func (b obj) set(name string, value any) obj {
	out := append(make(obj, 0, len(b)+1), b...)
	for i := range out {
		if out[i].name == name {
			out[i].value = value
			return out
		}
	}
	return append(out, field{name, value})
}

// list wraps the present values in an array.
func list(values ...any) arr {
	out := make(arr, 0, len(values))
	for _, v := range values {
		if !absent(v) {
			out = append(out, v)
		}
	}
	return out
}

func absent(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case num:
		return v == ""
	case obj:
		for _, f := range v {
			if !absent(f.value) {
				return false
			}
		}
		return true
	case arr:
		for _, e := range v {
			if !absent(e) {
				return false
			}
		}
		return true
	}
	return false
}

// write appends v as minimal JSON. Only the types above, string, bool and int
// occur: anything else is a defect of this package.
func write(dst []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return quote(dst, v)
	case num:
		return append(dst, v...)
	case bool:
		return strconv.AppendBool(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case obj:
		return writeObj(dst, v)
	case arr:
		return writeArr(dst, v)
	}
	panic("demo: a value of an unknown type in a resource")
}

func writeObj(dst []byte, v obj) []byte {
	dst = append(dst, '{')
	first := true
	for _, f := range v {
		if absent(f.value) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = quote(dst, f.name)
		dst = append(dst, ':')
		dst = write(dst, f.value)
	}
	return append(dst, '}')
}

func writeArr(dst []byte, v arr) []byte {
	dst = append(dst, '[')
	first := true
	for _, e := range v {
		if absent(e) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = write(dst, e)
	}
	return append(dst, ']')
}

// quote appends a JSON string; text that needs no escape, nearly all of it
// here, is copied as it stands.
func quote(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x80 {
			out, err := jsontext.AppendQuote(dst, s)
			if err != nil {
				panic("demo: a text that is not UTF-8")
			}
			return out
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}
