package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// cell returns the value of one cell.
func (r *rig) cell(space record.Space, name string) []byte {
	r.Helper()
	got, err := r.Cells(r.Context(), space, [][]byte{[]byte(name)})
	if err != nil || len(got) != 1 {
		r.Fatalf("cells: %d, %v", len(got), err)
	}
	return got[0]
}

func testCells(t *testing.T, open Open) {
	r := newRig(t, open)
	hour := func(n time.Duration) time.Time { return time.Now().Add(n * time.Hour) }
	r.commit(record.Batch{Cells: []record.Cell{
		{Space: record.SpaceName, Name: []byte("a"), Value: []byte("name")},
		{Space: record.SpaceKey, Name: []byte("a"), Value: []byte("key")},
		{Space: record.SpaceShort, Name: []byte("past"), Value: []byte("v"), Expires: hour(-1)},
		{Space: record.SpaceShort, Name: []byte("future"), Value: []byte("v"), Expires: hour(1)},
		{Space: record.SpaceShort, Name: []byte("empty"), Value: []byte{}},
		{Space: record.SpaceShort, Name: []byte{}, Value: []byte("nameless")},
		{Space: record.SpaceMeta, Name: []byte("twice"), Value: []byte("first")},
		{Space: record.SpaceMeta, Name: []byte("twice"), Value: []byte("second")},
	}})
	cases := []struct {
		space record.Space
		name  string
		want  []byte
	}{
		{record.SpaceName, "a", []byte("name")},
		{record.SpaceKey, "a", []byte("key")},
		{record.SpaceTree, "a", nil},
		{record.SpaceName, "", nil},
		{record.SpaceName, "ab", nil},
		{record.SpaceShort, "past", nil},
		{record.SpaceShort, "future", []byte("v")},
		{record.SpaceShort, "empty", []byte{}},
		{record.SpaceShort, "", []byte("nameless")},
		{record.SpaceMeta, "twice", []byte("second")},
	}
	for _, c := range cases {
		got := r.cell(c.space, c.name)
		if !bytes.Equal(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%c %q: got %q, want %q", c.space, c.name, got, c.want)
		}
	}
	r.commit(record.Batch{Cells: []record.Cell{
		{Space: record.SpaceName, Name: []byte("a")},
		{Space: record.SpaceName, Name: []byte("never was")},
		{Space: record.SpaceKey, Name: []byte("a"), Value: []byte("new")},
		{Space: record.SpaceShort, Name: []byte("future"), Value: []byte("w")},
		{Space: record.SpaceShort, Name: []byte("past"), Value: []byte("back"), Expires: hour(1)},
	}})
	if got := r.cell(record.SpaceName, "a"); got != nil {
		t.Errorf("a deleted cell holds %q", got)
	}
	for name, want := range map[string]string{"future": "w", "past": "back"} {
		if got := r.cell(record.SpaceShort, name); string(got) != want {
			t.Errorf("%s holds %q", name, got)
		}
	}
}

func testScan(t *testing.T, open Open) {
	r := newRig(t, open)
	var cells []record.Cell
	for _, name := range []string{"b", "a/2", "a/1", "a", "a/10", "a0", "\xff", "a/\xff\xff", ""} {
		cells = append(cells, record.Cell{Space: record.SpaceJob, Name: []byte(name), Value: []byte("v" + name)})
	}
	cells = append(cells,
		record.Cell{Space: record.SpaceJob, Name: []byte("a/gone"), Value: []byte("x"), Expires: time.Now().Add(-time.Hour)},
		record.Cell{Space: record.SpaceKey, Name: []byte("a/other space"), Value: []byte("x")})
	r.commit(record.Batch{Cells: cells})
	cases := []struct {
		prefix, after string
		stop          int
		want          []string
	}{
		{"", "", 0, []string{"", "a", "a/1", "a/10", "a/2", "a/\xff\xff", "a0", "b", "\xff"}},
		{"a/", "", 0, []string{"a/1", "a/10", "a/2", "a/\xff\xff"}},
		{"a/", "a/1", 0, []string{"a/10", "a/2", "a/\xff\xff"}},
		{"a/", "a/15", 0, []string{"a/2", "a/\xff\xff"}},
		{"a/", "a/", 2, []string{"a/1", "a/10"}},
		{"a/", "A", 0, []string{"a/1", "a/10", "a/2", "a/\xff\xff"}},
		{"a/", "b", 0, nil},
		{"\xff", "", 0, []string{"\xff"}},
		{"c", "", 0, nil},
	}
	for i, c := range cases {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			var after []byte
			if c.after != "" {
				after = []byte(c.after)
			}
			var got []string
			err := r.Scan(t.Context(), record.SpaceJob, []byte(c.prefix), after, func(name, value []byte) error {
				if string(value) != "v"+string(name) {
					t.Errorf("%q holds %q", name, value)
				}
				got = append(got, string(name))
				if len(got) == c.stop {
					return store.ErrStop
				}
				return nil
			})
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
	broken := errors.New("broken")
	if err := r.Scan(t.Context(), record.SpaceJob, nil, nil, func(_, _ []byte) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("an error of the visitor became %v", err)
	}
}
