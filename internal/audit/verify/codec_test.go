package verify_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/record"
)

var chainKey = []byte("0123456789abcdef0123456789abcdef")

func digest() *rapid.Generator[[32]byte] {
	return rapid.Custom(func(t *rapid.T) (d [32]byte) {
		copy(d[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "digest"))
		return d
	})
}

func moment() *rapid.Generator[time.Time] {
	return rapid.Map(rapid.Int64Range(0, 253402300799999999), func(us int64) time.Time { return time.UnixMicro(us).UTC() })
}

func entry() *rapid.Generator[verify.Entry] {
	return rapid.Custom(func(t *rapid.T) verify.Entry {
		return verify.Entry{
			Flags:   rapid.ByteRange(0, 1).Draw(t, "flags"),
			Shard:   rapid.Uint64().Draw(t, "shard"),
			Counter: rapid.Uint64Min(1).Draw(t, "counter"),
			Time:    moment().Draw(t, "time"),
			Prev:    digest().Draw(t, "prev"),
			Content: digest().Draw(t, "content"),
			Account: rapid.SliceOf(rapid.Byte()).Draw(t, "account"),
		}
	})
}

func seal(e verify.Entry) ([]byte, [32]byte) {
	return e.Append(nil, verify.AccountDigest(e.Account), hmac.New(sha256.New, chainKey))
}

func TestEntryRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := entry().Draw(t, "entry")
		raw, link := seal(e)
		got, err := verify.ParseEntry(raw)
		if err != nil {
			t.Fatal(err)
		}
		if !verify.CheckMAC(raw, chainKey) || verify.CheckMAC(raw, chainKey[1:]) {
			t.Fatal("the MAC does not tell keys apart")
		}
		if verify.Link(raw) != link {
			t.Fatal("the writer and the reader link differently")
		}
		e.MAC = got.MAC
		if len(e.Account) == 0 {
			e.Account = got.Account
		}
		if !reflect.DeepEqual(&e, got) {
			t.Fatalf("wrote %+v, read %+v", e, got)
		}
	})
}

// TestEntryEveryByteCounts flips each byte: the parser or the MAC must notice.
func TestEntryEveryByteCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw, _ := seal(entry().Draw(t, "entry"))
		raw[rapid.IntRange(0, len(raw)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := verify.ParseEntry(raw); err == nil && verify.CheckMAC(raw, chainKey) {
			t.Fatal("a flipped bit went unseen")
		}
	})
}

func recordKey() *rapid.Generator[record.Key] {
	return rapid.Map(digest(), func(d [32]byte) record.Key { return record.Key(d[:16]) })
}

func account() *rapid.Generator[verify.Account] {
	text := rapid.String()
	ref := rapid.Custom(func(t *rapid.T) verify.Ref {
		return verify.Ref{Key: recordKey().Draw(t, "key"), Version: rapid.Uint64().Draw(t, "version")}
	})
	written := rapid.Custom(func(t *rapid.T) verify.Written {
		return verify.Written{Ref: ref.Draw(t, "ref"), Digests: record.Digests{Content: digest().Draw(t, "c"), Index: digest().Draw(t, "i")}}
	})
	return rapid.Custom(func(t *rapid.T) verify.Account {
		return verify.Account{
			Time: moment().Draw(t, "time"), Action: text.Draw(t, "action"), Outcome: text.Draw(t, "outcome"),
			Actor: text.Draw(t, "actor"), Client: text.Draw(t, "client"), Session: text.Draw(t, "session"),
			Roles:   rapid.SliceOfN(rapid.StringN(1, -1, -1), 0, 3).Draw(t, "roles"),
			Purpose: text.Draw(t, "purpose"), RequestID: text.Draw(t, "request"), Type: text.Draw(t, "type"),
			Address:  text.Draw(t, "address"),
			Patients: rapid.SliceOfN(recordKey(), 0, 3).Draw(t, "patients"),
			Read:     rapid.SliceOfN(ref, 0, 3).Draw(t, "read"),
			Written:  rapid.SliceOfN(written, 0, 3).Draw(t, "written"),
		}
	})
}

func TestAccountRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := account().Draw(t, "account")
		raw := a.Append(nil)
		got, err := verify.ParseAccount(raw)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Append(nil), raw) {
			t.Fatalf("wrote %+v, read %+v", a, got)
		}
		if len(a.Read) > 0 && !reflect.DeepEqual(a.Read, got.Read) {
			t.Fatal("the versions shown were lost")
		}
		// A later version may append fields.
		later := append(bytes.Clone(raw), 200, 2, 'x', 'y')
		if again, err := verify.ParseAccount(later); err != nil || !reflect.DeepEqual(again, got) {
			t.Fatalf("an unknown field is not passed over: %v", err)
		}
	})
}

func TestAccountRefuses(t *testing.T) {
	at := []byte{1, 8, 0, 0, 0, 0, 0, 0, 0, 1}
	for name, src := range map[string][]byte{
		"nothing":             nil,
		"unknown format":      append([]byte{2}, at...),
		"no time":             {1},
		"two times":           append(append([]byte{1}, at...), at...),
		"fields out of order": append([]byte{1, 2, 1, 'x'}, at...),
		"two actions":         append(append([]byte{1}, at...), 2, 1, 'a', 2, 1, 'b'),
		"empty action":        append(append([]byte{1}, at...), 2, 0),
		"short value":         append(append([]byte{1}, at...), 2, 9, 'x'),
		"short key":           append(append([]byte{1}, at...), 12, 1, 'x'),
		"tag 0":               append([]byte{1, 0, 0}, at...),
		"far future":          {1, 1, 8, 255, 255, 255, 255, 255, 255, 255, 255},
	} {
		if _, err := verify.ParseAccount(src); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func FuzzParseEntry(f *testing.F) {
	raw, _ := seal(verify.Entry{Shard: 1, Counter: 1, Time: time.Unix(1, 0), Account: []byte("account")})
	f.Add(raw)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, src []byte) {
		e, err := verify.ParseEntry(src)
		if err != nil {
			return
		}
		again, _ := e.Append(nil, verify.AccountDigest(e.Account), hmac.New(sha256.New, chainKey))
		if !bytes.Equal(again[:122], src[:122]) || !bytes.Equal(again[154:], src[154:]) {
			t.Error("two ways to write one entry")
		}
	})
}

func FuzzParseAccount(f *testing.F) {
	a := verify.Account{Time: time.Unix(1, 0), Action: "read", Roles: []string{"doctor"}, Patients: []record.Key{{1}}, Read: []verify.Ref{{Version: 1}}}
	f.Add(a.Append(nil))
	f.Fuzz(func(t *testing.T, src []byte) {
		if a, err := verify.ParseAccount(src); err == nil {
			if _, err := verify.ParseAccount(a.Append(nil)); err != nil {
				t.Error("what was read cannot be written")
			}
		}
	})
}

func TestContentRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		c := verify.Content{Query: text.Draw(t, "query"), Reason: text.Draw(t, "reason"), Detail: text.Draw(t, "detail")}
		for range rapid.IntRange(0, 3).Draw(t, "names") {
			c.Names = append(c.Names, verify.Name{Item: rapid.Uint64().Draw(t, "item"), Text: text.Draw(t, "name")})
		}
		raw := c.Append(nil)
		if len(raw) == 0 {
			return
		}
		got, err := verify.ParseContent(raw)
		if err != nil || !reflect.DeepEqual(&c, got) {
			t.Fatalf("wrote %+v, read %+v, %v", c, got, err)
		}
	})
}

func FuzzParseContent(f *testing.F) {
	c := verify.Content{Query: "q", Reason: "r", Names: []verify.Name{{Item: 1, Text: "Patient/1"}}}
	f.Add(c.Append(nil))
	f.Fuzz(func(t *testing.T, src []byte) {
		if c, err := verify.ParseContent(src); err == nil {
			if raw := c.Append(nil); len(raw) > 0 {
				if _, err := verify.ParseContent(raw); err != nil {
					t.Error("what was read cannot be written")
				}
			}
		}
	})
}
