package ucum_test

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/ucum"
)

func rat(t testing.TB, s string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("%s is no number", s)
	}
	return r
}

func parse(t testing.TB, code string) ucum.Unit {
	t.Helper()
	u, err := ucum.Parse(code)
	if err != nil {
		t.Fatalf("%s: %v", code, err)
	}
	return u
}

// TestConvert compares with the definitions of the SI brochure (9th edition),
// NIST SP 811 appendix B and UCUM itself; every value is exact.
func TestConvert(t *testing.T) {
	for _, c := range []struct{ value, from, to, want string }{
		{"5.4", "mmol/L", "umol/dL", "540"},
		{"120", "mm[Hg]", "kPa", "15.99864"},
		{"98.6", "[degF]", "Cel", "37"},
		{"-40", "Cel", "[degF]", "-40"},
		{"0", "K", "Cel", "-273.15"},
		{"80", "[degRe]", "Cel", "100"},
		{"671.67", "[degR]", "Cel", "100"},
		{"37000", "mCel", "K", "310.15"},
		{"3.7", "10.Cel", "Cel", "37"},
		{"1", "[lb_av]", "g", "453.59237"},
		{"1", "[in_i]", "cm", "2.54"},
		{"1", "[ft_i]", "m", "0.3048"},
		{"1", "[gal_us]", "L", "3.785411784"},
		{"1", "[gal_br]", "L", "4.54609"},
		{"1", "[foz_us]", "mL", "29.5735295625"},
		{"1", "atm", "Pa", "101325"},
		{"1", "kcal_th", "J", "4184"},
		{"1", "eV", "J", "1.602176634e-19"},
		{"1", "mol", "1", "6.02214076e23"},
		{"1", "[ly]", "m", "9460730472580800"},
		{"1", "J/s", "W", "1"},
		{"1", "Ci", "Bq", "37000000000"},
		{"25", "kg/m2", "g/cm2", "2.5"},
		{"140", "meq/L", "mmol/L", "140"},
		{"7.4", "10*9/L", "10*3/uL", "7.4"},
		{"4.5", "10*6/mm3", "/L", "4.5e12"},
		{"1", "%", "g/(100.g)", "1"},
		{"90", "mL/min/{1.73_m2}", "L/h", "5.4"},
		{"8", "g/(8.h){shift}", "g/h", "1"},
		{"3", "dB", "B", "0.3"},
		{"20", "m[iU]/mL", "[IU]/L", "20"},
		{"2", "k[iU]", "[iU]", "2000"},
		{"6.3", "s/m.mg", "s.m-1.g", "0.0063"},
		{"1", "dm3", "L", "1"},
		{"2", "[diop]", "m-1", "2"},
		{"1", "d", "h", "24"},
		{"1", "wk", "d", "7"},
		{"1", "S", "Ohm-1", "1"},
		{"1", "m0", "1", "1"},
	} {
		got, err := ucum.Convert(rat(t, c.value), parse(t, c.from), parse(t, c.to))
		if err != nil || got.Cmp(rat(t, c.want)) != 0 {
			t.Errorf("%s %s = %v %s, want %s (%v)", c.value, c.from, got, c.to, c.want, err)
		}
	}
}

// TestDimension freezes the strings that index tokens are made of.
func TestDimension(t *testing.T) {
	for code, want := range map[string]string{
		"1": "1", "{cells}": "1", "%": "1", "mol": "1", "10*3": "1",
		"mm[Hg]": "g.m-1.s-2", "mmol/L": "m-3", "mg/dL": "g.m-3", "/min": "s-1",
		"[degF]": "K", "Cel": "K", "mV": "C-1.g.m2.s-2", "deg": "rad", "lm": "cd.rad2",
		"u[IU]/mL": "[iU].m-3", "[arb'U]": "[arb'U]", "dB": "B", "[pH]": "[pH]", "dB[SPL]": "B[SPL]",
		"[m/s2/Hz^(1/2)]": "[m/s2/Hz^(1/2)]", "{a}.rad2{b}": "rad2", "m/m": "1",
	} {
		u := parse(t, code)
		if u.Dimension() != want {
			t.Errorf("%s: dimension %s, want %s", code, u.Dimension(), want)
		}
		factor, offset, dim := parse(t, u.Dimension()).Canonical()
		if dim != want || factor.Cmp(big.NewRat(1, 1)) != 0 || offset.Sign() != 0 {
			t.Errorf("%s: its dimension read as a unit is %v·%s + %v", code, factor, dim, offset)
		}
	}
}

func TestNotComparable(t *testing.T) {
	for _, c := range [][2]string{
		{"mg/dL", "mmol/L"}, {"m", "s"}, {"[iU]", "[arb'U]"}, {"[iU]", "1"}, {"[iU]/L", "mol/L"},
		{"B", "Np"}, {"[pH]", "mol/L"}, {"dB[V]", "V"}, {"[p'diop]", "deg"},
	} {
		a, b := parse(t, c[0]), parse(t, c[1])
		if _, err := ucum.Convert(big.NewRat(1, 1), a, b); ucum.Comparable(a, b) || err == nil {
			t.Errorf("%s and %s are comparable", c[0], c[1])
		}
	}
	if ucum.Comparable(ucum.Unit{}, ucum.Unit{}) {
		t.Error("no unit is comparable with no unit")
	}
}

