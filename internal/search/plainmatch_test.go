package search_test

import (
	"math/big"
	"strings"
	"time"
)

// plainQuery is one condition in parts, as the generator makes it; or is the
// list of alternatives, still escaped.
type plainQuery struct {
	param    *plainParam
	modifier string // "", not, missing, exact, contains, or a type
	or       []string
	chain    *plainQuery // instead of or
	chainTo  string
}

type plainWorld struct {
	now  time.Time
	base string
	docs map[string]*plainDoc // Type/id
}

type plainDoc struct {
	typ, id string
	root    plainNode
	cache   map[*plainParam][]plainNode
	parts   map[*plainParam][][][]plainNode
}

func (d *plainDoc) values(p *plainParam) []plainNode {
	if v, ok := d.cache[p]; ok {
		return v
	}
	v := p.values(d.root)
	d.cache[p] = v
	return v
}

func (w *plainWorld) holds(d *plainDoc, q *plainQuery) bool {
	switch {
	case q.chain != nil:
		for _, n := range d.values(q.param) {
			ref := n.text("reference")
			if i := strings.Index(ref, "/_history/"); i > 0 {
				ref = ref[:i]
			}
			if t := w.docs[ref]; t != nil && t.typ == q.chainTo && w.holds(t, q.chain) {
				return true
			}
		}
		return false
	case q.modifier == "missing":
		has := false
		for _, n := range d.values(q.param) {
			has = has || w.counts(d, q.param.kind, n)
		}
		return has != (q.or[0] == "true")
	case q.param.kind == "composite":
		return w.composite(d, q)
	}
	hit := false
	for _, text := range q.or {
		for _, n := range d.values(q.param) {
			hit = hit || w.value(d, q.param.kind, q.modifier, q.param, n, text)
		}
	}
	return hit != (q.modifier == "not")
}

// counts reports whether n is a value at all of that kind.
func (w *plainWorld) counts(d *plainDoc, kind string, n plainNode) bool {
	switch kind {
	case "date":
		_, ok := plainSpanOf(d.typ, n)
		return ok
	case "quantity":
		_, ok := rat(n.text("value"))
		return ok
	case "reference":
		_, isRef := n.v.(map[string]any)
		_, isText := n.v.(string)
		return isRef || isText
	case "string":
		_, ok := n.v.(string)
		return ok || len(nameParts(n)) > 0
	}
	return true
}

// instances are the values of a composite's parts in each of its elements.
func (d *plainDoc) instances(p *plainParam) [][][]plainNode {
	if have, ok := d.parts[p]; ok {
		return have
	}
	var out [][][]plainNode
	for _, base := range p.expr {
		bases := []plainNode{d.root}
		if strings.Contains(base, ".") {
			bases = plainEval(d.root, base, true)
		}
		for _, b := range bases {
			parts := make([][]plainNode, len(p.parts))
			for i, part := range p.parts {
				for _, e := range part.expr {
					parts[i] = append(parts[i], plainEval(b, e, false)...)
				}
			}
			out = append(out, parts)
		}
	}
	d.parts[p] = out
	return out
}

func (w *plainWorld) composite(d *plainDoc, q *plainQuery) bool {
	for _, text := range q.or {
		values := strings.Split(text, "$") // the generator makes no escaped $ there
		for _, instance := range d.instances(q.param) {
			all := true
			for i, part := range q.param.parts {
				hit := false
				for _, n := range instance[i] {
					hit = hit || w.value(d, part.kind, "", nil, n, values[i])
				}
				all = all && hit
			}
			if all {
				return true
			}
		}
	}
	return false
}

func plainUnescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return strings.NewReplacer(`\\`, `\`, `\,`, `,`, `\$`, `$`, `\|`, `|`).Replace(s)
}

func (w *plainWorld) value(d *plainDoc, kind, modifier string, p *plainParam, n plainNode, text string) bool {
	switch kind {
	case "token":
		return plainToken(n, text)
	case "string":
		return plainString(n, modifier, plainUnescape(text))
	case "date":
		op, rest := plainOp(text)
		have, ok := plainSpanOf(d.typ, n)
		want, ok2 := plainDate(rest)
		return ok && ok2 && plainCompareDates(op, have, want, w.now)
	case "number":
		return plainNumber(plainOf3(n.v), text)
	case "quantity":
		return plainQuantity(n, text)
	case "reference":
		return w.reference(p, modifier, n, plainUnescape(text))
	case "uri":
		s := asText(n.v)
		want := plainUnescape(text)
		return s == want || strings.HasPrefix(s, want+"|")
	}
	panic(kind)
}

func plainToken(n plainNode, text string) bool {
	parts := strings.Split(strings.ReplaceAll(text, `\|`, "\x00"), "|")
	for i := range parts {
		parts[i] = plainUnescape(strings.ReplaceAll(parts[i], "\x00", `\|`))
	}
	for _, c := range plainCodings(n) {
		code := parts[len(parts)-1]
		if c.fold {
			code = strings.ToLower(code)
		}
		switch {
		case code != "" && code != c.code:
		case len(parts) == 1 || parts[0] == c.system && (parts[0] != "" || code != ""):
			return true
		}
	}
	return false
}

type plainCoding struct {
	system, code string
	fold         bool
}

func plainCodings(n plainNode) (out []plainCoding) {
	obj, ok := n.v.(map[string]any)
	switch {
	case !ok && n.name == "lotNumber":
		return []plainCoding{{code: strings.ToLower(asText(n.v)), fold: true}}
	case !ok:
		return []plainCoding{{code: asText(n.v)}}
	case n.name == "telecom":
		return []plainCoding{{code: strings.ToLower(asText(obj["value"])), fold: true}}
	case n.name == "identifier" || obj["value"] != nil:
		return []plainCoding{{system: asText(obj["system"]), code: asText(obj["value"])}}
	case obj["coding"] != nil:
		for _, c := range obj["coding"].([]any) {
			out = append(out, plainCodings(plainNode{v: c})...)
		}
		return out
	}
	return []plainCoding{{system: asText(obj["system"]), code: asText(obj["code"])}}
}

// nameParts are the texts of a string element; of names and addresses all of
// them, each findable from any of its words.
func nameParts(n plainNode) (out []string) {
	obj, ok := n.v.(map[string]any)
	if !ok {
		return []string{asText(n.v)}
	}
	for _, m := range []string{"text", "family", "given", "prefix", "suffix", "line", "city", "district", "state", "postalCode", "country"} {
		switch v := obj[m].(type) {
		case string:
			out = append(out, v)
		case []any:
			for _, s := range v {
				out = append(out, asText(s))
			}
		}
	}
	return out
}

var plainWordy = map[string]bool{"family": true, "given": true, "prefix": true, "suffix": true, "line": true,
	"city": true, "district": true, "state": true, "postalCode": true, "country": true}

func plainString(n plainNode, modifier, want string) bool {
	_, complexType := n.v.(map[string]any)
	for _, s := range nameParts(n) {
		have, needle := plainNormal(s), plainNormal(want)
		switch {
		case modifier == "exact":
			if s == want {
				return true
			}
		case modifier == "contains":
			if strings.Contains(have, needle) {
				return true
			}
		case strings.HasPrefix(have, needle):
			return true
		case (complexType || plainWordy[n.name]) && strings.Contains(" "+have, " "+needle):
			return true
		}
	}
	return false
}

func plainOp(s string) (op, rest string) {
	for _, op := range []string{"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"} {
		if rest, ok := strings.CutPrefix(s, op); ok {
			return op, rest
		}
	}
	return "eq", s
}

func plainCompareDates(op string, have, want plainSpan, now time.Time) bool {
	if op == "ap" {
		gap := now.Sub(want.from)
		if now.After(want.to) {
			gap = now.Sub(want.to)
		}
		gap = gap.Abs() / 10
		want.from, want.to = want.from.Add(-gap), want.to.Add(gap)
	}
	startsBefore := func(t time.Time) bool { return have.from.IsZero() || have.from.Before(t) }
	endsAfter := func(t time.Time) bool { return have.to.IsZero() || have.to.After(t) }
	inside := !startsBefore(want.from) && !endsAfter(want.to)
	switch op {
	case "eq":
		return inside
	case "ne":
		return !inside
	case "gt":
		return endsAfter(want.to)
	case "lt":
		return startsBefore(want.from)
	case "ge":
		return endsAfter(want.from)
	case "le":
		return startsBefore(want.to)
	case "sa":
		return !startsBefore(want.to)
	case "eb":
		return !endsAfter(want.from)
	}
	return startsBefore(want.to) && endsAfter(want.from)
}

// plainRange is a number, or a range without one of its ends.
type plainRange struct {
	lo, hi         *big.Rat
	loOpen, hiOpen bool // end not included
}

func plainOf3(v any) plainRange {
	r, _ := rat(asText(v))
	return plainRange{lo: r, hi: r}
}

func plainNumber(have plainRange, text string) bool {
	op, s := plainOp(text)
	want, ok := rat(s)
	if !ok || have.lo == nil && have.hi == nil {
		return false
	}
	low, high := new(big.Rat).Set(want), new(big.Rat).Set(want)
	if op == "ap" {
		tenth := new(big.Rat).Quo(want, big.NewRat(10, 1))
		tenth.Abs(tenth)
		low.Sub(low, tenth)
		high.Add(high, tenth)
	} else {
		half := new(big.Rat).Quo(lastPlace(s), big.NewRat(2, 1))
		low.Sub(low, half)
		high.Add(high, half)
	}
	inside := have.lo != nil && have.hi != nil && have.lo.Cmp(low) >= 0 &&
		(have.hi.Cmp(high) < 0 || have.hi.Cmp(high) == 0 && have.hiOpen)
	gt := have.hi == nil || have.hi.Cmp(want) > 0
	lt := have.lo == nil || have.lo.Cmp(want) < 0
	ge := gt || have.hi.Cmp(want) == 0 && !have.hiOpen
	le := lt || have.lo.Cmp(want) == 0 && !have.loOpen
	switch op {
	case "eq":
		return inside
	case "ne":
		return !inside
	case "gt":
		return gt
	case "lt":
		return lt
	case "ge":
		return ge
	case "le":
		return le
	case "sa":
		return !le
	case "eb":
		return !ge
	}
	upTo := have.lo == nil || have.lo.Cmp(high) < 0 || have.lo.Cmp(high) == 0 && !have.loOpen
	from := have.hi == nil || have.hi.Cmp(low) > 0 || have.hi.Cmp(low) == 0 && !have.hiOpen
	return upTo && from
}

func plainQuantity(n plainNode, text string) bool {
	parts := strings.Split(text, "|")
	system, code, unit := n.text("system"), n.text("code"), n.text("unit")
	if len(parts) == 3 {
		ws, wc := plainUnescape(parts[1]), plainUnescape(parts[2])
		if ws != "" && (ws != system || wc != "" && wc != code) {
			return false
		}
		if ws == "" && wc != "" && wc != code && wc != unit {
			return false
		}
	}
	have := plainOf3(n.get("value"))
	switch n.text("comparator") {
	case "<":
		have.lo, have.hiOpen = nil, true
	case "<=":
		have.lo = nil
	case ">":
		have.hi, have.loOpen = nil, true
	case ">=":
		have.hi = nil
	}
	return plainNumber(have, parts[0])
}

func (w *plainWorld) reference(p *plainParam, modifier string, n plainNode, want string) bool {
	ref := asText(n.v)
	if _, ok := n.v.(map[string]any); ok {
		ref = n.text("reference")
	}
	ref = strings.TrimPrefix(ref, w.base+"/")
	want = strings.TrimPrefix(want, w.base+"/")
	unversioned, _, _ := strings.Cut(ref, "/_history/")
	if strings.Contains(want, "/_history/") {
		return ref == want
	}
	if strings.Contains(want, "/") || strings.Contains(want, ":") {
		return unversioned == want || strings.HasPrefix(ref, want+"|")
	}
	typ, id, ok := strings.Cut(unversioned, "/")
	if !ok || id != want || strings.Contains(ref, ":") {
		return false
	}
	if modifier != "" {
		return typ == modifier
	}
	if p == nil || len(p.targets) == 1 && p.targets[0] == "*" {
		return true
	}
	for _, t := range p.targets {
		if t == typ {
			return true
		}
	}
	return false
}
