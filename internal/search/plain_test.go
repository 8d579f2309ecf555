package search_test

import (
	"encoding/json"
	"math/big"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// A slow reading of the search page of FHIR R4, on plain JSON. It shares nothing
// with package search: neither tables nor dates, numbers or normal forms.

type plainParam struct {
	typ, code, kind string
	targets         []string
	expr            []string
	parts           []plainPart
}

type plainPart struct {
	kind string
	expr []string
}

func plainParams(t testing.TB) map[string]map[string]*plainParam {
	src, err := os.ReadFile("testdata/params.tsv")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]*plainParam{}
	for line := range strings.Lines(string(src)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		p := &plainParam{typ: f[0], code: f[1], kind: f[2], targets: strings.Fields(f[3]), expr: strings.Split(f[4], " | ")}
		for _, part := range strings.Split(f[5], " ; ") {
			if kind, expr, ok := strings.Cut(part, " "); ok {
				p.parts = append(p.parts, plainPart{kind, strings.Split(expr, " | ")})
			}
		}
		if all[p.typ] == nil {
			all[p.typ] = map[string]*plainParam{}
		}
		all[p.typ][p.code] = p
	}
	for typ := range all {
		for code, p := range all["Resource"] {
			all[typ][code] = p
		}
	}
	delete(all, "Resource")
	return all
}

// plainNode is an element: its JSON, the name of its member and the type told by
// a choice's name.
type plainNode struct {
	v    any
	name string
	typ  string
}

func parsePlain(src []byte) map[string]any {
	d := json.NewDecoder(strings.NewReader(string(src)))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		panic(err)
	}
	return m
}

var (
	plainAs    = regexp.MustCompile(`^\(?([A-Za-z.]+) as ([A-Za-z]+)\)?(.*)$`)
	plainOf    = regexp.MustCompile(`\.ofType\(([A-Za-z]+)\)`)
	plainWhere = regexp.MustCompile(`^(.*)\.where\(([a-z]+)='([a-z]+)'\)$`)
	plainIs    = regexp.MustCompile(`^(.*)\.where\(resolve\(\) is ([A-Za-z]+)\)$`)
)

// plainEval evaluates one branch of an expression. rooted: it begins with the
// name of the type.
func plainEval(root plainNode, expr string, rooted bool) []plainNode {
	expr = strings.TrimSpace(expr)
	if strings.Contains(expr, ".exists() and ") {
		found := plainEval(root, strings.SplitN(expr, ".exists()", 2)[0], rooted)
		v := len(found) > 0 && found[0].v != false
		return []plainNode{{v: v, name: "exists"}}
	}
	if m := plainIs.FindStringSubmatch(expr); m != nil {
		var out []plainNode
		for _, n := range plainEval(root, m[1], rooted) {
			if obj, ok := n.v.(map[string]any); ok && plainTarget(asText(obj["reference"])) == m[2] {
				out = append(out, n)
			}
		}
		return out
	}
	if m := plainWhere.FindStringSubmatch(expr); m != nil {
		var out []plainNode
		for _, n := range plainEval(root, m[1], rooted) {
			if obj, ok := n.v.(map[string]any); ok && asText(obj[m[2]]) == m[3] {
				out = append(out, n)
			}
		}
		return out
	}
	if m := plainAs.FindStringSubmatch(expr); m != nil {
		expr = m[1] + "!" + m[2] + m[3]
	}
	expr = strings.Trim(plainOf.ReplaceAllString(expr, "!$1"), "()")
	expr = strings.ReplaceAll(expr, ").", ".")
	steps := strings.Split(expr, ".")
	if rooted {
		steps = steps[1:]
	}
	nodes := []plainNode{root}
	for _, s := range steps {
		name, as, _ := strings.Cut(s, "!")
		var next []plainNode
		for _, n := range nodes {
			next = append(next, plainChildren(n, name, as)...)
		}
		nodes = next
	}
	return nodes
}

// plainTarget is the type a literal reference names.
func plainTarget(ref string) string {
	ref, _, _ = strings.Cut(ref, "/_history/")
	parts := strings.Split(ref, "/")
	if len(parts) < 2 {
		return ""
	}
	return parts[len(parts)-2]
}

func plainChildren(n plainNode, name, as string) (out []plainNode) {
	obj, ok := n.v.(map[string]any)
	if !ok {
		return nil
	}
	add := func(v any, typ string) {
		if list, ok := v.([]any); ok {
			for _, item := range list {
				out = append(out, plainNode{item, name, typ})
			}
		} else if v != nil {
			out = append(out, plainNode{v, name, typ})
		}
	}
	if as == "" {
		add(obj[name], "")
	}
	for member, v := range obj {
		rest, ok := strings.CutPrefix(member, name)
		if ok && rest != "" && unicode.IsUpper(rune(rest[0])) && plainTypes[strings.ToLower(rest)] &&
			(as == "" || strings.EqualFold(as, rest)) {
			add(v, strings.ToLower(rest))
		}
	}
	return out
}

var plainTypes = map[string]bool{
	"string": true, "boolean": true, "datetime": true, "date": true, "instant": true, "period": true, "timing": true,
	"quantity": true, "codeableconcept": true, "reference": true, "age": true, "range": true, "integer": true,
	"sampleddata": true, "time": true, "ratio": true, "identifier": true, "attachment": true, "money": true, "duration": true,
}

