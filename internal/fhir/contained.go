package fhir

import (
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// local is a mention of a contained resource: "#id".
type local struct {
	id     string
	item   uint32
	member r4.MemberID // the Reference element, 0 if it is a uri or canonical
	within int         // contained resource it stands in, as index+1
}

// contained is one contained resource of the resource being read.
type contained struct {
	id   string
	item uint32
	used bool // it is mentioned, or mentions its container
}

func (p *parser) isContained(o *object, m r4.MemberID) bool {
	return o.resource && r4.IsDomain(o.typ) && m.JSONName() == "contained"
}

// resource reads the object at pos as a resource.
func (p *parser) resource(i uint32, inside bool) bool {
	t, ok := p.findType(i)
	if !ok {
		return false
	}
	if t == 0 {
		return p.skip()
	}
	p.d.items[i].typ = t
	if i == 0 && t == r4.Bundle {
		p.lim.Nodes = p.lim.BundleNodes
	}
	from := p.pos
	o := object{self: i, typ: t, resource: true}
	if inside {
		return p.containedResource(&o)
	}
	locals, known, within := len(p.locals), len(p.inside), p.within
	p.within = 0
	if !p.object(&o) {
		return false
	}
	p.within = within
	if t != r4.Bundle && p.pos-from > p.lim.Bytes {
		return p.tooLarge(issueTooLong, "A resource is larger than this server takes.")
	}
	p.resolve(locals, known)
	return true
}

func (p *parser) containedResource(o *object) bool {
	if p.within != 0 {
		p.report(o.self, issueStructure, "A contained resource must not contain resources.")
	}
	if len(p.inside) >= p.lim.Contained {
		return p.tooLarge(issueTooCostly, "The resource contains too many resources.")
	}
	outer := p.within
	p.inside = append(p.inside, contained{item: o.self})
	p.within = len(p.inside)
	if !p.object(o) {
		return false
	}
	c := &p.inside[p.within-1]
	p.within = outer
	p.d.items[o.self].next = uint32(len(p.d.items))
	n := Node{d: p.d, i: o.self}
	if id := n.Get("id").i; id != 0 {
		c.id = unquote(p.raw(id))
	}
	meta := n.Get("meta")
	if meta.Get("versionId").Exists() || meta.Get("lastUpdated").Exists() || meta.Get("security").Exists() {
		p.report(o.self, issueInvalid, "A contained resource must have no versionId, lastUpdated or security labels.")
	}
	return true
}

// mention notes a reference to something within the same resource.
func (p *parser) mention(id string, item uint32, m r4.MemberID) {
	p.locals = append(p.locals, local{id: id, item: item, member: m, within: p.within})
}

// resolve matches what the resource just read contains with what it mentions.
func (p *parser) resolve(locals, known int) {
	if len(p.locals) == locals && len(p.inside) == known {
		return
	}
	inside := p.inside[known:]
	index := make(map[string]int, len(inside))
	for i := range inside {
		if inside[i].id == "" {
			continue
		}
		if _, twice := index[inside[i].id]; twice {
			p.report(inside[i].item, issueInvalid, "Two contained resources have the same id.")
		}
		index[inside[i].id] = i
	}
	for _, l := range p.locals[locals:] {
		if l.id == "" {
			if l.within > known {
				p.inside[l.within-1].used = true
			}
			continue
		}
		at, ok := index[l.id]
		switch {
		case ok:
			inside[at].used = true
			p.localTarget(l, inside[at].item)
		case l.member != 0:
			p.report(l.item, issueNotFound, "The reference points to a contained resource that is not there.")
		}
	}
	for i := range inside {
		if !inside[i].used {
			p.report(inside[i].item, issueInvalid, "A contained resource must be referred to, or refer to its container.")
		}
	}
	p.locals, p.inside = p.locals[:locals], p.inside[:known]
}

func (p *parser) localTarget(l local, item uint32) {
	if l.member != 0 && !allowed(l.member.Targets(), p.d.items[item].typ) {
		p.report(l.item, issueValue, "The reference points to a type of resource that is not allowed here.")
	}
}

// findType finds the type of the resource at pos without moving. Type 0 with ok
// means that it was refused with an issue.
func (p *parser) findType(self uint32) (t r4.TypeID, ok bool) {
	name, found, ok := p.typeName()
	if !ok {
		return 0, false
	}
	if found {
		t = r4.ResourceByName(name)
	}
	if t == 0 {
		p.report(self, issueStructure, "resourceType is missing or is no FHIR R4 resource.")
	}
	return t, true
}

// typeName returns the text of resourceType. Looking for it costs a second
// reading of the resource when it does not come first; the sum of that is
// bounded, or nested resources would be read again and again.
func (p *parser) typeName() (name []byte, found, ok bool) {
	src, i := p.src, blank(p.src, p.pos+1)
	for i < len(src) && src[i] == '"' {
		from := i
		key := i
		i = skipValue(src, i)
		isType := string(src[key:i]) == `"resourceType"`
		i = blank(src, i)
		if i >= len(src) || src[i] != ':' {
			return nil, false, true
		}
		i = blank(src, i+1)
		value := i
		i = skipValue(src, i)
		if isType {
			if i-value < 2 || src[value] != '"' {
				return nil, false, true
			}
			return src[value+1 : i-1], true, true
		}
		if p.ahead += i - from; p.ahead > 4*len(src) {
			return nil, false, p.tooLarge(issueTooCostly, "resourceType must come first in nested resources.")
		}
		if i = blank(src, i); i < len(src) && src[i] == ',' {
			i = blank(src, i+1)
		}
	}
	return nil, false, true
}

// blank skips white space.
func blank(src []byte, i int) int {
	for i < len(src) && (src[i] == ' ' || src[i] == '\n' || src[i] == '\r' || src[i] == '\t') {
		i++
	}
	return i
}
