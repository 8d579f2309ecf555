package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestNothingIsSharedByTheProcess: what packages hold outside of values is the same for
// all organisations that a process serves. Tables are; caches, counters, locks and
// channels are not to be. (What is computed once, without input, is a table.)
func TestNothingIsSharedByTheProcess(t *testing.T) {
	for _, f := range sources(t) {
		product := strings.HasPrefix(f.path, "internal/") || strings.HasPrefix(f.path, "cmd/") || strings.HasPrefix(f.path, "policies/")
		if !product || f.test || f.generated {
			continue
		}
		for _, name := range shared(t, filepath.Join("..", f.path), nil) {
			t.Errorf("%s: %s is shared by all organisations of a process; make it a field", f.path, name)
		}
	}
}

// TestSharedIsSeen is the negative control.
func TestSharedIsSeen(t *testing.T) {
	planted := `package p
import ("sync"; "sync/atomic")
var cache sync.Map
var pool = &sync.Pool{}
var places = make(chan struct{}, 2)
var seen = make(map[string]bool)
var known = map[string]string{}
var (count atomic.Int64; last *atomic.Int64)
var mu, other sync.Mutex
var guarded struct{ mu sync.RWMutex }
var table = map[string]string{"a": "b"}
var list = []string{"a"}
var once = sync.OnceValue(func() map[string]string { return make(map[string]string) })
var made = func() map[string]string { return make(map[string]string) }()
`
	if found := shared(t, "planted.go", planted); strings.Join(found, " ") != "cache pool places seen known count last mu other guarded" {
		t.Errorf("seen: %v", found)
	}
}

// shared are the variables of a file outside of functions that hold what changes.
func shared(t *testing.T, path string, src any) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		vars, ok := decl.(*ast.GenDecl)
		if !ok || vars.Tok != token.VAR {
			continue
		}
		for _, spec := range vars.Specs {
			if v := spec.(*ast.ValueSpec); changes(v) {
				for _, name := range v.Names {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}

func changes(v *ast.ValueSpec) (found bool) {
	ast.Inspect(v, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit, *ast.FuncType:
			return false
		case *ast.ChanType:
			found = true
		case *ast.CallExpr:
			if name, ok := n.Fun.(*ast.Ident); ok && name.Name == "make" && isMap(n.Args[0]) {
				found = true
			}
		case *ast.CompositeLit:
			if isMap(n.Type) && len(n.Elts) == 0 {
				found = true
			}
		case *ast.SelectorExpr:
			if pkg, ok := n.X.(*ast.Ident); ok && (pkg.Name == "atomic" || pkg.Name == "sync" && !strings.HasPrefix(n.Sel.Name, "Once")) {
				found = true
			}
		}
		return true
	})
	return found
}

func isMap(e ast.Expr) bool {
	_, ok := e.(*ast.MapType)
	return ok
}