func TestRefused(t *testing.T) {
	for _, code := range []string{
		"", " ", "m ", "mg/dl ", "m/", ".m", "m..s", "m//s", "(m", "m)", "()", "{", "{a", "{a{b}}", "{ü}", "µg", "{a b}",
		"[", "[in_i", "in_i]", "[[in_i]]", "iU", "MM", "12h", "g/12h", "10+3/ul", "0", "m/0", "ug(8.h)", "(m)2", "(m.s)-1",
		"{a}m", "{a}1", "m{a}{b}", "kkg", "k[lb_av]", "h%", "2.5.m+", "m-", "m+-2", "m2+3", "m65", "m33.m33", "k", "molv", "[IIU]",
		"Cel2", "/Cel", "Cel.m", "Cel/s", "m/Cel", "Cel.Cel", "B/B", "[pH].m", "Cel-1",
		"10*9999", "10*-9999", "10*99999999999999999999", "[pi]64.[pi]64.[pi]64",
		strings.Repeat("(", 300) + "m", strings.Repeat("(", 40) + "m" + strings.Repeat(")", 40), strings.Repeat("m.", 128) + "m",
		strings.Repeat("9", 257),
	} {
		u, err := ucum.Parse(code)
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%.40q: %v, %v; want Invalid", code, u.Dimension(), err)
		}
		if err != nil && len(code) > 3 && strings.Contains(err.Error(), code) {
			t.Errorf("the error repeats %q", code)
		}
	}
}

func TestCache(t *testing.T) {
	c := ucum.NewCache(2)
	for range 2 {
		for _, code := range []string{"mg", "kg", "g", "Cel"} {
			got, err := c.Parse(code)
			factor, _, dim := got.Canonical()
			want, _, wantDim := parse(t, code).Canonical()
			if err != nil || dim != wantDim || factor.Cmp(want) != 0 {
				t.Errorf("%s: %v %s %v", code, factor, dim, err)
			}
		}
		if _, err := c.Parse("nix"); !fault.Is(err, fault.Invalid) {
			t.Errorf("a wrong unit: %v", err)
		}
	}
}

// TestImmutable: what Canonical returns belongs to the caller.
func TestImmutable(t *testing.T) {
	u := parse(t, "[degF]")
	f, o, _ := u.Canonical()
	f.SetInt64(7)
	o.SetInt64(7)
	if v := u.ToCanonical(rat(t, "-459.67")); v.Sign() != 0 {
		t.Errorf("absolute zero is %v K", v)
	}
}

var sampled = []string{
	"g", "mg", "kg", "[lb_av]", "[oz_av]", "u", "m", "cm", "[in_i]", "[mi_us]", "Cel", "[degF]", "K", "[degRe]", "mm[Hg]", "kPa",
	"bar", "[psi]", "mmol/L", "/uL", "10*9/L", "[iU]/mL", "[IU]/L", "dB", "B", "kcal", "J", "eV", "h", "wk", "mo", "L", "[gal_us]",
}

func TestConvertProperties(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a := parse(t, rapid.SampledFrom(sampled).Draw(r, "a"))
		var same []ucum.Unit
		for _, code := range sampled {
			if u := parse(t, code); ucum.Comparable(a, u) {
				same = append(same, u)
			}
		}
		b, c := rapid.SampledFrom(same).Draw(r, "b"), rapid.SampledFrom(same).Draw(r, "c")
		v := big.NewRat(rapid.Int64().Draw(r, "v"), 1000)
		convert := func(v *big.Rat, from, to ucum.Unit) *big.Rat {
			out, err := ucum.Convert(v, from, to)
			if err != nil {
				r.Fatal(err)
			}
			return out
		}
		there := convert(v, a, b)
		if back := convert(there, b, a); back.Cmp(v) != 0 {
			r.Fatalf("there and back: %v becomes %v", v, back)
		}
		if direct, by := convert(v, a, c), convert(there, b, c); direct.Cmp(by) != 0 {
			r.Fatalf("direct %v, by another unit %v", direct, by)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, code := range append(sampled, "mL/min/{1.73_m2}", "(8.h.kg)", "10*-23", "[m/s2/Hz^(1/2)]", "4.[pi].10*-7.N/A2", "{|}1") {
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code string) {
		u, err := ucum.Parse(code)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%v", err)
			}
			return
		}
		factor, _, dim := u.Canonical()
		if factor.Sign() <= 0 {
			t.Fatalf("factor %v", factor)
		}
		again, err := ucum.Parse(dim)
		if err != nil || again.Dimension() != dim {
			t.Fatalf("the dimension %s reads as %s, %v", dim, again.Dimension(), err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, code := range []string{"mg/dL", "mmol/L", "mm[Hg]", "[degF]"} {
		b.Run(strings.ReplaceAll(code, "/", "_per_"), func(b *testing.B) {
			for b.Loop() {
				_, _ = ucum.Parse(code)
			}
		})
	}
	c := ucum.NewCache(10)
	b.Run("cached", func(b *testing.B) {
		for b.Loop() {
			_, _ = c.Parse("mmol/L")
		}
	})
}
