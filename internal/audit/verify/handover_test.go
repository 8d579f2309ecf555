package verify_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
)

// seeded is a key of tests.
func seeded(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(append(make([]byte, 31), n))
}

func public(n byte) ed25519.PublicKey { return seeded(n).Public().(ed25519.PublicKey) }

type keySigner struct {
	note.Verifier
	key ed25519.PrivateKey
}

func (s keySigner) Sign(m []byte) ([]byte, error) { return ed25519.Sign(s.key, m), nil }

// signedBy is a note that these keys have signed under a name.
func signedBy(t testing.TB, text, name string, keys ...byte) []byte {
	t.Helper()
	var signers []note.Signer
	for _, n := range keys {
		v, err := verify.NewVerifier(name, public(n))
		if err != nil {
			t.Fatal(err)
		}
		signers = append(signers, keySigner{v, seeded(n)})
	}
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

const first, second = "wardkeep.local/audit/test/01", "wardkeep.local/audit/test/02"

func handOver(from, to byte, origin string, size uint64) verify.HandOver {
	return verify.HandOver{
		Tenant: "test", Old: public(from), New: public(to), Time: time.Date(2026, 11, 23, 1, 2, 3, 4000, time.UTC),
		At: verify.Checkpoint{Origin: origin, Size: size, Root: leafHash(size)},
	}
}

func handed(t testing.TB, from, to byte, origin string, size uint64) []byte {
	h := handOver(from, to, origin, size)
	return signedBy(t, h.Text(), h.Name(), from, to)
}

func joined(notes ...[]byte) []byte { return bytes.Join(notes, []byte("\n")) }

// TestHandOverNote: what is not signed by both keys, or is not to the letter, is
// refused, and so is every change of a byte.
func TestHandOverNote(t *testing.T) {
	h := handOver(1, 2, first, 9)
	good := signedBy(t, h.Text(), h.Name(), 1, 2)
	got, err := verify.ParseHandOvers(joined(good, handed(t, 2, 3, first, 12)))
	if err != nil || len(got) != 2 || got[0].Text() != h.Text() || !got[1].New.Equal(public(3)) {
		t.Fatalf("%+v, %v", got, err)
	}
	stolen := h
	stolen.New = public(9)
	text := func(from, to string) []byte {
		return signedBy(t, strings.Replace(h.Text(), from, to, 1), h.Name(), 1, 2)
	}
	for name, src := range map[string][]byte{
		"by the old key alone":    signedBy(t, h.Text(), h.Name(), 1),
		"by the new key alone":    signedBy(t, h.Text(), h.Name(), 2),
		"by another new key":      signedBy(t, h.Text(), h.Name(), 1, 3),
		"by another old key":      signedBy(t, h.Text(), h.Name(), 3, 2),
		"to a key that is unsaid": signedBy(t, stolen.Text(), h.Name(), 1, 2),
		"under another name":      signedBy(t, h.Text(), first, 1, 2),
		"to itself":               handed(t, 1, 1, first, 9),
		"of another tenant":       text("audit/test/", "audit/other/"),
		"a leading zero":          text("\n9\n", "\n09\n"),
		"another time zone":       text("Z\n", "+00:00\n"),
		"one line more":           signedBy(t, h.Text()+"more\n", h.Name(), 1, 2),
		"a checkpoint":            signedBy(t, h.At.Text(), first, 1),
		"half a note":             good[:len(good)/2],
	} {
		if _, err := verify.ParseHandOvers(src); !errors.Is(err, verify.ErrHandOver) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if _, err := verify.ParseHandOvers(bad); err == nil {
			t.Fatalf("byte %d is not covered", i)
		}
	}
}

// TestBelieve: each key leads to all others, each of which counts in its time.
func TestBelieve(t *testing.T) {
	notes := joined(handed(t, 1, 2, first, 9), handed(t, 2, 3, second, 4))
	checkpoint := func(key byte, origin string, size uint64) []byte {
		c := verify.Checkpoint{Origin: origin, Size: size, Root: leafHash(size)}
		return signedBy(t, c.Text(), origin, key)
	}
	other := verify.Checkpoint{Origin: first, Size: 9, Root: leafHash(1)}
	for known := byte(1); known <= 3; known++ {
		s, err := verify.Believe(public(known), nil, notes, notes)
		if err != nil || !s.Newest().Equal(public(3)) || len(s.HandOvers()) != 2 || !bytes.Equal(s.Notes(), notes) {
			t.Fatalf("from key %d: %+v, %v", known, s, err)
		}
		s = s.InOrder([]string{first, second})
		for _, c := range []struct {
			name   string
			signed []byte
			want   error
		}{
			{"the oldest, before", checkpoint(1, first, 8), nil},
			{"the oldest, at the hand-over", checkpoint(1, first, 9), nil},
			{"the oldest, another tree of that size", signedBy(t, other.Text(), first, 1), verify.ErrRetired},
			{"the oldest, after", checkpoint(1, first, 10), verify.ErrRetired},
			{"the oldest, a later tree", checkpoint(1, second, 1), verify.ErrRetired},
			{"the oldest, a tree nobody knows", checkpoint(1, "wardkeep.local/audit/test/03", 1), verify.ErrRetired},
			{"the one between, a tree before", checkpoint(2, first, 70), nil},
			{"the one between, after", checkpoint(2, second, 5), verify.ErrRetired},
			{"the newest", checkpoint(3, second, 500), nil},
			{"a stranger", checkpoint(4, first, 1), verify.ErrSignature},
		} {
			if _, err := s.OpenCheckpoint(c.signed); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("from key %d, %s: %v", known, c.name, err)
			}
		}
	}
	alone, err := verify.Believe(public(5), notes)
	if err != nil || len(alone.HandOvers()) != 0 || !alone.Newest().Equal(public(5)) {
		t.Errorf("hand-overs between strangers count: %+v, %v", alone, err)
	}
	for name, more := range map[string][]byte{
		"a key handed over twice": handed(t, 1, 7, first, 3), "a key that took over twice": handed(t, 7, 3, first, 3),
		"a circle": handed(t, 3, 1, second, 8), "the same again, elsewhere": handed(t, 1, 2, first, 10),
	} {
		for known := byte(1); known <= 3; known++ {
			if _, err := verify.Believe(public(known), notes, more); !errors.Is(err, verify.ErrBranch) {
				t.Errorf("%s, from key %d: %v", name, known, err)
			}
		}
	}
}

func FuzzParseHandOvers(f *testing.F) {
	good := handed(f, 1, 2, first, 9)
	f.Add(good)
	f.Add(joined(good, good))
	f.Fuzz(func(t *testing.T, src []byte) {
		all, err := verify.ParseHandOvers(src)
		for _, h := range all {
			if err == nil && h.Text() != handOver(1, 2, first, 9).Text() {
				t.Fatal("a hand-over that nobody signed")
			}
		}
	})
}
