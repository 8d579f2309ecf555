package search

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// controls are the parameters that shape an answer instead of choosing it.
var controls = [...]string{
	"_contained", "_containedType", "_count", "_elements", "_format", "_include", "_pretty", "_revinclude", "_sort", "_summary", "_total",
}

// control takes a parameter that shapes the answer; done is false if kv is not one.
func (p *parser) control(kv Param) (done bool, err error) {
	name, modifier, modified := strings.Cut(kv.Key, ":")
	if !slices.Contains(controls[:], name) {
		return false, nil
	}
	isInclude := name == "_include" || name == "_revinclude"
	if modified && (!isInclude || modifier != "iterate" && modifier != "recurse") {
		return true, invalid("not-supported", name+" does not take that modifier.")
	}
	if !isInclude && slices.Contains(p.seen, name) {
		return true, invalid("invalid", name+" may be given once.")
	}
	p.seen = append(p.seen, name)
	switch name {
	case "_count":
		return true, p.count(kv.Value)
	case "_sort":
		return true, p.sort(kv.Value)
	case "_total":
		p.q.Total = kv.Value
		return true, oneOf(name, kv.Value, "none", "estimate", "accurate")
	case "_summary":
		p.q.Summary = kv.Value
		if kv.Value == "count" {
			p.q.Count = 0
		}
		return true, oneOf(name, kv.Value, "true", "text", "data", "count", "false")
	case "_elements":
		return true, p.elements(kv.Value)
	case "_contained":
		p.contained = kv.Value
		return true, oneOf(name, kv.Value, "false", "true", "both")
	case "_containedType":
		p.containedType = kv.Value
		return true, oneOf(name, kv.Value, "container", "contained")
	case "_include", "_revinclude":
		return true, p.include(name, kv.Value, modified)
	}
	return true, nil
}

func oneOf(name, value string, valid ...string) error {
	if slices.Contains(valid, value) {
		return nil
	}
	return invalid("value", name+" is one of "+strings.Join(valid, ", ")+".")
}

// count bounds what is asked for, as the standard allows: a server may return
// fewer entries than asked, never more. 0 means _summary=count.
func (p *parser) count(value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || len(value) > 9 || value[0] == '+' {
		return invalid("value", "_count is a whole number, 0 or more.")
	}
	most := p.opt.MaxCount
	if most == 0 {
		most = 1000
	}
	if p.q.Summary != "count" {
		p.q.Count = min(n, most)
	}
	return nil
}

func (p *parser) elements(value string) error {
	t := r4.ResourceByName(p.s.typ)
	for _, name := range strings.Split(value, ",") {
		name = strings.TrimPrefix(strings.TrimSpace(name), p.s.typ+".")
		if r4.Lookup(t, name) == 0 {
			return invalid("value", "_elements names elements at the root of "+p.s.typ+", separated by commas.")
		}
		p.q.Elements = append(p.q.Elements, name)
	}
	return nil
}

func (p *parser) sort(value string) error {
	for _, key := range strings.Split(value, ",") {
		code, desc := strings.CutPrefix(strings.TrimSpace(key), "-")
		q := p.s.params[code]
		if len(p.opt.among) > 1 && code != "_id" && code != "_lastUpdated" {
			return invalid("not-supported", "A search for several types is sorted by _id and _lastUpdated.")
		}
		if q == nil || q.kind == 0 && q.special == "" || q.kind == kindPlace || q.kind == kindBody {
			return invalid("not-supported", fmt.Sprintf("_sort names search parameters of %s, each with a minus for descending order: %s.",
				p.s.typ, strings.Join(p.s.codes, ", ")))
		}
		if p.opt.ordersNumbers(p.s.typ, q) {
			return errMaskedSort
		}
		if slices.ContainsFunc(p.q.Sort, func(s Sort) bool { return s.Code == code }) {
			return invalid("invalid", "_sort names a parameter twice.")
		}
		p.q.Sort = append(p.q.Sort, Sort{Code: code, Desc: desc, param: q})
	}
	if len(p.q.Sort) > maxSorts {
		return invalid("too-costly", fmt.Sprintf("_sort takes %d keys.", maxSorts))
	}
	return nil
}
