package path_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/path"
)

// TestBounded shows that an evaluation ends however it is written.
func TestBounded(t *testing.T) {
	n := parse(t, ada)
	grow := strings.Repeat(".select($this & $this)", 40)
	list := strings.Repeat(".combine($this)", 40)
	for _, src := range []string{
		"repeatAll($this)", "'a'.repeatAll($this | 'b')", "'a'.repeat($this & 'a')", "'aaaaaaaaaaaaaaaa'" + grow,
		"(1 | 2)" + strings.ReplaceAll(list, "$this", "1 | 2") + ".select(descendants())" + "",
		"'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'" + strings.Repeat(".replace('a', 'aaaaaaaaaaaaaaaa')", 8),
		"'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'" + strings.Repeat(".replaceMatches('a', 'aaaaaaaaaaaaaaaa')", 8),
		"'a'" + strings.Repeat(".encode('hex')", 40),
	} {
		start := time.Now()
		c, err := compile(t, src).Eval(nil, n)
		if err == nil && len(c) > 1_000_000 {
			t.Errorf("%.40s: %d items", src, len(c))
		}
		if err != nil && (!errors.Is(err, path.ErrTooCostly) || !fault.Is(err, fault.TooCostly)) {
			t.Errorf("%.40s: %v", src, err)
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("%.40s took %v", src, d)
		}
	}
	if _, err := compile(t, "name.given").Eval(&path.Env{Steps: 2}, n); !errors.Is(err, path.ErrTooCostly) {
		t.Errorf("few steps: %v", err)
	}
}

// TestSiblingsCount shows that looking for what is not among many children is
// counted as work.
func TestSiblingsCount(t *testing.T) {
	n := parse(t, names(5000))
	for _, src := range []string{"name.select(%resource.link)", "name.select(%resource.extension('x'))", "name.select('#x'.resolve())"} {
		if _, err := compile(t, src).Eval(&path.Env{Steps: 100_000}, n); !errors.Is(err, path.ErrTooCostly) {
			t.Errorf("%s: %v", src, err)
		}
	}
}

// TestTextIsWork: what a function of strings reads and makes counts, also if it
// leaves nothing of it.
func TestTextIsWork(t *testing.T) {
	n := parse(t, names(200))
	long := "'" + strings.Repeat("a", 50_000) + "'"
	for _, fn := range []string{
		"replace('a', '')", "replace('b', 'c')", "replace('', '')", "substring(49999)", "replaceMatches('a', '')", "upper().length()",
		"escape('html').length()", "encode('hex').substring(1, 1)",
	} {
		if _, err := compile(t, "name.select("+long+"."+fn+")").Eval(&path.Env{Steps: 20_000}, n); !errors.Is(err, path.ErrTooCostly) {
			t.Errorf("%s: %v", fn, err)
		}
	}
}

func TestDeepSource(t *testing.T) {
	for _, src := range []string{
		strings.Repeat("(", 10_000), strings.Repeat("-", 10_000) + "1", strings.Repeat("iif(", 10_000), strings.Repeat("a[", 10_000),
		strings.Repeat("a", 1<<17),
	} {
		if _, err := path.Compile(src); !fault.Is(err, fault.Invalid) {
			t.Errorf("%.10s…: %v", src, err)
		}
	}
	// A long chain is no deep one.
	if _, err := compile(t, "1"+strings.Repeat("+1", 20_000)).Eval(nil); err != nil {
		t.Error(err)
	}
}

// TestNoValues shows that errors tell places and no values.
func TestNoValues(t *testing.T) {
	n := parse(t, ada)
	for _, src := range []string{
		"name.given + 1", "name.family < 1", "birthDate + 1", "name.given.single()", "%Lovelace", "name.family.decode('hex')",
		"'Lovelace'.matches('(')", "name.first().family.toString() < @2012", "Lovelace(", "'Lovelace", "Lovelace()", "1 is Lovelace",
	} {
		e, err := path.Compile(src)
		if err == nil {
			_, err = e.Eval(nil, n)
		}
		if err == nil {
			t.Errorf("%s: no error", src)
			continue
		}
		for _, text := range []string{err.Error(), fault.Public(err)} {
			if strings.Contains(text, "Lovelace") || strings.Contains(text, "Ada") || !strings.Contains(text, "position") {
				t.Errorf("%s: %s", src, text)
			}
		}
	}
}

