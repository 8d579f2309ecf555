package search_test

import (
	"slices"
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

	plainStructure
}

type plainWorld struct {
	now  time.Time
	base string
	docs map[string]*plainDoc // Type/id

	params map[string]map[string]*plainParam
	inner  map[string][]*plainDoc // what is contained, by the name of the container

	systems map[string]string // of elements of type code
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
	case q.param != nil && q.param.kind == "running":
		return w.holdsRunning(d, q)
	case q.structured():
		return w.holdsStructure(d, q)
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
		return w.holdsInside(d, q)
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
	values := d.values(q.param)
	if q.modifier == "identifier" {
		values = q.param.identified(d.root)
	}
	for _, text := range q.or {
		for _, n := range values {
			hit = hit || w.value(d, q.param.kind, q.modifier, q.param, n, text)
		}
	}
	return hit != (q.modifier == "not" || q.modifier == "not-in")
}

// holdsInside tells whether a chain ends in what d contains. It is not followed
// any further there.
func (w *plainWorld) holdsInside(d *plainDoc, q *plainQuery) bool {
	for _, expr := range q.param.expr {
		if m := plainIs.FindStringSubmatch(expr); m != nil && m[2] == q.chainTo {
			expr = m[1]
		}
		for _, n := range plainEval(d.root, expr, true) {
			for _, in := range w.inner[d.typ+"/"+d.id] {
				if n.text("reference") == "#"+in.id && in.typ == q.chainTo && !q.chain.beyond() && w.holds(in, q.chain) {
					return true
				}
			}
		}
	}
	return false
}

// beyond reports whether a condition asks for more than contained resources have.
func (q *plainQuery) beyond() bool {
	if q.chain != nil || q.has != nil || q.listed != nil || slices.ContainsFunc(q.kids, (*plainQuery).beyond) {
		return true
	}
	if q.param == nil {
		return false
	}
	tree := q.param.kind == "reference" && (q.modifier == "above" || q.modifier == "below") && !strings.Contains(q.or[0], ":")
	return tree || q.param.code == "_lastUpdated" || q.param.code == "_text" || q.param.code == "_content"
}

// identified is values for :identifier: references that say no type count, too.
func (p *plainParam) identified(root plainNode) (out []plainNode) {
	for _, e := range p.expr {
		m := plainIs.FindStringSubmatch(e)
		if m == nil {
			out = append(out, plainEval(root, e, true)...)
			continue
		}
		for _, n := range plainEval(root, m[1], true) {
			typ := n.text("type")
			if typ == "" {
				typ = plainTarget(n.text("reference"))
			}
			if typ == "" || typ == m[2] {
				out = append(out, n)
			}
		}
	}
	return out
}

// counts reports whether n is a value at all of that kind.
func (w *plainWorld) counts(d *plainDoc, kind string, n plainNode) bool {
	switch kind {
	case "date":
		_, ok := plainSpanOf(d.typ, n)
		return ok
	case "quantity":
		_, _, ok := plainMeasured(n)
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
	if hit, done := w.plainModified(d, kind, modifier, n, text); done {
		return hit
	}
	switch kind {
	case "token":
		if system := w.systems[d.typ+"."+n.name]; system != "" {
			if s, isText := n.v.(string); isText {
				return plainToken(plainNode{v: map[string]any{"system": system, "code": s}}, text)
			}
		}
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