func asText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "true"
		}
		return "false"
	case json.Number:
		return v.String()
	}
	return ""
}

func (n plainNode) get(path ...string) any {
	v := n.v
	for _, name := range path {
		obj, _ := v.(map[string]any)
		v = obj[name]
	}
	return v
}

func (n plainNode) text(path ...string) string { return asText(n.get(path...)) }

// values evaluates the whole parameter.
func (p *plainParam) values(root plainNode) (out []plainNode) {
	for _, e := range p.expr {
		if p.code == "context-type" {
			continue
		}
		out = append(out, plainEval(root, e, true)...)
	}
	return out
}

// plainNormal is the normal form as docs/formats/index.md gives it.
func plainNormal(s string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		switch {
		case unicode.Is(unicode.M, r) && !unicode.Is(unicode.Mc, r), strings.ContainsRune("'.`´‘’ʼ", r):
		case unicode.IsLetter(r), unicode.IsNumber(r), unicode.Is(unicode.Mc, r):
			b.WriteRune(r)
		default:
			b.WriteByte(' ')
		}
	}
	folded := strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i").Replace(b.String())
	return strings.Join(strings.Fields(folded), " ")
}

// plainSpan is [from, to); a zero time is open.
type plainSpan struct{ from, to time.Time }

func plainDate(s string) (plainSpan, bool) {
	if len(s) > 19 && s[19] == '.' { // microseconds
		end := 20
		for end < len(s) && s[end] >= '0' && s[end] <= '9' {
			end++
		}
		if end > 26 {
			s = s[:26] + s[end:]
		}
	}
	for layout, width := range map[string]func(time.Time) time.Time{
		"2006":                      func(t time.Time) time.Time { return t.AddDate(1, 0, 0) },
		"2006-01":                   func(t time.Time) time.Time { return t.AddDate(0, 1, 0) },
		"2006-01-02":                func(t time.Time) time.Time { return t.AddDate(0, 0, 1) },
		"2006-01-02T15:04":          func(t time.Time) time.Time { return t.Add(time.Minute) },
		"2006-01-02T15:04Z07:00":    func(t time.Time) time.Time { return t.Add(time.Minute) },
		"2006-01-02T15:04:05":       func(t time.Time) time.Time { return t.Add(fractionWidth(s)) },
		"2006-01-02T15:04:05Z07:00": func(t time.Time) time.Time { return t.Add(fractionWidth(s)) },
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return plainSpan{t.UTC(), width(t).UTC()}, true
		}
	}
	return plainSpan{}, false
}

func fractionWidth(s string) time.Duration {
	w := time.Second
	if _, frac, ok := strings.Cut(s, "."); ok {
		for i := 0; i < len(frac) && frac[i] >= '0' && frac[i] <= '9'; i++ {
			w /= 10
		}
	}
	return w
}

// Elements of the Synthea types that are instants.
var plainInstants = map[string]bool{"recorded": true, "issued": true, "lastUpdated": true}

func plainSpanOf(typ string, n plainNode) (plainSpan, bool) {
	if s, ok := n.v.(string); ok {
		span, ok := plainDate(s)
		if plainInstants[n.name] && n.typ == "" && (typ == "Provenance" || typ == "DiagnosticReport") ||
			typ == "DocumentReference" && n.name == "date" || n.typ == "instant" {
			span.to = span.from.Add(time.Microsecond)
		}
		return span, ok && n.typ != "string"
	}
	if n.typ != "" && n.typ != "period" && n.typ != "timing" {
		return plainSpan{}, false
	}
	if n.get("event") != nil || n.get("repeat") != nil {
		return plainTiming(n)
	}
	var out plainSpan
	a, ok1 := plainDate(n.text("start"))
	b, ok2 := plainDate(n.text("end"))
	if ok1 && ok2 && !a.from.Before(b.to) { // the wrong way round
		a, b = b, a
	}
	if ok1 {
		out.from = a.from
	}
	if ok2 {
		out.to = b.to
	}
	return out, ok1 || ok2
}

func plainTiming(n plainNode) (out plainSpan, found bool) {
	events, _ := n.get("event").([]any)
	for _, e := range events {
		if s, ok := plainDate(asText(e)); ok {
			if !found || s.from.Before(out.from) {
				out.from = s.from
			}
			if !found || s.to.After(out.to) {
				out.to = s.to
			}
			found = true
		}
	}
	if b := n.get("repeat", "boundsPeriod"); b != nil {
		s, ok := plainSpanOf("", plainNode{v: b, typ: "period"})
		if !found {
			return s, ok
		}
		if ok && (s.from.IsZero() || s.from.Before(out.from)) {
			out.from = s.from
		}
		if ok && (s.to.IsZero() || s.to.After(out.to)) {
			out.to = s.to
		}
	}
	return out, found
}

// rat reads a decimal exactly.
func rat(s string) (*big.Rat, bool) {
	if s == "" || strings.ContainsAny(s, "/_xXpP") {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// lastPlace is the value of a number's last digit.
func lastPlace(s string) *big.Rat {
	mant, exp, _ := strings.Cut(strings.ToLower(s), "e")
	_, frac, _ := strings.Cut(mant, ".")
	unit, _ := rat("1e" + "0")
	if exp != "" {
		unit, _ = rat("1e" + exp)
	}
	for range frac {
		unit.Quo(unit, big.NewRat(10, 1))
	}
	return unit
}
