package seal_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

func TestValue(t *testing.T) {
	s, _ := open(t)
	rapid.Check(t, func(t *rapid.T) {
		purpose := rapid.SampledFrom([]string{"page", "session", "audit", "blob"}).Draw(t, "purpose")
		aad, plain := rapid.SliceOf(rapid.Byte()).Draw(t, "aad"), rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		sealed, err := s.SealValue(purpose, aad, plain)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.OpenValue(purpose, aad, sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatal("another value comes back", err)
		}
		at := rapid.IntRange(0, len(sealed)-1).Draw(t, "at")
		changed := bytes.Clone(sealed)
		changed[at] ^= 1
		for name, try := range map[string]func() ([]byte, error){
			"another purpose": func() ([]byte, error) { return s.OpenValue(purpose+"x", aad, sealed) },
			"other data":      func() ([]byte, error) { return s.OpenValue(purpose, append(bytes.Clone(aad), 0), sealed) },
			"a changed byte":  func() ([]byte, error) { return s.OpenValue(purpose, aad, changed) },
			"a cut":           func() ([]byte, error) { return s.OpenValue(purpose, aad, sealed[:at]) },
		} {
			if _, err := try(); err == nil {
				t.Fatalf("opens with %s", name)
			}
		}
	})
}

// TestFor: a thing for patients opens as long as one of them has a key.
func TestFor(t *testing.T) {
	s, c := open(t)
	aad := []byte("entry 7")
	sealFor := func(subjects ...record.Key) []byte {
		t.Helper()
		out, err := s.SealFor(t.Context(), "audit", subjects, aad, []byte("why the chart was read"))
		if err != nil || out.Card != nil || c.commit(out.Cells, out.Guards) != nil {
			t.Fatal(err)
		}
		return out.Body
	}
	alone, both, nobody := sealFor(key(1)), sealFor(key(2), key(1)), sealFor()
	check := func(name string, sealed []byte, want error) {
		t.Helper()
		got, err := s.OpenFor(t.Context(), "audit", aad, sealed)
		if !errors.Is(err, want) || err == nil && string(got) != "why the chart was read" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	check("alone", alone, nil)
	check("both", both, nil)
	check("nobody", nobody, nil)
	for i := range both {
		changed := bytes.Clone(both)
		changed[i] ^= 0x10
		if _, err := s.OpenFor(t.Context(), "audit", aad, changed); err == nil {
			t.Fatalf("byte %d is not protected", i)
		}
		if _, err := s.OpenFor(t.Context(), "audit", aad, both[:i]); err == nil {
			t.Fatalf("opens with %d bytes", i)
		}
	}
	if _, err := s.OpenFor(t.Context(), "audit", []byte("entry 8"), alone); !errors.Is(err, seal.ErrForged) {
		t.Error("opens elsewhere", err)
	}
	if _, err := s.OpenFor(t.Context(), "blob", aad, alone); !errors.Is(err, seal.ErrForged) {
		t.Error("opens for another purpose", err)
	}
	if _, err := s.OpenCard(t.Context(), observation, alone); !errors.Is(err, seal.ErrForged) {
		t.Error("opens as a card", err)
	}
	if err := c.commit([]record.Cell{s.Shred(key(1))}, nil); err != nil {
		t.Fatal(err)
	}
	s.Forget(key(1))
	check("alone, shredded", alone, seal.ErrNoKey)
	check("both, one shredded", both, nil)
}

func FuzzOpenFor(f *testing.F) {
	s, c := open(f)
	for _, subjects := range [][]record.Key{nil, {key(1)}, {key(1), key(2)}} {
		out, err := s.SealFor(f.Context(), "audit", subjects, nil, []byte("text"))
		if err != nil || c.commit(out.Cells, out.Guards) != nil {
			f.Fatal(err)
		}
		f.Add(out.Body)
	}
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if got, err := s.OpenFor(context(), "audit", nil, sealed); err == nil && string(got) != "text" {
			t.Fatal("opens without having been sealed")
		}
		if _, err := s.OpenValue("page", nil, sealed); err == nil {
			t.Fatal("opens without having been sealed")
		}
	})
}