// TestHookErrors shows that a hook's fault comes through, and its text does not.
func TestHookErrors(t *testing.T) {
	n := parse(t, ada)
	for _, c := range []struct {
		err  error
		kind fault.Kind
	}{
		{errors.New("Lovelace"), fault.Internal},
		{fault.New(fault.Unavailable, "x", "Later."), fault.Unavailable},
	} {
		env := &path.Env{ConformsTo: func(string, fhir.Node) (bool, error) { return false, c.err }}
		_, err := compile(t, "conformsTo('http://x')").Eval(env, n)
		if !fault.Is(err, c.kind) || !errors.Is(err, c.err) || strings.Contains(fault.Public(err), "Lovelace") {
			t.Errorf("%v", err)
		}
	}
}

// TestDecimalsExact shows that sums, products and order of decimals are those
// of the numbers, whatever their digits.
func TestDecimalsExact(t *testing.T) {
	number := rapid.StringMatching(`(0|[1-9][0-9]{0,8})\.[0-9]{1,8}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		for src, want := range map[string]*big.Rat{
			a + " + " + b: new(big.Rat).Add(x, y),
			a + " - " + b: new(big.Rat).Sub(x, y),
			a + " * " + b: new(big.Rat).Mul(x, y),
		} {
			got, ok := new(big.Rat).SetString(text(t, src))
			if !ok || got.Cmp(want) != 0 {
				t.Errorf("%s = %s", src, text(t, src))
			}
		}
		if got := text(t, a+" < "+b); (got == "true") != (x.Cmp(y) < 0) {
			t.Errorf("%s < %s is %s", a, b, got)
		}
		if text(t, a) != a {
			t.Errorf("%s lost digits", a)
		}
	})
}

// TestTimeOrder shows that exactly one of <, = and > holds for dates of one
// precision, and that adding days and taking them away again changes nothing.
func TestTimeOrder(t *testing.T) {
	date := rapid.Custom(func(t *rapid.T) string {
		at := time.Unix(rapid.Int64Range(-5e10, 5e10).Draw(t, "at"), 0).UTC()
		return "@" + at.Format("2006-01-02T15:04:05") + rapid.SampledFrom([]string{"Z", "+05:30", "-11:00"}).Draw(t, "zone")
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := date.Draw(t, "a"), date.Draw(t, "b")
		holds := 0
		for _, op := range []string{" < ", " = ", " > "} {
			if text(t, a+op+b) == "true" {
				holds++
			}
		}
		if holds != 1 {
			t.Errorf("%d of < = > hold for %s and %s", holds, a, b)
		}
		if text(t, a+" + 400 days - 400 days = "+a) != "true" {
			t.Errorf("%s and days", a)
		}
	})
}

func text(t *rapid.T, src string) string {
	e, err := path.Compile(src)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	c, err := e.Eval(nil)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return joined(c)
}

func FuzzCompileEval(f *testing.F) {
	for _, cases := range specification {
		for src := range cases {
			f.Add(src)
		}
	}
	for _, src := range invariants {
		f.Add(src)
	}
	n := parse(f, ada)
	f.Fuzz(func(t *testing.T, src string) {
		e, err := path.Compile(src)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("kind %v: %v", fault.KindOf(err), err)
			}
			return
		}
		if _, err := path.CompileFor(n.TypeID(), src); err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("kind %v: %v", fault.KindOf(err), err)
		}
		env := &path.Env{Steps: 20_000, Now: time.Unix(0, 0)}
		c, err := e.Eval(env, n)
		if err != nil && !fault.Is(err, fault.Unprocessable) && !fault.Is(err, fault.NotSupported) && !fault.Is(err, fault.TooCostly) {
			t.Errorf("kind %v: %v", fault.KindOf(err), err)
		}
		again, err2 := e.Eval(env, n)
		if (err == nil) != (err2 == nil) || joined(c) != joined(again) {
			t.Error("two evaluations differ")
		}
	})
}
