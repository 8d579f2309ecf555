package internal_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// asvsRow is one requirement as docs/asvs.md tells of it.
type asvsRow struct{ level, what, how, state string }

var (
	asvsLine = regexp.MustCompile(`(?m)^\| (V\d+\.\d+\.\d+) \| (\d) \| (.+) \| (.+) \| (.+) \|$`)
	openLine = regexp.MustCompile(`(?m)^- \*\*(V\d+\.\d+\.\d+)\*\*: .{20,}`)
)

// kind is met, n/a or open; "" if it is none of them.
func (r asvsRow) kind() string {
	switch {
	case (r.state == "n/a" || r.state == "open") && len(r.how) >= 10:
		return r.state
	case regexp.MustCompile("^`\\w+\\.Test\\w+`(, `\\w+\\.Test\\w+`)*$").MatchString(r.state):
		return "met"
	}
	return ""
}

// readASVS reads the rows of a text, and what is wrong with them.
func readASVS(text string) (rows map[string]asvsRow, wrong []string) {
	rows = map[string]asvsRow{}
	for _, m := range asvsLine.FindAllStringSubmatch(text, -1) {
		if _, twice := rows[m[1]]; twice {
			wrong = append(wrong, m[1]+" stands there twice")
		}
		rows[m[1]] = asvsRow{m[2], m[3], m[4], m[5]}
	}
	var open, told []string
	count := map[string]int{}
	for id, r := range rows {
		kind := r.kind()
		if count[kind]++; kind == "" {
			wrong = append(wrong, id+" is neither met by tests, nor n/a or open with a reason")
		}
		if kind == "open" {
			open = append(open, id)
		}
	}
	for _, m := range openLine.FindAllStringSubmatch(text, -1) {
		told = append(told, m[1])
	}
	slices.Sort(open)
	slices.Sort(told)
	if !slices.Equal(open, told) {
		wrong = append(wrong, fmt.Sprintf("open are %v, told at the end %v", open, told))
	}
	sum := fmt.Sprintf("%d rows: %d met, %d do not apply, %d open.", len(rows), count["met"], count["n/a"], count["open"])
	if !strings.Contains(text, sum) {
		wrong = append(wrong, "the page does not say: "+sum)
	}
	return rows, wrong
}

// TestASVSRows holds docs/asvs.md to itself and to the list of OWASP: each row of levels
// 1 and 2 stands there once, at its level, with tests, or with the reason why not.
func TestASVSRows(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "asvs.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows, wrong := readASVS(string(text))
	for _, w := range wrong {
		t.Error(w)
	}
	root := os.Getenv("WARDKEEP_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	file, err := os.Open(filepath.Join(root, "asvs-5.0.csv"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the list of requirements is not beside the checkout")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	list, err := csv.NewReader(file).ReadAll()
	if err != nil || len(list) < 300 || list[0][4] != "req_id" || list[0][6] != "L" {
		t.Fatalf("%d rows: %v", len(list), err)
	}
	wanted := map[string]string{}
	for _, r := range list[1:] {
		if r[6] == "1" || r[6] == "2" {
			wanted[r[4]] = r[6]
		}
		if r[5] == rows[r[4]].what {
			t.Errorf("%s is in OWASP's words", r[4])
		}
	}
	for id, level := range wanted {
		if rows[id].level != level {
			t.Errorf("%s of level %s is not there, or at level %q", id, level, rows[id].level)
		}
	}
	for id := range rows {
		if wanted[id] == "" {
			t.Errorf("%s is no row of level 1 or 2", id)
		}
	}
	count := map[string]int{}
	for _, r := range rows {
		count[r.kind()]++
	}
	t.Logf("%d rows of levels 1 and 2: %v", len(wanted), slices.Sorted(maps.Keys(count)))
	t.Logf("met %d, n/a %d, open %d", count["met"], count["n/a"], count["open"])
}

// TestASVSRowsSee is the negative control.
func TestASVSRowsSee(t *testing.T) {
	const good = "3 rows: 1 met, 1 do not apply, 1 open.\n| V1.1.1 | 2 | a | b | `p.TestX` |\n| V1.1.2 | 2 | a | there is none | n/a |\n| V1.1.3 | 1 | a | missing here | open |\n- **V1.1.3**: what is missing is this.\n"
	if rows, wrong := readASVS(good); len(wrong) > 0 || len(rows) != 3 {
		t.Fatalf("%v %v", rows, wrong)
	}
	for _, c := range [][2]string{
		{"`p.TestX`", "yes"}, {"`p.TestX`", "`p.TestX`, and more"}, {"there is none", "none"}, {"| V1.1.2", "| V1.1.1"},
		{"- **V1.1.3**", "- **V1.1.2**"}, {"- **V1.1.3**", "V1.1.3"}, {"what is missing is this", "this"}, {"1 open", "no open"}, {"missing here | open", "missing here | n/a"},
	} {
		if _, wrong := readASVS(strings.Replace(good, c[0], c[1], 1)); len(wrong) == 0 {
			t.Errorf("%q in place of %q is not seen", c[1], c[0])
		}
	}
}

var (
	pageLink = regexp.MustCompile(`\]\(([^)#: ]*)(#[^) ]+)?\)`)
	heading  = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

// broken are the links of a page to files or headings that are not there.
func broken(t *testing.T, page, text string) []string {
	t.Helper()
	var out []string
	for _, m := range pageLink.FindAllStringSubmatch(text, -1) {
		target := page
		if m[1] != "" {
			target = filepath.Join(filepath.Dir(page), m[1])
		}
		there, err := os.ReadFile(target)
		if info, statErr := os.Stat(target); statErr == nil && info.IsDir() && m[2] == "" {
			continue
		}
		anchors := map[string]bool{"": true}
		for _, h := range heading.FindAllStringSubmatch(string(there), -1) {
			slug := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(h[1]), "")
			anchors["#"+strings.ReplaceAll(slug, " ", "-")] = true
		}
		if err != nil || !anchors[m[2]] {
			out = append(out, m[0])
		}
	}
	return out
}

// TestDocumentsAreThere: what the pages on controls lead to, section by section, is there.
func TestDocumentsAreThere(t *testing.T) {
	for _, name := range []string{"docs/asvs.md", "docs/controls.md", "SECURITY.md"} {
		page := filepath.Join("..", name)
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range broken(t, page, string(text)) {
			t.Errorf("%s: %s leads nowhere", name, link)
		}
	}
	if len(broken(t, "../docs/asvs.md", "[a](none.md) [b](api.md#no-such-part) [c](api.md#tokens)")) != 2 {
		t.Error("planted links that lead nowhere are not seen")
	}
}
