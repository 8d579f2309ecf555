package fhir

import (
	"bytes"
	"slices"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// parser reads one text once, from front to back. Methods that return a bool
// return false when the rest cannot be read; findings that let it go on are
// only noted.
type parser struct {
	src   []byte
	pos   int
	out   []byte // src without white space up to run, nil while there was none
	run   int    // src[run:] is not yet in out
	shift int    // pos in src minus pos in the compact text

	d     *doc
	lim   Limits
	depth int
	open  uint32 // innermost item, for issues

	issues []fault.Issue
	large  bool
	tmp    []byte // unescaped text
	ahead  int    // bytes looked at in search of resourceType
	locals []local
	inside []contained
	within int // index+1 in inside while in a contained resource
}

func (p *parser) document() bool {
	if bytes.HasPrefix(p.src, []byte("\xEF\xBB\xBF")) {
		return p.syntax("The text starts with a byte order mark.")
	}
	p.space()
	if p.peek() != '{' {
		return p.syntax("The text is not a JSON object.")
	}
	p.d.items[0].start = p.offset()
	if !p.resource(0, false) {
		return false
	}
	p.d.items[0].end = p.offset()
	p.d.items[0].next = uint32(len(p.d.items))
	p.space()
	if p.pos != len(p.src) {
		return p.syntax("There is text after the resource.")
	}
	return true
}

// push opens an item for the value at pos.
func (p *parser) push(m r4.MemberID, t r4.TypeID) uint32 {
	i := uint32(len(p.d.items))
	if int(i) == cap(p.d.items) { // append would grow by a quarter, and copy more
		p.d.items = slices.Grow(p.d.items, len(p.d.items))
	}
	at := p.offset()
	p.d.items = append(p.d.items, item{start: at, end: at, member: m, typ: t, ordinal: m.Ordinal()})
	return i
}

// close ends an item. Every item that is pushed MUST be closed, also one that is
// refused: siblings are found by what it sets.
func (p *parser) close(i uint32) {
	p.d.items[i].end = p.offset()
	p.d.items[i].next = uint32(len(p.d.items))
}

// enter counts a nesting level.
func (p *parser) enter() bool {
	if p.depth++; p.depth > p.lim.Depth {
		return p.tooLarge(issueTooCostly, "The resource is nested too deeply.")
	}
	return true
}

// object is what is known of one JSON object while it is read.
type object struct {
	self     uint32
	typ      r4.TypeID
	resource bool
	shadowed bool   // it is the "_name" twin of a primitive
	typed    bool   // resourceType was seen
	seen     uint64 // ordinals of members with a value
	shadow   uint64 // ordinals of "_name" members
	nulls    uint64 // ordinals of lists that hold null
}

// object reads the object at pos, whose item is o.self.
func (p *parser) object(o *object) bool {
	if !p.enter() {
		return false
	}
	outer := p.open
	p.open = o.self
	p.pos++
	p.space()
	if p.peek() == '}' {
		p.pos++
		p.report(o.self, issueStructure, "An object must not be empty.")
	} else if !p.inner(o) {
		return false
	}
	p.open = outer
	p.depth--
	return true
}

func (p *parser) inner(o *object) bool {
	for {
		key, ok := p.key()
		if !ok || !p.pair(o, key) {
			return false
		}
		p.space()
		switch p.peek() {
		case ',':
			p.pos++
			p.space()
			continue
		case '}':
			p.pos++
			p.finish(o)
			return true
		}
		return p.syntax("The text is not JSON: a comma or a closing brace is missing.")
	}
}

// key reads a member name and its colon.
func (p *parser) key() ([]byte, bool) {
	if p.peek() != '"' {
		return nil, p.syntax("The text is not JSON: a member name is missing.")
	}
	key, escaped, ok := p.text()
	if !ok {
		return nil, false
	}
	if escaped {
		return nil, p.syntax("A member name has an escape.")
	}
	p.space()
	if p.peek() != ':' {
		return nil, p.syntax("The text is not JSON: a colon is missing.")
	}
	p.pos++
	p.space()
	return key, true
}

// pair reads the value of the member called key.
func (p *parser) pair(o *object, key []byte) bool {
	if len(key) > 0 && key[0] == '_' {
		return p.shadowMember(o, key[1:])
	}
	m := r4.Lookup(o.typ, key)
	if m == 0 || m.IsChoiceBase() {
		if o.resource && string(key) == "resourceType" {
			return p.typeMember(o)
		}
		p.report(o.self, issueStructure, "There is a member that FHIR R4 does not define here.")
		return p.skip()
	}
	bit := uint64(1) << m.Ordinal()
	again := o.seen&bit != 0
	o.seen |= bit // also of a refused one: the next is refused without a search
	if again || o.shadow&bit != 0 && m.IsChoice() && p.otherChoice(o.self, m) {
		p.twice(o, m)
		return p.skip()
	}
	if m.IsList() {
		return p.list(o, m)
	}
	return p.value(o, m)
}

func (p *parser) typeMember(o *object) bool {
	if o.typed {
		p.report(o.self, issueStructure, "resourceType appears twice.")
	}
	o.typed = true
	if p.peek() != '"' {
		p.report(o.self, issueStructure, "resourceType must be a string.")
		return p.skip()
	}
	_, _, ok := p.text()
	return ok
}

func (p *parser) twice(o *object, m r4.MemberID) {
	if len(p.issues) >= p.lim.Issues {
		return
	}
	text := "The member appears twice."
	if m.IsChoice() && p.otherChoice(o.self, m) {
		text = "The element may have one type only, not several at once."
	}
	p.reportChild(o.self, m.Name(), issueStructure, text)
}

// otherChoice reports whether a child of self is of the same choice as m, but
// of another type.
func (p *parser) otherChoice(self uint32, m r4.MemberID) bool {
	items := p.d.items
	for i := self + 1; i < uint32(len(items)); i = items[i].next {
		if items[i].ordinal == m.Ordinal() && items[i].member != m {
			return true
		}
	}
	return false
}

// list reads the array of a repeating element.
func (p *parser) list(o *object, m r4.MemberID) bool {
	if p.peek() != '[' {
		p.reportChild(o.self, m.Name(), issueStructure, "The element repeats: it must be an array.")
		return p.skip()
	}
	if !p.enter() {
		return false
	}
	p.pos++
	p.space()
	if p.peek() == ']' {
		p.reportChild(o.self, m.Name(), issueStructure, "An array must not be empty.")
	}
	for n := 1; p.peek() != ']'; n++ {
		if m.Type() == r4.BundleEntry && n > p.lim.Entries {
			return p.tooLarge(issueTooCostly, "The bundle has too many entries.")
		}
		if !p.listItem(o, m) {
			return false
		}
		p.space()
		if p.peek() == ',' {
			p.pos++
			p.space()
			if p.peek() != ']' {
				continue
			}
		} else if p.peek() == ']' {
			break
		}
		return p.syntax("The text is not JSON: a comma or a closing bracket is missing.")
	}
	p.pos++
	p.depth--
	return true
}

func (p *parser) listItem(o *object, m r4.MemberID) bool {
	if p.peek() != 'n' || !m.Type().IsPrimitive() || !p.roomFor(1) {
		return p.value(o, m)
	}
	i := p.push(m, m.Type())
	ok := p.word("null")
	if ok {
		p.d.items[i].flags = flagNoValue
		o.nulls |= 1 << m.Ordinal()
	} else {
		p.report(i, issueStructure, "The value is of the wrong JSON type.")
		ok = p.skip()
	}
	p.close(i)
	return ok
}

// roomFor reports whether n more items are within the limit.
func (p *parser) roomFor(n int) bool { return len(p.d.items)+n <= p.lim.Nodes }

func (p *parser) tooMany() bool {
	return p.tooLarge(issueTooCostly, "The resource has too many elements.")
}

// value reads one value of the member's type.
func (p *parser) value(o *object, m r4.MemberID) bool {
	t := m.Type()
	if !p.roomFor(1) {
		return p.tooMany()
	}
	if t.IsPrimitive() {
		i := p.push(m, t)
		ok := p.primitive(i, m, t)
		p.close(i)
		return ok
	}
	c := p.peek()
	if c == '[' && !m.IsList() {
		p.reportChild(o.self, m.Name(), issueStructure, "The element does not repeat: it must not be an array.")
		return p.skip()
	}
	i := p.push(m, t)
	ok := true
	switch {
	case c != '{':
		p.report(i, issueStructure, "The value must be an object.")
		ok = p.skip()
	case t == r4.Resource:
		ok = p.resource(i, p.isContained(o, m))
	default:
		child := object{self: i, typ: t}
		ok = p.object(&child)
	}
	p.close(i)
	if ok {
		p.after(i, m, t)
	}
	return ok
}

// finish checks what can be told only once all members are known.
func (p *parser) finish(o *object) {
	if o.shadow|o.nulls != 0 {
		p.join(o)
	}
	if missing := o.typ.Required() &^ (o.seen | o.shadow); missing != 0 {
		p.missing(o, missing)
	}
	if o.typ == r4.Extension {
		p.extension(o)
	}
	// Ordinal 0 is the id of every type.
	if o.seen == 1 && o.shadow == 0 && !o.resource && !o.shadowed {
		p.report(o.self, issueStructure, "An element must have a value or children, not only an id.")
	}
}

func (p *parser) missing(o *object, set uint64) {
	first, end := o.typ.Members()
	for m := first; m < end; m++ {
		if bit := uint64(1) << m.Ordinal(); set&bit != 0 {
			set &^= bit
			p.reportChild(o.self, m.Name(), issueRequired, "The element is required.")
		}
	}
}
