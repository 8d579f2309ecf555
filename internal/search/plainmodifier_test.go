package search_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The modifiers of FHIR R4 (search, 3.1.1.4.4 and the sections of the types), on
// plain JSON.

// plainSystems are the systems of elements of type code, by type and element.
func plainSystems(t testing.TB) map[string]string {
	src, err := os.ReadFile("testdata/implied.tsv")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(src)) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 3 {
			all[f[0]+"."+f[1]] = f[2]
		}
	}
	return all
}

// plainMembers and plainTree are the terminology of the tests.
var plainMembers = map[string][][2]string{
	"http://x.org/vs/vitals":  {{"http://loinc.org", "8480-6"}, {"http://loinc.org", "8302-2"}, {"urn:x", "a"}},
	"http://x.org/vs/gender":  {{"http://hl7.org/fhir/administrative-gender", "female"}, {"http://hl7.org/fhir/observation-status", "final"}},
	"http://x.org/vs/nothing": {},
}

var plainTree = map[[2]string][]string{ // what is below
	{"http://loinc.org", "8480-6"}: {"8480-6", "8462-4", "a"},
	{"urn:x", "a"}:                 {"a", "b", "A"},
	{"urn:x", "b"}:                 {"b"},
	{"http://hl7.org/fhir/observation-status", "final"}: {"final", "amended"},
}

// plainModified answers for the modifiers that do not just look at values as
// their types are compared.
func (w *plainWorld) plainModified(d *plainDoc, kind, modifier string, n plainNode, text string) (hit, done bool) {
	parts := plainBars(text)
	obj, _ := n.v.(map[string]any)
	switch kind + ":" + modifier {
	case "token:text":
		for _, s := range plainLabels(obj) {
			hit = hit || strings.Contains(" "+plainNormal(s), " "+plainNormal(parts[0]))
		}
	case "token:of-type":
		typ, _ := obj["type"].(map[string]any)
		for _, c := range plainCodings(plainNode{v: typ}) {
			hit = hit || len(parts) == 3 && c.system == parts[0] && c.code == parts[1] && asText(obj["value"]) == parts[2]
		}
	case "token:in", "token:not-in":
		for _, c := range w.plainSystematic(d, n) {
			for _, m := range plainMembers[parts[0]] {
				hit = hit || c.system == m[0] && c.code == m[1]
			}
		}
	case "token:above", "token:below":
		hit = w.plainSubsumed(d, modifier, n, parts)
	case "string:text":
		for _, s := range nameParts(n) {
			hit = hit || plainTextQuery(s, plainUnescape(text))
		}
	case "reference:identifier":
		id, _ := obj["identifier"].(map[string]any)
		hit = id != nil && plainToken(plainNode{v: id, name: "identifier"}, text)
	case "reference:below":
		hit = plainVersions(asText(n.v), plainUnescape(text))
	case "uri:below":
		hit = strings.HasPrefix(asText(n.v), plainUnescape(text))
	case "uri:above":
		bare, _, _ := strings.Cut(asText(n.v), "|")
		hit = bare != "" && !strings.HasPrefix(bare, "urn:") &&
			(strings.HasPrefix(plainUnescape(text), bare) || strings.HasPrefix(plainUnescape(text), asText(n.v)))
	default:
		return false, false
	}
	return hit, true
}

func plainBars(text string) []string {
	parts := strings.Split(strings.ReplaceAll(strings.ReplaceAll(text, `\\`, "\x01"), `\|`, "\x00"), "|")
	for i := range parts {
		parts[i] = plainUnescape(strings.ReplaceAll(strings.ReplaceAll(parts[i], "\x00", `\|`), "\x01", `\\`))
	}
	return parts
}

// plainLabels are the texts of a CodeableConcept, a Coding, an Identifier.
func plainLabels(obj map[string]any) (out []string) {
	out = append(out, asText(obj["text"]), asText(obj["display"]))
	if list, ok := obj["coding"].([]any); ok {
		for _, c := range list {
			out = append(out, plainNode{v: c}.text("display"))
		}
	}
	if typ, ok := obj["type"].(map[string]any); ok {
		out = append(out, asText(typ["text"]))
	}
	kept := out[:0]
	for _, s := range out {
		if s != "" {
			kept = append(kept, s)
		}
	}
	return kept
}

// plainSystematic are the codings of a node with their systems, implied or not.
func (w *plainWorld) plainSystematic(d *plainDoc, n plainNode) []plainCoding {
	list := plainCodings(n)
	if _, isText := n.v.(string); isText && len(list) == 1 {
		list[0].system = w.systems[d.typ+"."+n.name]
	}
	return list
}

func (w *plainWorld) plainSubsumed(d *plainDoc, modifier string, n plainNode, parts []string) bool {
	for _, c := range w.plainSystematic(d, n) {
		system, code := "", parts[len(parts)-1]
		if len(parts) == 2 {
			system = parts[0]
		} else if system = w.systems[d.typ+"."+n.name]; system == "urn:ietf:bcp:13" {
			base, _, _ := strings.Cut(c.code, ";")
			return strings.EqualFold(strings.TrimSpace(base), code)
		}
		top, bottom := code, c.code
		if modifier == "above" {
			top, bottom = bottom, top
		}
		for _, below := range plainTree[[2]string{system, top}] {
			if c.system == system && below == bottom {
				return true
			}
		}
	}
	return false
}

