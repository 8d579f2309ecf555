package seal_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

func narrow(bits int) func(*seal.Config) {
	return func(c *seal.Config) { c.TokenBits = bits }
}

func TestTokens(t *testing.T) {
	s, c := open(t)
	again := reopen(t, config(c))
	narrowConf := config(c)
	narrow(12)(&narrowConf)
	twelve := reopen(t, narrowConf)
	other, _ := open(t)
	rapid.Check(t, func(t *rapid.T) {
		field := rapid.StringMatching(`[A-Z][a-z]{1,8}\.[a-z]{1,8}`).Draw(t, "field")
		value := rapid.SliceOf(rapid.Byte()).Draw(t, "value")
		token := s.Token(field, value)
		if again.Token(field, value) != token || s.Token(field, bytes.Clone(value)) != token {
			t.Fatal("tokens are not the same for the same value")
		}
		if twelve.Token(field, value) != token&0xfff {
			t.Fatal("narrow tokens are not the low bits")
		}
		if twelve.Rel(field) != s.Rel(field)&0xfff || twelve.Class(field) != s.Class(field) {
			t.Fatal("relations are narrowed, classes never")
		}
		seen := map[record.Token]bool{}
		for _, tok := range []record.Token{
			token, s.Token(field+"x", value), s.Token(field, append(bytes.Clone(value), 0)), other.Token(field, value),
			s.Class(field), s.Rel(field), record.Token(binary.BigEndian.Uint64(s.NameDigest(field, ""))),
		} {
			if seen[tok] {
				t.Fatal("two things share a token")
			}
			seen[tok] = true
		}
	})
	if !s.Exact() || twelve.Exact() {
		t.Error("Exact")
	}
}

// TestTokenByPrimitives computes a token by the text of docs/formats/seal.md.
func TestTokenByPrimitives(t *testing.T) {
	conf := config(newCells())
	conf.Rand = constant(7) // every key drawn is 32 times 7
	b, err := seal.Init(t.Context(), conf)
	if err != nil {
		t.Fatal(err)
	}
	if err := conf.Cells.(*cells).commit(b.Cells, b.Guards); err != nil {
		t.Fatal(err)
	}
	s := reopen(t, conf)
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	index := bytes.Repeat([]byte{7}, 32)
	for label, got := range map[string]struct {
		text  string
		token record.Token
	}{
		"token/Observation.code": {"http://loinc.org|8867-4", s.Token("Observation.code", []byte("http://loinc.org|8867-4"))},
		"class":                  {"Patient", s.Class("Patient")},
		"relation":               {"Observation.subject", s.Rel("Observation.subject")},
		"name":                   {"\x07Patient123", record.Token(binary.BigEndian.Uint64(s.NameDigest("Patient", "123")))},
		"short":                  {"\x07session123", record.Token(binary.BigEndian.Uint64(s.ShortDigest("session", "123")))},
	} {
		key := mac(index, "wardkeep/index/1/"+label+"\x01")
		if want := binary.BigEndian.Uint64(mac(key, got.text)); uint64(got.token) != want {
			t.Errorf("%s: %x, want %x", label, got.token, want)
		}
	}
}

type constant byte

func (c constant) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c)
	}
	return len(p), nil
}

func TestDigests(t *testing.T) {
	s, _ := open(t)
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "type"), rapid.String().Draw(t, "id")
		if len(s.NameDigest(a, b)) != 16 || len(s.ShortDigest(a, b)) != 16 {
			t.Fatal("16 bytes")
		}
		if bytes.Equal(s.NameDigest(a, b), s.ShortDigest(a, b)) {
			t.Fatal("names and ephemeral records share digests")
		}
		if b != "" && bytes.Equal(s.NameDigest(a, b), s.NameDigest(a+b[:1], b[1:])) {
			t.Fatal("type and id run into each other")
		}
	})
}

func TestTokensFromManyWorkers(t *testing.T) {
	s, _ := open(t)
	want := map[string]record.Token{}
	for i := range 50 {
		f := fmt.Sprint("Field.", i)
		want[f] = s.Token(f, []byte(f))
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				for f, tok := range want {
					if s.Token(f, []byte(f)) != tok {
						t.Error("a token changes under concurrency")
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestTokenDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes pools forget")
	}
	s, _ := open(t)
	value := []byte("http://loinc.org|8867-4")
	s.Token("Observation.code", value)
	if n := testing.AllocsPerRun(1000, func() { s.Token("Observation.code", value) }); n >= 1 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkToken(b *testing.B) {
	s, _ := open(b)
	v := []byte("http://loinc.org|8867-4")
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Token("Observation.code", v)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				s.Token("Observation.code", v)
			}
		})
	})
}

func BenchmarkNameDigest(b *testing.B) {
	s, _ := open(b)
	b.ReportAllocs()
	for b.Loop() {
		s.NameDigest("Patient", "6f1d2c52-4e0f-4b28-b6f0-1a58f6cf22d7")
	}
}
