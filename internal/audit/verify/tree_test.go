package verify_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
)

// memory keeps tiles by name, as the cells do.
type memory map[string][]byte

func (m memory) put(level int, n uint64, data []byte) error {
	m[fmt.Sprint(level, "/", n)] = append([]byte(nil), data...)
	return nil
}

func (m memory) get(level int, n uint64) ([]byte, error) { return m[fmt.Sprint(level, "/", n)], nil }

func leafHash(i uint64) tlog.Hash { return tlog.RecordHash(fmt.Appendf(nil, "leaf %d", i)) }

// TestTreeIsRFC6962 grows a tree beside x/mod's and compares them on the way,
// over three levels of tiles.
func TestTreeIsRFC6962(t *testing.T) {
	const size = 70_000
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = stored[x]
		}
		return out, nil
	})
	tree, tiles := new(verify.Tree), memory{}
	for i := range uint64(size) {
		if interesting(i) {
			want, _ := tlog.TreeHash(int64(i), reader)
			if tree.Size() != i || tree.Root() != want {
				t.Fatalf("size %d: another root", i)
			}
			if err := tree.Flush(tiles.put); err != nil {
				t.Fatal(err)
			}
			loaded, err := verify.LoadTree(i, tiles.get)
			if err != nil || loaded.Root() != want {
				t.Fatalf("size %d: loaded with another root, %v", i, err)
			}
			tree = loaded.Clone()
		}
		hashes, err := tlog.StoredHashesForRecordHash(int64(i), leafHash(i), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		if err := tree.Add(leafHash(i), tiles.put); err != nil {
			t.Fatal(err)
		}
	}
	if err := tree.Flush(tiles.put); err != nil {
		t.Fatal(err)
	}
	// The example of C2SP tlog-tiles: widths of the last tiles at 70,000.
	for name, width := range map[string]int{"0/272": 256, "0/273": 112, "1/0": 256, "1/1": 17, "2/0": 1} {
		if len(tiles[name]) != width*32 {
			t.Errorf("tile %s has width %d, want %d", name, len(tiles[name])/32, width)
		}
	}
	hashes := verify.Hashes(size, tree.Root(), tiles.get)
	for _, i := range []int64{0, 255, 256, 65_535, 65_536, size - 1} {
		p, err := tlog.ProveRecord(size, i, hashes)
		if err != nil || tlog.CheckRecord(p, size, tree.Root(), i, leafHash(uint64(i))) != nil {
			t.Errorf("leaf %d cannot be proved: %v", i, err)
		}
	}
	tiles["0/3"][5] ^= 1
	if _, err := tlog.ProveRecord(size, 900, hashes); err == nil {
		t.Error("an altered tile was believed")
	}
}

func interesting(i uint64) bool {
	return i < 20 || i%256 < 2 && i < 1500 || i%4999 == 0 || i >= 65_534 && i < 65_539
}

