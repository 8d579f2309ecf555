package search

import (
	"bytes"
	"encoding/binary"
)

// cardVersion is the first byte of every card.
const cardVersion = 2

// cardPosted is a flag of the first byte: the version was created by POST.
const cardPosted = 0x80

// MarkPosted says on a card that its version was created by POST. Without the mark
// that is not known.
func MarkPosted(card []byte) { card[0] |= cardPosted }

// Format names the words and cards that this package makes: another whenever
// words change that exist, or cards. A store of another format is refused, but
// for FormatBefore: all that it has not is words of contained resources.
const (
	Format       = "3"
	FormatBefore = "2"
)

// kind is how values of a field are laid out and compared. It is a part of the
// field's id: an element read as a token and as a string is two fields.
type kind byte

const (
	kindToken     kind = 't'
	kindString    kind = 's'
	kindDate      kind = 'd'
	kindNumber    kind = 'n'
	kindQuantity  kind = 'q'
	kindReference kind = 'r'
	kindURI       kind = 'u'
)

// fieldID names a field inside a card: 24 bits of FNV-1a over kind and element
// path. A test makes sure that no two fields of a type share one.
type fieldID uint32

func idOf(k kind, path string) fieldID {
	h := uint32(2166136261)
	h = (h ^ uint32(k)) * 16777619
	for i := 0; i < len(path); i++ {
		h = (h ^ uint32(path[i])) * 16777619
	}
	return fieldID(h>>24 ^ h&0xffffff)
}

// Bits of a value's first byte. headGroup is common to all kinds.
const (
	headGroup = 0x80 // the number of the composite's instance follows

	tokenHasSystem = 0x01
	tokenFolds     = 0x02 // compared without regard to case
	tokenTyped     = 0x04 // of a reference, whose type follows
	stringWords    = 0x01 // a search may start at any word
	stringNormal   = 0x02 // the normal form follows, it is not just lower case
	numberLoInf    = 0x01
	numberHiInf    = 0x02
	numberLoOpen   = 0x04
	numberHiOpen   = 0x08
	numberPoint    = 0x10 // one number only
	numberLongLo   = 0x20 // digits instead of an integer
	numberLongHi   = 0x40
	refLocal       = 0x01 // type and id follow, else a URL
	refVersion     = 0x02 // then the version
)

// Units of the ends of a date, two bits each: first the start, then the end.
const (
	dateOpen = iota
	dateDays
	dateSeconds
	dateMicros
)

// cardWriter builds a card. Fields are written in the order of their ids.
type cardWriter struct {
	b      []byte
	said   []literal
	index  map[string]int // of said, once there are many
	fields []*cardField   // by place in the schema's order
	// contained are the cards of contained resources.
	contained [][]byte

	scratch, other []byte
}

// literal is a text that the card holds at an offset, to be pointed back to.
type literal struct {
	text string
	at   int
}

// cardField collects the distinct values of one field.
type cardField struct {
	id     fieldID
	values []entry
	seen   map[string]bool // once there are many
	first  [1]entry        // room for values, of which there mostly is one
}

func newCardWriter(fields int) *cardWriter {
	return &cardWriter{fields: make([]*cardField, fields), b: make([]byte, 0, 256)}
}

// add adds a value to a field and reports whether it was new.
func (w *cardWriter) add(at *field, e entry) bool {
	f := w.fields[at.order]
	if f == nil {
		f = &cardField{id: at.id}
		f.values = f.first[:0]
		w.fields[at.order] = f
	}
	if len(f.values) > 0 {
		w.scratch = e.appendKey(w.scratch[:0])
		if f.has(w) {
			return false
		}
	}
	f.values = append(f.values, e)
	return true
}

// has reports whether the value whose key is in w.scratch is there, and counts
// it as there if it keeps a set.
func (f *cardField) has(w *cardWriter) bool {
	if f.seen == nil && len(f.values) < few {
		for i := range f.values {
			if w.other = f.values[i].appendKey(w.other[:0]); bytes.Equal(w.other, w.scratch) {
				return true
			}
		}
		return false
	}
	if f.seen == nil {
		f.seen = make(map[string]bool, 2*few)
		for i := range f.values {
			w.other = f.values[i].appendKey(w.other[:0])
			f.seen[string(w.other)] = true
		}
	}
	if f.seen[string(w.scratch)] {
		return true
	}
	f.seen[string(w.scratch)] = true
	return false
}

