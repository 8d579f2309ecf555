package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// imported is what wardkeep import --json tells.
type imported struct {
	Total  int                `json:"total"`
	Rate   float64            `json:"resources_per_second"`
	Tokens float64            `json:"tokens_per_resource"`
	Bytes  float64            `json:"bytes_per_resource"`
	ByType map[string]float64 `json:"tokens_by_type"`
	Refuse []json.RawMessage  `json:"refused"`
}

// load imports files into a data folder.
func (b *bench) load(ctx context.Context, dir string, paths []string) (imported, float64, error) {
	var got imported
	out, peak, err := b.rig.run(ctx, append([]string{"import", "--dir", dir, "--quiet", "--json"}, paths...)...)
	if err != nil {
		return got, 0, err
	}
	if err := json.Unmarshal(out, &got); err != nil {
		return got, 0, fmt.Errorf("the import's report cannot be read: %w", err)
	}
	if len(got.Refuse) > 0 {
		return got, 0, fmt.Errorf("%d parts of the data were refused", len(got.Refuse))
	}
	return got, peak, nil
}

// imports measures the import of the original data into new folders, and leaves
// the last of them, which will grow, and the one before.
func (b *bench) imports(ctx context.Context) (string, error) {
	dir := ""
	for run := range b.runs {
		if b.once != "" {
			_ = os.RemoveAll(b.once) // room for the next; what stays is removed with the work folder
		}
		b.once = dir
		var err error
		if dir, err = b.rig.init(ctx, fmt.Sprintf("hospital-%d", run)); err != nil {
			return "", err
		}
		got, peak, err := b.load(ctx, dir, b.corpus.files())
		if err != nil {
			return "", err
		}
		fmt.Printf("  import %d: %d resources, %.0f/s\n", run+1, got.Total, got.Rate)
		b.resources = got.Total
		row := "wardkeep import"
		b.results.add("import", 1, row, "resources/s", got.Rate)
		b.results.add("import", 1, row, "tokens/resource", got.Tokens)
		b.results.add("import", 1, row, "bytes/resource", got.Bytes)
		b.results.add("import", 1, row, "peak MB", peak)
		for typ, tokens := range got.ByType {
			b.results.add("tokens", 1, typ, "tokens/resource", tokens)
		}
	}
	return dir, nil
}

// grow imports further copies up to a scale, by one command, once: its rate is
// that of a store which grows from one size to the other.
func (b *bench) grow(ctx context.Context, dir string, from, to int) error {
	files := filepath.Join(b.rig.work, "copies")
	if err := b.corpus.writeCopies(files, from, to-1); err != nil {
		return err
	}
	defer os.RemoveAll(files)
	got, peak, err := b.load(ctx, dir, []string{files})
	if err != nil {
		return err
	}
	fmt.Printf("  %d copies: %d resources more, %.0f/s, %.0f MB\n", to, got.Total, got.Rate, peak)
	b.resources += got.Total
	row := "wardkeep import"
	b.results.add("import", to, row, "resources/s", got.Rate)
	b.results.add("import", to, row, "peak MB", peak)
	b.results.add("import", to, row, "tokens/resource", got.Tokens)
	b.results.add("import", to, row, "bytes/resource", float64(folderSize(filepath.Join(dir, "store")))/float64(b.resources))
	return nil
}

func folderSize(dir string) int64 {
	var size int64
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				size += info.Size()
			}
		}
		return nil
	})
	return size
}

// bundleWorkers is how many bundles are sent at the same time.
const bundleWorkers = 4

// mended puts two slips of the data set right, for which a program is refused what it
// sends or sends back: a code of SNOMED CT without its end, and a language in another code system than
// R4 allows.
func mended(text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte(`"1853470"`), []byte(`"185347001"`))
	return bytes.ReplaceAll(text, []byte(`"http://id.loc.gov/vocabulary/iso639-1"`), []byte(`"urn:ietf:bcp:47"`))
}

// bundles sends the transaction bundles over HTTP to a new server.
func (b *bench) bundles(ctx context.Context) error {
	var texts [][]byte
	for _, path := range b.corpus.files() {
		text, err := readBundle(path)
		if err != nil {
			return err
		}
		texts = append(texts, mended(text))
	}
	for run := range b.runs {
		if err := b.bundleRun(ctx, fmt.Sprintf("bundles-%d", run), texts); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) bundleRun(ctx context.Context, name string, texts [][]byte) error {
	dir, err := b.rig.init(ctx, name)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := b.rig.serve(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { _ = s.stop() }()
	c, err := s.dial()
	if err != nil {
		return err
	}
	defer c.close()
	shared := len(b.corpus.shared)
	for _, text := range texts[:shared] { // the others refer to what these hold
		if err := c.send(text); err != nil {
			return err
		}
	}
	var next atomic.Int64
	times := make([]latencies, bundleWorkers)
	rest := texts[shared:]
	resources := 0
	for _, text := range rest {
		resources += bytes.Count(text, []byte(`"fullUrl"`))
	}
	var group errgroup.Group
	start := time.Now()
	for w := range bundleWorkers {
		group.Go(func() error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			defer c.close()
			for i := next.Add(1) - 1; int(i) < len(rest); i = next.Add(1) - 1 {
				from := time.Now()
				if err := c.send(rest[i]); err != nil {
					return err
				}
				times[w] = append(times[w], time.Since(from))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	took := time.Since(start).Seconds()
	all := slices.Concat(times...)
	slices.Sort(all)
	row := "transactions over HTTPS"
	b.results.add("import", 1, row, "bundles/s", float64(len(rest))/took)
	b.results.add("import", 1, row, "resources/s", float64(resources)/took)
	b.results.add("import", 1, row, "p50 ms", all.percentile(50))
	b.results.add("import", 1, row, "p95 ms", all.percentile(95))
	_, peak := s.memory()
	b.results.add("import", 1, row, "peak MB", peak)
	return nil
}

// send carries out one bundle; an entry that was refused is an error.
func (c *conn) send(bundle []byte) error {
	a, err := c.do("POST", "", bundle)
	if err != nil {
		return err
	}
	if a.status != 200 || bytes.Contains(a.body, []byte(`"response":{"status":"4`)) || bytes.Contains(a.body, []byte(`"response":{"status":"5`)) {
		return fmt.Errorf("a bundle is answered with status %d: %s", a.status, tail(string(a.body)))
	}
	return nil
}
