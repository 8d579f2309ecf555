package internal_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// neverShipped are packages that nothing shipped needs, and why.
var neverShipped = map[string]string{
	"os/exec": "no other program is started", "plugin": "no code is loaded", "unsafe": "memory is the language's business", "C": "the same",
	"text/template": "templates are html/template's", "net/smtp": "no mail is sent", "encoding/gob": "what comes in says no types",
	"math/rand": "chance is crypto/rand's", "math/rand/v2": "chance is crypto/rand's",
	"crypto/md5": "weak", "crypto/sha1": "weak", "crypto/des": "weak", "crypto/rc4": "weak", "crypto/dsa": "weak",
	"golang.org/x/crypto/md4": "weak", "golang.org/x/crypto/ripemd160": "weak", "golang.org/x/crypto/blowfish": "weak", "golang.org/x/crypto/cast5": "weak",
	"golang.org/x/crypto/tea": "weak", "golang.org/x/crypto/xtea": "weak", "golang.org/x/crypto/twofish": "weak", "golang.org/x/crypto/salsa20": "not authenticated",
	"net/http/pprof": "nothing for debugging is served", "expvar": "the same", "log": "log/slog is the one log", "log/syslog": "the same",
}

// tools are packages that are not in the programs that are shipped, and the
// synthetic hospital, whose chance has to be the same each time.
var tools = regexp.MustCompile(`^(attack|e2e|bench|supply)(/|$)|/(gen|traindict|storetest|portaltest|demo)$`)

func unwanted(f file) []string {
	var out []string
	for _, imp := range f.imports {
		if why := neverShipped[imp]; why != "" && !f.test && !tools.MatchString(f.pkg) {
			out = append(out, fmt.Sprintf("%s imports %s: %s", f.path, imp, why))
		}
	}
	return out
}

func TestShippedImports(t *testing.T) {
	for _, f := range sources(t) {
		for _, bad := range unwanted(f) {
			t.Error(bad)
		}
	}
	if len(unwanted(file{path: "x.go", pkg: "internal/portal", imports: []string{"os/exec", "fmt"}})) != 1 {
		t.Error("a planted import is not seen")
	}
}

// weak are words that no shipped source may hold: modes without authentication,
// blocks one by one, padding that tells, TLS that trusts anybody.
var weak = regexp.MustCompile(`cipher\.New(CBC|CFB|CTR|OFB)|(En|De)cryptPKCS1v15|InsecureSkipVerify|tls\.(VersionSSL30|VersionTLS10|VersionTLS11|RenegotiateOnce)|x509\.SHA1|elliptic\.P224|block\.(En|De)crypt\(|tls\.TLS_RSA_|_CBC_SHA|crypto\.(MD5|SHA1)\b`)

func TestNoWeakCrypto(t *testing.T) {
	for _, f := range sources(t) {
		if f.test || tools.MatchString(f.pkg) {
			continue
		}
		text, err := os.ReadFile(filepath.Join("..", f.path))
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range weak.FindAllString(string(text), -1) {
			t.Errorf("%s: %s", f.path, bad)
		}
	}
	for _, planted := range []string{"&tls.Config{InsecureSkipVerify: true}", "block.Encrypt(dst, src)", "cipher.NewCBCEncrypter(b, iv)", "rsa.EncryptPKCS1v15(r, k, m)", "tls.TLS_RSA_WITH_AES_128_GCM_SHA256"} {
		if !weak.MatchString(planted) {
			t.Errorf("planted, and not seen: %s", planted)
		}
	}
}

// formats are the places of calls of package fmt whose format is made at run time.
func formats(name, src string) ([]string, error) {
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, name, src, 0)
	if err != nil {
		return nil, err
	}
	place := map[string]int{"Sprintf": 0, "Errorf": 0, "Printf": 0, "Fprintf": 1, "Appendf": 1}
	var out []string
	ast.Inspect(tree, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		pkg, _ := sel.X.(*ast.Ident)
		at, known := place[sel.Sel.Name]
		if known && pkg != nil && pkg.Name == "fmt" && len(call.Args) > at && !written(call.Args[at]) {
			out = append(out, set.Position(call.Pos()).String())
		}
		return true
	})
	return out, nil
}

