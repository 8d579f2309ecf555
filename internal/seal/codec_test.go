package seal_test

import (
	"bytes"
	"compress/bzip2"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

func TestPack(t *testing.T) {
	s, _ := open(t)
	rapid.Check(t, func(t *rapid.T) {
		body := []byte(strings.Repeat(rapid.StringN(0, 200, -1).Draw(t, "text"), rapid.IntRange(0, 50).Draw(t, "times")))
		text, err := s.Pack(body)
		if err != nil {
			t.Fatal(err)
		}
		if len(text)%32 != 0 || len(text) > seal.Padded(len(body)+5) {
			t.Fatalf("%d bytes for %d", len(text), len(body))
		}
		got, err := s.Unpack(text)
		if err != nil || !bytes.Equal(got, body) {
			t.Fatal("another body comes back", err)
		}
	})
}

// TestPadded: lengths are rounded up, by no more than an eighth or 31 bytes,
// and never fall.
func TestPadded(t *testing.T) {
	last := 0
	for n := 1; n < 1<<20; n += 1 + n/1000 {
		p := seal.Padded(n)
		if p < n || p < last || p%32 != 0 || p-n > max(31, n/8) || seal.Padded(p) != p {
			t.Fatalf("%d is padded to %d", n, p)
		}
		last = p
	}
}

// TestBomb: a text that claims or holds more than MaxBody is refused without
// the memory being taken. Only someone with the keys could write one.
func TestBomb(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("takes 64 MB and some time")
	}
	s, c := open(t)
	dictionary, err := os.ReadFile("dict/1.zdict")
	if err != nil {
		t.Fatal(err)
	}
	e, err := zstd.NewWriter(nil, zstd.WithEncoderDict(dictionary))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Unpack(textOf(1, e.EncodeAll(make([]byte, seal.MaxBody+1), nil))); !errors.Is(err, seal.ErrTooLarge) {
		t.Errorf("whole: %v", err)
	}
	var streamed bytes.Buffer // a frame that does not say its size
	e.Reset(&streamed)
	if _, err := io.CopyN(e, constant(0), seal.MaxBody+1); err != nil || e.Close() != nil {
		t.Fatal(err)
	}
	if _, err := s.Unpack(textOf(1, streamed.Bytes())); !errors.Is(err, seal.ErrTooLarge) {
		t.Errorf("streamed: %v", err)
	}
	_, err = s.Seal(t.Context(), observation, []record.Key{key(1)}, make([]byte, seal.MaxBody+1), nil)
	if !fault.Is(err, fault.TooLarge) {
		t.Errorf("sealing: %v", err)
	}
	put(t, s, c, observation, []record.Key{key(1)}, string(make([]byte, seal.MaxBody)), "")
}

// TestDictionariesStay: what was sealed with a dictionary needs its very bytes.
func TestDictionariesStay(t *testing.T) {
	frozen := map[string]string{
		"1.zdict": "09d1a8c4982a9ee34d0be56d211b056f6b372ef605ffc7589c83b49c9a8142d0",
	}
	entries, err := os.ReadDir("dict")
	if err != nil || len(entries) != len(frozen) {
		t.Fatalf("%d dictionaries, %v", len(entries), err)
	}
	for name, want := range frozen {
		text, err := os.ReadFile(filepath.Join("dict", name))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(text)); got != want {
			t.Errorf("%s has changed: make a new one with the next id instead", name)
		}
	}
}

func TestUnpackRefuses(t *testing.T) {
	s, _ := open(t)
	good, err := s.Pack([]byte(realBody(t)))
	if err != nil {
		t.Fatal(err)
	}
	long := bytes.Clone(good)
	binary.BigEndian.PutUint32(long[1:], 1<<31)
	unclean := bytes.Clone(good)
	unclean[len(unclean)-1] = 1
	for name, text := range map[string][]byte{
		"nothing": nil, "no length": {1, 0, 0}, "length beyond the end": long, "padding that is not zero": unclean,
		"unknown dictionary": append([]byte{200}, good[1:]...), "garbage": textOf(1, []byte("garbage")),
	} {
		if _, err := s.Unpack(text); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	s, _ := open(f)
	for _, body := range []string{"", "x", realBody(f)} {
		text, err := s.Pack([]byte(body))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<16 {
			return
		}
		s.Unpack(text)
	})
}

// textOf is a packed body of any payload.
func textOf(id byte, payload []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{id}, uint32(len(payload))), payload...)
}

// TestRatio measures the dictionary on records it was not made from.
func TestRatio(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(dataFolder(), "synthea-120", "[1-9a-f]*.json.bz2"))
	if err != nil || len(files) == 0 {
		t.Skip("no synthea bundles at hand")
	}
	s, _ := open(t)
	plain, packed, n := 0, 0, 0
	for _, name := range files[:min(3, len(files))] {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		var bundle struct {
			Entry []struct{ Resource json.RawMessage }
		}
		err = json.NewDecoder(bzip2.NewReader(f)).Decode(&bundle)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range bundle.Entry {
			var body bytes.Buffer
			if err := json.Compact(&body, e.Resource); err != nil {
				t.Fatal(err)
			}
			text, err := s.Pack(body.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			plain, packed, n = plain+body.Len(), packed+len(text), n+1
		}
	}
	ratio := float64(plain) / float64(packed)
	t.Logf("%d bodies of %d bytes pack to %d, %.2f to one, padding included", n, plain/n, packed/n, ratio)
	if ratio < 2.7 {
		t.Error("the dictionary has lost its worth")
	}
}

func dataFolder() string {
	if dir := os.Getenv("WARDKEEP_TESTDATA"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "..", "shared", "data")
}