// bytes writes the card.
func (w *cardWriter) bytes(typ, id string, updated int64) []byte {
	w.b = append(w.b[:0], cardVersion)
	w.text(typ)
	w.text(id)
	w.b = binary.AppendVarint(w.b, updated)
	for _, f := range w.fields {
		if f != nil {
			w.field(f)
		}
	}
	w.writeContained()
	return w.b
}

// field writes one field. Its length comes first and is not known before, so
// the values move up by the length's own size; offsets of literals move along.
func (w *cardWriter) field(f *cardField) {
	id := f.id
	w.b = append(w.b, byte(id>>16), byte(id>>8), byte(id))
	size := 1
	for {
		start := len(w.b)
		w.b = append(w.b, make([]byte, size)...)
		for i := range f.values {
			f.values[i].write(w)
		}
		n := len(w.b) - start - size
		if length := binary.AppendUvarint(nil, uint64(n)); len(length) <= size {
			copy(w.b[start:], padUvarint(length, size))
			return
		}
		w.b = w.b[:start]
		w.forget(start)
		size++
	}
}

// padUvarint stretches a varint to size bytes without changing its value.
func padUvarint(b []byte, size int) []byte {
	for len(b) < size {
		b[len(b)-1] |= 0x80
		b = append(b, 0)
	}
	return b
}

// The low two bits of a text's head say what follows.
const (
	textLiteral = iota // that many bytes
	textKnown          // the number is an index into known
	textUUID           // 16 bytes
	textAgain          // the number is the offset of an earlier literal or UUID
)

func (w *cardWriter) text(s string) {
	if i, ok := knownIndex(s); ok {
		w.b = binary.AppendUvarint(w.b, uint64(i)<<2|textKnown)
		return
	}
	if at, ok := w.saidAt(s); ok {
		w.b = binary.AppendUvarint(w.b, uint64(at)<<2|textAgain)
		return
	}
	if len(s) > 2 {
		if w.index != nil {
			w.index[s] = len(w.said)
		}
		w.said = append(w.said, literal{s, len(w.b)})
	}
	if u, ok := packUUID(s); ok {
		w.b = append(w.b, textUUID)
		w.b = append(w.b, u[:]...)
		return
	}
	w.b = binary.AppendUvarint(w.b, uint64(len(s))<<2) // textLiteral
	w.b = append(w.b, s...)
}

// saidAt returns the offset of a text that the card has already.
func (w *cardWriter) saidAt(s string) (int, bool) {
	if w.index == nil && len(w.said) >= few {
		w.index = make(map[string]int, 2*few)
		for i, l := range w.said {
			w.index[l.text] = i
		}
	}
	if w.index != nil {
		i, ok := w.index[s]
		if !ok {
			return 0, false
		}
		return w.said[i].at, true
	}
	for _, l := range w.said {
		if l.text == s {
			return l.at, true
		}
	}
	return 0, false
}

// forget drops texts that are about to be written anew.
func (w *cardWriter) forget(from int) {
	for len(w.said) > 0 && w.said[len(w.said)-1].at >= from {
		w.said = w.said[:len(w.said)-1]
	}
	w.index = nil
}

// packUUID packs a UUID in its canonical, lower-case form.
func packUUID(s string) (u [16]byte, ok bool) {
	if len(s) != 36 {
		return u, false
	}
	n := 0
	for i := 0; i < 36; i++ {
		c := s[i]
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return u, false
			}
			continue
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		default:
			return u, false
		}
		u[n/2] = u[n/2]<<4 | c
		n++
	}
	return u, true
}

func appendUUID(b []byte, u []byte) []byte {
	const hex = "0123456789abcdef"
	for i, c := range u {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b = append(b, '-')
		}
		b = append(b, hex[c>>4], hex[c&15])
	}
	return b
}
