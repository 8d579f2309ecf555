package policies_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/policies"
)

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(files fs.FS, err error) (*authz.Policy, error) {
	if err != nil {
		return nil, err
	}
	return authz.NewAt(files, clock.System{})
}

const noLab = `@id("lab-is-closed")
@says("The laboratory sees nothing here.")
forbid (principal is Person in Role::"lab", action, resource);
`

func shipped(t *testing.T, name string) string {
	t.Helper()
	text, err := fs.ReadFile(policies.Files, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestOver lays files over those of the program: one more, and one in another's place.
func TestOver(t *testing.T) {
	before, err := read(policies.Files, nil)
	if err != nil {
		t.Fatal(err)
	}
	empty, err := read(policies.Over(folder(t, nil)))
	if err != nil || empty.Version() != before.Version() {
		t.Errorf("an empty folder changes the rules: %v", err)
	}
	added, err := read(policies.Over(folder(t, map[string]string{"closed.cedar": noLab, ".closed.cedar.swp": "(", "..data": "x"})))
	if err != nil || added.Version() == before.Version() {
		t.Fatalf("a file that was added: %v", err)
	}
	replaced := folder(t, map[string]string{"lab.cedar": noLab})
	instead, err := read(policies.Over(replaced))
	if err != nil || instead.Version() == before.Version() || instead.Version() == added.Version() {
		t.Fatalf("a file in another's place: %v", err)
	}
	files, _ := policies.Over(replaced)
	for name, want := range map[string]string{"lab.cedar": noLab, "nurse.cedar": shipped(t, "nurse.cedar"), "types.txt": shipped(t, "types.txt")} {
		if got, err := fs.ReadFile(files, name); err != nil || string(got) != want {
			t.Errorf("%s is another one: %v", name, err)
		}
	}
	table := strings.ReplaceAll(shipped(t, "monitoring.txt"), "\r", "") + "\n# ours\n"
	if p, err := read(policies.Over(folder(t, map[string]string{"monitoring.txt": table}))); err != nil || p.Version() == before.Version() {
		t.Errorf("a table: %v", err)
	}
}

// TestOverRefuses: what is wrong is refused whole, by file and line.
func TestOverRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		words []string
	}{
		"no Cedar":             {map[string]string{"own.cedar": "permit (\n  principal,\n  nonsense\n);"}, []string{"own.cedar", ":4:1"}},
		"not of the schema":    {map[string]string{"own.cedar": "\n" + strings.ReplaceAll(noLab, "Role", "Rule")}, []string{"own.cedar", "line 2"}},
		"an unknown role":      {map[string]string{"own.cedar": strings.ReplaceAll(noLab, `"lab"`, `"labs"`)}, []string{"own.cedar", "line 1"}},
		"nothing said":         {map[string]string{"own.cedar": "\n\npermit (principal, action, resource);"}, []string{"own.cedar", "line 3", "@says"}},
		"a name used twice":    {map[string]string{"a.cedar": noLab, "b.cedar": noLab}, []string{"b.cedar", "line 1", "twice"}},
		"a table":              {map[string]string{"types.txt": shipped(t, "types.txt") + "\nnonsense\n"}, []string{"types", "line"}},
		"another table":        {map[string]string{"fields.txt": "\nnonsense\n"}, []string{"fields.txt", "line 2"}},
		"a table of codes":     {map[string]string{"monitoring.txt": "nonsense\n"}, []string{"monitoring.txt", "line 1"}},
		"a table of kinds":     {map[string]string{"confidential.txt": "nonsense\n"}, []string{"confidential.txt", "line 1"}},
		"the program's words":  {map[string]string{"wardkeep.cedarschema": "namespace Wardkeep {}"}, []string{"wardkeep.cedarschema", "belong to the program"}},
		"a misspelt name":      {map[string]string{"nurse.ceder": noLab}, []string{"nurse.ceder", "would not be read"}},
		"a page":               {map[string]string{"README.md": "x"}, []string{"README.md"}},
		"a program":            {map[string]string{"policies.go": "x"}, []string{"policies.go"}},
		"what nobody asks for": {map[string]string{"decisions.golden": "x"}, []string{"decisions.golden"}},
	} {
		_, err := read(policies.Over(folder(t, c.files)))
		for _, want := range c.words {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	open := folder(t, map[string]string{"own.cedar": noLab})
	for _, path := range []string{filepath.Join(open, "own.cedar"), open} {
		if err := os.Chmod(path, 0o777); err != nil {
			t.Fatal(err)
		}
		if _, err := policies.Over(open); err == nil || !strings.Contains(err.Error(), "chmod o-w "+path) {
			t.Errorf("open to all: %v", err)
		}
	}
	for name, dir := range map[string]string{"none": filepath.Join(t.TempDir(), "none"), "a file": filepath.Join(folder(t, map[string]string{"x": ""}), "x")} {
		if _, err := policies.Over(dir); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	below := folder(t, nil)
	if err := os.Mkdir(filepath.Join(below, "more.cedar"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := policies.Over(below); err == nil {
		t.Error("a folder in the folder")
	}
}
