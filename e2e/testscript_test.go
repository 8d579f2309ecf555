package e2e_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/e2e/testscript"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/path"
)

// notYet are the scripts of what is not served yet, each with the reason.
var notYet = map[string]string{}

// TestScripts runs the public TestScripts against a real server over TLS.
func TestScripts(t *testing.T) {
	root := testdata(t, "testscripts")
	var files []string
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".json") {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) < 30 {
		t.Fatalf("%d scripts: %v", len(files), err)
	}
	own := filepath.Join("testscript", "testdata", "life-of-a-record.json")
	files = append(files, own)
	a := startDemoIn(t, []string{"WARDKEEP_SEARCH_IN_URLS=all"}, "", "--patients", "2").client("system/*.cruds")
	target := testscript.Target{
		Base: a.base + "/fhir", Client: a.http, Eval: values,
		Authorize: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+a.token) },
	}
	passed := map[string]int{}
	total := map[string]int{}
	for _, file := range files {
		name, err := filepath.Rel(root, file)
		if err != nil || file == own {
			name = file
		}
		set := strings.Join(strings.Split(filepath.ToSlash(filepath.Dir(name)), "/")[:1], "/")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		script, err := testscript.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		target.Dir = filepath.Dir(file)
		for _, r := range testscript.Run(context.Background(), target, script) {
			total[set]++
			reason, excused := notYet[filepath.ToSlash(name)]
			switch {
			case len(r.Failures) == 0:
				passed[set]++
				if excused {
					t.Errorf("%s: passes now: take it from the list", name)
				}
			case excused:
				t.Logf("%s: %s: not yet: %s", name, r.Test, reason)
			default:
				t.Errorf("%s: %s: %s", name, r.Test, strings.Join(r.Failures, "; "))
			}
		}
	}
	for set, n := range total {
		t.Logf("%s: %d of %d tests pass", set, passed[set], n)
	}
}

// values finds what an expression selects, as text.
func values(resource []byte, expression string) ([]string, error) {
	res, err := fhir.Parse(resource)
	if err != nil {
		return nil, err
	}
	compiled, err := path.Compile(expression)
	if err != nil {
		return nil, err
	}
	found, err := compiled.Eval(nil, res.Root())
	var list []string
	for _, v := range found {
		list = append(list, v.Text())
	}
	return list, err
}