func plainVersions(have, want string) bool {
	url, version, versioned := strings.Cut(have, "|")
	wantURL, wantVersion, asked := strings.Cut(want, "|")
	if url != wantURL || asked && !versioned {
		return false
	}
	return !asked || version == wantVersion || strings.HasPrefix(version, wantVersion+".")
}

var plainTextToken = regexp.MustCompile(`"[^"]*"|[()]|[^\s()"]+`)

// plainTextQuery is the grammar of docs/formats/index.md, without brackets in
// brackets: they are replaced by their value from the inside out.
func plainTextQuery(text, query string) bool {
	hay := " " + plainNormal(text) + " "
	var truths []string
	for _, t := range plainTextToken.FindAllString(query, -1) {
		switch word, prefix := strings.CutSuffix(t, "*"); {
		case t == "(" || t == ")" || t == "NOT" || strings.EqualFold(t, "and") || strings.EqualFold(t, "or"):
			truths = append(truths, map[bool]string{true: t, false: strings.ToLower(t)}[t == "NOT"])
		case prefix && t[0] != '"':
			truths = append(truths, truth(strings.Contains(hay, " "+plainNormal(word))))
		default:
			truths = append(truths, truth(strings.Contains(hay, " "+plainNormal(t)+" ")))
		}
	}
	s := " " + strings.Join(truths, " ") + " "
	s = plainNots(s)
	inside := regexp.MustCompile(`\( ([TF]|and|or| )+ \)`)
	for inside.MatchString(s) {
		s = inside.ReplaceAllStringFunc(s, func(m string) string { return truth(plainTruth(strings.Trim(m, "()"))) })
		s = plainNots(s)
	}
	return plainTruth(s)
}

// plainNots resolves NOT before what is known to hold or not, the last one first.
func plainNots(s string) string {
	for {
		i := max(strings.LastIndex(s, " NOT T "), strings.LastIndex(s, " NOT F "))
		if i < 0 {
			return s
		}
		s = s[:i+1] + truth(s[i+5] == 'F') + s[i+6:]
	}
}

func truth(b bool) string { return map[bool]string{true: "T", false: "F"}[b] }

func plainTruth(s string) bool {
	for _, alternative := range strings.Split(s, " or ") {
		if !strings.Contains(alternative, "F") {
			return true
		}
	}
	return false
}

// holdsRunning answers near, _text and _content.
func (w *plainWorld) holdsRunning(d *plainDoc, q *plainQuery) bool {
	for _, text := range q.or {
		switch q.param.code {
		case "near":
			if plainNear(d.root, text) {
				return true
			}
		case "_text":
			if plainTextQuery(plainMarkup(d.root.text("text", "div")), plainUnescape(text)) {
				return true
			}
		case "_content":
			var all []string
			plainStrings(d.root.v, &all)
			if plainTextQuery(strings.Join(all, " 龘 "), plainUnescape(text)) {
				return true
			}
		}
	}
	return false
}

var plainTags = regexp.MustCompile(`(?s)<!--.*?-->|<[^>]*>`)

func plainMarkup(div string) string {
	return strings.NewReplacer("&amp;", "&", "&#246;", "ö").Replace(plainTags.ReplaceAllString(div, " "))
}

// plainStrings gathers what primitives say, but for the names of members.
func plainStrings(v any, all *[]string) {
	switch v := v.(type) {
	case map[string]any:
		for name, child := range v {
			if s, ok := child.(string); ok && name == "div" {
				child = plainMarkup(s)
			}
			if name != "resourceType" {
				plainStrings(child, all)
			}
		}
	case []any:
		for _, child := range v {
			plainStrings(child, all)
		}
	default:
		*all = append(*all, asText(v))
	}
}

// plainNear is the spherical law of cosines, on a sphere of the earth's mean
// radius.
func plainNear(root plainNode, text string) bool {
	parts := plainBars(text)
	number := func(s string) float64 { f, _ := strconv.ParseFloat(s, 64); return f * math.Pi / 180 }
	if root.get("position", "latitude") == nil || root.get("position", "longitude") == nil {
		return false
	}
	a, b := number(parts[0]), number(root.text("position", "latitude"))
	l := number(parts[1]) - number(root.text("position", "longitude"))
	km := 6371.0088 * math.Acos(max(-1, min(1, math.Sin(a)*math.Sin(b)+math.Cos(a)*math.Cos(b)*math.Cos(l))))
	limit := 50.0
	if len(parts) > 2 {
		limit, _ = strconv.ParseFloat(parts[2], 64)
	}
	if len(parts) > 3 {
		limit *= map[string]float64{"km": 1, "m": 0.001, "[mi_i]": 1.609344}[parts[3]]
	}
	return km <= limit
}
