package search_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/search"
)

func TestFieldIDs(t *testing.T) {
	n := search.FieldIDs(func(typ, a, b string) { t.Errorf("%s: %s and %s share an id", typ, a, b) })
	if n < 2000 {
		t.Errorf("%d fields", n)
	}
	for _, f := range search.MixedCase() {
		t.Errorf("%s: some values fold case and some do not", f)
	}
	if u := search.Unread(); len(u) > 0 {
		t.Errorf("parameters without elements: %v", u)
	}
	t.Logf("%d fields, %d parameters", n, search.ParamCount())
}

// TestKnown holds the list of known strings still: their numbers are stored.
// Append to the list, then put the new length and digest here.
func TestKnown(t *testing.T) {
	h := sha256.Sum256([]byte(strings.Join(search.Known, "\n")))
	if got := fmt.Sprint(len(search.Known), " ", hex.EncodeToString(h[:8])); got != knownDigest {
		t.Errorf("the list of known strings is %q, was %q", got, knownDigest)
	}
}

const knownDigest = "279 60f24d9affc0427a"

func TestNormalize(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "Eve": "eve", "O'Brien": "obrien", "O’Brien": "obrien", "Smith-Jones": "smith jones", "  a  b\t": "a b",
		"Carreño": "carreno", "Straße": "strasse", "İstanbul": "istanbul", "ÅÄÖ": "aao", "Øster": "oster", "St. Mary": "st mary",
		"नेपाल": "नपाल", "李 明": "李 明", "1+ (trace)": "1 trace", "...": "", "a_b": "a b", "Nguyễn": "nguyen",
	} {
		if got := search.Normalize(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		n := search.Normalize(s)
		if again := search.Normalize(n); again != n {
			t.Fatalf("%q becomes %q and then %q", s, n, again)
		}
		if plain := plainNormal(s); plain != n {
			t.Fatalf("%q becomes %q, the plain reading has %q", s, n, plain)
		}
	})
}

func drawDate(t *rapid.T, name string) string {
	year := rapid.OneOf(rapid.IntRange(1, 9999), rapid.IntRange(1990, 2030), rapid.SampledFrom([]int{1699, 1700, 1999, 2000, 2199, 2200})).Draw(t, name+"Year")
	d := time.Date(year, time.Month(rapid.IntRange(1, 12).Draw(t, name+"Month")), rapid.IntRange(1, 28).Draw(t, name+"Day"),
		rapid.IntRange(0, 23).Draw(t, name+"Hour"), 59, 59, 0, time.UTC)
	return d.Format(rapid.SampledFrom([]string{"2006", "2006-01", "2006-01-02", "2006-01-02T15:04:05Z"}).Draw(t, name+"Layout"))
}

// A cover of days finds exactly the values with an end on them, unless it says
// that it is not exact; then it finds at least those.
func TestDateCover(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lo, hi, words, ok := search.DateWords(drawDate(t, "value"))
		a, _, _, ok2 := search.DateWords(drawDate(t, "first"))
		_, b, _, ok3 := search.DateWords(drawDate(t, "last"))
		if !ok || !ok2 || !ok3 {
			t.Skip()
		}
		first, last := floorDay(min(a, b)), floorDay(max(a, b))
		for _, top := range []bool{false, true} {
			end := lo
			if top {
				end = hi
			}
			want := floorDay(end) >= first && floorDay(end) <= last
			hit, exact := search.Covered(words, top, first, last)
			if want && !hit || exact && hit != want {
				t.Fatalf("top %v: hit %v, exact %v, want %v", top, hit, exact, want)
			}
		}
		if n := search.CoverSize(first, last); n > 140 {
			t.Fatalf("%d nodes", n)
		}
	})
}

func floorDay(micro int64) int32 {
	d := micro / 86400e6
	if micro%86400e6 < 0 {
		d--
	}
	return int32(d)
}

func drawNumber(t *rapid.T, name string) string {
	mant := rapid.StringMatching(`-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,6})?`).Draw(t, name)
	return mant + rapid.SampledFrom([]string{"", "", "e2", "e-3", "E+7", "e-9", "e14"}).Draw(t, name+"Exp")
}

func TestNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawNumber(t, "a"), drawNumber(t, "b")
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		c, ka, kb := search.CompareNumbers(a, b)
		if sign(c) != x.Cmp(y) || sign(bytes.Compare(ka, kb)) != x.Cmp(y) {
			t.Fatalf("%s and %s compare as %d, in order %d, want %d", a, b, c, bytes.Compare(ka, kb), x.Cmp(y))
		}
		pa, aloneA, words, err := search.Number(a)
		pb, _, _, err2 := search.Number(b)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if x.Cmp(y) < 0 && pa > pb || x.Cmp(y) == 0 && pa != pb || aloneA && pa == pb && x.Cmp(y) != 0 {
			t.Fatalf("%s at %d, %s at %d", a, pa, b, pb)
		}
		for _, r := range [][2]int32{{min(pa, pb), max(pa, pb)}, {pa + 1, 1 << 20}, {-1 << 20, pa - 1}, {-1 << 20, 1 << 20}, {pb, pb}} {
			want := 0
			if r[0] <= pa && pa <= r[1] {
				want = 1
			}
			if got := search.NumberCovered(words, r[0], r[1]); got != want {
				t.Fatalf("%s at %d in %v: %d nodes of the cover, want %d", a, pa, r, got, want)
			}
		}
	})
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// TestFieldsBearTheirType: words of two types are never the same, so that who
// seeks one needs no list of the type beside it.
func TestFieldsBearTheirType(t *testing.T) {
	foreign, n := search.ForeignFields()
	if len(foreign) > 0 || n < 1000 {
		t.Errorf("%d fields, of which do not bear their type: %v", n, foreign)
	}
}
