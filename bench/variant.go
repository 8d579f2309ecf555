package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A variant is the released program with some functions exchanged, to learn what
// they cost. The exchange happens while it is built, in files laid over the
// source (go build -overlay): the source knows no switch, and the program that is
// shipped holds none.
type variant struct {
	name string
	// bodies are the new bodies of functions: file, function, text.
	bodies [][3]string
	// files are new files of the source.
	files map[string]string
}

// nullCipher keeps every structure and every byte of length, and hides nothing.
// Keyed tokens and digests stay: the index is made of them.
var nullCipher = variant{
	name: "null cipher",
	bodies: [][3]string{
		{"internal/seal/box/box.go", "newGCM", `_ = aes.NewCipher; return nullAEAD{}`},
		{"internal/seal/box/box.go", "derive", `_ = func() { _, _ = hkdf.Key(sha256.New, nil, nil, "", 0) }; return make([]byte, CommitmentSize+KeySize)`},
		{"internal/seal/box/content.go", "expand", `_ = func() { _, _ = hkdf.Expand(sha256.New, nil, "", 0) }; return make([]byte, n)`},
		{"internal/seal/box/selftest.go", "SelfTest", `return nil`},
		{"internal/seal/file/file.go", "newGCM", `_, _ = aes.NewCipher, cipher.NewGCM; return nullChunks{}, nil`},
	},
	files: map[string]string{
		"internal/seal/box/null.go": `package box

type nullAEAD struct{}

func (nullAEAD) NonceSize() int { return 0 }
func (nullAEAD) Overhead() int  { return NonceSize + TagSize }
func (nullAEAD) Seal(dst, _, plaintext, _ []byte) []byte {
	dst = append(dst, make([]byte, NonceSize)...)
	return append(append(dst, plaintext...), make([]byte, TagSize)...)
}
func (nullAEAD) Open(dst, _, sealed, _ []byte) ([]byte, error) {
	if len(sealed) < NonceSize+TagSize {
		return nil, ErrOpen
	}
	return append(dst, sealed[NonceSize:len(sealed)-TagSize]...), nil
}
`,
		"internal/seal/file/null.go": `package file

type nullChunks struct{}

func (nullChunks) NonceSize() int { return 12 }
func (nullChunks) Overhead() int  { return tagSize }
func (nullChunks) Seal(dst, _, text, _ []byte) []byte {
	return append(append(dst, text...), make([]byte, tagSize)...)
}
func (nullChunks) Open(dst, _, sealed, _ []byte) ([]byte, error) {
	return append(dst, sealed[:len(sealed)-tagSize]...), nil
}
`,
	},
}

// noAudit writes records without entries and shows them without waiting.
var noAudit = variant{
	name: "no audit",
	bodies: [][3]string{
		{"internal/audit/log.go", "Log.Append", `return nil`},
		{"internal/audit/log.go", "Log.Commit", `if len(b.Puts) > 0 && b.Time.IsZero() { b.Time = l.cfg.Clock.Now() }; return l.cfg.Store.Commit(ctx, b)`},
	},
}

// asReleased is the program as make build makes it.
var asReleased = variant{name: "as released"}

// build builds a variant of the source in root into dir.
func (v variant) build(ctx context.Context, root, dir string) (string, error) {
	binary := filepath.Join(dir, "wardkeep-"+strings.ReplaceAll(v.name, " ", "-"))
	overlay, err := v.overlay(root, binary+".src")
	if err != nil {
		return "", fmt.Errorf("the variant %q cannot be made: %w", v.name, err)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-overlay", overlay, "-o", binary, "./cmd/wardkeep")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the variant %q does not build: %w: %s", v.name, err, tail(string(out)))
	}
	return binary, nil
}

// overlay writes the changed files into dir and returns the file that names them.
func (v variant) overlay(root, dir string) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	texts := map[string]string{}
	for name, text := range v.files {
		texts[name] = text
	}
	for _, change := range v.bodies {
		file, function, body := change[0], change[1], change[2]
		if _, ok := texts[file]; !ok {
			text, err := os.ReadFile(filepath.Join(root, file))
			if err != nil {
				return "", err
			}
			texts[file] = string(text)
		}
		if texts[file], err = exchange(texts[file], function, body); err != nil {
			return "", err
		}
	}
	replace := map[string]string{}
	for name, text := range texts {
		path := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			return "", err
		}
		replace[filepath.Join(root, name)] = path
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := dir + ".json"
	return path, os.WriteFile(path, list, 0o644)
}

// exchange gives a function, or a method named as Type.Method, another body.
func exchange(source, function, body string) (string, error) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, "", source, 0)
	if err != nil {
		return "", err
	}
	var found *ast.FuncDecl
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && nameOf(f) == function {
			found = f
		}
	}
	if found == nil || found.Body == nil {
		return "", fmt.Errorf("there is no function %s", function)
	}
	from, to := files.Position(found.Body.Lbrace).Offset, files.Position(found.Body.Rbrace).Offset
	return source[:from+1] + body + source[to:], nil
}

func nameOf(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	typ := f.Recv.List[0].Type
	if pointer, ok := typ.(*ast.StarExpr); ok {
		typ = pointer.X
	}
	if name, ok := typ.(*ast.Ident); ok {
		return name.Name + "." + f.Name.Name
	}
	return ""
}
