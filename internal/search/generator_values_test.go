package search_test

import (
	"math/big"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/search"
)

// modified makes a condition with one of the modifiers that look at something
// else than the value, where the node has it.
func (g *generator) modified(q *plainQuery, typ string, values []plainNode) (search.Param, bool) {
	if len(values) == 0 {
		return search.Param{}, false
	}
	make := map[string]func(string, plainNode) (string, string){
		"token": g.tokenModified, "string": g.stringModified, "reference": g.referenceModified, "uri": g.uriModified,
	}[q.param.kind]
	if make == nil {
		return search.Param{}, false
	}
	for range 1 + max(0, g.IntN(5)-2) {
		modifier, text := make(typ, values[g.IntN(len(values))])
		if text == "" || q.modifier != "" && q.modifier != modifier {
			continue
		}
		q.modifier = modifier
		q.or = append(q.or, text)
	}
	return search.Param{Key: q.param.code + ":" + q.modifier, Value: strings.Join(q.or, ",")}, q.modifier != ""
}

func (g *generator) tokenModified(typ string, n plainNode) (modifier, text string) {
	obj, complexType := n.v.(map[string]any)
	switch {
	case n.name == "telecom" || obj["contactPoint"] != nil:
		return "", ""
	case !complexType && g.systems[typ+"."+n.name] == "urn:ietf:bcp:13":
		base, _, _ := strings.Cut(asText(n.v), ";")
		return "below", g.pick([]string{base, strings.ToUpper(base), "text/none"})
	case !complexType && g.systems[typ+"."+n.name] == "":
		return "", ""
	case strings.HasSuffix(strings.ToLower(n.name), "identifier"):
		if codings := plainCodings(plainNode{v: obj["type"]}); g.IntN(3) > 0 && len(codings) > 0 && codings[0].system != "" && codings[0].code != "" {
			c := codings[g.IntN(len(codings))]
			value := asText(obj["value"]) + g.pick([]string{"", "", "", "x"})
			if value != "" && c.system != "" && c.code != "" {
				return "of-type", search.Escape(c.system) + "|" + search.Escape(c.code) + "|" + search.Escape(value)
			}
		}
		return "text", g.label(obj)
	case complexType && g.IntN(2) == 0:
		return "text", g.label(obj)
	}
	if g.IntN(2) == 0 {
		return g.pick([]string{"in", "not-in"}), g.pick([]string{"http://x.org/vs/vitals", "http://x.org/vs/gender", "http://x.org/vs/nothing"})
	}
	of := g.pick([]string{"http://loinc.org|8480-6", "urn:x|a", "urn:x|b", "http://hl7.org/fhir/observation-status|final", "http://hl7.org/fhir/observation-status|amended"})
	return g.pick([]string{"above", "below"}), of
}

func (g *generator) label(obj map[string]any) string {
	labels := plainLabels(obj)
	if len(labels) == 0 {
		return ""
	}
	return g.text(plainNode{v: g.pick(labels)})
}

func (g *generator) stringModified(_ string, n plainNode) (modifier, text string) {
	parts := nameParts(n)
	if len(parts) == 0 {
		return "", ""
	}
	words := strings.Fields(plainNormal(g.pick(parts)))
	if len(words) == 0 {
		return "", ""
	}
	term := func() string {
		w := g.pick(words)
		switch g.IntN(6) {
		case 0:
			return "nil"
		case 1:
			if r := []rune(w); len(r) > 1 {
				return string(r[:1+g.IntN(len(r)-1)]) + "*"
			}
		case 2:
			i := g.IntN(len(words))
			return `"` + strings.Join(words[i:min(len(words), i+2)], " ") + `"`
		case 3:
			return strings.ToUpper(w) + "x"
		}
		if strings.EqualFold(w, "and") || strings.EqualFold(w, "or") {
			return `"` + w + `"`
		}
		return w
	}
	s := term()
	for range g.IntN(3) {
		switch g.IntN(5) {
		case 0:
			s += " OR " + term()
		case 1:
			s += " and " + term()
		case 2:
			s = "(" + s + " or " + term() + ") AND " + term()
		case 3:
			s += " NOT " + term()
		default:
			s += " " + term()
		}
	}
	return "text", search.Escape(s)
}

