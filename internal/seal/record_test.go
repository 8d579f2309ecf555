package seal_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

var observation = seal.Ref{Type: "Observation", Key: key(9), Version: 1}

// put seals and commits.
func put(t testing.TB, s *seal.Sealer, c *cells, ref seal.Ref, subjects []record.Key, body, card string) seal.Sealed {
	t.Helper()
	out, err := s.Seal(t.Context(), ref, subjects, []byte(body), []byte(card))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.commit(out.Cells, out.Guards); err != nil {
		t.Fatal(err)
	}
	return out
}

// read opens card and body.
func read(t testing.TB, s *seal.Sealer, ref seal.Ref, in seal.Sealed) (*seal.Opened, string, error) {
	t.Helper()
	o, err := s.OpenCard(t.Context(), ref, in.Card)
	if err != nil {
		return nil, "", err
	}
	body, err := o.Body(in.Body)
	return o, string(body), err
}

func TestRoundTrip(t *testing.T) {
	long := strings.Repeat("heart rate regular. ", 5000)
	for name, tt := range map[string]struct {
		subjects   []record.Key
		deleted    bool
		body, card string
	}{
		"no subject":        {nil, false, `{"resourceType":"Location"}`, "card"},
		"one subject":       {[]record.Key{key(1)}, false, `{"resourceType":"Observation"}`, "card"},
		"mother and baby":   {[]record.Key{key(2), key(1)}, false, long, long},
		"named twice":       {[]record.Key{key(2), key(1), key(2)}, false, "x", "y"},
		"tombstone":         {[]record.Key{key(1)}, true, "", ""},
		"does not compress": {[]record.Key{key(1)}, false, "q8#Zp0!mW", "\xf1\xa2\x03\xb4"},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := open(t)
			ref := observation
			ref.Deleted = tt.deleted
			sealed := put(t, s, c, ref, tt.subjects, tt.body, tt.card)
			o, body, err := read(t, s, ref, sealed)
			if err != nil {
				t.Fatal(err)
			}
			if body != tt.body || string(o.Card) != tt.card {
				t.Error("another content comes back")
			}
			want := slices.Clone(tt.subjects)
			slices.SortFunc(want, func(a, b record.Key) int { return bytes.Compare(a[:], b[:]) })
			if want = slices.Compact(want); !slices.Equal(o.Subjects, want) {
				t.Errorf("subjects: %v", o.Subjects)
			}
			if len(tt.body) > 8 && (bytes.Contains(sealed.Body, []byte(tt.body[:8])) || bytes.Contains(sealed.Card, []byte(tt.card[:4]))) {
				t.Error("plaintext in what is stored")
			}
		})
	}
}

// TestPlace: sealed bytes open nowhere but where they belong.
func TestPlace(t *testing.T) {
	s, c := open(t)
	sealed := put(t, s, c, observation, []record.Key{key(1)}, "body", "card")
	other := put(t, s, c, seal.Ref{Type: "Observation", Key: key(8), Version: 1}, []record.Key{key(1)}, "other", "other")
	for name, ref := range map[string]seal.Ref{
		"type":      {Type: "Condition", Key: key(9), Version: 1},
		"record":    {Type: "Observation", Key: key(8), Version: 1},
		"version":   {Type: "Observation", Key: key(9), Version: 2},
		"tombstone": {Type: "Observation", Key: key(9), Version: 1, Deleted: true},
	} {
		if _, err := s.OpenCard(t.Context(), ref, sealed.Card); !errors.Is(err, seal.ErrForged) || !fault.Is(err, fault.Internal) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	o, _, err := read(t, s, observation, sealed)
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{"another record's": other.Body, "the card": sealed.Card, "no": nil} {
		if _, err := o.Body(body); !errors.Is(err, seal.ErrForged) {
			t.Errorf("%s body: %v", name, err)
		}
	}
	// Two tenants with one root and one store do not read each other.
	south := config(c)
	south.Tenant = "south"
	b, err := seal.Init(t.Context(), south)
	if err != nil || c.commit(b.Cells, b.Guards) != nil {
		t.Fatal(err)
	}
	if _, err := reopen(t, south).OpenCard(t.Context(), observation, sealed.Card); !errors.Is(err, seal.ErrForged) {
		t.Errorf("another tenant: %v", err)
	}
}

// TestTypeKeysApart: without a patient, the type's own key is used.
func TestTypeKeysApart(t *testing.T) {
	s, c := open(t)
	sealed := put(t, s, c, seal.Ref{Type: "Location", Key: key(9), Version: 1}, nil, "b", "c")
	put(t, s, c, seal.Ref{Type: "Device", Key: key(9), Version: 1}, nil, "b", "c")
	if _, err := s.OpenCard(t.Context(), seal.Ref{Type: "Device", Key: key(9), Version: 1}, sealed.Card); err == nil {
		t.Error("opens as another type")
	}
}

// TestEveryByte changes, cuts and extends what is stored.
func TestEveryByte(t *testing.T) {
	s, c := open(t)
	sealed := put(t, s, c, observation, []record.Key{key(1), key(2)}, "body", "card")
	o, _, err := read(t, s, observation, sealed)
	if err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]struct {
		bytes []byte
		open  func([]byte) error
	}{
		"card": {sealed.Card, func(b []byte) error { _, err := s.OpenCard(t.Context(), observation, b); return err }},
		"body": {sealed.Body, func(b []byte) error { _, err := o.Body(b); return err }},
	} {
		for i := range part.bytes {
			b := bytes.Clone(part.bytes)
			b[i] ^= 1 << (i % 8)
			if part.open(b) == nil {
				t.Fatalf("%s: byte %d is not protected", name, i)
			}
			if part.open(part.bytes[:i]) == nil {
				t.Fatalf("%s: opens with %d bytes", name, i)
			}
		}
		if part.open(append(bytes.Clone(part.bytes), 0)) == nil {
			t.Fatalf("%s: opens with a byte more", name)
		}
	}
}

