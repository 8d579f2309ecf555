package verify_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/record"
)

var show = flag.Bool("show", false, "print the worked example of docs/formats/audit.md")

// TestWorkedExample computes the example of docs/formats/audit.md and insists
// that the page holds it to the byte.
func TestWorkedExample(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	const shard = 0x0102030405060708
	body, card := []byte("sealed body"), []byte("sealed card")
	digests := record.Digests{
		Content: record.ContentDigest(0xc1a55, false, body, card),
		Index:   record.IndexDigest([]record.Token{2, 1}, []record.Edge{{Rel: 3, To: record.Key{15: 9}}}),
	}
	ref := verify.Ref{Key: record.Key{0: 0xaa, 15: 0xbb}, Version: 1}
	account := verify.Account{
		Time: at, Action: "create", Outcome: "success", Actor: "dr-1", Roles: []string{"doctor"},
		Written: []verify.Written{{Ref: ref, Digests: digests}},
	}
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	e := verify.Entry{
		Shard: shard, Counter: 1, Time: at, Prev: verify.ChainStart("example", shard),
		Account: []byte("the sealed accountability part"),
	}
	raw, link := e.Append(nil, verify.AccountDigest(e.Account), hmac.New(sha256.New, key))
	leaf := verify.LeafHash(raw)
	tree := new(verify.Tree)
	if err := tree.Add(leaf, nil); err != nil {
		t.Fatal(err)
	}
	id := verify.TreeID{0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10}
	c := verify.Checkpoint{Origin: id.Origin("example"), Size: 1, Root: tree.Root()}
	lines := []struct{ name, value string }{
		{"content digest", hex.EncodeToString(digests.Content[:])},
		{"index digest", hex.EncodeToString(digests.Index[:])},
		{"account", hex.EncodeToString(account.Append(nil))},
		{"account AAD", hex.EncodeToString(verify.AccountAAD("example", shard, [32]byte{}))},
		{"chain start", hex.EncodeToString(e.Prev[:])},
		{"head", hex.EncodeToString(raw[:154])},
		{"rest", hex.EncodeToString(raw[154:])},
		{"link", hex.EncodeToString(link[:])},
		{"leaf hash", hex.EncodeToString(leaf[:])},
		{"state", hex.EncodeToString(verify.State{Size: 1, Root: c.Root}.Append(nil))},
		{"mark", hex.EncodeToString(verify.Mark{Counter: 1, Link: link, Time: at}.Append(nil))},
		{"public key", base64.StdEncoding.EncodeToString(testKey.Public().(ed25519.PublicKey))},
		{"checkpoint", string(sign(t, c.Text(), c.Origin))},
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "formats", "audit.md"))
	if err != nil {
		t.Fatal(err)
	}
	// The page breaks long lines; line ends inside a value do not count.
	text := strings.Join(strings.Fields(string(page)), "")
	for _, l := range lines {
		if *show {
			fmt.Printf("%s\n%s\n\n", l.name, l.value)
		}
		if !strings.Contains(text, strings.Join(strings.Fields(l.value), "")) {
			t.Errorf("the page does not hold the %s", l.name)
		}
	}
}
