package seal_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

var update = flag.Bool("update", false, "freeze a store anew; only for a new version of the format")

// frozen is a store as it was when the format was fixed.
type frozen struct {
	Cells                    map[string][]byte // by the hex of space and name
	Shared, Typed, Tombstone struct{ Body, Card []byte }
	Value, For               []byte
	Token                    record.Token
	Name                     []byte
}

const frozenFile = "testdata/store.json"

var (
	frozenTyped     = seal.Ref{Type: "Location", Key: key(8), Version: 3}
	frozenTombstone = seal.Ref{Type: "Observation", Key: key(9), Version: 2, Deleted: true}
)

// TestFrozenStore opens everything that was sealed when the format was fixed:
// whatever changes, this must go on working.
func TestFrozenStore(t *testing.T) {
	if *update {
		freeze(t)
	}
	text, err := os.ReadFile(frozenFile)
	if err != nil {
		t.Fatal(err)
	}
	var f frozen
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	c := newCells()
	for name, value := range f.Cells {
		raw, err := hex.DecodeString(name)
		if err != nil {
			t.Fatal(err)
		}
		c.data[string(raw)] = value
	}
	s := reopen(t, config(c))
	for _, tt := range []struct {
		name       string
		ref        seal.Ref
		card, body []byte
		want       string
	}{
		{"shared", observation, f.Shared.Card, f.Shared.Body, realBody(t)},
		{"typed", frozenTyped, f.Typed.Card, f.Typed.Body, "raw"},
		{"tombstone", frozenTombstone, f.Tombstone.Card, f.Tombstone.Body, ""},
	} {
		o, body, err := read(t, s, tt.ref, seal.Sealed{Body: tt.body, Card: tt.card})
		if err != nil || body != tt.want || string(o.Card) != tt.name {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if got, err := s.OpenValue("page", []byte("aad"), f.Value); err != nil || string(got) != "value" {
		t.Error("value:", err)
	}
	if got, err := s.OpenFor(t.Context(), "audit", []byte("aad"), f.For); err != nil || string(got) != "for" {
		t.Error("for:", err)
	}
	if s.Token("Observation.code", []byte("x")) != f.Token || !bytes.Equal(s.NameDigest("Patient", "1"), f.Name) {
		t.Error("tokens have changed: nothing would be found any more")
	}
}

func freeze(t *testing.T) {
	s, c := open(t)
	var f frozen
	out := put(t, s, c, observation, []record.Key{key(1), key(2)}, realBody(t), "shared")
	f.Shared.Body, f.Shared.Card = out.Body, out.Card
	out = put(t, s, c, frozenTyped, nil, "raw", "typed")
	f.Typed.Body, f.Typed.Card = out.Body, out.Card
	out = put(t, s, c, frozenTombstone, []record.Key{key(1)}, "", "tombstone")
	f.Tombstone.Body, f.Tombstone.Card = out.Body, out.Card
	var err error
	if f.Value, err = s.SealValue("page", []byte("aad"), []byte("value")); err != nil {
		t.Fatal(err)
	}
	out, err = s.SealFor(t.Context(), "audit", nil, []byte("aad"), []byte("for"))
	if err != nil || c.commit(out.Cells, out.Guards) != nil {
		t.Fatal(err)
	}
	f.For, f.Cells = out.Body, map[string][]byte{}
	f.Token, f.Name = s.Token("Observation.code", []byte("x")), s.NameDigest("Patient", "1")
	for name, value := range c.data {
		f.Cells[hex.EncodeToString([]byte(name))] = value
	}
	text, err := json.MarshalIndent(f, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(frozenFile, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
