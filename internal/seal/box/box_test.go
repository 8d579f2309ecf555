package box_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"testing"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/seal/box"
)

var update = flag.Bool("update", false, "write new vectors; only for a new version of the format")

// vector is one frozen box. The fields are hex but for the info.
type vector struct {
	Key, Info, AAD, Plaintext, Sealed string
}

const vectorFile = "testdata/box.json"

func TestSelfTest(t *testing.T) {
	if err := box.SelfTest(); err != nil {
		t.Fatal(err)
	}
}

// TestApprovedOnly runs the package's own use of ciphers in the mode in which
// Go refuses everything that FIPS 140-3 does not approve.
func TestApprovedOnly(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^(TestSelfTest|TestContent|TestStream|TestRefuses)$", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
	out, err := cmd.CombinedOutput()
	if err != nil || bytes.Count(out, []byte("--- PASS")) != 4 {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestVectors opens boxes that were sealed when the format was fixed.
func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	for i, v := range readVectors(t) {
		key, sealed := box.Key(unhex(t, v.Key)), unhex(t, v.Sealed)
		got, err := box.Open(nil, &key, v.Info, unhex(t, v.AAD), sealed)
		if err != nil || hex.EncodeToString(got) != v.Plaintext {
			t.Errorf("vector %d does not open: %v", i, err)
		}
		if again := recompute(t, v); !bytes.Equal(again, sealed) {
			t.Errorf("vector %d is not what the primitives give:\n%x", i, again)
		}
	}
}

// recompute makes the box from HMAC and AES-GCM alone, by the text of
// docs/formats/seal.md, with the salt and nonce of the vector.
func recompute(t *testing.T, v vector) []byte {
	sealed := unhex(t, v.Sealed)
	salt, nonce := sealed[1:25], sealed[57:69]
	mac := func(key []byte, parts ...[]byte) []byte {
		h := hmac.New(sha256.New, key)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	info := []byte("wardkeep/box/1/" + v.Info)
	prk := mac(salt, unhex(t, v.Key))
	commitment := mac(prk, info, []byte{1})
	key := mac(prk, commitment, info, []byte{2})
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	out := append([]byte{1}, salt...)
	out = append(out, commitment...)
	out = append(out, nonce...)
	return gcm.Seal(out, nonce, unhex(t, v.Plaintext), unhex(t, v.AAD))
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var vs []vector
	if err := json.Unmarshal(text, &vs); err != nil {
		t.Fatal(err)
	}
	if len(vs) == 0 {
		t.Fatal("no vectors")
	}
	return vs
}

func writeVectors(t *testing.T) {
	var vs []vector
	for _, v := range []struct {
		info       string
		aad, plain []byte
	}{
		{"self-test", []byte("additional data"), []byte("wardkeep")},
		{"subject", nil, nil},
		{"wrap", bytes.Repeat([]byte{7}, 100), bytes.Repeat([]byte{8}, 32)},
		{"", []byte{0}, bytes.Repeat([]byte("chart "), 200)},
	} {
		var key box.Key
		for i := range key {
			key[i] = byte(i)
		}
		if len(vs) > 0 {
			rand.Read(key[:])
		}
		sealed := box.Seal(nil, &key, v.info, v.aad, v.plain)
		vs = append(vs, vector{hex.EncodeToString(key[:]), v.info, hex.EncodeToString(v.aad),
			hex.EncodeToString(v.plain), hex.EncodeToString(sealed)})
	}
	text, err := json.MarshalIndent(vs, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vectorFile, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key, info, aad, plain := drawBox(t)
		before := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "before")
		sealed := box.Seal(bytes.Clone(before), &key, info, aad, plain)
		if !bytes.HasPrefix(sealed, before) {
			t.Fatal("Seal does not append")
		}
		sealed = sealed[len(before):]
		if len(sealed) != len(plain)+box.Overhead {
			t.Fatalf("overhead is %d", len(sealed)-len(plain))
		}
		got, err := box.Open(bytes.Clone(before), &key, info, aad, sealed)
		if err != nil || !bytes.Equal(got, append(bytes.Clone(before), plain...)) {
			t.Fatal("does not open", err)
		}
	})
}

