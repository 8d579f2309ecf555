package e2e_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// proving makes the long proofs run: the whole data set, all the tries.
func proving() bool { return os.Getenv("WARDKEEP_PROVE") != "" }

// sample returns files of the synthea set: all of them when proving, else the
// two that others refer to and some patients.
func sample(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testdata(t, "synthea-120"), "*.bz2"))
	if err != nil || len(files) < 20 {
		t.Fatalf("the synthea set has %d files: %v", len(files), err)
	}
	if proving() {
		return files
	}
	return files[:14]
}

type summary struct {
	Total    int               `json:"total"`
	Already  int               `json:"already"`
	Accepted map[string]int    `json:"accepted"`
	Refused  []json.RawMessage `json:"refused"`
	Rate     float64           `json:"resources_per_second"`
	Tokens   float64           `json:"tokens_per_resource"`
	Bytes    float64           `json:"bytes_per_resource"`
}

func importFiles(t testing.TB, dir string, files []string) summary {
	t.Helper()
	out := must(t, append([]string{"import", "--dir", dir, "--json"}, files...)...)
	var s summary
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func initDir(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	must(t, "init", "--dir", dir, "--admin", "root", "--given", "Ada", "--family", "Admin")
	return dir
}

// stored counts the records that an export brings out.
func stored(t testing.TB, dir string) int {
	t.Helper()
	out := filepath.Join(t.TempDir(), "export")
	must(t, "export", "--dir", dir, "--out", out)
	files, err := filepath.Glob(filepath.Join(out, "*.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		n += strings.Count(string(text), "\n")
	}
	return n
}

func TestImport(t *testing.T) {
	files := sample(t)
	dir := initDir(t)
	s := importFiles(t, dir, files)
	t.Logf("%d resources, %.0f/s, %.1f tokens and %.0f bytes a resource", s.Total, s.Rate, s.Tokens, s.Bytes)
	if s.Tokens == 0 || s.Tokens > 60 || s.Bytes == 0 || s.Bytes > 2048 {
		t.Errorf("over the budget: %.1f tokens, %.0f bytes a resource", s.Tokens, s.Bytes)
	}
	if len(s.Refused) > 0 || s.Total == 0 {
		t.Fatalf("refused: %s", s.Refused)
	}
	if proving() && s.Total != 92_114 {
		t.Errorf("%d of 92,114 were stored", s.Total)
	}
	again := importFiles(t, dir, files)
	if again.Total != 0 || again.Already != s.Total {
		t.Errorf("a second import stores %d and knows %d of %d", again.Total, again.Already, s.Total)
	}
	if n := stored(t, dir); n != s.Total {
		t.Errorf("%d records come out, %d went in", n, s.Total)
	}
	must(t, "audit", "verify", "--dir", dir, "--deep")
}

// TestKilledImport kills an import without warning again and again: what is
// there in the end is all of it, once.
func TestKilledImport(t *testing.T) {
	files := sample(t)
	whole := importFiles(t, initDir(t), files)
	dir := initDir(t)
	kills, span := 20, 1500*time.Millisecond
	if proving() {
		span = 6 * time.Second
	}
	for i := range kills {
		cmd := command(append([]string{"import", "--dir", dir, "--json"}, files...)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.Int64N(int64(span))))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if out, errs, code := run(t, "audit", "verify", "--dir", dir); code != 0 {
			t.Fatalf("after kill %d: %s%s", i+1, out, errs)
		}
	}
	last := importFiles(t, dir, files)
	if last.Total+last.Already != whole.Total || len(last.Refused) > 0 {
		t.Errorf("stored %d and %d before, of %d", last.Total, last.Already, whole.Total)
	}
	if n := stored(t, dir); n != whole.Total {
		t.Errorf("%d records come out, not %d", n, whole.Total)
	}
	must(t, "audit", "verify", "--dir", dir, "--deep")
}
