package pebble_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
)

// stored is a store with two records: 01 with versions 1 and 2 at positions 1
// and 3, and 02 with a version and a tombstone at positions 2 and 4.
func stored(t *testing.T) *pebble.Store {
	s := mustOpen(t, small("store", vfs.NewMem()))
	one := record.Put{Key: record.Key{0x01}, Version: 1, Class: 0xc1, Body: []byte("b"), Card: []byte("c"), Tokens: []record.Token{0x71}}
	two := one
	two.Key, two.Edges = record.Key{0x02}, []record.Edge{{Rel: 0xe1, To: one.Key}}
	next := uint64(1)
	link := func() (record.LogRun, error) {
		next += 3
		return record.LogRun{First: next - 3, Entries: [][]byte{{1}, {2}, {3}}}, nil
	}
	cell := record.Cell{Space: 'e', Name: []byte("n"), Value: []byte("v"), Expires: time.Unix(9_000_000_000, 0)}
	must(t, s, record.Batch{Puts: []record.Put{one, two}, Time: time.Unix(1, 0), Link: link, Shard: 7, Cells: []record.Cell{cell}})
	one.Version = 2
	gone := record.Put{Key: two.Key, Version: 2, Class: 0xc1, Deleted: true, Body: []byte("b")}
	must(t, s, record.Batch{Puts: []record.Put{one, gone}, Time: time.Unix(2, 0), Link: link, Shard: 7})
	return s
}

// contradiction is an entry that does not fit the others of stored, in hex; a
// value "-" deletes it.
type contradiction struct{ name, tag, key, value string }

func contradictions() []contradiction {
	const (
		one = "01000000000000000000000000000000"
		two = "02000000000000000000000000000000"
		c1  = "00000000000000c1"
		c2  = "00000000000000c2"
	)
	pos := func(n string) string { return strings.Repeat("0", 16-len(n)) + n }
	row := func(kind, time, class, key, version string) string { return kind + time + class + key + version }
	early, late := "000000003b9aca00", "0000000077359400"
	return []contradiction{
		{"a row is missing", "a", pos("2"), "-"},
		{"the last row is missing", "a", pos("4"), "-"},
		{"a row of another kind", "a", pos("2"), row("09", early, c1, two, "01")},
		{"a row cut short", "a", pos("2"), "01"},
		{"a row without a version", "a", pos("2"), row("01", early, c1, two, "00")},
		{"times fall", "a", pos("4"), row("02", early, c1, two, "02")},
		{"a row of another class", "a", pos("3"), row("01", late, c2, one, "02")},
		{"a row of another record", "a", pos("3"), row("01", late, c1, two, "02")},
		{"a row of another version", "a", pos("3"), row("01", late, c1, one, "07")},
		{"a body is missing", "b", pos("2"), "-"},
		{"a body without a row", "b", pos("9"), "00"},
		{"a version is missing in its class", "c", c1 + "00000000", "01" + "010002000300"},
		{"a class list holds a stranger", "c", c2 + "00000000", "01" + "0100"},
		{"a class list is gone", "c", c1 + "00000000", "-"},
		{"a superseded version lives", "d", "00000000", "01" + "02000400"},
		{"a tombstone lives", "d", "00000000", "01" + "01000200"},
		{"a current version is dead", "d", "00000000", "01" + "0100020003000400"},
		{"nobody is dead", "d", "00000000", "-"},
		{"a posting of the future", "t", pos("71") + "00000000", "01" + "0900"},
		{"a posting in a far chunk", "t", pos("71") + "00000009", "01" + "0100"},
		{"a posting of position 0", "e", pos("e1") + one + "00000000", "01" + "0000"},
		{"a damaged container", "t", pos("71") + "00000000", "01" + "02000100"},
		{"a head is missing", "h", one, "-"},
		{"a head of nobody", "h", "03000000000000000000000000000000", "0101" + c1},
		{"a head cut short", "h", one, "0203"},
		{"a head behind", "h", one, "0101" + c1},
		{"a head ahead", "h", one, "0303" + c1},
		{"a head of another class", "h", one, "0203" + c2},
		{"an older version is missing", "o", one + pos("1"), "-"},
		{"an older version lies elsewhere", "o", one + pos("1"), pos("2")},
		{"an older version too many", "o", one + pos("9"), pos("1")},
		{"an older version cut short", "o", one + pos("1"), "01"},
		{"an entry is missing", "l", pos("7") + pos("4"), "-"},
		{"an entry too far on", "l", pos("7") + pos("8"), "00"},
		{"a cell cut short", "x", "656e", "00"},
		{"an expiry cut short", "q", "00", ""},
	}
}

// TestCheckSees is the negative control of Check: each planted contradiction,
// well formed in itself, must be found.
func TestCheckSees(t *testing.T) {
	if _, err := stored(t).Check(t.Context()); err != nil {
		t.Fatalf("with nothing planted: %v", err)
	}
	for _, c := range contradictions() {
		t.Run(c.name, func(t *testing.T) {
			s := stored(t)
			key, err := hex.DecodeString(hex.EncodeToString([]byte(c.tag)) + c.key)
			if err != nil {
				t.Fatal(err)
			}
			var value []byte
			if c.value != "-" {
				if value, err = hex.DecodeString(c.value); err != nil {
					t.Fatal(err)
				}
				value = append([]byte{}, value...)
			}
			if err := pebble.Edit(s, key, value); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Check(t.Context()); !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("got %v", err)
			}
		})
	}
}