func TestNames(t *testing.T) {
	id := verify.TreeID{1, 2}
	for want, got := range map[string][]byte{
		"0102000000000000/tile/0/x001/x234/067": id.TileName(0, 1234067),
		"0102000000000000/tile/2/000":           id.TileName(2, 0),
		"0102000000000000/map/x001/000":         id.MapName(1000),
	} {
		if string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// testKey is not secret: it signs the example of docs/formats/audit.md, too.
var testKey = ed25519.NewKeyFromSeed(make([]byte, 32))

type testSigner struct{ note.Verifier }

func (testSigner) Sign(m []byte) ([]byte, error) { return ed25519.Sign(testKey, m), nil }

func sign(t testing.TB, text string, origin string) []byte {
	t.Helper()
	v, err := verify.NewVerifier(origin, testKey.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := note.Sign(&note.Note{Text: text}, testSigner{v})
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestCheckpoint(t *testing.T) {
	public := testKey.Public().(ed25519.PublicKey)
	c := verify.Checkpoint{Origin: "wardkeep.local/audit/test/0102", Size: 3, Root: leafHash(1)}
	got, err := verify.OpenCheckpoint(sign(t, c.Text(), c.Origin), public)
	if err != nil || got != c {
		t.Fatalf("%+v, %v", got, err)
	}
	root := c.Root.String()
	for name, text := range map[string]string{
		"leading zero":   c.Origin + "\n03\n" + root + "\n",
		"negative":       c.Origin + "\n-3\n" + root + "\n",
		"not a number":   c.Origin + "\nx\n" + root + "\n",
		"short root":     c.Origin + "\n3\nAAAA\n",
		"one line short": c.Origin + "\n3\n",
		"one line more":  c.Origin + "\n3\n" + root + "\nmore\n",
	} {
		if _, err := verify.OpenCheckpoint(sign(t, text, c.Origin), public); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	other, _, _ := ed25519.GenerateKey(nil)
	if _, err := verify.OpenCheckpoint(sign(t, c.Text(), c.Origin), other); err != verify.ErrSignature {
		t.Errorf("another key: %v", err)
	}
	if _, err := verify.OpenCheckpoint(sign(t, c.Text(), "wardkeep.local/audit/other/1"), public); err != verify.ErrSignature {
		t.Errorf("signed under another name: %v", err)
	}
}

func TestParsePublicKey(t *testing.T) {
	public := testKey.Public().(ed25519.PublicKey)
	vkey, err := note.NewEd25519VerifierKey("wardkeep.local/audit/test/1", public)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"hex": hex.EncodeToString(public), "base64": base64.StdEncoding.EncodeToString(public), "verifier key": vkey,
		"PEM": "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA" + base64.StdEncoding.EncodeToString(public) + "\n-----END PUBLIC KEY-----\n",
	} {
		if got, err := verify.ParsePublicKey(text + "\n"); err != nil || !got.Equal(public) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "abc", "a+b+c", hex.EncodeToString(public[1:]), "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if _, err := verify.ParsePublicKey(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

// proof makes a proof in a tree of a few entries.
func proof(t testing.TB) *verify.Proof {
	t.Helper()
	tree, tiles := new(verify.Tree), memory{}
	var second []byte
	for i := range uint64(5) {
		raw, _ := seal(verify.Entry{Shard: 7, Counter: i + 1, Time: time.Unix(1, 0), Account: []byte{byte(i)}})
		if i == 1 {
			second = raw
		}
		if err := tree.Add(verify.LeafHash(raw), tiles.put); err != nil {
			t.Fatal(err)
		}
	}
	if err := tree.Flush(tiles.put); err != nil {
		t.Fatal(err)
	}
	c := verify.Checkpoint{Origin: "wardkeep.local/audit/test/1", Size: 5, Root: tree.Root()}
	p, err := verify.Prove(second, 1, c, sign(t, c.Text(), c.Origin), tiles.get)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProof(t *testing.T) {
	public := testKey.Public().(ed25519.PublicKey)
	good := proof(t)
	text, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	p, err := verify.ParseProof(text)
	if err != nil {
		t.Fatal(err)
	}
	e, c, err := p.Check(public)
	if err != nil || e.Counter != 2 || c.Size != 5 {
		t.Fatalf("%+v %+v %v", e, c, err)
	}
	for name, change := range map[string]func(*verify.Proof){
		"index":      func(p *verify.Proof) { p.Index = 2 },
		"far index":  func(p *verify.Proof) { p.Index = 1 << 63 },
		"entry":      func(p *verify.Proof) { p.Entry[len(p.Entry)-1] ^= 1 },
		"entry head": func(p *verify.Proof) { p.Entry[40] ^= 1 },
		"path":       func(p *verify.Proof) { p.Inclusion[0][0] ^= 1 },
		"short path": func(p *verify.Proof) { p.Inclusion = p.Inclusion[1:] },
		"checkpoint": func(p *verify.Proof) { p.Checkpoint = "x" + p.Checkpoint },
		"no entry":   func(p *verify.Proof) { p.Entry = nil },
	} {
		p, err := verify.ParseProof(text)
		if err != nil {
			t.Fatal(err)
		}
		change(p)
		if _, _, err := p.Check(public); err == nil {
			t.Errorf("%s: altered and accepted", name)
		}
	}
}

func FuzzParseProof(f *testing.F) {
	text, _ := json.Marshal(proof(f))
	f.Add(text)
	f.Add([]byte(`{"format":"wardkeep-audit-proof/1","index":1,"inclusion":[]}`))
	public := testKey.Public().(ed25519.PublicKey)
	want := proof(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := verify.ParseProof(src)
		if err != nil {
			return
		}
		if _, _, err := p.Check(public); err == nil && (p.Index != want.Index || string(p.Entry) != string(want.Entry)) {
			t.Error("another entry was proved")
		}
	})
}

func FuzzOpenCheckpoint(f *testing.F) {
	c := verify.Checkpoint{Origin: "wardkeep.local/audit/test/0102", Size: 3, Root: leafHash(1)}
	f.Add(sign(f, c.Text(), c.Origin))
	public := testKey.Public().(ed25519.PublicKey)
	f.Fuzz(func(t *testing.T, src []byte) {
		if got, err := verify.OpenCheckpoint(src, public); err == nil && got != c {
			t.Error("another checkpoint was accepted")
		}
	})
}
