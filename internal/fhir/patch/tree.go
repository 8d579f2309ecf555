package patch

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// value is one value of a JSON text. Scalars keep the bytes they were written
// with, objects the order of their members.
type value struct {
	kind    byte   // '{', '[', or 's' for a scalar
	raw     []byte // of a scalar
	members []member
	items   []*value
}

type member struct {
	name  string
	value *value
}

const (
	maxDepth = 128
	maxNodes = 2 << 20 // values of a tree, and of all that is copied
)

var errTree = errors.New("the text is no JSON of a size that is taken")

// readTree reads a whole JSON text. Names that come twice are an error.
func readTree(src []byte) (*value, error) {
	d := jsontext.NewDecoder(bytes.NewReader(src))
	nodes := maxNodes
	v, err := readValue(d, 0, &nodes)
	if err != nil {
		return nil, errTree
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, errTree
	}
	return v, nil
}

func readValue(d *jsontext.Decoder, depth int, nodes *int) (*value, error) {
	if *nodes--; *nodes < 0 || depth > maxDepth {
		return nil, errTree
	}
	kind := d.PeekKind()
	if kind != '{' && kind != '[' {
		raw, err := d.ReadValue()
		return &value{kind: 's', raw: bytes.Clone(raw)}, err
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	v := &value{kind: byte(kind)}
	for d.PeekKind() != '}' && d.PeekKind() != ']' {
		name := ""
		if kind == '{' {
			t, err := d.ReadToken()
			if err != nil {
				return nil, err
			}
			name = t.String()
		}
		child, err := readValue(d, depth+1, nodes)
		if err != nil {
			return nil, err
		}
		if kind == '{' {
			v.members = append(v.members, member{name, child})
		} else {
			v.items = append(v.items, child)
		}
	}
	_, err := d.ReadToken()
	return v, err
}

func (v *value) append(b []byte) []byte {
	switch v.kind {
	case '{':
		b = append(b, '{')
		for i, m := range v.members {
			if i > 0 {
				b = append(b, ',')
			}
			b, _ = jsontext.AppendQuote(b, m.name)
			b = m.value.append(append(b, ':'))
		}
		return append(b, '}')
	case '[':
		b = append(b, '[')
		for i, item := range v.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.append(b)
		}
		return append(b, ']')
	}
	return append(b, v.raw...)
}

func (v *value) find(name string) int {
	for i := range v.members {
		if v.members[i].name == name {
			return i
		}
	}
	return -1
}

// get returns a member of an object, nil if there is none.
func (v *value) get(name string) *value {
	if v == nil || v.kind != '{' {
		return nil
	}
	if i := v.find(name); i >= 0 {
		return v.members[i].value
	}
	return nil
}

// set replaces a member where it stands, or adds it at the end.
func (v *value) set(name string, to *value) {
	if i := v.find(name); i >= 0 {
		v.members[i].value = to
		return
	}
	v.members = append(v.members, member{name, to})
}

func (v *value) remove(name string) {
	if i := v.find(name); i >= 0 {
		v.members = slices.Delete(v.members, i, i+1)
	}
}

func (v *value) isNull() bool { return v.kind == 's' && string(v.raw) == "null" }

// text returns the text of a string, false of any other value.
func (v *value) text() (string, bool) {
	if v == nil || v.kind != 's' || len(v.raw) < 2 || v.raw[0] != '"' {
		return "", false
	}
	s, err := jsontext.AppendUnquote(nil, v.raw)
	return string(s), err == nil
}

// clone copies a value and takes its size from room.
func (v *value) clone(room *int) (*value, error) {
	if *room -= 1 + len(v.raw)/64; *room < 0 {
		return nil, errTree
	}
	c := &value{kind: v.kind, raw: v.raw}
	for _, m := range v.members {
		child, err := m.value.clone(room)
		if err != nil {
			return nil, err
		}
		c.members = append(c.members, member{m.name, child})
	}
	for _, item := range v.items {
		child, err := item.clone(room)
		if err != nil {
			return nil, err
		}
		c.items = append(c.items, child)
	}
	return c, nil
}

// equal is the equality of RFC 6902 §4.6: of numbers by value, of strings by
// their characters, of objects whatever the order.
func equal(a, b *value) bool {
	if a.kind != b.kind || len(a.members) != len(b.members) || len(a.items) != len(b.items) {
		return false
	}
	switch a.kind {
	case '{':
		index := make(map[string]*value, len(b.members))
		for _, m := range b.members {
			index[m.name] = m.value
		}
		for _, m := range a.members {
			if o := index[m.name]; o == nil || !equal(m.value, o) {
				return false
			}
		}
		return true
	case '[':
		for i := range a.items {
			if !equal(a.items[i], b.items[i]) {
				return false
			}
		}
		return true
	}
	s, okA := a.text()
	t, okB := b.text()
	if okA || okB {
		return okA == okB && s == t
	}
	return plainNumber(string(a.raw)) == plainNumber(string(b.raw))
}

// plainNumber writes equal numbers alike: digits without zeros at either end,
// and the exponent. Other texts are returned as they are.
func plainNumber(s string) string {
	if s[0] != '-' && (s[0] < '0' || s[0] > '9') {
		return s
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	exp := 0
	if exponent != "" {
		var err error
		if exp, err = strconv.Atoi(exponent); err != nil {
			return s
		}
	}
	sign := ""
	if mantissa[0] == '-' {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "0"
	}
	short := strings.TrimRight(digits, "0")
	return sign + short + "e" + strconv.Itoa(exp-len(fraction)+len(digits)-len(short))
}
