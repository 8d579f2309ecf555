package app

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/demo"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// crash is a moment at which the power fails: what had been promised by then,
// and the disk as it then is.
type crash struct {
	promised []string // ids of units whose Apply had returned
	disk     *vfs.MemFS
}

// TestCrashedImport cuts the power at random moments of an import on a disk that
// loses what was not synced, and opens what is left: every unit promised is
// there whole, every other one whole or not at all, and the audit log agrees.
func TestCrashedImport(t *testing.T) {
	tries := 40
	if os.Getenv("WARDKEEP_PROVE") != "" {
		tries = 1000
	}
	units, named := unitsOf(t)
	seen := map[int]bool{}
	for ; tries > 0; tries -= 20 {
		batch := min(tries, 20)
		dir := t.TempDir()
		for _, c := range importAndCrash(t, dir, units, batch) {
			seen[afterCrash(t, dir, c, units, named)] = true
		}
	}
	if len(seen) < 2 {
		t.Error("all crashes left the same: nothing was tested")
	}
}

// unitsOf returns the records of a small hospital in small units, so that many
// commits lie between two crashes, and the names of the records in each.
func unitsOf(t *testing.T) (units []bulk.Unit, named map[string][]string) {
	t.Helper()
	named = map[string][]string{}
	hospital := demo.Generate(demo.Options{Seed: 3, Patients: 3, Now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)})
	for bundle := range hospital.Bundles() {
		res, err := fhir.Parse(slices.Clone(bundle))
		if err != nil {
			t.Fatal(err)
		}
		var entries []*fhir.Resource
		for e := range res.Root().All("entry") {
			entries = append(entries, e.Get("resource").Resource())
		}
		for run := range slices.Chunk(entries, 15) {
			u := bulk.Unit{Source: "demo", Lines: true}
			var names []string
			for _, r := range run {
				u.Data = append(append(u.Data, r.JSON()...), '\n')
				names = append(names, r.Type()+"/"+r.ID())
			}
			units = append(units, u)
			named[u.ID()] = names
		}
	}
	return units, named
}

func openOn(ctx context.Context, dir string, disk vfs.FS) (*House, error) {
	cfg := config.Default()
	cfg.Dir, cfg.CacheMB = dir, 8
	return OpenHouse(ctx, cfg, slog.New(slog.DiscardHandler), Options{FS: disk})
}

// importAndCrash imports the units with two writers and cuts the power n times
// on the way.
func importAndCrash(t *testing.T, dir string, units []bulk.Unit, n int) []crash {
	t.Helper()
	ctx := context.Background()
	disk := vfs.NewCrashableMem()
	house, err := openOn(ctx, dir, disk)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var promised []string
	var crashes []crash
	queue := make(chan bulk.Unit)
	var writers sync.WaitGroup
	for range 2 {
		writers.Go(func() {
			for u := range queue {
				if _, err := house.file(ctx, "test", u); err != nil {
					t.Error(err)
				}
				mu.Lock()
				promised = append(promised, u.ID())
				mu.Unlock()
			}
		})
	}
	every := max(1, len(units)/n)
	for i, u := range units {
		queue <- u
		if i%every != 0 || len(crashes) == n {
			continue
		}
		time.Sleep(time.Duration(rand.Int64N(int64(3 * time.Millisecond))))
		mu.Lock()
		before := slices.Clone(promised)
		mu.Unlock()
		crashes = append(crashes, crash{before, disk.CrashClone(vfs.CrashCloneCfg{
			UnsyncedDataPercent: rand.IntN(101), RNG: rand.New(rand.NewPCG(rand.Uint64(), 1)),
		})})
	}
	close(queue)
	writers.Wait()
	if err := house.Close(ctx); err != nil {
		t.Error(err)
	}
	return crashes
}

// afterCrash opens what a crash left, checks it, and returns how many units are
// there.
func afterCrash(t *testing.T, dir string, c crash, units []bulk.Unit, named map[string][]string) int {
	t.Helper()
	ctx := context.Background()
	house, err := openOn(ctx, dir, c.disk)
	if err != nil {
		t.Fatalf("after a crash: %v", err)
	}
	there, records := 0, map[string]bool{}
	for _, u := range units {
		done, err := house.Vault.JobValue(ctx, "import/"+u.ID())
		if err != nil {
			t.Fatal(err)
		}
		if done == "" && slices.Contains(c.promised, u.ID()) {
			t.Error("a unit that was promised is gone")
		}
		if done != "" {
			there++
			for _, name := range named[u.ID()] {
				records[name] = true
			}
		}
	}
	if n := house.countAll(t); n != len(records) {
		t.Errorf("%d records are there; the marks speak of %d", n, len(records))
	}
	if err := house.Close(ctx); err != nil {
		t.Fatal(err)
	}
	report, _, err := verifyOpened(ctx, reading{dir: dir, files: filepath.Join(dir, storeDir), disk: c.disk, tenant: house.Config.Tenant}, nil, true)
	if err != nil || !report.OK {
		t.Errorf("the audit log after a crash: %v\n%s", err, report)
	}
	return there
}

func (h *House) countAll(t *testing.T) int {
	t.Helper()
	n := 0
	for typ := range r4.Resources {
		count, err := h.Chart.Count(context.Background(), operator("test", "exporter"), typ.String())
		if err == nil {
			n += count
		}
	}
	return n
}