// TestAnyRecord is the round trip over all shapes.
func TestAnyRecord(t *testing.T) {
	s, c := open(t)
	rapid.Check(t, func(t *rapid.T) {
		ref := seal.Ref{
			Type:    rapid.StringN(1, 20, -1).Draw(t, "type"),
			Key:     record.Key(rapid.SliceOfN(rapid.ByteRange(1, 255), 16, 16).Draw(t, "key")),
			Version: rapid.Uint64Min(1).Draw(t, "version"),
			Deleted: rapid.Bool().Draw(t, "deleted"),
		}
		var subjects []record.Key
		for _, b := range rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "subjects") {
			subjects = append(subjects, key(b))
		}
		body := rapid.SliceOfN(rapid.Byte(), 0, 3000).Draw(t, "body")
		card := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "card")
		sealed, err := s.Seal(context(), ref, subjects, body, card)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.commit(sealed.Cells, sealed.Guards); err != nil {
			t.Fatal(err)
		}
		o, err := s.OpenCard(context(), ref, sealed.Card)
		if err != nil {
			t.Fatal(err)
		}
		got, err := o.Body(sealed.Body)
		if err != nil || !bytes.Equal(got, body) || !bytes.Equal(o.Card, card) {
			t.Fatal("another content comes back", err)
		}
	})
}

func TestWrongUse(t *testing.T) {
	s, _ := open(t)
	for name, tt := range map[string]struct {
		ref      seal.Ref
		subjects []record.Key
	}{
		"no type":     {seal.Ref{Key: key(1), Version: 1}, nil},
		"no key":      {seal.Ref{Type: "Patient", Version: 1}, nil},
		"no version":  {seal.Ref{Type: "Patient", Key: key(1)}, nil},
		"no subject":  {observation, []record.Key{{}}},
		"one of many": {observation, []record.Key{key(1), {}}},
	} {
		if _, err := s.Seal(t.Context(), tt.ref, tt.subjects, nil, nil); !fault.Is(err, fault.Internal) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.Batch().Seal(t.Context(), tt.ref, tt.subjects, nil, nil); err == nil {
			t.Errorf("%s: a batch takes it", name)
		}
	}
}

// TestOverhead holds the promise on size: what a version costs besides its
// compressed body and its card, padding included, with one subject.
func TestOverhead(t *testing.T) {
	s, c := open(t)
	total, n := 0, 0
	for size := range 64 {
		body := []byte(strings.Repeat("\x01", size))
		sealed := put(t, s, c, observation, []record.Key{key(1)}, string(body), strings.Repeat("c", 250+size))
		text, err := s.Pack(body)
		if err != nil {
			t.Fatal(err)
		}
		payload := int(text[4]) | int(text[3])<<8
		total += len(sealed.Body) + len(sealed.Card) - payload - 250 - size
		n++
	}
	if mean := total / n; mean > 260 {
		t.Errorf("a version costs %d bytes more on average", mean)
	} else {
		t.Logf("a version costs %d bytes more on average", mean)
	}
}

// FuzzOpenCard feeds the parser of heads.
func FuzzOpenCard(f *testing.F) {
	s, c := open(f)
	for _, subjects := range [][]record.Key{nil, {key(1)}, {key(1), key(2)}} {
		f.Add(put(f, s, c, observation, subjects, "body", "card").Card)
	}
	f.Add([]byte{1, 0})
	f.Add([]byte{1, 0xff, 0x1f, 1})
	f.Fuzz(func(t *testing.T, card []byte) {
		o, err := s.OpenCard(context(), observation, card)
		if err == nil && string(o.Card) != "card" {
			t.Fatal("a card opens that was not sealed")
		}
		if err := s.Prefetch(context(), [][]byte{card}); err != nil {
			t.Fatal(err)
		}
	})
}

func realBody(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/body.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func BenchmarkSeal(b *testing.B) {
	s, c := open(b)
	body, card := realBody(b), strings.Repeat("c", 300)
	put(b, s, c, observation, []record.Key{key(1)}, body, card)
	for name, text := range map[string][]byte{"2KB": []byte(body), "empty": nil} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Seal(b.Context(), observation, []record.Key{key(1)}, text, []byte(card)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	s, c := open(b)
	sealed := put(b, s, c, observation, []record.Key{key(1)}, realBody(b), strings.Repeat("c", 300))
	if _, _, err := read(b, s, observation, sealed); err != nil {
		b.Fatal(err)
	}
	b.Run("card", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.OpenCard(b.Context(), observation, sealed.Card); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("card+body", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := read(b, s, observation, sealed); err != nil {
				b.Fatal(err)
			}
		}
	})
}