// TestRefuses changes one thing at a time.
func TestRefuses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key, info, aad, plain := drawBox(t)
		sealed := box.Seal(nil, &key, info, aad, plain)
		prefix := []byte("kept")
		refused := func(what string, key box.Key, info string, aad, sealed []byte) {
			if out, err := box.Open(prefix, &key, info, aad, sealed); err != box.ErrOpen || string(out) != "kept" {
				t.Fatalf("opens with %s: %v", what, err)
			}
		}
		bit := rapid.IntRange(0, len(sealed)*8-1).Draw(t, "bit")
		refused("a flipped bit", key, info, aad, flip(sealed, bit))
		refused("a truncation", key, info, aad, sealed[:rapid.IntRange(0, len(sealed)-1).Draw(t, "length")])
		refused("an extension", key, info, aad, append(bytes.Clone(sealed), 0))
		refused("another info", key, info+"x", aad, sealed)
		refused("longer data", key, info, append(bytes.Clone(aad), 0), sealed)
		if len(aad) > 0 {
			refused("other data", key, info, flip(aad, rapid.IntRange(0, len(aad)*8-1).Draw(t, "aad bit")), sealed)
			refused("shorter data", key, info, aad[1:], sealed)
		}
		other := box.Key(flip(key[:], rapid.IntRange(0, 255).Draw(t, "key bit")))
		refused("another key", other, info, aad, sealed)
	})
}

// TestEveryBit flips all bits of one box.
func TestEveryBit(t *testing.T) {
	key := box.Key{1}
	sealed := box.Seal(nil, &key, "i", []byte("a"), []byte("plaintext"))
	for bit := range len(sealed) * 8 {
		if _, err := box.Open(nil, &key, "i", []byte("a"), flip(sealed, bit)); err != box.ErrOpen {
			t.Fatalf("bit %d is not protected", bit)
		}
	}
}

// TestCommitment: with the commitment of another key the box stays shut, even
// though everything else is right, and no two keys commit alike.
func TestCommitment(t *testing.T) {
	commitment := func(sealed []byte) string { return string(sealed[1+box.SaltSize:][:box.CommitmentSize]) }
	seen := map[string]bool{}
	for i := range 1000 {
		key := box.Key{byte(i), byte(i >> 8)}
		sealed := box.Seal(nil, &key, "", nil, []byte("x"))
		if seen[commitment(sealed)] {
			t.Fatal("two boxes commit alike")
		}
		seen[commitment(sealed)] = true
	}
	key := box.Key{1}
	a, b := box.Seal(nil, &key, "", nil, []byte("x")), box.Seal(nil, &key, "", nil, []byte("x"))
	copy(a[1+box.SaltSize:], b[1+box.SaltSize:][:box.CommitmentSize])
	if _, err := box.Open(nil, &key, "", nil, a); err != box.ErrOpen {
		t.Fatal("the commitment is not checked")
	}
}

func TestSealDoesNotTouchBeyond(t *testing.T) {
	key := box.Key{1}
	buf := make([]byte, 4, 4+box.Overhead+3)
	out := box.Seal(buf, &key, "", nil, []byte("abc"))
	if &out[0] != &buf[0] {
		t.Fatal("room enough was not used")
	}
}

func drawBox(t *rapid.T) (key box.Key, info string, aad, plain []byte) {
	key = box.Key(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key"))
	info = rapid.SampledFrom([]string{"", "wrap", "value"}).Draw(t, "info")
	aad = rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(t, "aad")
	plain = rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "plain")
	return key, info, aad, plain
}

func flip(b []byte, bit int) []byte {
	out := bytes.Clone(b)
	out[bit/8] ^= 1 << (bit % 8)
	return out
}

// FuzzOpen looks for bytes that open without having been sealed, or that panic.
func FuzzOpen(f *testing.F) {
	vs := readVectors(f)
	for _, v := range vs {
		f.Add(unhex(f, v.Sealed), unhex(f, v.AAD), v.Info)
	}
	f.Add([]byte{1}, []byte{}, "")
	f.Fuzz(func(t *testing.T, sealed, aad []byte, info string) {
		for _, v := range vs {
			key := box.Key(unhex(t, v.Key))
			_, err := box.Open(nil, &key, info, aad, sealed)
			same := hex.EncodeToString(sealed) == v.Sealed && hex.EncodeToString(aad) == v.AAD && info == v.Info
			if (err == nil) != same {
				t.Fatal("a box opens that was not sealed, or the other way round")
			}
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	key, plain, dst := box.Key{1}, make([]byte, 32), make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		box.Seal(dst, &key, "wrap", nil, plain)
	}
}

func BenchmarkOpen(b *testing.B) {
	key, dst := box.Key{1}, make([]byte, 0, 256)
	sealed := box.Seal(nil, &key, "wrap", nil, make([]byte, 32))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := box.Open(dst, &key, "wrap", nil, sealed); err != nil {
			b.Fatal(err)
		}
	}
}
