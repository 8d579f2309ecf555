package fhir

import (
	"bytes"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// Literal is the text of a Reference.reference taken apart.
type Literal struct {
	Base    string // https://example.org/fhir, "" if relative
	Type    string // Patient; "" for urn: and #
	ID      string // of the resource, or of the contained one
	Version string // after /_history/
	Query   string // of a conditional reference: Patient?identifier=…
	Local   bool   // #id; # alone (ID "") is the container
}

// ParseLiteral takes the text of a reference apart. It does not look anything
// up: the type is the word before the id, if that is the name of a resource.
// A text of none of the forms of R4 (urn:uuid:… among them) gives the zero
// Literal.
func ParseLiteral(s string) Literal {
	if strings.HasPrefix(s, "#") {
		return Literal{Local: true, ID: s[1:]}
	}
	t, at, end := literal(s)
	if t == 0 {
		return Literal{}
	}
	l := Literal{Type: t.String(), Base: strings.TrimSuffix(s[:at], "/")}
	rest := s[at+len(l.Type) : end]
	if strings.HasPrefix(rest, "?") {
		l.Query = rest[1:]
		return l
	}
	l.ID, l.Version, _ = strings.Cut(rest[1:], "/_history/")
	return l
}

// literal finds the type of a literal reference, the place of its name and the
// end of what belongs to it. Type 0: the text has none of the forms.
func literal[T string | []byte](s T) (t r4.TypeID, at, end int) {
	end = len(s)
	slash := [4]int{-1, -1, -1, -1} // the last four before end, the last one first
	for i := range len(s) {
		switch s[i] {
		case '?':
			if t = r4.ResourceByName(s[:i]); t != 0 {
				return t, 0, end
			}
			return 0, 0, 0
		case '/':
			slash = [4]int{i, slash[0], slash[1], slash[2]}
		}
		if s[i] == '#' {
			end = i
			break
		}
	}
	last := end // of the id
	if k := slash[0]; k >= 0 && slash[1] >= 0 && string(s[slash[1]:k+1]) == "/_history/" {
		if !isID(s[k+1 : end]) {
			return 0, 0, 0
		}
		last = slash[1]
		slash = [4]int{slash[2], slash[3], -1, -1}
	}
	if slash[0] <= 0 || !isID(s[slash[0]+1:last]) || slash[1] == 0 {
		return 0, 0, 0
	}
	at = slash[1] + 1
	return r4.ResourceByName(s[at:slash[0]]), at, end
}

func allowed(targets []r4.TypeID, t r4.TypeID) bool {
	if len(targets) == 0 {
		return true
	}
	for _, want := range targets {
		if want == t {
			return true
		}
	}
	return false
}

// after checks a complex value against the member it stands in.
func (p *parser) after(i uint32, m r4.MemberID, t r4.TypeID) {
	switch t {
	case r4.Reference:
		p.reference(i, m)
	case r4.CodeableConcept:
		if b := m.Binding(); b != 0 {
			p.concept(i, b)
		}
	}
}

func (p *parser) reference(i uint32, m r4.MemberID) {
	at := Node{d: p.d, i: i}.Get("reference").i
	if at == 0 {
		return
	}
	raw := p.raw(at)
	if len(raw) < 3 || raw[0] != '"' { // what is no string was reported, and never read as one
		return
	}
	if raw[1] != '#' && raw[1] != '\\' && len(m.Targets()) == 0 {
		return
	}
	text := raw[1 : len(raw)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		text = unescape(nil, text)
	}
	if len(text) > 0 && text[0] == '#' {
		p.mention(string(text[1:]), at, m)
	} else if t, _, _ := literal(text); t != 0 && !allowed(m.Targets(), t) {
		p.report(at, issueValue, "The reference points to a type of resource that is not allowed here.")
	}
}

// raw returns the text of a primitive while the compact text is still growing.
func (p *parser) raw(i uint32) []byte {
	it := &p.d.items[i]
	if int(it.end) <= len(p.out) {
		return p.out[it.start:it.end]
	}
	return p.src[int(it.start)+p.shift : int(it.end)+p.shift]
}

// concept checks a CodeableConcept that is bound to codes: one of its codings
// must be among them. One with nothing but extensions says why there is none.
func (p *parser) concept(i uint32, b r4.Codes) {
	n, coded := Node{d: p.d, i: i}, false
	for c := range n.All("coding") {
		coded = true
		system, code := c.Get("system").i, c.Get("code").i
		if system != 0 && code != 0 && unquote(p.raw(system)) == b.System() && r4.Has(b, unquote(p.raw(code))) {
			return
		}
	}
	if coded || n.Get("text").Exists() {
		p.report(i, issueCode, "No coding is from the value set that is required here.")
	}
}

// extension checks that an extension has a value or extensions, not both.
func (p *parser) extension(o *object) {
	value := o.has(r4.Lookup(r4.Extension, "value"))
	nested := o.has(r4.Lookup(r4.Extension, "extension"))
	switch {
	case value && nested:
		p.report(o.self, issueStructure, "An extension has a value or extensions, not both.")
	case !value && !nested:
		p.report(o.self, issueStructure, "An extension must have a value or extensions.")
	}
}

func (o *object) has(m r4.MemberID) bool { return (o.seen|o.shadow)>>m.Ordinal()&1 == 1 }
