package bulk_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/bulk"
)

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func zipped(t *testing.T, members map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range members {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(f, text)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	fmt.Fprint(w, text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSourcesAndUnits(t *testing.T) {
	dir := t.TempDir()
	lines := strings.Repeat("{\"resourceType\":\"Patient\"}\n\n", 1201)
	write(t, filepath.Join(dir, "a.json"), []byte("{}"))
	write(t, filepath.Join(dir, "b.ndjson.gz"), gzipped(t, lines))
	write(t, filepath.Join(dir, "sub", "c.zip"), zipped(t, map[string]string{"x.json": "{}", "y.ndjson": "{}\n", "readme.txt": "no"}))
	write(t, filepath.Join(dir, "notes.txt"), []byte("no"))
	files, err := bulk.Sources([]string{dir})
	if err != nil || len(files) != 3 {
		t.Fatalf("%v %v", files, err)
	}
	var got []string
	for _, f := range files {
		err := bulk.Read(context.Background(), f, func(int64) {}, func(u bulk.Unit) error {
			got = append(got, fmt.Sprintf("%s %s %v %d", filepath.Base(u.Source), u.Place, u.Lines, bytes.Count(u.Data, []byte("\n"))))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := "a.json  false 0;b.ndjson.gz lines 1-999 true 500;b.ndjson.gz lines 1000-1999 true 500;b.ndjson.gz lines 2000-2402 true 201;c.zip!x.json  false 0;c.zip!y.ndjson lines 1-1 true 1"
	if strings.Join(got, ";") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ";"), want)
	}
}

func TestBadSources(t *testing.T) {
	dir := t.TempDir()
	if _, err := bulk.Sources([]string{filepath.Join(dir, "nowhere")}); err == nil {
		t.Error("a missing folder is accepted")
	}
	if _, err := bulk.Sources([]string{dir}); err == nil {
		t.Error("an empty folder is accepted")
	}
	for name, data := range map[string][]byte{"x.json.gz": []byte("no"), "x.zip": []byte("no"), "x.json.bz2": []byte("no")} {
		write(t, filepath.Join(dir, name), data)
		if err := bulk.Read(context.Background(), filepath.Join(dir, name), func(int64) {}, func(bulk.Unit) error { return nil }); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

// target accepts units, keeps some for later, and can fail.
type target struct {
	mu      sync.Mutex
	waits   map[string]int // units that are told to wait, and how often
	failAt  int
	applied []string
}

var errStop = errors.New("the store is gone")

func (g *target) Apply(_ context.Context, u bulk.Unit) (bulk.Report, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	name := string(u.Data)
	if g.waits[name] > 0 {
		g.waits[name]--
		return bulk.Report{}, bulk.ErrLater
	}
	if g.failAt > 0 && len(g.applied) == g.failAt {
		return bulk.Report{}, errStop
	}
	g.applied = append(g.applied, name)
	if name == "bad" {
		return bulk.Report{Refused: []bulk.Refusal{{Source: u.Source, Reason: "no", Count: 1}}}, nil
	}
	return bulk.Report{Accepted: map[string]int{"Patient": 1}}, nil
}

func importNames(t *testing.T, g *target, names ...string) (*bulk.Summary, error) {
	t.Helper()
	dir := t.TempDir()
	var files []string
	for i, name := range names {
		path := filepath.Join(dir, fmt.Sprintf("%02d.json", i))
		write(t, path, []byte(name))
		files = append(files, path)
	}
	im := bulk.Importer{Target: g, Readers: 2, Writers: 3}
	return im.Run(context.Background(), files)
}

func TestImportWaitsForOthers(t *testing.T) {
	g := &target{waits: map[string]int{"a": 1, "b": 2}}
	s, err := importNames(t, g, "a", "b", "c", "bad")
	if err != nil || s.Total() != 3 || s.NotStored() != 1 {
		t.Errorf("%+v %v", s, err)
	}
	if g.applied[len(g.applied)-1] != "b" {
		t.Errorf("order %v", g.applied)
	}
}

func TestImportEndsWaiting(t *testing.T) {
	g := &target{waits: map[string]int{"a": 1 << 30}}
	s, err := importNames(t, g, "a", "c")
	if err != nil || s.Total() != 1 || s.NotStored() != 1 {
		t.Errorf("%+v %v", s, err)
	}
}

func TestImportStopsOnOurFailure(t *testing.T) {
	g := &target{failAt: 2}
	s, err := importNames(t, g, "a", "b", "c", "d")
	if !errors.Is(err, errStop) || s.Total() != 2 {
		t.Errorf("%+v %v", s, err)
	}
}

// TestLongLines: what a small file unpacks to is not held all at once.
func TestLongLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bomb.ndjson.gz")
	line := "{\"resourceType\":\"Basic\",\"x\":\"" + strings.Repeat("a", 10<<20) + "\"}\n"
	write(t, path, gzipped(t, strings.Repeat(line, 12)))
	units, lines := 0, 0
	err := bulk.Read(context.Background(), path, func(int64) {}, func(u bulk.Unit) error {
		units++
		lines += bytes.Count(u.Data, []byte("\n"))
		if len(u.Data) > 64<<20 {
			t.Errorf("a unit of %d bytes", len(u.Data))
		}
		return nil
	})
	if err != nil || lines != 12 || units < 2 {
		t.Errorf("%d lines in %d units: %v", lines, units, err)
	}
}

// TestImportWaitsWithinAFile: what waits is read again, the rest of its file is
// not, and what is wrong further on is told of once.
func TestImportWaitsWithinAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.ndjson")
	line := func(n int) string { return fmt.Sprintf("{\"n\":%d}\n", n) }
	var text strings.Builder
	var first, second strings.Builder
	for n := range 1000 {
		text.WriteString(line(n))
		if n < 500 {
			first.WriteString(line(n))
		} else {
			second.WriteString(line(n))
		}
	}
	write(t, path, append([]byte(text.String()), bytes.Repeat([]byte("x"), 17<<20)...))
	for name, waits := range map[string]map[string]int{
		"the first":  {first.String(): 1},
		"the second": {second.String(): 2},
		"both":       {first.String(): 2, second.String(): 1},
	} {
		g := &target{waits: waits}
		im := bulk.Importer{Target: g, Readers: 2, Writers: 3}
		s, err := im.Run(context.Background(), []string{path})
		if err != nil || s.Total() != 2 || len(s.Refused) != 1 {
			t.Errorf("%s: %d taken, %d refused, %v", name, s.Total(), len(s.Refused), err)
		}
		if !slices.Contains(g.applied, first.String()) || !slices.Contains(g.applied, second.String()) {
			t.Errorf("%s: %d applied", name, len(g.applied))
		}
	}
}

// heavy measures how much is committed at once.
type heavy struct {
	mu        sync.Mutex
	now, peak int
}

func (h *heavy) Apply(_ context.Context, u bulk.Unit) (bulk.Report, error) {
	h.mu.Lock()
	h.now += len(u.Data)
	h.peak = max(h.peak, h.now)
	h.mu.Unlock()
	time.Sleep(time.Millisecond)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now -= len(u.Data)
	return bulk.Report{Accepted: map[string]int{"Binary": 1}}, nil
}

func TestImportIsBoundedByBytes(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for i := range 12 {
		files = append(files, filepath.Join(dir, fmt.Sprintf("%02d.json", i)))
		write(t, files[i], bytes.Repeat([]byte("x"), 7<<20))
	}
	h := &heavy{}
	im := bulk.Importer{Target: h, Readers: 6, Writers: 6}
	s, err := im.Run(context.Background(), append(files, files[0]))
	if err != nil || s.Total() != 13 || h.peak > 24<<20 {
		t.Errorf("%d taken, %d bytes at once, %v", s.Total(), h.peak, err)
	}
}
