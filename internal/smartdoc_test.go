package internal_test

import (
	"encoding/csv"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestSmartRows holds docs/smart.md to the list of requirements: each row for
// servers stands there once, with its tests or with the reason why not.
func TestSmartRows(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "smart.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[int]int{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([0-9 -]+) \|`).FindAllStringSubmatch(string(text), -1) {
		for _, one := range strings.Fields(m[1]) {
			first, last, ok := strings.Cut(one, "-")
			if !ok {
				last = first
			}
			from, err1 := strconv.Atoi(first)
			to, err2 := strconv.Atoi(last)
			if err1 != nil || err2 != nil || from > to {
				t.Fatalf("rows %s", one)
			}
			for ; from <= to; from++ {
				listed[from]++
			}
		}
	}
	root := os.Getenv("WARDKEEP_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	file, err := os.Open(filepath.Join(root, "smart_app_launch_test_kit_requirements.csv"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the list of requirements is not beside the checkout")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil || len(rows) < 500 || rows[0][5] != "Actors" {
		t.Fatalf("%d rows: %v", len(rows), err)
	}
	servers := 0
	for _, row := range rows[1:] {
		if row[5] != "Server" {
			continue
		}
		servers++
		id, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(row[1])
		}
		if listed[id] != 1 {
			t.Errorf("row %d stands there %d times", id, listed[id])
			listed[id] = 1
		}
	}
	if servers < 500 {
		t.Fatalf("%d rows for servers", servers)
	}
}
