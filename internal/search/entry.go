package search

import "encoding/binary"

// entry is one value of one field on its way into a card.
type entry struct {
	kind  kind
	group uint32 // 1, 2, … the instance of a repeating composite it lies in; 0: none

	// token: system, code; string: original text in code, normal form in
	// norm; typed identifier: its value in norm; quantity: unit's system, code and display; reference: type, id
	// and version, or type "" and the URL in code; uri: code.
	system, code, norm string
	version            string // reference
	unit               string // quantity: the unit's text
	typ                string // reference
	folds              bool   // token: compared without regard to case
	words              bool   // string: a search may start at any word

	span   span
	number interval
}

// tail is the text that only values of some kinds have.
func (e *entry) tail() string {
	if e.kind == kindTyped {
		return e.norm
	}
	return e.version
}

// appendKey appends what tells e from other values of its field.
func (e *entry) appendKey(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(e.group))
	for _, s := range [...]string{e.system, e.code, e.tail(), e.unit, e.typ} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	switch e.kind {
	case kindDate:
		b = binary.AppendVarint(b, e.span.lo)
		b = binary.AppendVarint(b, e.span.hi)
	case kindNumber, kindQuantity, kindPlace:
		b = append(b, e.number.head())
		b = e.number.lo.appendOrdered(b)
		b = e.number.hi.appendOrdered(b)
	}
	return b
}

func (e *entry) write(w *cardWriter) {
	at := len(w.b)
	w.b = append(w.b, 0)
	head := byte(0)
	if e.group > 0 {
		head = headGroup
		w.b = binary.AppendUvarint(w.b, uint64(e.group))
	}
	switch e.kind {
	case kindToken, kindIdentified:
		head |= e.writeToken(w)
	case kindString:
		head |= e.writeString(w)
	case kindDate:
		head |= e.span.write(w)
	case kindNumber, kindPlace:
		head |= e.number.write(w)
	case kindQuantity:
		head |= e.number.write(w)
		w.text(e.system)
		w.text(e.code)
		w.text(e.unit)
	case kindReference:
		head |= e.writeReference(w)
	case kindURI, kindLabel:
		w.text(e.code)
	case kindTyped:
		w.text(e.system)
		w.text(e.code)
		w.text(e.norm)
	}
	w.b[at] = head
}

func (e *entry) writeToken(w *cardWriter) (head byte) {
	if e.folds {
		head |= tokenFolds
	}
	if e.system != "" {
		head |= tokenHasSystem
		w.text(e.system)
	}
	w.text(e.code)
	if e.typ != "" {
		head |= tokenTyped
		w.text(e.typ)
	}
	return head
}

func (e *entry) writeString(w *cardWriter) (head byte) {
	if e.words {
		head |= stringWords
	}
	w.text(e.code)
	if !plain(e.code) {
		head |= stringNormal
		w.text(e.norm)
	}
	return head
}

func (e *entry) writeReference(w *cardWriter) (head byte) {
	if e.typ == "" {
		w.text(e.code)
		return 0
	}
	w.text(e.typ)
	w.text(e.code)
	if e.version == "" {
		return refLocal
	}
	w.text(e.version)
	return refLocal | refVersion
}

func (s span) write(w *cardWriter) (head byte) {
	base := int64(0)
	if s.lo != openLo {
		unit := dateUnit(s.lo)
		w.b = binary.AppendVarint(w.b, s.lo/unitMicros(unit))
		head, base = unit, s.lo
	}
	if s.hi != openHi {
		unit := dateUnit(s.hi + 1 - base)
		w.b = binary.AppendVarint(w.b, (s.hi+1-base)/unitMicros(unit))
		head |= unit << 2
	}
	return head
}

// dateUnit returns the coarsest unit that holds t exactly.
func dateUnit(t int64) byte {
	switch {
	case t%microDay == 0:
		return dateDays
	case t%1e6 == 0:
		return dateSeconds
	}
	return dateMicros
}

func unitMicros(unit byte) int64 {
	switch unit {
	case dateDays:
		return microDay
	case dateSeconds:
		return 1e6
	}
	return 1
}

func (v interval) head() (head byte) {
	if v.loInf {
		head |= numberLoInf
	}
	if v.hiInf {
		head |= numberHiInf
	}
	if v.loOpen {
		head |= numberLoOpen
	}
	if v.hiOpen {
		head |= numberHiOpen
	}
	if head == 0 && v.lo.cmp(v.hi) == 0 {
		head |= numberPoint
	}
	return head
}

func (v interval) write(w *cardWriter) (head byte) {
	head = v.head()
	if !v.loInf && v.lo.write(w) {
		head |= numberLongLo
	}
	if !v.hiInf && head&numberPoint == 0 && v.hi.write(w) {
		head |= numberLongHi
	}
	return head
}

// write appends the exponent and the digits: as one integer with the sign below
// it, or if they do not fit, one by one.
func (d decimal) write(w *cardWriter) (long bool) {
	w.b = binary.AppendVarint(w.b, int64(d.exp))
	neg := uint64(0)
	if d.neg {
		neg = 1
	}
	if len(d.digits) > 18 {
		w.b = binary.AppendUvarint(w.b, uint64(len(d.digits))<<1|neg)
		w.b = append(w.b, d.digits...)
		return true
	}
	n := uint64(0)
	for _, c := range d.digits {
		n = n*10 + uint64(c-'0')
	}
	w.b = binary.AppendUvarint(w.b, n<<1|neg)
	return false
}
