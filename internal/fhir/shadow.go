package fhir

import "github.com/wardkeep/wardkeep/internal/fhir/r4"

// shadowMember reads "_name": the id and the extensions of a primitive, or an
// array of them aligned with the values by null.
func (p *parser) shadowMember(o *object, name []byte) bool {
	m := r4.Lookup(o.typ, name)
	// id and Extension.url are plain strings, they have no extensions.
	if m == 0 || !m.Type().IsPrimitive() || m.Ordinal() == 0 ||
		m.Type() == r4.XHTML || o.typ == r4.Extension && string(name) == "url" {
		p.report(o.self, issueStructure, "There is a member that FHIR R4 does not define here.")
		return p.skip()
	}
	bit := uint64(1) << m.Ordinal()
	again := o.shadow&bit != 0
	o.shadow |= bit
	if again || o.seen&bit != 0 && m.IsChoice() && p.otherChoice(o.self, m) {
		p.twice(o, m)
		return p.skip()
	}
	if !m.IsList() {
		return p.shadowItem(o, m, false)
	}
	if p.peek() != '[' {
		p.reportChild(o.self, m.Name(), issueStructure, "The element repeats: it must be an array.")
		return p.skip()
	}
	return p.shadowList(o, m)
}

func (p *parser) shadowList(o *object, m r4.MemberID) bool {
	if !p.enter() {
		return false
	}
	p.pos++
	p.space()
	if p.peek() == ']' {
		p.reportChild(o.self, m.Name(), issueStructure, "An array must not be empty.")
	}
	for p.peek() != ']' {
		if !p.shadowItem(o, m, true) {
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

func (p *parser) shadowItem(o *object, m r4.MemberID, list bool) bool {
	if !p.roomFor(1) {
		return p.tooMany()
	}
	i := p.push(m, r4.Element)
	p.d.items[i].flags = flagShadow
	ok := true
	switch {
	case p.peek() == '{':
		child := object{self: i, typ: r4.Element, shadowed: true}
		ok = p.object(&child)
	case list && p.word("null"):
		p.d.items[i].flags |= flagNoValue
	default:
		p.report(i, issueStructure, "The value must be an object.")
		ok = p.skip()
	}
	p.close(i)
	return ok
}

// join hangs the shadows of o's primitives on their values, by position.
func (p *parser) join(o *object) {
	for ordinal := uint8(0); ordinal < 64; ordinal++ {
		if (o.shadow|o.nulls)>>ordinal&1 == 1 {
			p.joinOne(o, ordinal)
		}
	}
}

func (p *parser) joinOne(o *object, ordinal uint8) {
	end := uint32(len(p.d.items))
	next := func(i uint32, shadow uint8) uint32 {
		for i < end && (p.d.items[i].ordinal != ordinal || p.d.items[i].flags&flagShadow != shadow) {
			i = p.d.items[i].next
		}
		return i
	}
	v, s := next(o.self+1, 0), next(o.self+1, flagShadow)
	alone := v >= end
	for v < end || s < end {
		switch {
		case s >= end && o.shadow>>ordinal&1 == 1, v >= end && !alone:
			p.report(min(v, s), issueStructure, "The arrays of values and of extensions differ in length.")
			return
		case s >= end:
			p.joinValue(v, 0)
		case alone:
			p.joinAlone(s)
		default:
			p.joinValue(v, s)
		}
		if v < end {
			v = next(p.d.items[v].next, 0)
		}
		if s < end {
			s = next(p.d.items[s].next, flagShadow)
		}
	}
}

// joinValue hangs shadow s (0: there is none) on value v.
func (p *parser) joinValue(v, s uint32) {
	items := p.d.items
	hollow := s == 0 || items[s].flags&flagNoValue != 0
	if !hollow {
		items[v].ext = s
	}
	if items[v].flags&flagNoValue != 0 && (hollow || !p.hasExtension(s)) {
		p.report(v, issueStructure, "A primitive must have a value or an extension.")
	}
}

// joinAlone makes a shadow the element itself: a primitive without a value.
func (p *parser) joinAlone(s uint32) {
	it := &p.d.items[s]
	if it.flags&flagNoValue != 0 || !p.hasExtension(s) {
		p.report(s, issueStructure, "A primitive must have a value or an extension.")
		return
	}
	it.typ = it.member.Type()
	it.flags = flagNoValue
}

func (p *parser) hasExtension(s uint32) bool {
	items := p.d.items
	for i := s + 1; i < items[s].next; i = items[i].next {
		if items[i].typ == r4.Extension {
			return true
		}
	}
	return false
}
