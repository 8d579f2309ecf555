package portal_test

import (
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"text/template/parse"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/portal"
)

// formatting are the built-in functions that make text out of values. Templates
// print what package clinical made and may use none of them.
var formatting = []string{"print", "printf", "println", "html", "js", "urlquery", "len", "index", "slice", "call"}

// unprintable are fields that carry raw values for sorting and drawing.
var unprintable = []string{"Order", "Point", "Rank", "Key"}

// mayTest lists where an unprintable field may be asked about, not printed.
var mayTest = []string{"Key"}

// lint returns what a template does that templates may not do.
func lint(name, source string) ([]string, error) {
	trees, err := parse.Parse(name, source, "", "", builtins())
	if err != nil {
		return nil, err
	}
	var found []string
	for _, tree := range trees {
		if tree.Root != nil {
			walk(tree.Root, false, func(s string) { found = append(found, name+": "+s) })
		}
	}
	return found, nil
}

func builtins() map[string]any {
	known := map[string]any{}
	for _, f := range append([]string{"and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge"}, formatting...) {
		known[f] = true
	}
	return known
}

func walk(n parse.Node, condition bool, report func(string)) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, c := range n.Nodes {
				walk(c, condition, report)
			}
		}
	case *parse.ActionNode:
		walk(n.Pipe, false, report)
	case *parse.IfNode:
		branch(&n.BranchNode, true, report)
	case *parse.RangeNode:
		branch(&n.BranchNode, false, report)
	case *parse.WithNode:
		branch(&n.BranchNode, false, report)
	case *parse.TemplateNode:
		if n.Pipe != nil {
			walk(n.Pipe, false, report)
		}
	case *parse.PipeNode:
		for _, c := range n.Cmds {
			for _, a := range c.Args {
				walk(a, condition, report)
			}
		}
	case *parse.IdentifierNode:
		if slices.Contains(formatting, n.Ident) {
			report("formats with " + n.Ident)
		}
	case *parse.FieldNode:
		names(n.Ident, condition, report)
	case *parse.VariableNode:
		names(n.Ident[1:], condition, report)
	case *parse.ChainNode:
		walk(n.Node, condition, report)
		names(n.Field, condition, report)
	case *parse.NumberNode:
		report("has the number " + n.Text)
	}
}

func branch(n *parse.BranchNode, condition bool, report func(string)) {
	walk(n.Pipe, condition, report)
	walk(n.List, false, report)
	if n.ElseList != nil {
		walk(n.ElseList, false, report)
	}
}

func names(idents []string, condition bool, report func(string)) {
	for _, id := range idents {
		if slices.Contains(unprintable, id) && !(condition && slices.Contains(mayTest, id)) {
			report("reads the raw " + id)
		}
	}
}

func TestTemplatesFormatNothing(t *testing.T) {
	files := 0
	err := fs.WalkDir(os.DirFS("templates"), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		src, err := os.ReadFile("templates/" + path)
		if err != nil {
			return err
		}
		found, err := lint(path, string(src))
		for _, f := range found {
			t.Error(f)
		}
		for _, banned := range []string{"<style", " style=", "onclick", "onload", "onerror", "javascript:", "hx-on", "<script>", "http://", "https://"} {
			if strings.Contains(strings.ToLower(string(src)), banned) {
				t.Errorf("%s: has %q, which the content security policy forbids or a page never needs", path, banned)
			}
		}
		return err
	})
	if err != nil || files < 15 {
		t.Fatalf("%d templates read: %v", files, err)
	}
}

// TestLintSees is the negative control.
func TestLintSees(t *testing.T) {
	for _, bad := range []string{
		`{{printf "%.1f" .Value}}`, `{{.Value | printf "%s"}}`, `{{if .A}}{{else}}{{len .Rows}}{{end}}`,
		`{{.Order}}`, `{{range .Rows}}{{.Point.Value}}{{end}}`, `{{with $x := .Row}}{{$x.Order}}{{end}}`,
		`{{template "part" (slice .Name 0 3)}}`, `{{.Key}}`, `{{define "x"}}{{js .A}}{{end}}`,
	} {
		if found, err := lint("planted", bad); err != nil || len(found) == 0 {
			t.Errorf("%s was not seen (%v)", bad, err)
		}
	}
	if found, err := lint("planted", `{{if .Key}}{{.Name}}{{end}}{{if eq .At "x"}}{{else if not .B}}{{.C}}{{end}}`); err != nil || len(found) != 0 {
		t.Errorf("harmless: %v %v", found, err)
	}
}

// rawTypes must not be reachable from what templates are given, but through
// fields that templates may not name.
var rawTypes = []reflect.Type{reflect.TypeFor[time.Time](), reflect.TypeFor[fhir.Node](), reflect.TypeFor[fhir.Resource](), reflect.TypeFor[float64](), reflect.TypeFor[float32]()}

func rawFields(typ reflect.Type, path string, seen map[reflect.Type]bool) []string {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Array || typ.Kind() == reflect.Map {
		typ = typ.Elem()
	}
	if slices.Contains(rawTypes, typ) {
		return []string{path + " is a " + typ.String()}
	}
	if typ.Kind() != reflect.Struct || seen[typ] {
		return nil
	}
	seen[typ] = true
	var found []string
	for i := range typ.NumField() {
		f := typ.Field(i)
		if f.IsExported() && !slices.Contains(unprintable, f.Name) {
			found = append(found, rawFields(f.Type, path+"."+f.Name, seen)...)
		}
	}
	return found
}

func TestViewModelsHoldOnlyWords(t *testing.T) {
	models := portal.ViewModels()
	if len(models) < 12 {
		t.Fatalf("only %d view models", len(models))
	}
	for _, m := range models {
		for _, f := range rawFields(reflect.TypeOf(m), reflect.TypeOf(m).String(), map[reflect.Type]bool{}) {
			t.Error(f)
		}
	}
	type planted struct{ When time.Time }
	if len(rawFields(reflect.TypeFor[planted](), "planted", map[reflect.Type]bool{})) == 0 {
		t.Error("a planted time was not seen")
	}
}
