package seal_test

import (
	"errors"
	"os"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

func TestRoundTrip(t *testing.T) {
	for _, subjects := range [][]record.Key{nil, {key(1)}, {key(2), key(1), key(2)}} {
		s, c := open(t)
		ref := seal.Ref{Type: "Observation", Key: key(9), Version: 1}
		out, err := s.Seal(t.Context(), ref, subjects, []byte(`{"a":1}`), []byte("card"))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.commit(out.Cells, out.Guards); err != nil {
			t.Fatal(err)
		}
		o, err := s.OpenCard(t.Context(), ref, out.Card)
		if err != nil {
			t.Fatal(err)
		}
		body, err := o.Body(out.Body)
		if err != nil || string(body) != `{"a":1}` || string(o.Card) != "card" {
			t.Fatal(err, body, o.Card)
		}
		ref.Version++
		if _, err := s.OpenCard(t.Context(), ref, out.Card); !errors.Is(err, seal.ErrForged) || !fault.Is(err, fault.Internal) {
			t.Fatal(err)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	s, c := open(b)
	body, card := realBody(b), make([]byte, 300)
	ref := seal.Ref{Type: "Observation", Key: key(9), Version: 1}
	out, _ := s.Seal(b.Context(), ref, []record.Key{key(1)}, body, card)
	c.commit(out.Cells, out.Guards)
	b.ReportAllocs()
	for b.Loop() {
		s.Seal(b.Context(), ref, []record.Key{key(1)}, body, card)
	}
}

func BenchmarkOpenCard(b *testing.B) {
	s, c := open(b)
	body, card := realBody(b), make([]byte, 300)
	ref := seal.Ref{Type: "Observation", Key: key(9), Version: 1}
	out, _ := s.Seal(b.Context(), ref, []record.Key{key(1)}, body, card)
	c.commit(out.Cells, out.Guards)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.OpenCard(b.Context(), ref, out.Card); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkToken(b *testing.B) {
	s, _ := open(b)
	v := []byte("http://loinc.org|8867-4")
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			s.Token("Observation.code", v)
		}
	})
}

func realBody(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/body.json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}
