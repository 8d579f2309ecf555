package pebble_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
)

var update = flag.Bool("update", false, "write the worked example into the format's page")

const page = "../../../docs/formats/store-pebble.md"

// TestFormatPage commits what the page's worked example commits, and compares
// every byte with what the page says is stored.
func TestFormatPage(t *testing.T) {
	s := mustOpen(t, small("store", vfs.NewMem()))
	eight := time.Unix(1772352000, 0) // 2026-03-01T08:00:00Z
	anna := record.Put{
		Key: record.Key{0xa0, 15: 1}, Version: 1, Class: 0xc1, Card: []byte("card"), Body: []byte("body"),
		Tokens: []record.Token{0x71, 0x72},
	}
	pulse := record.Put{
		Key: record.Key{0xb0, 15: 2}, Version: 1, Class: 0xc2, Card: []byte("CARD"), Body: []byte("BODY"),
		Tokens: []record.Token{0x72}, Edges: []record.Edge{{Rel: 0xe1, To: anna.Key}},
	}
	must(t, s, record.Batch{
		Puts: []record.Put{anna, pulse}, Time: eight, Shard: 7,
		Cells: []record.Cell{
			{Space: record.SpaceName, Name: []byte("anna"), Value: []byte("A")},
			{Space: record.SpaceShort, Name: []byte("code"), Value: []byte("S"), Expires: eight.Add(time.Hour * 24 * 36500)},
		},
		Link: func() (record.LogRun, error) { return record.LogRun{First: 1, Entries: [][]byte{[]byte("entry")}}, nil },
	})
	second := anna
	second.Version, second.Tokens = 2, []record.Token{0x73}
	must(t, s, record.Batch{Puts: []record.Put{second}, Time: eight.Add(time.Second)})

	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(text), "```dump\n")
	example, behind, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatal("the page has no example")
	}
	dump := pebble.Dump(s)
	if *update {
		if err := os.WriteFile(page, []byte(before+"```dump\n"+dump+"```\n"+behind), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if dump != example {
		t.Errorf("stored:\n%s\nthe page says:\n%s", dump, example)
	}
}
