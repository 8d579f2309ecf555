package e2e_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// hospitalWithPast makes a small hospital, keeps a copy of its folder, writes
// more, and returns both folders and the checkpoint that was kept elsewhere.
func hospitalWithPast(t *testing.T) (now, past, pinned string) {
	t.Helper()
	root := t.TempDir()
	now, past, pinned = filepath.Join(root, "now"), filepath.Join(root, "past"), filepath.Join(root, "elsewhere")
	s := startDemo(t, now, "--patients", "3", "--checkpoint-out", pinned)
	s.stop()
	copyTo(t, now, past)
	s = startDemo(t, now, "--checkpoint-out", pinned)
	a := s.client("system/*.cruds")
	for i := range 20 {
		body := fmt.Sprintf(`{"resourceType":"Patient","name":[{"family":"New%d"}]}`, i)
		if got := a.do("POST", "/fhir/Patient", strings.NewReader(body)); got.status != 201 {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	s.stop()
	must(t, "audit", "verify", "--dir", now, "--pinned", pinned, "--deep") // negative control
	return now, past, pinned
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	copyTo(t, dir, to)
	return to
}

// copyTo copies a folder with its modes: keys open to others are refused.
func copyTo(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
}

// verdict runs the verifier and returns what it says, demanding that it finds
// something.
func verdict(t *testing.T, what, dir, pinned string) string {
	t.Helper()
	out, errs, code := run(t, "audit", "verify", "--dir", dir, "--pinned", pinned, "--deep")
	if code != 1 || len(strings.TrimSpace(out+errs)) == 0 {
		t.Errorf("%s: exit %d\n%s%s", what, code, out, errs)
	}
	return out + errs
}

func TestWholeFolderPutBack(t *testing.T) {
	now, past, pinned := hospitalWithPast(t)
	if said := verdict(t, "the folder of an hour ago", past, pinned); !strings.Contains(said, "older than the pinned checkpoint") {
		t.Errorf("it is not named: %s", said)
	}
	out, errs, code := run(t, "demo", "--dir", past, "--listen", freePort(t), "--checkpoint-out", pinned)
	if code != 1 {
		t.Errorf("a server starts on the folder of an hour ago: %s%s", out, errs)
	}
	t.Run("one file", func(t *testing.T) { oldFiles(t, now, past, pinned) })
	t.Run("one byte", func(t *testing.T) { flips(t, now, pinned) })
}

// oldFiles puts back, one at a time, each file that has changed since.
func oldFiles(t *testing.T, now, past, pinned string) {
	tried := 0
	for _, path := range storeFiles(t, past) {
		before, err := os.ReadFile(filepath.Join(past, path))
		if err != nil {
			t.Fatal(err)
		}
		after, err := os.ReadFile(filepath.Join(now, path))
		if err == nil && string(after) == string(before) {
			continue
		}
		dir := copyOf(t, now)
		if err := os.WriteFile(filepath.Join(dir, path), before, 0o600); err != nil {
			t.Fatal(err)
		}
		out, errs, code := run(t, "audit", "verify", "--dir", dir, "--pinned", pinned, "--deep")
		if err != nil && code == 0 {
			continue // a file that was deleted meanwhile and that nothing refers to: not part of the store
		}
		tried++
		if code != 1 {
			t.Errorf("an old copy of %s is not seen: exit %d\n%s%s", path, code, out, errs)
		}
	}
	if tried == 0 {
		t.Error("no file has changed: nothing was tested")
	}
}

// flips turns over one byte at random places of all files of the store.
func flips(t *testing.T, now, pinned string) {
	tries := 40
	if proving() {
		tries = 400
	}
	files := storeFiles(t, now)
	random := rand.New(rand.NewPCG(1, 2))
	for range tries {
		path := files[random.IntN(len(files))]
		text, err := os.ReadFile(filepath.Join(now, path))
		if err != nil {
			t.Fatal(err)
		}
		if len(text) == 0 {
			continue
		}
		at := random.IntN(len(text))
		text[at] ^= 1 << random.IntN(8)
		dir := copyOf(t, now)
		if err := os.WriteFile(filepath.Join(dir, path), text, 0o600); err != nil {
			t.Fatal(err)
		}
		verdict(t, fmt.Sprintf("byte %d of %s", at, path), dir, pinned)
	}
}

func storeFiles(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(filepath.Join(dir, "store"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			rel, _ := filepath.Rel(dir, path)
			files = append(files, rel)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	return files
}