func (g *generator) referenceModified(_ string, n plainNode) (modifier, text string) {
	obj, ok := n.v.(map[string]any)
	switch {
	case ok && obj["resourceType"] != nil:
		return "", ""
	case ok && obj["identifier"] != nil:
		return "identifier", g.token(plainNode{v: obj["identifier"], name: "identifier"})
	case ok:
		return "identifier", "nil"
	}
	url, version, _ := strings.Cut(asText(n.v), "|")
	if !strings.Contains(url, ":") {
		return "", ""
	}
	if version != "" && g.IntN(2) == 0 {
		url += "|" + g.pick([]string{version, version[:1], "1", "9"})
	}
	return "below", search.Escape(url)
}

func (g *generator) uriModified(_ string, n plainNode) (modifier, text string) {
	s := asText(n.v)
	scheme, _, _ := strings.Cut(s, ":")
	if scheme == "urn" || scheme == s {
		return "above", "http://x.org/p/q"
	}
	if g.IntN(2) == 0 {
		return "above", search.Escape(s + g.pick([]string{"", "/more", "x"}))
	}
	return "below", search.Escape(s[:len(scheme)+1+g.IntN(len(s)-len(scheme))])
}

func (g *generator) quantity(n plainNode) string {
	have, of, ok := plainMeasured(n)
	if !ok {
		return ""
	}
	end := have.lo
	if end == nil || have.hi != nil && g.IntN(2) == 0 {
		end = have.hi
	}
	system, code, unit := search.Escape(of.text("system")), search.Escape(of.text("code")), search.Escape(of.text("unit"))
	if u, known := plainUnits[of.text("code")]; known && system == "http://unitsofmeasure.org" && g.IntN(3) == 0 {
		return g.converted(end, u.kind, u.factor, u.offset)
	}
	s := g.number(written(end))
	if s == "" {
		return ""
	}
	switch g.IntN(6) {
	case 0, 1:
		return s + "|" + system + "|" + code
	case 2:
		return s + "||" + unit
	case 3:
		return s + "|" + system + "|"
	case 4:
		return s + "||" + code + "x"
	}
	return s
}

// converted asks for an amount in another unit of its kind.
func (g *generator) converted(v *big.Rat, kind, factor, offset string) string {
	var codes []string
	for code, u := range plainUnits {
		if u.kind == kind {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	code := g.pick(codes)
	to := plainUnits[code]
	rational := func(s string) *big.Rat { r, _ := new(big.Rat).SetString(s); return r }
	out := new(big.Rat).Mul(v, rational(factor))
	out.Add(out, rational(offset)).Sub(out, rational(to.offset)).Quo(out, rational(to.factor))
	s := g.number(written(out))
	if s == "" {
		return ""
	}
	return s + "|http://unitsofmeasure.org|" + code
}

// written is a number as a client writes it: exactly if it is a short decimal.
func written(v *big.Rat) string {
	s := v.FloatString(20)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// running makes a condition on running text, or on a place.
func (g *generator) running(typ string) (*plainQuery, search.Param, bool) {
	switch roll := g.IntN(200); {
	case roll > 2 || roll == 2 && typ != "Location":
		return nil, search.Param{}, false
	case roll == 2:
		at := g.doc(typ).root
		lat, lon := at.text("position", "latitude"), at.text("position", "longitude")
		if lat == "" || lon == "" {
			lat, lon = "42.3", "-71.1"
		}
		text := lat + "|" + lon + g.pick([]string{"", "|1", "|20.5", "|8000|m", "|12|[mi_i]", "|3000|km", "|0.001"})
		return &plainQuery{param: &plainParam{code: "near", kind: "running"}, or: []string{text}}, search.Param{Key: "near", Value: text}, true
	default:
		code := []string{"_text", "_content"}[roll]
		var all []string
		plainStrings(g.doc(typ).root.v, &all)
		if code == "_text" {
			all = []string{"bone liver metastases", "O'Brien Söhne"}
		}
		_, text := g.stringModified(typ, plainNode{v: g.pick(all)})
		if text == "" {
			text = "liver"
		}
		return &plainQuery{param: &plainParam{code: code, kind: "running"}, or: []string{text}}, search.Param{Key: code, Value: text}, true
	}
}
