package file_test

import (
	"encoding/hex"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/seal/file"
)

var update = flag.Bool("update", false, "write the worked example into the format's page")

const formatPage = "../../../docs/formats/file.md"

// TestFormatPage freezes the format: a file made today must be the one the page
// shows, and the one the page shows must be readable for ever.
func TestFormatPage(t *testing.T) {
	salt := make([]byte, 32)
	for i := range salt {
		salt[i] = byte(i)
	}
	stored := file.Stored(testKey, salt, []byte("text"))
	var want strings.Builder
	for line := range strings.SplitSeq(hex.EncodeToString(stored), "") {
		want.WriteString(line)
		if n := want.Len(); n%65 == 64 {
			want.WriteByte('\n')
		}
	}
	want.WriteByte('\n')
	text, err := os.ReadFile(formatPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(text), "```hex\n")
	example, behind, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatal("the page has no example")
	}
	if *update {
		if err := os.WriteFile(formatPage, []byte(before+"```hex\n"+want.String()+"```\n"+behind), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want.String() != example {
		t.Errorf("stored:\n%s\nthe page says:\n%s", &want, example)
	}
	frozen, err := hex.DecodeString(strings.ReplaceAll(example, "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	under := vfs.NewMem()
	write(t, under, "file", frozen)
	if got := read(t, newFS(t, under), "file"); string(got) != "text" {
		t.Errorf("the page's file reads %q", got)
	}
}
