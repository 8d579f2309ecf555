package path_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir/path"
)

// invariants are conditions as R4 states them on common types.
var invariants = []string{
	"contained.contained.empty()",
	"contained.meta.versionId.empty() and contained.meta.lastUpdated.empty()",
	"contained.meta.security.empty()",
	"text.div.exists()",
	"name.all(family.exists() or given.exists() or text.exists())",
	"contact.all(name.exists() or telecom.exists() or address.exists() or organization.exists())",
	"telecom.all(value.empty() or system.exists())",
	"identifier.all(value.exists() or type.exists())",
	"birthDate.empty() or birthDate <= @2100-01-01",
	"link.all(other.exists())",
	"extension.all(extension.exists() != value.exists())",
	"name.period.all(start.hasValue().not() or end.hasValue().not() or (start <= end))",
	"communication.all(language.exists())",
	"name.given.all(hasValue() or (children().count() > id.count()))",
	"descendants().where(hasValue().not() and children().empty()).empty()",
}

func BenchmarkPath(b *testing.B) {
	n := parse(b, ada)
	for _, src := range []string{"name.given", "Patient.name.where(use = 'official').family", "birthDate", "name.exists() and active"} {
		b.Run(src, func(b *testing.B) {
			e := compile(b, src)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Eval(nil, n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkInvariants(b *testing.B) {
	n := parse(b, ada)
	var list []*path.Expr
	for _, src := range invariants {
		list = append(list, compile(b, src))
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, e := range list {
			if _, err := e.Bool(nil, n); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := path.Compile("name.where(use = 'official' and given.first().startsWith('A')).family"); err != nil {
			b.Fatal(err)
		}
	}
}

// names returns a patient with n names, all different.
func names(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"family":"F%d","given":["G%d"]}`, i, i)
	}
	return `{"resourceType":"Patient","name":[` + b.String() + `]}`
}

// TestNotQuadratic shows that the work grows with the resource, not with its
// square: ten times the names take at most fifteen times the steps.
func TestNotQuadratic(t *testing.T) {
	small, large := parse(t, names(200)), parse(t, names(2000))
	for _, src := range []string{
		"name.distinct().count()", "(name | name.given).count()", "name.family.intersect(name.family).count()",
		"name.subsetOf(name)", "descendants().isDistinct()", "repeat(children()).count()", "name.exclude(name).empty()",
		"name.given.sort().first()", "name = name", "name.where(family = 'F5').exists()",
	} {
		e := compile(t, src)
		steps := 64
		for ; ; steps = steps * 5 / 4 {
			if _, err := e.Eval(&path.Env{Steps: steps}, small); err == nil {
				break
			}
		}
		if _, err := e.Eval(&path.Env{Steps: 15 * steps}, large); err != nil {
			t.Errorf("%s: %d steps for 200 names, and more than %d for 2000", src, steps, 15*steps)
		}
	}
}
