package path

import (
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// Kind says what a Value is: an element of a resource, or a value of the System
// model.
type Kind uint8

const (
	Element Kind = iota + 1
	Boolean
	Integer
	Long
	DecimalKind
	String
	Date
	DateTime
	Time
	QuantityKind
	TypeInfo
)

var kindNames = [...]string{Boolean: "Boolean", Integer: "Integer", Long: "Long", DecimalKind: "Decimal",
	String: "String", Date: "Date", DateTime: "DateTime", Time: "Time", QuantityKind: "Quantity", TypeInfo: "ClassInfo"}

// Value is one item of a collection. It is immutable.
type Value struct {
	kind Kind
	i    int64
	s    string
	x    any // Decimal, Temporal, Quantity or typeName
	node fhir.Node
}

// Collection is an ordered list of values. It MUST NOT be changed.
type Collection []Value

// Of makes a value of an element.
func Of(n fhir.Node) Value { return Value{kind: Element, node: n} }

// OfString and OfBool make values of the System model.
func OfString(s string) Value { return Value{kind: String, s: s} }

// OfBool makes a Boolean.
func OfBool(b bool) Value {
	v := Value{kind: Boolean}
	if b {
		v.i = 1
	}
	return v
}

func integer(i int64) Value             { return Value{kind: Integer, i: i} }
func long(i int64) Value                { return Value{kind: Long, i: i} }
func decimal(d Decimal) Value           { return Value{kind: DecimalKind, x: d} }
func temporal(k Kind, t Temporal) Value { return Value{kind: k, x: t} }
func quantity(q Quantity) Value         { return Value{kind: QuantityKind, x: q} }

// Kind returns what the value is.
func (v Value) Kind() Kind { return v.kind }

// Node returns the element, the absent one if the value was calculated.
func (v Value) Node() fhir.Node { return v.node }

func (v Value) bool() bool         { return v.i != 0 }
func (v Value) decimal() Decimal   { return v.x.(Decimal) }
func (v Value) temporal() Temporal { return v.x.(Temporal) }
func (v Value) quantity() Quantity { return v.x.(Quantity) }
func (v Value) isNumber() bool     { return v.kind >= Integer && v.kind <= DecimalKind }
func (v Value) isTemporal() bool   { return v.kind >= Date && v.kind <= Time }
func (v Value) asDecimal() Decimal {
	if v.kind == DecimalKind {
		return v.decimal()
	}
	return decimalOf(v.i)
}

// Text returns the value as toString() would: of a primitive element its text,
// of other elements "".
func (v Value) Text() string {
	switch v = v.system(); v.kind {
	case Boolean:
		if v.bool() {
			return "true"
		}
		return "false"
	case Integer, Long:
		return decimalOf(v.i).String()
	case DecimalKind:
		return v.decimal().String()
	case String:
		return v.s
	case Date:
		return v.temporal().dateText()
	case DateTime:
		return v.temporal().dateTimeText()
	case Time:
		return v.temporal().clockText()
	case QuantityKind:
		return v.quantity().String()
	}
	return ""
}

// system returns the System value that an element stands for: of a primitive
// its value, of a Quantity its number and unit. Elements that stand for none
// are returned as they are.
func (v Value) system() Value {
	if v.kind != Element {
		return v
	}
	t := v.node.TypeID()
	if !t.IsPrimitive() {
		if isSubtype(t, r4.Quantity) {
			if q, ok := quantityOf(v.node); ok {
				return quantity(q)
			}
		}
		return v
	}
	if v.node.Raw() == nil {
		return v
	}
	if s, ok := primitive(t, v.node.Text()); ok {
		return s
	}
	return v
}

// primitive reads the text of a FHIR primitive.
func primitive(t r4.TypeID, text string) (Value, bool) {
	switch t {
	case r4.Boolean:
		return OfBool(text == "true"), true
	case r4.Integer, r4.PositiveInt, r4.UnsignedInt:
		d, ok := parseDecimal(text)
		return integer(d.truncate().Int64()), ok
	case r4.Decimal:
		d, ok := parseDecimal(text)
		return decimal(d), ok
	case r4.Date:
		d, ok := parseDate(text)
		return temporal(Date, d), ok
	case r4.DateTime, r4.Instant:
		d, ok := parseDateTime(text)
		return temporal(DateTime, d), ok
	case r4.Time:
		d, ok := parseTime(text)
		return temporal(Time, d), ok
	}
	return OfString(text), true
}

// Bool returns the value of a collection where the language wants a condition:
// nothing is unknown, a single item that is no Boolean is true.
func (c Collection) truth() (b, known bool, err error) {
	switch len(c) {
	case 0:
		return false, false, nil
	case 1:
		if v := c[0].system(); v.kind == Boolean {
			return v.bool(), true, nil
		}
		return true, true, nil
	}
	return false, false, errMany
}

// Nodes returns the elements of the collection; calculated values are left out.
func (c Collection) Nodes() []fhir.Node {
	var nodes []fhir.Node
	for _, v := range c {
		if v.kind == Element {
			nodes = append(nodes, v.node)
		}
	}
	return nodes
}