// written reports whether an expression is made of literals alone, or is the format
// of a function that is one of the kind itself, whose callers go vet looks at.
func written(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return e.Kind == token.STRING
	case *ast.BinaryExpr:
		return written(e.X) && written(e.Y)
	case *ast.Ident:
		return e.Name == "format" || e.Obj != nil && e.Obj.Kind == ast.Con
	}
	return false
}

// tables are files that choose among formats of their own.
var tables = []string{"cmd/wardkeep/app/pins.go"}

func TestFormatsAreWritten(t *testing.T) {
	for _, f := range sources(t) {
		if f.test || f.generated || tools.MatchString(f.pkg) || slices.Contains(tables, f.path) {
			continue
		}
		text, err := os.ReadFile(filepath.Join("..", f.path))
		if err != nil {
			t.Fatal(err)
		}
		found, err := formats(f.path, string(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, place := range found {
			t.Errorf("%s: the format is made at run time", place)
		}
	}
	planted := "package x\nfunc f(s string) { fmt.Errorf(s); fmt.Fprintf(w, \"a\"+s); fmt.Sprintf(\"%s\", s) }"
	if found, err := formats("x.go", planted); err != nil || len(found) != 2 {
		t.Errorf("of two planted formats %v are seen, %v", found, err)
	}
}

// tameless are words by which a script of a page would run text, take another site's
// word, change what objects are, or keep what it was shown.
var tameless = []string{
	"eval(", "new Function", "innerHTML =", "outerHTML =", "insertAdjacentHTML", "document.write", "createContextualFragment", "srcdoc",
	"window.addEventListener(\"message\"", "onmessage", "__proto__", "Object.assign(", "setPrototypeOf", "sessionStorage", "indexedDB", "caches.",
	"serviceWorker", "document.cookie", "\"paste\"", "https://", "http://", "import(",
}

var storage = regexp.MustCompile(`localStorage[^\n]{0,40}`)

// wild is what a script has of that, and what it keeps in the browser but a time.
func wild(text string) (out []string) {
	for _, word := range tameless {
		if strings.Contains(text, word) {
			out = append(out, word)
		}
	}
	for _, use := range storage.FindAllString(text, -1) {
		if !strings.HasPrefix(use, "localStorage.setItem(stampKey, String(last))") && !strings.HasPrefix(use, "localStorage.getItem(") {
			out = append(out, "keeps "+use)
		}
	}
	return out
}

// TestScriptsAreTame reads the sources of all scripts of ours, and how pages hold that of
// others: what it has for running text is turned off, and the policy forbids it.
func TestScriptsAreTame(t *testing.T) {
	read := 0
	err := filepath.WalkDir("../web/src", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !slices.Contains([]string{".ts", ".js", ".mjs"}, filepath.Ext(name)) {
			return err
		}
		read++
		text, err := os.ReadFile(name)
		for _, word := range wild(string(text)) {
			t.Errorf("%s: %s", name, word)
		}
		return err
	})
	if err != nil || read < 8 {
		t.Fatalf("%d scripts: %v", read, err)
	}
	page, err := os.ReadFile("portal/templates/parts/page.html")
	if err != nil || !strings.Contains(string(page), `"allowEval":false,"selfRequestsOnly":true`) {
		t.Errorf("htmx may run text, or ask other sites: %v", err)
	}
	for _, planted := range []string{
		"eval(x)", "el.innerHTML = x", "a.__proto__ = b", "Object.assign(a, b)", "sessionStorage.x = y", "localStorage.name = who", "localStorage[key] = x",
		"localStorage.setItem(\"who\", name)", "const kept = localStorage;", "fetch(\"https://example.org\")",
	} {
		if len(wild(planted)) == 0 {
			t.Errorf("planted, and not seen: %s", planted)
		}
	}
	if found := wild(`localStorage.setItem(stampKey, String(last)); el.textContent = x`); len(found) != 0 {
		t.Errorf("what is tame is not: %q", found)
	}
}
