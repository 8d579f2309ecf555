package xml

import (
	"bytes"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// siblings are the elements of one name that stand together: a member of the
// JSON, or two where primitives have ids or extensions.
type siblings struct {
	member r4.MemberID
	n      int    // read so far
	at     int    // where the member begins in the text
	valued bool   // one of them has a value
	beside []byte // what stands in the member with the underscore
	parts  int    // items of it
}

func (r *reader) begin(s *siblings, m r4.MemberID) {
	*s = siblings{member: m, at: len(r.out)}
	r.name(m.JSONName())
	if m.IsList() {
		r.out = append(r.out, '[')
	}
}

func (r *reader) end(s *siblings) {
	if s.member == 0 {
		return
	}
	list := s.member.IsList()
	if !s.valued {
		r.out = r.out[:s.at]
	} else if list {
		r.closeList()
	}
	if s.parts == 0 {
		return
	}
	r.name("_" + s.member.JSONName())
	if !list {
		r.out = append(r.out, s.beside...)
		return
	}
	r.out = append(append(r.out, '['), s.beside...)
	for ; s.parts < s.n; s.parts++ {
		r.out = append(r.out, "null,"...)
	}
	r.closeList()
}

func (r *reader) closeList() {
	r.out = append(bytes.TrimSuffix(r.out, []byte(",")), "],"...)
}
