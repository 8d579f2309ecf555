package e2e_test

import (
	"compress/bzip2"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// canaries are words of the data, by their first bytes.
type canaries struct {
	words map[string]string // first 6 bytes → word
	count int
}

const stem = 6

func (c *canaries) add(word string) {
	if len(word) < stem {
		return
	}
	if _, known := c.words[word[:stem]]; !known {
		c.words[word[:stem]] = word
	}
	c.count++
}

// collect takes names, ids, codes, dates, numbers and free words out of a value.
func (c *canaries) collect(key string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			c.collect(k, inner)
		}
	case []any:
		for _, inner := range v {
			c.collect(key, inner)
		}
	case string:
		switch key {
		case "family", "given", "line", "city", "value", "code", "display", "text", "birthDate", "id",
			"effectiveDateTime", "authoredOn", "recordedDate", "start", "end", "issued", "deceasedDateTime":
			c.add(v)
		}
		if raw, err := hex.DecodeString(strings.ReplaceAll(v, "-", "")); err == nil && len(raw) == 16 {
			c.add(string(raw))
		}
		if _, id, ok := strings.Cut(v, "urn:uuid:"); ok {
			c.add(id)
		}
	}
}

func canariesOf(t *testing.T, files []string) *canaries {
	t.Helper()
	c := &canaries{words: map[string]string{}}
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		var bundle any
		err = json.NewDecoder(bzip2.NewReader(f)).Decode(&bundle)
		_ = f.Close()
		if err != nil {
			t.Fatal(err)
		}
		c.collect("", bundle)
	}
	return c
}

// find returns the files below dir that hold a canary, with an example.
func (c *canaries) find(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the store put files together meanwhile; what it made of them is read as well
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if word := c.in(text); word != "" {
			found[path] = word
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (c *canaries) in(text []byte) string {
	for i := 0; i+stem <= len(text); i++ {
		if word, ok := c.words[string(text[i:i+stem])]; ok && strings.HasPrefix(string(text[i:min(len(text), i+len(word))]), word) {
			return word
		}
	}
	return ""
}

// TestCanary imports records and reads every byte that was written: data folder,
// write-ahead log, temporary files and output.
func TestCanary(t *testing.T) {
	files := sample(t)
	words := canariesOf(t, files)
	if words.count < 10_000 {
		t.Fatalf("only %d canaries", words.count)
	}
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	dir := initDir(t)
	s := startServe(t, dir)
	out, errs, code := run(t, append([]string{"import", "--dir", dir}, files...)...)
	if code != 0 {
		t.Fatalf("%s%s", out, errs)
	}
	a := s.client("system/*.cruds")
	if got := a.do("POST", "/fhir/Patient/_search", strings.NewReader("_count=20&family=a"), "Content-Type", "application/x-www-form-urlencoded"); got.status != 200 {
		t.Fatalf("search: %d", got.status)
	}
	for _, when := range []string{"while it runs", "after a kill", "after a clean end"} {
		switch when {
		case "after a kill":
			s.kill()
		case "after a clean end":
			startServe(t, dir).stop()
		}
		for path, word := range words.find(t, dir) {
			t.Errorf("%s: %s holds %q in the clear", when, filepath.Base(path), word)
		}
	}
	for path, word := range words.find(t, temp) {
		t.Errorf("temporary file %s holds %q", path, word)
	}
	if word := words.in([]byte(s.screen.String())); word != "" {
		t.Errorf("the log holds %q", word)
	}
	plantCanaries(t, words, dir)
}

// plantCanaries is the negative control: a word, and an id as raw bytes, hidden
// in the middle of noise, are found.
func plantCanaries(t *testing.T, words *canaries, dir string) {
	t.Helper()
	n := 0
	for _, word := range words.words {
		path := filepath.Join(dir, "planted")
		if err := os.WriteFile(path, []byte(strings.Repeat("\x00\xff", 5000)+word+strings.Repeat("x", 100)), 0o600); err != nil {
			t.Fatal(err)
		}
		if words.find(t, dir)[path] == "" {
			t.Fatal("a planted word is not found")
		}
		if n++; n == 3 {
			return
		}
	}
}

// startServe starts the server on a data folder.
func startServe(t testing.TB, dir string, args ...string) *server {
	t.Helper()
	listen := freePort(t)
	port := listen[strings.LastIndexByte(listen, ':')+1:]
	return start(t, dir, "https://localhost:"+port, append([]string{"serve", "--dir", dir, "--listen", listen}, args...))
}
