package box_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/seal/box"
)

func newContent(t testing.TB, info string) (*box.Content, box.Key) {
	t.Helper()
	c, key, err := box.NewContent(rand.Reader, info)
	if err != nil {
		t.Fatal(err)
	}
	return c, key
}

func TestContent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, key := newContent(t, "record")
		aad := rapid.SliceOf(rapid.Byte()).Draw(rt, "aad")
		card := rapid.SliceOf(rapid.Byte()).Draw(rt, "card")
		body := rapid.SliceOf(rapid.Byte()).Draw(rt, "body")
		sealedCard, sealedBody := c.Seal(nil, box.Card, aad, card), c.Seal(nil, box.Body, aad, body)
		if len(sealedCard) != len(card)+box.PartOverhead {
			rt.Fatal("overhead")
		}
		again, err := box.LoadContent(&key, "record", c.Commitment())
		if err != nil {
			rt.Fatal(err)
		}
		gotCard, err1 := again.Open(nil, box.Card, aad, sealedCard)
		gotBody, err2 := again.Open(nil, box.Body, aad, sealedBody)
		if err1 != nil || err2 != nil || !bytes.Equal(gotCard, card) || !bytes.Equal(gotBody, body) {
			rt.Fatal("does not open", err1, err2)
		}
		if _, err := again.Open(nil, box.Body, aad, sealedCard); err != box.ErrOpen {
			rt.Fatal("a card opens as a body")
		}
		bit := rapid.IntRange(0, len(sealedBody)*8-1).Draw(rt, "bit")
		if _, err := again.Open(nil, box.Body, aad, flip(sealedBody, bit)); err != box.ErrOpen {
			rt.Fatal("a flipped bit opens")
		}
		if _, err := again.Open(nil, box.Body, append(aad, 0), sealedBody); err != box.ErrOpen {
			rt.Fatal("other data opens")
		}
		cut := rapid.IntRange(0, len(sealedBody)-1).Draw(rt, "cut")
		if _, err := again.Open(nil, box.Body, aad, sealedBody[:cut]); err != box.ErrOpen {
			rt.Fatal("a truncation opens")
		}
	})
}

func TestContentCommits(t *testing.T) {
	a, keyA := newContent(t, "record")
	b, keyB := newContent(t, "record")
	for _, try := range []struct {
		name       string
		key        box.Key
		info       string
		commitment []byte
	}{
		{"another key", keyB, "record", a.Commitment()},
		{"another commitment", keyA, "record", b.Commitment()},
		{"another info", keyA, "for", a.Commitment()},
		{"no commitment", keyA, "record", nil},
	} {
		if _, err := box.LoadContent(&try.key, try.info, try.commitment); err != box.ErrOpen {
			t.Errorf("%s: %v", try.name, err)
		}
	}
}

// TestContentByPrimitives derives both parts by the text of docs/formats.
func TestContentByPrimitives(t *testing.T) {
	c, key := newContent(t, "record")
	t1 := hmacOf(key[:], []byte("wardkeep/content/1/card/record\x01"))
	t2 := hmacOf(key[:], t1, []byte("wardkeep/content/1/card/record\x02"))
	body := hmacOf(key[:], []byte("wardkeep/content/1/body/record\x01"))
	if !bytes.Equal(t1, c.Commitment()) {
		t.Error("commitment")
	}
	for part, k := range map[box.Part][]byte{box.Card: t2, box.Body: body} {
		if got := gcmOpen(t, k, c.Seal(nil, part, []byte("aad"), []byte("text")), []byte("aad")); string(got) != "text" {
			t.Errorf("part %c", part)
		}
	}
	s := box.NewStream(&key, []byte("name"))
	aad := append(binary.BigEndian.AppendUint64([]byte("name"), 7), 1)
	if got := gcmOpen(t, hmacOf(key[:], []byte("wardkeep/stream/1/\x01")), s.Seal(nil, 7, true, []byte("text")), aad); string(got) != "text" {
		t.Error("stream")
	}
}

func hmacOf(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

func gcmOpen(t *testing.T, key, sealed, aad []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	out, err := gcm.Open(nil, sealed[:box.NonceSize], sealed[box.NonceSize:], aad)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestContentWiped(t *testing.T) {
	c, _ := newContent(t, "record")
	c.Wipe()
	for _, part := range []box.Part{box.Card, box.Body} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("part %c is sealed under zeros", part)
				}
			}()
			c.Seal(nil, part, nil, nil)
		}()
	}
}

func TestContentWithoutRandomness(t *testing.T) {
	broken := errors.New("broken")
	if _, _, err := box.NewContent(iotest.ErrReader(broken), "record"); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if _, _, err := box.NewContent(bytes.NewReader(make([]byte, 31)), "record"); err == nil {
		t.Fatal("a short key is taken")
	}
}

func TestStream(t *testing.T) {
	key := box.Key{1}
	s := box.NewStream(&key, []byte("one"))
	sealed := s.Seal([]byte("x"), 3, false, []byte("chunk"))
	if sealed[0] != 'x' || len(sealed) != 1+5+box.ChunkOverhead {
		t.Fatal("Seal does not append")
	}
	sealed = sealed[1:]
	if got, err := s.Open(nil, 3, false, sealed); err != nil || string(got) != "chunk" {
		t.Fatal(err)
	}
	other, otherName := box.Key{2}, box.NewStream(&key, []byte("two"))
	for name, try := range map[string]func() ([]byte, error){
		"another index":  func() ([]byte, error) { return s.Open(nil, 4, false, sealed) },
		"as the last":    func() ([]byte, error) { return s.Open(nil, 3, true, sealed) },
		"another stream": func() ([]byte, error) { return otherName.Open(nil, 3, false, sealed) },
		"another key":    func() ([]byte, error) { return box.NewStream(&other, []byte("one")).Open(nil, 3, false, sealed) },
		"cut":            func() ([]byte, error) { return s.Open(nil, 3, false, sealed[:box.ChunkOverhead-1]) },
	} {
		if _, err := try(); err != box.ErrOpen {
			t.Errorf("opens as %s", name)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a stream has no bound")
		}
	}()
	s.Seal(nil, box.MaxChunks, true, nil)
}
