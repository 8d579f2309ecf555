package search

import (
	"encoding/binary"
	"errors"
	"strconv"
)

// errCard is all that is said about a card that cannot be read.
var errCard = errors.New("search: damaged index card")

// Card is an index card being read. Reading a field allocates nothing once the
// reader has been used; it is not safe for concurrent use.
type cardReader struct {
	b       []byte
	typ, id []byte
	updated int64
	fields  int // offset of the first field
	scratch [5][36]byte
	v       value
}

// value is one value as a card holds it. It is valid until the next is read.
type value struct {
	kind                     kind
	field                    *field // it is of, nil if nobody asks
	group                    uint32
	folds, words             bool
	hasSystem                bool
	local                    bool
	system, code, norm, unit []byte
	typ, version             []byte
	span                     span
	number                   interval
	lo, hi                   [20]byte // short digits
}

// open reads a card's head.
func (r *cardReader) open(card []byte) error {
	if len(card) == 0 || card[0]&^cardPosted != cardVersion {
		return errCard
	}
	r.b = card
	c := cursor{r: r, i: 1}
	r.typ = c.text(3)
	r.id = c.text(4)
	r.updated = c.varint()
	r.fields = c.i
	if c.bad {
		return errCard
	}
	return nil
}

// cursor walks a card. After a wrong step it is bad and yields zeros.
type cursor struct {
	r   *cardReader
	i   int
	bad bool
}

func (c *cursor) fail() {
	c.bad = true
	c.i = len(c.r.b)
}

func (c *cursor) byte() byte {
	if c.i >= len(c.r.b) {
		c.fail()
		return 0
	}
	c.i++
	return c.r.b[c.i-1]
}

func (c *cursor) uvarint() uint64 {
	n, w := binary.Uvarint(c.r.b[c.i:])
	if w <= 0 {
		c.fail()
		return 0
	}
	c.i += w
	return n
}

func (c *cursor) varint() int64 {
	n, w := binary.Varint(c.r.b[c.i:])
	if w <= 0 {
		c.fail()
		return 0
	}
	c.i += w
	return n
}

func (c *cursor) bytes(n uint64) []byte {
	if n > uint64(len(c.r.b)-c.i) {
		c.fail()
		return nil
	}
	c.i += int(n)
	return c.r.b[c.i-int(n) : c.i]
}

// text reads a text; slot says which scratch space holds an unpacked UUID.
func (c *cursor) text(slot int) []byte {
	n := c.uvarint()
	switch n & 3 {
	case textKnown:
		if n>>2 < uint64(len(known)) {
			return knownBytes()[n>>2]
		}
	case textUUID:
		if u := c.bytes(16); u != nil && n>>2 == 0 {
			return appendUUID(c.r.scratch[slot][:0], u)
		}
	case textAgain:
		if n>>2 < uint64(c.i) {
			back := cursor{r: c.r, i: int(n >> 2)}
			if h := c.r.b[back.i] & 3; h == textLiteral || h == textUUID {
				s := back.text(slot)
				c.bad = c.bad || back.bad
				return s
			}
		}
	default:
		return c.bytes(n >> 2)
	}
	c.fail()
	return nil
}

// each calls visit with the values of a field in turn until it returns false.
func (r *cardReader) each(id fieldID, k kind, visit func(*value) bool) error {
	c := cursor{r: r, i: r.fields}
	for c.i < len(r.b) {
		head := c.bytes(3)
		if head == nil {
			return errCard
		}
		n := c.uvarint()
		if c.bad || n > uint64(len(r.b)-c.i) {
			return errCard
		}
		at := fieldID(head[0])<<16 | fieldID(head[1])<<8 | fieldID(head[2])
		if at > id {
			return nil
		}
		if at < id {
			c.i += int(n)
			continue
		}
		for end := c.i + int(n); c.i < end; {
			c.value(k)
			if c.bad || c.i > end {
				return errCard
			}
			if !visit(&r.v) {
				return nil
			}
		}
		return nil
	}
	return nil
}

func (c *cursor) value(k kind) {
	v := &c.r.v
	v.kind = k
	head := c.byte()
	v.group = 0
	if head&headGroup != 0 {
		v.group = uint32(c.uvarint())
	}
	switch k {
	case kindToken, kindIdentified:
		v.folds = head&tokenFolds != 0
		v.hasSystem = head&tokenHasSystem != 0
		v.system = nil
		if v.hasSystem {
			v.system = c.text(0)
		}
		v.code = c.text(1)
		if v.typ = nil; head&tokenTyped != 0 {
			v.typ = c.text(2)
		}
	case kindString:
		v.words = head&stringWords != 0
		v.code = c.text(0)
		v.norm = nil
		if head&stringNormal != 0 {
			v.norm = c.text(1)
		}
	case kindDate:
		c.span(head)
	case kindNumber, kindPlace:
		c.number(head)
	case kindQuantity:
		c.number(head)
		v.system, v.code, v.unit = c.text(0), c.text(1), c.text(2)
	case kindReference:
		c.reference(head)
	case kindURI:
		v.code = c.text(0)
	case kindLabel:
		v.words, v.norm, v.code = true, nil, c.text(0)
	case kindTyped:
		v.system, v.code, v.norm = c.text(0), c.text(1), c.text(2)
	}
}

func (c *cursor) reference(head byte) {
	v := &c.r.v
	v.local = head&refLocal != 0
	v.typ, v.version = nil, nil
	if v.local {
		v.typ = c.text(0)
	}
	v.code = c.text(1)
	if head&refVersion != 0 {
		v.version = c.text(2)
	}
}

func (c *cursor) span(head byte) {
	v := &c.r.v
	v.span = span{openLo, openHi}
	base := int64(0)
	if unit := head & 3; unit != dateOpen {
		base = c.varint() * unitMicros(unit)
		v.span.lo = base
	}
	if unit := head >> 2 & 3; unit != dateOpen {
		v.span.hi = base + c.varint()*unitMicros(unit) - 1
	}
}

func (c *cursor) number(head byte) {
	v := &c.r.v
	v.number = interval{
		loInf: head&numberLoInf != 0, hiInf: head&numberHiInf != 0,
		loOpen: head&numberLoOpen != 0, hiOpen: head&numberHiOpen != 0,
	}
	if !v.number.loInf {
		v.number.lo = c.decimal(head&numberLongLo != 0, v.lo[:0])
	}
	if head&numberPoint != 0 {
		v.number.hi = v.number.lo
	} else if !v.number.hiInf {
		v.number.hi = c.decimal(head&numberLongHi != 0, v.hi[:0])
	}
}

func (c *cursor) decimal(long bool, room []byte) (d decimal) {
	exp := c.varint()
	n := c.uvarint()
	d.neg = n&1 != 0
	if exp > 2*maxExp || exp < -2*maxExp {
		c.fail()
		return decimal{}
	}
	d.exp = int32(exp)
	switch {
	case long:
		d.digits = c.bytes(n >> 1)
	case n>>1 != 0:
		d.digits = strconv.AppendUint(room, n>>1, 10)
	}
	return d
}
